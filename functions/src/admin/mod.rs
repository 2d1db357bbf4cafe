//! Administration: merchant accounts, API keys and gift cards.

pub mod api_keys;
pub mod gift_cards;
pub mod merchants;
