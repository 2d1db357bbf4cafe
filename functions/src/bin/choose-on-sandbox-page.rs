//! See [`functions::sandbox::choose::ChooseOnSandboxPage`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::sandbox::choose::ChooseOnSandboxPage>(), functions::wire)
}
