//! See [`functions::shopping::operations::authorize::CreateAuthorization`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::operations::authorize::CreateAuthorization>(), functions::wire)
}
