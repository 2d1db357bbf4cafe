//! The checkout family: wire-compatible with Adyen Checkout, versions 68 to 72.

pub mod modifications;
pub mod orders;
pub mod payment_methods;
pub mod payments;
pub(crate) mod wire;
