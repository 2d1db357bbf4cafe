//! Orders: what was sold and what came back, and what payments have done for it.

pub mod cancel;
pub mod close;
pub mod events;
pub mod get;
pub mod list;
pub mod replace;

use api::{Engine, Problem, Reply, clock};
use app::OrderKey;
use domain::{
    Order, Reference,
    order::{Cart, CloseReason, Payer, PayerBooks, Payment, line::Line},
};
use http::StatusCode;
use serde::Serialize;
use webhooks::words;

use super::{
    name_of,
    wire::{ItemView, OrderTold},
};

/// An order.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Order"))]
pub(super) struct OrderView {
    /// What it is called: the name it was opened under, else its reference.
    order_id: String,
    /// Its reference as a UUID, by which other families know it.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    id: String,
    /// Whether it goes on.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = STATUSES)))]
    status: &'static str,
    /// How much of it is paid.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = PAYMENT_STATUSES)))]
    payment_status: &'static str,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: &'static str,
    /// What the items come to with tax, in minor units.
    gross_amount: u64,
    /// The same without tax.
    net_amount: i64,
    /// The tax in it.
    tax_amount: i64,
    /// What no payment covers.
    remaining_amount: u64,
    /// What payments cover beyond it, since items came back: it is to be given back.
    excess_amount: u64,
    /// What was captured and not given back, by all payments.
    captured_amount: i64,
    /// What is sold, or comes back; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<OrderItemView>>,
    /// The payments, ours and others'.
    payments: Vec<PaymentView>,
    #[serde(flatten)]
    told: OrderTold,
    /// The draft that it was opened with, or changed by last.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft_id: Option<String>,
    /// When it was opened.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// When it changed last; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    updated_at: Option<String>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    closed_at: Option<String>,
    /// By whom: the merchant, or the engine, of an order that ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["merchant", "engine"])))]
    closed_by: Option<&'static str>,
    /// When it was cancelled, and all that was held for it released.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    cancelled_at: Option<String>,
    /// By whom: the merchant, or the engine, of an order whose time was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["merchant", "engine"])))]
    cancelled_by: Option<&'static str>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::CLOSE_REASONS)))]
    cancelled_reason: Option<&'static str>,
    /// How many steps it has taken.
    version: u16,
    /// What the checkout family is paid with; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkout: Option<Checkout>,
}

/// How an order can stand.
#[cfg(feature = "openapi")]
const STATUSES: &[&str] = &["open", "closed", "cancelled"];

/// How much of an order can be paid.
#[cfg(feature = "openapi")]
const PAYMENT_STATUSES: &[&str] = &["pending", "partially_paid", "paid", "partially_refunded", "refunded"];

/// An item of an order, with what has become of it, in minor units and with the sign of the item.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderItem"))]
struct OrderItemView {
    #[serde(flatten)]
    item: ItemView,
    /// What was authorised for it.
    authorized_amount: i64,
    /// The tax in that.
    authorized_tax_amount: i64,
    /// What was given up of that.
    cancelled_amount: i64,
    /// The tax in that.
    cancelled_tax_amount: i64,
    /// What was captured for it.
    captured_amount: i64,
    /// The tax in that.
    captured_tax_amount: i64,
    /// What was refunded of that.
    refunded_amount: i64,
    /// The tax in that.
    refunded_tax_amount: i64,
}

/// A payment of an order, in minor units.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderPayment"))]
struct PaymentView {
    /// What operations call it.
    payment_id: String,
    /// Whether its money moves here, or what is told of it is kept as a fact.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["engine", "external"])))]
    origin: &'static str,
    /// What has become of it; of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::PAYMENT_STATUSES)))]
    status: Option<&'static str>,
    /// What it is paid with; of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<MethodView>,
    /// What it is to pay; of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    /// What was authorised: of ours by the partner, of others what was told.
    authorized_amount: i64,
    /// What of that is set aside for items.
    allocated_amount: i64,
    /// What was captured.
    captured_amount: i64,
    /// What was captured and given back.
    refunded_amount: i64,
    /// What was authorised and given up.
    cancelled_amount: i64,
    /// When it was begun; of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    created_at: Option<String>,
}

