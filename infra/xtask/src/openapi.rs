//! The OpenAPI documents, as files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where they are in the repository.
const FOLDER: &str = "infra/openapi";

/// Why a document was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It cannot be rendered.
    #[error("the document {name} cannot be rendered: {source}")]
    Document {
        /// Its name.
        name: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// It cannot be put where it belongs.
    #[error("{} cannot be written: {source}", file.display())]
    File {
        /// Where it belongs.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Every document as it is made from the code, with the file it belongs in.
///
/// # Errors
/// One cannot be rendered.
pub fn documents(repository: &Path) -> Result<Vec<(PathBuf, String)>, WriteError> {
    let document = |(name, document): (&'static str, functions::openapi::Document)| {
        let text = document.to_text().map_err(|source| WriteError::Document { name, source })?;
        Ok((repository.join(FOLDER).join(format!("{name}.json")), text))
    };
    functions::openapi::documents().into_iter().map(document).collect()
}

/// Writes every document where it belongs.
///
/// # Errors
/// One cannot be rendered, or not be written.
pub fn write(repository: &Path) -> Result<(), WriteError> {
    for (file, text) in documents(repository)? {
        fs::write(&file, text).map_err(|source| WriteError::File { file, source })?;
    }
    Ok(())
}
