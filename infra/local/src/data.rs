//! The data folder: the database, the secrets, the keys, and a lock.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use api::Secrets;
use app::{Random, system::OsRandom};
use data_encoding::BASE32_NOPAD;
use secrecy::{ExposeSecret, SecretString};

use crate::StartError;

/// Characters of a key. It has to pass through headers and shells as it is.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 8..=256;

/// A data folder that belongs to this process.
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Locked for as long as it is open; the operating system unlocks it however the process ends.
    _lock: File,
}

impl DataFolder {
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::Folder { folder: path.to_owned(), source };
        create_private(path).map_err(failed)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.file("tender.db")
    }

    pub(crate) fn secrets_file(&self) -> PathBuf {
        self.file("secrets.json")
    }

    /// The key kept under `name`: the one given, else the one kept, else a new one.
    pub(crate) fn key(&self, name: &'static str, given: Option<&SecretString>) -> Result<SecretString, StartError> {
        if let Some(given) = given {
            return if is_key(given.expose_secret()) { Ok(given.clone()) } else { Err(StartError::GivenKey(name)) };
        }
        let kept = self.keep(name, || {
            let mut entropy = [0; 20];
            OsRandom.fill(&mut entropy);
            format!("tender_{}\n", BASE32_NOPAD.encode(&entropy).to_lowercase())
        })?;
        let kept = kept.trim();
        if is_key(kept) { Ok(kept.into()) } else { Err(StartError::KeptKey(self.file(name))) }
    }

    /// The secrets, drawn at the first start. The operator's key may change from start to start.
    pub(crate) fn secrets(&self, operator_key_hash: &str) -> Result<Secrets, StartError> {
        // Drawn anew beside a database, they would make everything in it unfindable.
        if self.database().exists() && !self.secrets_file().exists() {
            return Err(StartError::SecretsMissing(self.secrets_file()));
        }
        let json = self.keep("secrets.json", || Secrets::draw(&OsRandom, None))?;
        let secrets =
            Secrets::from_json(&json).map_err(|source| StartError::Secrets { file: self.secrets_file(), source })?;
        Ok(secrets.with_operator(operator_key_hash))
    }

    /// The content of a file that only its owner can read, made if it is not there.
    fn keep(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, StartError> {
        let path = self.file(name);
        let failed = |source| StartError::Folder { folder: self.path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(content) => Ok(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let content = make();
                write_private(&path, &content).map_err(failed)?;
                Ok(content)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Writes a file whole or not at all: a crash must not leave half a key behind.
fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    // The name, too, must outlast a power failure.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn is_key(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    is_plain && KEY_CHARS.contains(&text.len())
}

/// Creates a folder that only its owner can look into; leaves one that is there as it is.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