/// What a payment of ours is paid with.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderPaymentMethod"))]
struct MethodView {
    /// What kind of method.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::METHOD_KINDS)))]
    kind: &'static str,
    /// The brand.
    brand: String,
    /// The last four digits of its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four_digits: Option<String>,
}

/// What the checkout family is paid with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderCheckout"))]
struct Checkout {
    /// The merchant account.
    merchant_account: String,
    /// The order's reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// What the next request on the order has to bring.
    order_data: String,
    /// What is not covered by a payment.
    remaining_amount: u64,
}

/// The order as it stands.
async fn answer(engine: &Engine, key: &OrderKey, order: &Order) -> Result<Reply, Problem> {
    Reply::json(StatusCode::OK, None, &OrderView::whole(engine, key, order).await?)
}

impl OrderView {
    /// All that can be said of it.
    pub(super) async fn whole(engine: &Engine, key: &OrderKey, order: &Order) -> Result<Self, Problem> {
        let lines = engine.app.lines(key, order).await?;
        let (told, changed) = engine.app.told_and_changed(key, order).await?;
        let none = Cart::default();
        let cart = order.cart.as_deref().unwrap_or(&none);
        let items = lines.lines.iter().map(|line| OrderItemView::of(cart, line)).collect::<Result<_, _>>()?;
        let told = told.as_deref().unwrap_or("{}");
        // What was told in another family may be something else.
        let mut shown = serde_json::from_str::<OrderTold>(told).unwrap_or_default();
        shown.merchant_reference.get_or_insert_with(|| order.reference.clone());
        let order_data = engine.tokens.seal(&key.merchant, key.id, order);
        Ok(Self {
            items: Some(items),
            told: shown,
            draft_id: serde_json::from_str::<DraftTold>(told).ok().and_then(|told| told.draft_id),
            updated_at: Some(clock::render(changed)),
            checkout: Some(Checkout {
                merchant_account: key.merchant.to_string(),
                psp_reference: key.id.reference(),
                order_data,
                remaining_amount: order.remaining,
            }),
            ..Self::brief(key, order)
        })
    }

    /// As much of it as its state says.
    fn brief(key: &OrderKey, order: &Order) -> Self {
        let tax = order.cart.as_ref().map_or(0, |cart| cart.tax);
        let gross = order.amount.minor();
        let closed = order.closed.as_ref();
        let is_cancelled = status(order) == "cancelled";
        let ended = closed.filter(|_| !is_cancelled);
        let cancelled = order.cancellation.as_ref().map(|cancellation| words::cancel_reason(cancellation.reason));
        let by = |is_merchants: bool| if is_merchants { "merchant" } else { "engine" };
        let (captured, refunded) = captured_and_refunded(order);
        Self {
            order_id: name_of(key, order),
            id: key.id.reference().to_uuid().to_string(),
            status: status(order),
            payment_status: payment_status(order),
            currency: order.amount.currency().code(),
            gross_amount: gross,
            net_amount: signed(gross).saturating_sub(tax),
            tax_amount: tax,
            remaining_amount: order.remaining,
            excess_amount: order.excess,
            captured_amount: captured.saturating_sub(refunded),
            items: None,
            payments: payments(key, order),
            told: OrderTold::referred_to_as(&order.reference),
            draft_id: None,
            created_at: clock::render(order.opened_at),
            updated_at: None,
            closed_at: ended.map(|closed| clock::render(closed.at)),
            closed_by: ended.map(|closed| by(closed.reason == CloseReason::Concluded)),
            cancelled_at: closed.filter(|_| is_cancelled).map(|closed| clock::render(closed.at)),
            cancelled_by: is_cancelled.then(|| by(cancelled == Some("merchant"))),
            cancelled_reason: is_cancelled.then(|| match closed.map(|closed| closed.reason) {
                Some(reason) => words::close_reason(reason),
                None if cancelled == Some("merchant") => words::close_reason(CloseReason::Cancelled),
                None => words::close_reason(CloseReason::Expired),
            }),
            version: order.version.get(),
            checkout: None,
        }
    }
}

/// Which draft an order was told by.
#[derive(serde::Deserialize)]
pub(super) struct DraftTold {
    #[serde(default)]
    pub(super) draft_id: Option<String>,
}

