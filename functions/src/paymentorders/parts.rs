//! The parts of a payment order that are told on their own, or within it if the request asks for them.

use std::collections::BTreeMap;

use api::{ApiVersion, Call, Engine, Problem, field_invalid};
use app::{Details, Logged, OrderKey};
use domain::{Order, order::line::Line};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    items::ItemView,
    path,
    records::{self, AttemptView, FailureView, ProblemView, RecordView, SettledView, TransactionView},
    told::{Payee, Told, Urls},
    view,
};

/// Characters of `$expand`: more than all names take.
const EXPAND_CHARS_MAX: usize = 512;

/// A part of a payment order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    OrderItems,
    Urls,
    PayeeInfo,
    Payer,
    History,
    Failed,
    Aborted,
    Paid,
    Cancelled,
    Reversed,
    FinancialTransactions,
    FailedAttempts,
    PostPurchaseFailedAttempts,
    Metadata,
    Payments,
    CurrentPayment,
}

/// Every part, by the names it has in paths and in `$expand`, in lower case.
const NAMES: [(&str, Part); 17] = [
    ("orderitems", Part::OrderItems),
    ("urls", Part::Urls),
    ("payeeinfo", Part::PayeeInfo),
    ("payers", Part::Payer),
    ("payer", Part::Payer),
    ("history", Part::History),
    ("failed", Part::Failed),
    ("aborted", Part::Aborted),
    ("paid", Part::Paid),
    ("cancelled", Part::Cancelled),
    ("reversed", Part::Reversed),
    ("financialtransactions", Part::FinancialTransactions),
    ("failedattempts", Part::FailedAttempts),
    ("postpurchasefailedattempts", Part::PostPurchaseFailedAttempts),
    ("metadata", Part::Metadata),
    ("payments", Part::Payments),
    ("currentpayment", Part::CurrentPayment),
];

/// The links of version 2.0, in the order of its sample.
const LINKS_2: [Part; 7] =
    [Part::Urls, Part::PayeeInfo, Part::Payer, Part::OrderItems, Part::Metadata, Part::Payments, Part::CurrentPayment];

/// The links of versions 3.0 and 3.1.
const LINKS_3: [Part; 14] = [
    Part::OrderItems,
    Part::Urls,
    Part::PayeeInfo,
    Part::Payer,
    Part::History,
    Part::Failed,
    Part::Aborted,
    Part::Paid,
    Part::Cancelled,
    Part::Reversed,
    Part::FinancialTransactions,
    Part::FailedAttempts,
    Part::PostPurchaseFailedAttempts,
    Part::Metadata,
];

impl Part {
    /// The part of that name, however it is written.
    pub(super) fn of(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, part)| *part)
    }

    /// The links that a version has.
    pub(super) fn links(version: ApiVersion) -> &'static [Self] {
        match version {
            ApiVersion::V2 => &LINKS_2,
            ApiVersion::V3 | ApiVersion::V31 => &LINKS_3,
        }
    }

    /// Where it is found, as a version writes it.
    fn segment(self, version: ApiVersion) -> &'static str {
        match self {
            Self::OrderItems => "orderItems",
            Self::Urls => "urls",
            Self::PayeeInfo => "payeeinfo",
            Self::Payer if version == ApiVersion::V2 => "payers",
            Self::Payer => "payer",
            Self::History => "history",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::Reversed => "reversed",
            Self::FinancialTransactions => "financialtransactions",
            Self::FailedAttempts => "failedattempts",
            Self::PostPurchaseFailedAttempts => "postpurchasefailedattempts",
            Self::Metadata => "metadata",
            Self::Payments => "payments",
            Self::CurrentPayment => "currentpayment",
        }
    }

    /// Whether an order has it: one that was opened elsewhere was not told all.
    pub(super) fn is_of(self, order: &Order, told: Option<&Told>) -> bool {
        match self {
            Self::OrderItems => order.has_lines(),
            Self::Urls | Self::PayeeInfo | Self::Payer | Self::Metadata => told.is_some(),
            Self::History
            | Self::Failed
            | Self::Aborted
            | Self::Paid
            | Self::Cancelled
            | Self::Reversed
            | Self::FinancialTransactions
            | Self::FailedAttempts
            | Self::PostPurchaseFailedAttempts
            | Self::Payments
            | Self::CurrentPayment => true,
        }
    }
}

/// What a request wants to be told at once.
pub(super) fn expanded<B>(call: &Call<B>) -> Result<Vec<Part>, Problem> {
    let Some(names) = call.query("$expand") else { return Ok(Vec::new()) };
    if names.len() > EXPAND_CHARS_MAX {
        return Err(field_invalid("$expand", &format!("at most {EXPAND_CHARS_MAX} characters"), names.len()));
    }
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let parts = names.map(|name| {
        let known = || format!("names of links ({})", NAMES.map(|(name, _)| name).join(", "));
        Part::of(name).ok_or_else(|| field_invalid("$expand", &known(), format_args!("'{name}'")))
    });
    parts.collect()
}

