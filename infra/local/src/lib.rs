//! Tender on one machine: every function in one process, on one SQLite file.
//!
//! *Architecture invariant*: nothing is decided here. The handlers are those the Lambda binaries run; only
//! the ports differ.

pub mod background;
pub mod cli;
mod data;
mod docs;
mod server;
mod welcome;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use api::{Engine, Secrets};
use app::{
    Deliveries, Relay,
    access::{AccessError, NewKey},
    ports::{Clock, Courier, NoBus},
    system::{OsRandom, SystemClock},
};
use domain::{
    MerchantAccount,
    access::{KeyEntry, Role},
};
use partners::accounts::{IssueError, NewGiftCard};
use secrecy::{ExposeSecret, SecretString};
use tokio::{net::TcpListener, sync::oneshot};
use url::Url;

pub use background::Background;
pub use server::{CONNECTIONS_MAX, DRAIN_MAX, Server};
pub use welcome::{first_order, welcome};

use background::Source;
use data::DataFolder;

/// The merchant account that is there from the first start.
pub const TEST_MERCHANT: &str = "TestMerchant";
/// The gift card that is there from the first start.
pub const TEST_GIFT_CARD: &str = "6036280000000000000";
/// Its security code.
pub const TEST_GIFT_CARD_CODE: &str = "123";
/// Its brand.
pub const TEST_GIFT_CARD_BRAND: &str = "givex";
/// What is on it, in cents.
pub const TEST_GIFT_CARD_BALANCE: u64 = 5_000;

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// The folder that holds everything.
    pub data: PathBuf,
    /// Where shoppers' browsers reach the engine, if not at the address it listens on.
    pub public_url: Option<String>,
    /// The API key of [`TEST_MERCHANT`]; drawn at the first start and kept, if not given.
    pub api_key: Option<SecretString>,
    /// The operator's key; drawn at the first start and kept, if not given.
    pub operator_key: Option<SecretString>,
}

/// Why the engine did not start: one line, for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or may not be had.
    #[error("cannot listen on 127.0.0.1:{port}: {source}. Choose another with --port, or --port 0 for any")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The folder cannot be used.
    #[error("cannot use the data folder {}: {source}. Choose another with --data", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process uses the folder.
    #[error("the data folder {} is in use by another tender. Stop that, or choose another with --data", .0.display())]
    InUse(PathBuf),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] embedded::OpenError),
    /// The secrets cannot be used.
    #[error("{}: {source}", file.display())]
    Secrets {
        /// The file.
        file: PathBuf,
        /// Why.
        source: api::secrets::SecretsError,
    },
    /// The secrets are gone, and what they belong to is not.
    #[error("{} is missing beside a database that needs it. Put it back, or choose another folder with --data", .0.display())]
    SecretsMissing(PathBuf),
    /// A key that was given cannot be one.
    #[error("the {0} that was given is not 8 to 256 letters, digits, '_', '-' or '.'")]
    GivenKey(&'static str),
    /// A key that was kept cannot be one.
    #[error("{} holds no key of 8 to 256 letters, digits, '_', '-' or '.'. Delete it to have another drawn", .0.display())]
    KeptKey(PathBuf),
    /// The public URL cannot be one.
    #[error("--public-url is not an http or https URL: {0}")]
    PublicUrl(String),
    /// One key cannot be two callers.
    #[error("the API key and the operator key that were given are the same")]
    SameKeys,
    /// The printed key was revoked.
    #[error("the API key in {} was revoked. Delete that file to have another drawn", .0.display())]
    Revoked(PathBuf),
    /// The database does not take what the first start writes.
    #[error("cannot prepare the data folder: {0}")]
    Prepare(String),
}

/// An engine that is ready to be served.
pub struct Prepared {
    /// Serves it.
    server: Server,
    /// Does what is done without being asked.
    background: Arc<Background>,
    /// The engine.
    pub engine: Engine,
    /// Where it listens.
    pub address: SocketAddr,
    /// The API key of [`TEST_MERCHANT`].
    pub api_key: SecretString,
    /// Where the operator's key is kept, if it was not given.
    pub operator_key_file: Option<PathBuf>,
    /// Keeps other processes out of the folder for as long as it is held.
    _folder: DataFolder,
}

impl Prepared {
    /// Serves until `stop` is done, and ends what is under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = oneshot::channel::<()>();
        let background = tokio::spawn(self.background.run(async {
            let _ = stopped.await;
        }));
        self.server.run(stop).await;
        // Last, so that what the last requests left is done if there is time.
        drop(stopping);
        let _ = background.await;
    }
}

/// Prepares the engine with the machine's clock.
///
/// # Errors
/// [`StartError`].
pub async fn prepare(options: &Options) -> Result<Prepared, StartError> {
    prepare_with(options, Arc::new(SystemClock)).await
}

