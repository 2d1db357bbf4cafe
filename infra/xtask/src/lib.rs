//! What is done to the repository by a command: `cargo run -p xtask -- help`.

pub mod openapi;

use std::path::{Path, PathBuf};

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Why something could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template, or the routes in the manifest.
    #[error(transparent)]
    Template(#[from] sam::Error),
    /// The OpenAPI documents.
    #[error(transparent)]
    Documents(#[from] openapi::WriteError),
}

/// Writes everything that is made from the code.
///
/// # Errors
/// [`Error`].
pub fn generate() -> Result<(), Error> {
    sam::write(&repository())?;
    openapi::write(&repository())?;
    Ok(())
}
