//! See [`functions::shopping::operations::list::ListOperations`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::operations::list::ListOperations>(), functions::wire)
}
