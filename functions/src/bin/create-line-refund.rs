//! See [`functions::shopping::operations::refund::CreateLineRefund`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::operations::refund::CreateLineRefund>(), functions::wire)
}