impl OrderItemView {
    fn of(cart: &Cart, line: &Line) -> Result<Self, Problem> {
        let books = cart.line(line.id);
        let kept = books.authorised.saturating_sub(books.cancelled);
        let authorised_tax = line.tax_up_to(books.authorised);
        Ok(Self {
            item: ItemView::of(line)?,
            authorized_amount: books.authorised,
            authorized_tax_amount: authorised_tax,
            cancelled_amount: books.cancelled,
            cancelled_tax_amount: authorised_tax.saturating_sub(line.tax_up_to(kept)),
            captured_amount: books.captured,
            captured_tax_amount: books.captured_tax,
            refunded_amount: books.refunded,
            refunded_tax_amount: books.refunded_tax,
        })
    }
}

fn payments(key: &OrderKey, order: &Order) -> Vec<PaymentView> {
    let books = |payer: &Payer| order.cart.as_ref().map(|cart| cart.payer(payer));
    let ours = order.payments.iter().map(|payment| {
        let allocated = books(&Payer::Own(payment.version)).map_or(0, |books| books.allocated());
        PaymentView::ours(key, payment, allocated)
    });
    let others = order.cart.iter().flat_map(|cart| &cart.payers).filter_map(PaymentView::others);
    ours.chain(others).collect()
}

impl PaymentView {
    fn ours(key: &OrderKey, payment: &Payment, allocated_amount: i64) -> Self {
        Self {
            payment_id: key.id.at(payment.version).to_string(),
            origin: "engine",
            status: Some(words::payment_status(payment.resolution.as_ref())),
            method: Some(MethodView {
                kind: words::method_kind(payment.method.kind),
                brand: payment.method.brand.clone(),
                last_four_digits: payment.method.last4.clone(),
            }),
            amount: Some(payment.amount),
            authorized_amount: signed(payment.tally.authorised),
            allocated_amount,
            captured_amount: signed(payment.tally.captured),
            refunded_amount: signed(payment.tally.refunded),
            cancelled_amount: signed(payment.tally.voided),
            created_at: Some(clock::render(payment.reserved_at)),
        }
    }

    fn others(books: &PayerBooks) -> Option<Self> {
        let Payer::Foreign(id) = &books.payer else { return None };
        Some(Self {
            payment_id: id.clone(),
            origin: "external",
            status: None,
            method: None,
            amount: None,
            authorized_amount: books.authorised,
            allocated_amount: books.allocated(),
            captured_amount: books.captured,
            refunded_amount: books.refunded,
            cancelled_amount: books.cancelled,
            created_at: None,
        })
    }
}

fn status(order: &Order) -> &'static str {
    match (&order.cancellation, order.closed.as_ref().map(|closed| closed.reason)) {
        (Some(_), _) | (None, Some(CloseReason::Cancelled | CloseReason::Expired | CloseReason::PaymentFailed)) => {
            "cancelled"
        }
        (None, Some(CloseReason::Paid | CloseReason::Concluded)) => "closed",
        (None, None) => "open",
    }
}

/// What all payments have captured, and what they have refunded of that. What others' payments gave back by negative
/// captures is not in the first.
fn captured_and_refunded(order: &Order) -> (i64, i64) {
    let ours = order.payments.iter().map(|payment| (signed(payment.tally.captured), signed(payment.tally.refunded)));
    let payers = order.cart.iter().flat_map(|cart| &cart.payers);
    let others = payers.filter(|books| matches!(books.payer, Payer::Foreign(_)));
    let others = others.map(|books| (books.captured, books.refunded));
    ours.chain(others).fold((0, 0), |(captured, refunded), (more, back)| {
        (i64::saturating_add(captured, more), i64::saturating_add(refunded, back))
    })
}

/// How much of it is paid: by what was captured, and not by what is only held.
fn payment_status(order: &Order) -> &'static str {
    let (captured, refunded) = captured_and_refunded(order);
    let net = captured.saturating_sub(refunded);
    let gross = signed(order.amount.minor());
    let was_captured = captured > 0 || order.cart.iter().flat_map(|cart| &cart.books).any(|books| books.captured > 0);
    if !was_captured {
        "pending"
    } else if net <= 0 {
        // Between a line that came back and the one that takes its place, nothing was refunded.
        if refunded > 0 || gross == 0 { "refunded" } else { "pending" }
    } else if net >= gross {
        "paid"
    } else if refunded > 0 {
        "partially_refunded"
    } else {
        "partially_paid"
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
