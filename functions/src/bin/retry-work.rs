//! See [`functions::admin::work::retry::RetryWork`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::work::retry::RetryWork>(), functions::wire)
}
