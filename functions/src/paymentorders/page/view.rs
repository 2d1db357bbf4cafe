//! An order as the page shows it.

use api::{Engine, Problem};
use app::OrderKey;
use domain::{
    Order,
    order::{CancelReason, CloseReason, MethodKind, OrderKind, Payment, Resolution, line::Line},
};
use serde::Serialize;
use webhooks::{reasons, words};

use crate::{
    checkout::wire::{GIFT_CARD_BRANDS, IDEAL_CURRENCY},
    paymentorders::{
        items::{ItemDetails, word},
        path,
        told::{Payee, Told as MerchantsTold, Urls as MerchantsUrls},
    },
};

/// Every state that an order may be in.
#[cfg(feature = "openapi")]
const STATUSES: &[&str] = &["open", "paid", "aborted", "failed"];

/// What may be paid with.
#[cfg(feature = "openapi")]
const METHODS: &[&str] = &["giftcard", "card", "ideal"];

/// The language of a page that was told none.
const LANGUAGE: &str = "en-US";

/// An order, to be paid on a page. Amounts are whole minor units.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutOrder"))]
pub(super) struct OrderView<'a> {
    /// Where it is read as a payment order.
    id: String,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = STATUSES)))]
    status: &'static str,
    /// The currency of all its amounts.
    currency: &'static str,
    /// How many decimals that has.
    exponent: u32,
    /// What is to be paid in all.
    amount: u64,
    /// How much of that is tax, if it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    vat_amount: Option<i64>,
    /// What is paid.
    paid: u64,
    /// What is neither paid nor being paid.
    remaining: u64,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// The language that amounts are written in.
    language: &'a str,
    /// Who is paid.
    payee: &'a str,
    /// What is bought.
    items: &'a [Item],
    /// Every attempt to pay, oldest first.
    payments: Vec<PaymentView<'a>>,
    /// What may be paid with.
    #[cfg_attr(feature = "openapi", schemars(extend("items" = { "type": "string", "enum": METHODS })))]
    methods: Vec<&'static str>,
    /// The brands of gift cards that may be paid with.
    gift_card_brands: Vec<BrandView>,
    /// What a payment has to bring: it pins what the shopper was shown. None once nothing can be paid any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(length(max = api::limits::TOKEN_CHARS_MAX)))]
    order_data: Option<String>,
    /// Where the shopper goes on.
    urls: &'a Urls,
}

/// A line of an order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutItem"))]
struct Item {
    /// The merchant's reference.
    reference: String,
    /// What it is called.
    name: String,
    /// What kind of line it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// How many, as a decimal.
    quantity: String,
    /// Of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity_unit: Option<String>,
    /// What one costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<i64>,
    /// What one costs now.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_price: Option<i64>,
    /// What all of it costs; less than nothing, of a discount.
    amount: i64,
    /// How much of that is tax.
    vat_amount: i64,
    /// A picture of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
}

/// An attempt to pay.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutPayment"))]
pub(super) struct PaymentView<'a> {
    /// Its reference.
    id: String,
    /// What it is paid with.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = METHODS)))]
    method: &'static str,
    /// The brand of that.
    brand: &'a str,
    /// The last digits of its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four: Option<&'a str>,
    /// How much.
    amount: u64,
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::PAYMENT_STATUSES)))]
    status: &'static str,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Where the shopper has to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) redirect: Option<&'a str>,
}

/// A brand of gift cards.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutBrand"))]
struct BrandView {
    /// As a payment names it.
    brand: &'static str,
    /// As a shopper knows it.
    name: &'static str,
}

/// Where a shopper goes on from the page.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutUrls"))]
struct Urls {
    /// When the order is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<String>,
    /// When the shopper does not want to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
}

/// What is told of an order beside its books, as far as a page needs it.
#[derive(Debug, Default)]
pub(super) struct Told {
    description: Option<String>,
    language: Option<String>,
    payee: Option<String>,
    vat_amount: Option<i64>,
    urls: Urls,
    items: Vec<Item>,
    /// The pages that may embed the page.
    pub(super) hosts: Vec<String>,
    /// Where a shopper comes back to, who left an embedded page.
    pub(super) payment_url: Option<String>,
}

