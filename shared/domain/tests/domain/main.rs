//! The rules of the domain, each as a test that is named in prose.
//!
//! - `order`, `operations`, `purchases`, `priorities`, `cancellation`, `lapse`, `outstanding`, `draft` and `account` say what is refused
//!   and what is done, rule by rule; `changes`, `feed`, `webhook`, `retry` and `attention` say what is told of it, to
//!   whom, and when.
//! - `credit` says what may be spent on credit, on which plan, and who has to authenticate first.
//! - `lines` and `line_properties` do so for lines: what may be changed, taken back, and done on each.
//! - `properties` asks for anything in any order, and checks what must hold of every order and account;
//!   `partners` does so with a partner that keeps books of its own. `PROPTEST_CASES=30000` asks for more.
//! - `contract` pins the JSON of every event.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot help fails its test")]

mod account;
mod attention;
mod cancellation;
mod changes;
mod contract;
mod credit;
mod draft;
mod feed;
mod lapse;
mod line_properties;
mod lines;
mod money;
mod names;
mod operations;
mod order;
mod outstanding;
mod partners;
mod priorities;
mod properties;
mod purchases;
mod reference;
mod retry;
mod support;
mod tally;
mod webhook;
