//! See [`functions::orderprocessing::refund::RefundTransaction`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::refund::RefundTransaction>(), functions::wire)
}
