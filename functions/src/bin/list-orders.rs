//! See [`functions::shopping::orders::list::ListOrders`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::orders::list::ListOrders>(), functions::wire)
}
