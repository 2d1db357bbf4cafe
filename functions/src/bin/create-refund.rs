//! See [`functions::payments::refund::CreateRefund`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::payments::refund::CreateRefund>(), functions::wire)
}
