//! See [`functions::admin::work::list::ListWork`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::work::list::ListWork>(), functions::wire)
}
