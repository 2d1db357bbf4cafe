//! See [`functions::shopping::orders::events::ListEvents`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::orders::events::ListEvents>(), functions::wire)
}
