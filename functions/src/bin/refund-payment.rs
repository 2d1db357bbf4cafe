//! See [`functions::checkout::modifications::refund::RefundPayment`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::modifications::refund::RefundPayment>(), functions::wire)
}