/// What the parts of an order are made of: only what is needed is read.
pub(super) struct Sources<'a> {
    pub(super) key: &'a OrderKey,
    pub(super) order: &'a Order,
    pub(super) told: Option<&'a Told>,
    pub(super) lines: Vec<Line>,
    pub(super) details: Details,
    pub(super) log: Vec<Logged>,
}

impl<'a> Sources<'a> {
    pub(super) async fn read(
        engine: &Engine,
        key: &'a OrderKey,
        order: &'a Order,
        told: Option<&'a Told>,
        parts: &[Part],
    ) -> Result<Self, Problem> {
        let needs = |some: &[Part]| parts.iter().any(|part| some.contains(part));
        let lines = if needs(&[Part::OrderItems, Part::FinancialTransactions]) {
            engine.app.lines(key, order).await?.lines.to_vec()
        } else {
            Vec::new()
        };
        let details = if needs(&[Part::FinancialTransactions, Part::Cancelled, Part::Reversed]) {
            engine.app.details(key, order).await?
        } else {
            Details::new()
        };
        let log = if needs(&[Part::History, Part::PostPurchaseFailedAttempts]) {
            // An answer that is given again is told as it was then.
            let log = engine.app.log(key).await?;
            log.into_iter().filter(|commit| commit.version <= order.version).collect()
        } else {
            Vec::new()
        };
        Ok(Self { key, order, told, lines, details, log })
    }
}

/// Declares the parts as they are shown: each a link, with what it leads to if that is told at once.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident as $title:literal { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = $title))]
        pub(super) struct $name {
            /// Where it is found.
            id: String,
            $(
                $(#[$field_doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                $field: Option<$kind>,
            )*
        }
    )*};
}

parts! {
    /// The items of a payment order.
    OrderItemsView as "OrderItems" {
        /// The items, in the order they were given.
        order_item_list: Vec<ItemView>,
    }
    /// What has happened to a payment order.
    HistoryView as "History" {
        /// What has happened, oldest first.
        history_list: Vec<RecordView>,
    }
    /// Why a payment order failed.
    FailedView as "Failed" {
        /// Why.
        problem: ProblemView,
    }
    /// Why a payment order was aborted.
    AbortedView as "Aborted" {
        /// Why.
        abort_reason: &'static str,
    }
    /// All that was done with the money of a payment order.
    FinancialTransactionsView as "FinancialTransactions" {
        /// What was done, oldest first.
        financial_transactions_list: Vec<TransactionView>,
    }
    /// Attempts to pay that failed.
    FailedAttemptsView as "FailedAttempts" {
        /// The attempts, oldest first.
        failed_attempt_list: Vec<FailureView>,
    }
    /// What was asked for after the purchase, and failed.
    PostPurchaseFailedAttemptsView as "PostPurchaseFailedAttempts" {
        /// The attempts, oldest first.
        postpurchase_failed_attempt_list: Vec<FailureView>,
    }
    /// Attempts to pay.
    PaymentsView as "Payments" {
        /// The attempts, oldest first.
        payment_list: Vec<AttemptView>,
    }
    /// The last attempt to pay.
    CurrentPaymentView as "CurrentPayment" {
        /// With what it is paid, in lower case.
        menu_element_name: String,
        /// The attempt.
        payment: AttemptView,
    }
}

/// Declares a part whose content stands beside its `id`.
macro_rules! flat_parts {
    ($($(#[$doc:meta])* $name:ident as $title:literal = $content:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = $title))]
        pub(super) struct $name {
            /// Where it is found.
            id: String,
            #[serde(flatten)]
            content: Option<$content>,
        }
    )*};
}

flat_parts! {
    /// Where the payer, or the engine, goes.
    UrlsView as "Urls" = Urls;
    /// Who is paid.
    PayeeInfoView as "PayeeInfo" = Payee;
    /// What is known of how it was paid, or of how that was given back.
    PaidView as "Paid" = SettledView;
}

/// What the merchant told of who pays, as it came.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Payer"))]
pub(super) struct PayerView {
    /// Where it is found.
    id: String,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schemars(with = "BTreeMap<String, serde_json::Value>"))]
    entries: BTreeMap<String, Box<RawValue>>,
}

/// What else the merchant told, under names of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Metadata"))]
pub(super) struct MetadataView {
    /// Where it is found.
    id: String,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schemars(with = "BTreeMap<String, serde_json::Value>"))]
    entries: BTreeMap<String, Box<RawValue>>,
}

