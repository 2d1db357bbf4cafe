//! The page on which a customer authenticates before credit is spent.
//!
//! Whoever has its address may try: the address holds the `scaToken`, which is of one customer and one amount, and is
//! good for some minutes.

use api::Engine;

/// Where a customer's browser finds the page.
pub(super) fn url(engine: &Engine, token: &str) -> String {
    let host = engine.sandbox.url().unwrap_or_default();
    format!("{host}/cl/merchant-gateway-service/sca/{token}")
}
