//! See [`functions::admin::credit::offers::set::SetCreditOffer`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::offers::set::SetCreditOffer>(), functions::wire)
}
