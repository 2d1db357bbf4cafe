//! See [`functions::sandbox::tokenise::TokeniseCard`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::sandbox::tokenise::TokeniseCard>(), functions::wire)
}