/// The parts of a payment order: links, or what they lead to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderParts"))]
pub(super) struct PartsView {
    /// Where the payer, or the engine, goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    urls: Option<UrlsView>,
    /// Who is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_info: Option<PayeeInfoView>,
    /// Who pays; in version 2.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    payers: Option<PayerView>,
    /// Who pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<PayerView>,
    /// What is paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_items: Option<OrderItemsView>,
    /// What else the merchant told.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataView>,
    /// All attempts to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    payments: Option<PaymentsView>,
    /// The last attempt to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_payment: Option<CurrentPaymentView>,
    /// What has happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryView>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<FailedView>,
    /// Why it was aborted.
    #[serde(skip_serializing_if = "Option::is_none")]
    aborted: Option<AbortedView>,
    /// How it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<PaidView>,
    /// How it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled: Option<PaidView>,
    /// How it was reversed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed: Option<PaidView>,
    /// What was done with its money.
    #[serde(skip_serializing_if = "Option::is_none")]
    financial_transactions: Option<FinancialTransactionsView>,
    /// Attempts to pay that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_attempts: Option<FailedAttemptsView>,
    /// What failed after the purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    post_purchase_failed_attempts: Option<PostPurchaseFailedAttemptsView>,
}

impl PartsView {
    /// Adds a part: what it is, or only where it is found.
    pub(super) fn put(&mut self, part: Part, sources: &Sources<'_>, version: ApiVersion, is_full: bool) {
        let Sources { key, order, told, lines, .. } = sources;
        let id = format!("{}/{}", path(key), part.segment(version));
        match part {
            Part::OrderItems => {
                let items = is_full.then(|| lines.iter().map(ItemView::of).collect());
                self.order_items = Some(OrderItemsView { id, order_item_list: items });
            }
            Part::Urls => {
                let content = told.filter(|_| is_full).map(|told| told.urls.clone());
                self.urls = Some(UrlsView { id, content });
            }
            Part::PayeeInfo => {
                let content = told.filter(|_| is_full).map(|told| told.payee.clone());
                self.payee_info = Some(PayeeInfoView { id, content });
            }
            Part::Payer => {
                let entries = told.filter(|_| is_full).and_then(|told| told.payer.clone()).unwrap_or_default();
                let shown = Some(PayerView { id, entries });
                *(if version == ApiVersion::V2 { &mut self.payers } else { &mut self.payer }) = shown;
            }
            Part::Metadata => {
                let entries = told.filter(|_| is_full).map(|told| told.metadata.clone()).unwrap_or_default();
                self.metadata = Some(MetadataView { id, entries });
            }
            Part::Payments => {
                let list = is_full.then(|| order.payments.iter().map(|paid| AttemptView::of(key, paid)).collect());
                self.payments = Some(PaymentsView { id, payment_list: list });
            }
            Part::CurrentPayment => {
                let current = order.payments.last().filter(|_| is_full);
                self.current_payment = Some(CurrentPaymentView {
                    id,
                    menu_element_name: current.map(|paid| paid.method.kind.instrument().to_ascii_lowercase()),
                    payment: current.map(|paid| AttemptView::of(key, paid)),
                });
            }
            Part::History => {
                let history_list = is_full.then(|| records::history(sources));
                self.history = Some(HistoryView { id, history_list });
            }
            Part::Failed => {
                let problem = Some(order).filter(|_| is_full).and_then(|order| records::failure(order));
                self.failed = Some(FailedView { id, problem });
            }
            Part::Aborted => {
                let reason = Some(order).filter(|order| is_full && view::status(order) == "Aborted");
                self.aborted = Some(AbortedView { id, abort_reason: reason.map(|_| records::ABORTED) });
            }
            Part::Paid => self.paid = Some(settled(id, part, sources, is_full)),
            Part::Cancelled => self.cancelled = Some(settled(id, part, sources, is_full)),
            Part::Reversed => self.reversed = Some(settled(id, part, sources, is_full)),
            Part::FinancialTransactions => {
                let list = is_full.then(|| records::transactions(sources));
                self.financial_transactions = Some(FinancialTransactionsView { id, financial_transactions_list: list });
            }
            Part::FailedAttempts => {
                let list = is_full.then(|| records::failed_attempts(order));
                self.failed_attempts = Some(FailedAttemptsView { id, failed_attempt_list: list });
            }
            Part::PostPurchaseFailedAttempts => {
                let list = is_full.then(|| records::failed_operations(sources));
                let shown = PostPurchaseFailedAttemptsView { id, postpurchase_failed_attempt_list: list };
                self.post_purchase_failed_attempts = Some(shown);
            }
        }
    }
}

fn settled(id: String, part: Part, sources: &Sources<'_>, is_full: bool) -> PaidView {
    let content = if is_full { SettledView::of(part, sources) } else { None };
    PaidView { id, content }
}
