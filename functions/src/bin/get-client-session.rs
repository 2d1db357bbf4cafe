//! See [`functions::payments::client_sessions::get::GetClientSession`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::payments::client_sessions::get::GetClientSession>(), functions::wire)
}
