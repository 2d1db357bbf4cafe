//! See [`UpdatePaymentAmount`].
use functions::checkout::modifications::amount_update::UpdatePaymentAmount;
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<UpdatePaymentAmount>(), functions::wire)
}
