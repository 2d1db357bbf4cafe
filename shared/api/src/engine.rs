//! Everything an endpoint may use.

use std::sync::Arc;

use app::{App, CommitLog, Meter, Partners, Random, Streams, Webhooks, access::Access, ports::Clock};
use domain::MerchantAccount;
use partners::{Accounts, Credits, Sandbox};

use crate::{Secrets, Tokens, secrets::SecretsError};

/// The engine, wired: what endpoints are handed. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// Use cases on orders.
    pub app: App,
    /// Merchant accounts and API keys.
    pub access: Access,
    /// Gift cards.
    pub accounts: Accounts,
    /// Credit.
    pub credits: Credits,
    /// The sandbox acquirer's page.
    pub sandbox: Sandbox,
    /// Webhook endpoints.
    pub webhooks: Webhooks,
    /// Merchant accounts whose webhook endpoints may be on this machine, and without TLS.
    pub test_merchants: Vec<MerchantAccount>,
    /// `orderData`.
    pub tokens: Tokens,
}

impl Engine {
    /// Wires the engine over a commit log. `public_url` is where shoppers' browsers reach it; if that is not known
    /// yet, the engine is told later, by [`Engine::found_at`].
    ///
    /// # Errors
    /// Secrets that cannot be used.
    pub fn wire(
        log: Arc<dyn CommitLog>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        secrets: &Secrets,
        public_url: Option<&str>,
    ) -> Result<Self, SecretsError> {
        let streams = Streams::new(log, clock, random);
        let prints = secrets.prints()?;
        let accounts = Accounts::new(streams.clone(), prints.clone());
        let sandbox = Sandbox::new(streams.clone());
        if let Some(public_url) = public_url {
            sandbox.found_at(public_url);
        }
        let webhooks = Webhooks::new(streams.clone(), prints.clone());
        let credits = Credits::new(streams.clone(), prints.clone());
        let partners = Partners {
            accounts: Arc::new(accounts.clone()),
            sandbox: Arc::new(sandbox.clone()),
            credit: Arc::new(credits.clone()),
        };
        let app = App::new(streams.clone(), prints, partners);
        let access = Access::new(streams, app.prints.clone(), secrets.operator_key_hash());
        let tokens = secrets.tokens()?;
        Ok(Self { app, access, accounts, credits, sandbox, webhooks, test_merchants: Vec::new(), tokens })
    }

    /// Tells the engine where shoppers' browsers reach it. What it was told first stands.
    pub fn found_at(&self, public_url: &str) {
        self.sandbox.found_at(public_url);
    }

    /// The same, counted by `meter`.
    #[must_use]
    pub fn with_meter(self, meter: Arc<dyn Meter>) -> Self {
        Self { app: self.app.with_meter(meter), ..self }
    }

    /// The same, with merchant accounts whose webhook endpoints may be on this machine. Only for an engine on
    /// the machine of whoever tries it: elsewhere they would reach what is behind the firewall.
    #[must_use]
    pub fn with_test_merchants(self, test_merchants: Vec<MerchantAccount>) -> Self {
        Self { test_merchants, ..self }
    }
}
