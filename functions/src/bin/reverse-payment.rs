//! See [`functions::checkout::modifications::reversal::ReversePayment`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::modifications::reversal::ReversePayment>(), functions::wire)
}