/// Prepares the engine with a clock of the caller's.
///
/// # Errors
/// [`StartError`].
pub async fn prepare_with(options: &Options, clock: Arc<dyn Clock>) -> Result<Prepared, StartError> {
    let port_error = |source| StartError::Port { port: options.port, source };
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(port_error)?;
    let address = listener.local_addr().map_err(port_error)?;
    let folder = DataFolder::open(&options.data)?;
    let operator_key = folder.key("operator-key", options.operator_key.as_ref())?;
    let api_key = folder.key("api-key", options.api_key.as_ref())?;
    if api_key.expose_secret() == operator_key.expose_secret() {
        return Err(StartError::SameKeys);
    }
    let secrets = folder.secrets(&app::access::key_hash(&operator_key))?;
    let log = Arc::new(embedded::SqliteLog::open(&folder.database())?);
    let public_url = options.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let is_web = Url::parse(&public_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !is_web {
        return Err(StartError::PublicUrl(public_url));
    }
    let engine = wire(Arc::clone(&log), clock, &secrets, &public_url)
        .map_err(|source| StartError::Secrets { file: folder.secrets_file(), source })?;
    let engine = engine.with_test_merchants(test_merchants());
    if furnish(&engine, &api_key).await?.revoked_at.is_some() {
        return Err(StartError::Revoked(folder.file("api-key")));
    }
    let background = background(&engine, Arc::clone(&log) as Arc<dyn Source>, log, courier()?);
    let server = Server::new(listener, engine.clone());
    let operator_key_file = options.operator_key.is_none().then(|| folder.file("operator-key"));
    Ok(Prepared { server, background, engine, address, api_key, operator_key_file, _folder: folder })
}

fn wire(
    log: Arc<embedded::SqliteLog>,
    clock: Arc<dyn Clock>,
    secrets: &Secrets,
    public_url: &str,
) -> Result<Engine, api::secrets::SecretsError> {
    Engine::wire(log, clock, Arc::new(OsRandom), secrets, Some(public_url))
}

/// The merchant accounts whose webhook endpoints may be on this machine, and without TLS.
#[must_use]
pub fn test_merchants() -> Vec<MerchantAccount> {
    MerchantAccount::try_new(TEST_MERCHANT).into_iter().collect()
}

/// Who carries notifications to endpoints.
///
/// # Errors
/// [`StartError::Prepare`], if TLS cannot be spoken.
pub fn courier() -> Result<Arc<dyn Courier>, StartError> {
    let courier = webhooks::HttpCourier::try_new(test_merchants());
    Ok(Arc::new(courier.map_err(|error| StartError::Prepare(error.to_string()))?))
}

/// The background of an engine whose commits come from `source`.
#[must_use]
pub fn background(
    engine: &Engine,
    source: Arc<dyn Source>,
    jobs: Arc<embedded::SqliteLog>,
    courier: Arc<dyn Courier>,
) -> Arc<Background> {
    let relay = Relay::new(engine.webhooks.clone(), Arc::clone(&jobs) as _, Arc::clone(&jobs) as _, Arc::new(NoBus));
    let deliveries = Deliveries::new(engine.app.streams.clone(), engine.webhooks.clone(), courier);
    Background::new(source, jobs, engine.app.clone(), relay, deliveries)
}

/// The merchant account, the key and the gift card of the first order. Does nothing that is done already.
/// Returns the key as it is listed.
///
/// # Errors
/// [`StartError::Prepare`].
pub async fn furnish(engine: &Engine, api_key: &SecretString) -> Result<KeyEntry, StartError> {
    let failed = |error: &dyn std::fmt::Display| StartError::Prepare(error.to_string());
    let merchant = MerchantAccount::try_new(TEST_MERCHANT).map_err(|error| failed(&error))?;
    match engine.access.create_merchant(&merchant).await {
        Ok(()) | Err(AccessError::Exists) => {}
        Err(error @ (AccessError::NotFound | AccessError::Full | AccessError::Store(_))) => return Err(failed(&error)),
    }
    let key = NewKey {
        merchants: vec![merchant.clone()],
        roles: vec![Role::Payments, Role::Admin],
        description: "printed when the engine starts".to_owned(),
    };
    let entry = engine.access.install_key(api_key, &key).await.map_err(|error| failed(&error))?;
    let balance = "EUR"
        .parse()
        .and_then(|euro| domain::Money::try_new(euro, TEST_GIFT_CARD_BALANCE))
        .map_err(|error| failed(&error))?;
    let card = NewGiftCard {
        brand: TEST_GIFT_CARD_BRAND.to_owned(),
        balance,
        number: Some(TEST_GIFT_CARD.into()),
        code: Some(TEST_GIFT_CARD_CODE.into()),
        key: None,
    };
    match engine.accounts.issue(&merchant, card).await {
        Ok(_) | Err(IssueError::Exists) => Ok(entry),
        Err(error @ (IssueError::Store(_) | IssueError::KeyReused)) => Err(failed(&error)),
    }
}
