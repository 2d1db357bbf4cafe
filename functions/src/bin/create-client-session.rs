//! See [`CreateClientSession`].
use functions::payments::client_sessions::create::CreateClientSession;
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<CreateClientSession>(), functions::wire)
}
