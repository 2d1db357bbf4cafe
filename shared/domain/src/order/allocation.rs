//! How an amount that is asked of a whole order is shared out among its payments.

use super::{MethodKind, PartnerId, Payment};
use crate::Action;

/// What matches anything, where it stands in a list of priorities.
pub const ANY: &str = "*";

/// One entry of a list that says which payments come first: those of a partner and a method, either of which
/// may be [`ANY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// The partner: see [`Payment::partner_name`].
    pub partner: String,
    /// The method: see [`Payment::method_name`].
    pub method: String,
}

impl Priority {
    fn new(partner: &str, method: &str) -> Self {
        Self { partner: partner.to_owned(), method: method.to_owned() }
    }

    /// Whether it is the entry for all that no other entry matches.
    fn is_rest(&self) -> bool {
        self.partner == ANY && self.method == ANY
    }

    fn matches(&self, payment: &Payment) -> bool {
        (self.partner == ANY || self.partner == payment.partner_name())
            && (self.method == ANY || self.method == payment.method_name())
    }
}

impl MethodKind {
    /// What it is called where partners and methods are named.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "creditcard",
            Self::GiftCard => "giftcard",
            Self::Ideal => "ideal",
            Self::Credit => "credit",
        }
    }
}

impl MethodKind {
    /// What the paymentorders family calls it.
    #[must_use]
    pub fn instrument(self) -> &'static str {
        match self {
            Self::Card => "CreditCard",
            Self::GiftCard => "GiftCard",
            Self::Ideal => "Ideal",
            Self::Credit => "Credit",
        }
    }
}

impl Payment {
    /// Who stands behind the money, by the name that a merchant knows: of a gift card whoever issued it, which
    /// is its brand; else the acquirer.
    #[must_use]
    pub fn partner_name(&self) -> &str {
        match self.partner {
            PartnerId::Accounts => &self.method.brand,
            PartnerId::Sandbox => "sandbox",
            PartnerId::Credit => "credit",
        }
    }

    /// How it is paid, by the name that priorities use.
    #[must_use]
    pub fn method_name(&self) -> &'static str {
        self.method.kind.name()
    }
}

/// The order that applies where the merchant gives none: gift cards are captured first, since what stays on
/// hold there is money a shopper misses; credit cards are refunded and voided first, so that the shopper has
/// money rather than a voucher (the seed for captures and refunds; voids as refunds by our own decision).
#[must_use]
pub fn default_priorities(action: Action) -> Vec<Priority> {
    let first = match action {
        Action::Capture | Action::Increase => MethodKind::GiftCard,
        Action::Void | Action::Refund => MethodKind::Card,
    };
    vec![Priority::new(ANY, first.name()), Priority::new(ANY, ANY)]
}

/// The payments that a list of priorities admits, in the order it puts them.
///
/// The first entry that matches a payment places it. `*`/`*` stands for all that no other entry of the list
/// matches, also no later one, and puts them at its own place. What matches nothing is left out. Payments of
/// one place keep the order they were made in.
#[must_use]
pub fn in_order<'p>(priorities: &[Priority], payments: &[&'p Payment]) -> Vec<&'p Payment> {
    let place = |payment: &Payment| {
        let named = priorities.iter().position(|entry| !entry.is_rest() && entry.matches(payment));
        named.or_else(|| priorities.iter().position(Priority::is_rest))
    };
    let mut placed = payments.iter().filter_map(|payment| Some((place(payment)?, *payment))).collect::<Vec<_>>();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, payment)| payment).collect()
}

/// Shares out `amount` in that order, taking of each payment what is `available` of it. What could not be shared out
/// comes with it: 0, if all could.
#[must_use]
pub fn share_out<'p>(
    mut amount: u64,
    available: impl Fn(&Payment) -> u64,
    payments: impl IntoIterator<Item = &'p Payment>,
) -> (Vec<(&'p Payment, u64)>, u64) {
    let mut shares = Vec::new();
    for payment in payments {
        let share = amount.min(available(payment));
        if share > 0 {
            shares.push((payment, share));
            amount = amount.saturating_sub(share);
        }
    }
    (shares, amount)
}
