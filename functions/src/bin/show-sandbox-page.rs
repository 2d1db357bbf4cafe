//! See [`functions::sandbox::show::ShowSandboxPage`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::sandbox::show::ShowSandboxPage>(), functions::wire)
}