impl Told {
    /// What is told of an order.
    pub(super) async fn of(engine: &Engine, key: &OrderKey, order: &Order) -> Result<Self, Problem> {
        let lines = engine.app.lines(key, order).await?;
        let (language, urls, payee) = match MerchantsTold::of(engine, key, order).await? {
            Some(MerchantsTold { language, urls, payee, .. }) => (Some(language), urls, payee),
            None => (None, MerchantsUrls::default(), Payee::default()),
        };
        let cart = order.cart.as_deref();
        Ok(Self {
            description: cart.and_then(|cart| cart.description.clone()),
            language,
            payee: payee.payee_name.filter(|name| !name.trim().is_empty()),
            vat_amount: cart.map(|cart| cart.tax),
            urls: Urls { complete: urls.complete_url, cancel: urls.cancel_url },
            items: lines.lines.iter().map(Item::of).collect(),
            hosts: urls.host_urls,
            payment_url: urls.payment_url,
        })
    }

    /// The language that amounts are written in.
    fn language(&self) -> &str {
        self.language.as_deref().unwrap_or(LANGUAGE)
    }

    /// Who is paid.
    pub(super) fn payee<'a>(&'a self, key: &'a OrderKey) -> &'a str {
        self.payee.as_deref().unwrap_or(key.merchant.as_str())
    }
}

impl Item {
    fn of(line: &Line) -> Self {
        let ItemDetails { description, image_url, .. } = ItemDetails::of(line);
        Self {
            reference: line.reference.clone(),
            name: if line.name.is_empty() { line.reference.clone() } else { line.name.clone() },
            kind: word(line.kind),
            description,
            quantity: line.quantity.to_string(),
            quantity_unit: line.unit.clone(),
            unit_price: line.unit_price,
            discount_price: line.discount_price,
            amount: line.amount,
            vat_amount: line.tax,
            image_url,
        }
    }
}

impl<'a> OrderView<'a> {
    pub(super) fn of(engine: &Engine, key: &'a OrderKey, order: &'a Order, told: &'a Told) -> Self {
        let is_authorised = |payment: &&Payment| payment.is_authorised();
        let paid = order.payments.iter().filter(is_authorised).map(Payment::covers).fold(0, u64::saturating_add);
        let currency = order.amount.currency();
        let mut methods = vec![method(MethodKind::GiftCard), method(MethodKind::Card)];
        if currency.code() == IDEAL_CURRENCY {
            methods.push(method(MethodKind::Ideal));
        }
        let status = status(order);
        Self {
            id: path(key),
            status,
            currency: currency.code(),
            exponent: currency.exponent(),
            amount: order.amount.minor(),
            vat_amount: told.vat_amount,
            paid,
            remaining: order.remaining,
            description: told.description.as_deref(),
            language: told.language(),
            payee: told.payee(key),
            items: &told.items,
            payments: order.payments.iter().map(|payment| PaymentView::of(key, payment)).collect(),
            methods,
            gift_card_brands: GIFT_CARD_BRANDS.iter().map(|(brand, name)| BrandView { brand, name }).collect(),
            order_data: (status == "open").then(|| engine.tokens.seal(&key.merchant, key.id, order)),
            urls: &told.urls,
        }
    }
}

impl<'a> PaymentView<'a> {
    pub(super) fn of(key: &OrderKey, payment: &'a Payment) -> Self {
        let resolution = payment.resolution.as_ref();
        let (status, reason) = match resolution {
            // The money is given back: the shopper was too late.
            Some(Resolution::Authorised) if payment.is_timed_out => ("cancelled", Some(reasons::TIMED_OUT)),
            _ => (words::payment_status(resolution), resolution.and_then(reasons::of_payment)),
        };
        let redirect = match resolution {
            Some(Resolution::AwaitingShopper { redirect }) => Some(redirect.url.as_str()),
            _ => None,
        };
        Self {
            id: key.id.at(payment.version).to_string(),
            method: method(payment.method.kind),
            brand: &payment.method.brand,
            last_four: payment.method.last4.as_deref(),
            amount: payment.amount,
            status,
            reason: reason.map(|reason| reason.text),
            redirect,
        }
    }
}

fn method(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::GiftCard => "giftcard",
        MethodKind::Card => "card",
        MethodKind::Ideal => "ideal",
        MethodKind::Credit => "credit",
    }
}

fn status(order: &Order) -> &'static str {
    match (&order.closed, &order.cancellation) {
        (Some(closed), _) => match closed.reason {
            CloseReason::Paid => "paid",
            CloseReason::Concluded if order.remaining == 0 => "paid",
            CloseReason::Cancelled | CloseReason::Concluded => "aborted",
            CloseReason::Expired | CloseReason::PaymentFailed => "failed",
        },
        (None, Some(cancellation)) => match cancellation.reason {
            CancelReason::Merchant => "aborted",
            CancelReason::Expired => "failed",
        },
        // What goes on after it is paid is not closed by that, and a shopper has nothing more to do there.
        (None, None) if order.kind == OrderKind::Running && order.remaining == 0 && order.unresolved == 0 => "paid",
        (None, None) => "open",
    }
}
