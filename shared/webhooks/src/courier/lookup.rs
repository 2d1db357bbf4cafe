//! Names become addresses here, once, and only such as may be connected to.
//!
//! The connection goes to the very addresses that were checked: were the name looked up again to connect, it
//! could lead elsewhere by then.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use app::Fut;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::address::is_allowed;

/// Looks names up.
pub trait Lookup: Send + Sync {
    /// The addresses of a host.
    fn addresses(&self, host: String) -> Fut<'static, io::Result<Vec<IpAddr>>>;
}

/// Looks names up as the operating system does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: String) -> Fut<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupFault {
    /// There is no such name, or nobody who knows.
    #[error("the host's name could not be resolved")]
    NotResolved(#[source] io::Error),
    /// The name is there, and has no address.
    #[error("the host has no address")]
    NoAddress,
    /// It leads where nothing is sent.
    #[error("the host resolves to {0}, which is not a public address")]
    NotPublic(IpAddr),
}

#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) allow_local: bool,
}

impl Resolver {
    /// A name that leads to anything that is not public is refused as a whole: whoever lets a name lead to
    /// both chooses by chance which one is reached.
    fn check(&self, addresses: &[IpAddr]) -> Result<(), LookupFault> {
        if addresses.is_empty() {
            return Err(LookupFault::NoAddress);
        }
        let refused = addresses.iter().find(|address| !is_allowed(**address, self.allow_local));
        refused.map_or(Ok(()), |address| Err(LookupFault::NotPublic(*address)))
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = LookupFault;
    type Future = Fut<'static, Result<Self::Response, LookupFault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookupFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let looked_up = resolver.lookup.addresses(name.as_str().to_owned()).await;
            let addresses = looked_up.map_err(LookupFault::NotResolved)?;
            resolver.check(&addresses)?;
            // The connector fills in the port.
            Ok(addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}
