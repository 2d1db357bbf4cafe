//! The shopper's view: what `orderData` carries.

use super::{KeyPrint, KeyUse, Order, OrderKind};
use crate::{Money, Time, Version};

/// As much of an order as decides a payment, names it, and answers: the content of an `orderData` token.
///
/// What it says is true exactly if the commit after [`ShopperView::version`] does not exist yet, and that
/// is what the conditional write of a payment checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopperView {
    /// The merchant's name for the order.
    pub reference: String,
    /// What is to be paid in all.
    pub amount: Money,
    /// What no live payment covers, in minor units.
    pub remaining: u64,
    /// From when on the order takes no payment.
    pub expires_at: Time,
    /// The version it is the view of.
    pub version: Version,
    /// Whether the order was neither cancelled nor closed.
    pub is_open: bool,
    /// Whether the order ends when its first payment fails.
    pub is_single: bool,
    /// Whether it has terms that only its log tells: then a payment has to read it.
    pub has_session: bool,
    /// Attempts to pay, refused ones included.
    pub attempts: u8,
    /// Live payments whose outcome is not final, and voids and refunds in flight.
    pub unresolved: u16,
    /// Which key seals the order's tokens.
    pub token_key: u32,
    /// Fingerprints of the idempotency keys used on the order.
    pub keys: Vec<[u8; 8]>,
    /// Whether `keys` are all of them; if not, a keyed request has to read the order.
    pub has_all_keys: bool,
}

impl Order {
    /// The shopper's view of this version.
    #[must_use]
    pub fn view(&self) -> ShopperView {
        ShopperView {
            reference: self.reference.clone(),
            amount: self.amount,
            remaining: self.remaining,
            expires_at: self.expires_at,
            version: self.version,
            is_open: self.is_open(),
            is_single: self.kind == OrderKind::Single,
            has_session: self.session.is_some() || self.kind == OrderKind::Running,
            attempts: self.attempts,
            unresolved: self.unresolved,
            token_key: self.token_key,
            keys: self.keys.iter().map(|used| used.print.key).collect(),
            has_all_keys: true,
        }
    }

    /// An order as a fresh token shows it: without its history, for reserving a payment and recording
    /// that payment's outcome. `None` for a view that does not suffice: of an order that is not open, with keys
    /// left out, or with terms of its own.
    #[must_use]
    pub fn glimpse(view: ShopperView) -> Option<Self> {
        (view.is_open && view.has_all_keys && !view.has_session).then(|| Self {
            reference: view.reference,
            amount: view.amount,
            remaining: view.remaining,
            excess: 0,
            expires_at: view.expires_at,
            opened_at: Time::default(),
            kind: if view.is_single { OrderKind::Single } else { OrderKind::Parts },
            version: view.version,
            position: view.version,
            attempts: view.attempts,
            unresolved: view.unresolved,
            token_key: view.token_key,
            session: None,
            cart: None,
            payments: Vec::new(),
            operations: Vec::new(),
            cancellation: None,
            closed: None,
            changes: 0,
            topics: 0,
            amount_changes: 0,
            keys: view
                .keys
                .into_iter()
                .map(|key| KeyUse { print: KeyPrint { key, request: [0; 8] }, version: Version::FIRST })
                .collect(),
            is_partial: true,
        })
    }
}
