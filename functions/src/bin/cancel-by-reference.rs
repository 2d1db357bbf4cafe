//! See [`CancelByReference`].
use functions::checkout::modifications::technical_cancel::CancelByReference;
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<CancelByReference>(), functions::wire)
}
