//! What may be done with a payment order now: the list that its answers have, and the check of each request, which are
//! the same.

use api::{ApiVersion, Code, Engine, Problem};
use app::OrderKey;
use domain::{
    Order, Time, Version,
    order::{CloseReason, Leg, OrderKind, Refusal, Resolution},
};
use serde::Serialize;

use super::{page::Links, path};

/// Something that may be done with a payment order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rel {
    Update,
    Abort,
    AbortAttempt,
    Redirect,
    View,
    Capture,
    Cancel,
    Reverse,
}

impl Rel {
    const ALL: [Self; 8] = [
        Self::Update,
        Self::Abort,
        Self::AbortAttempt,
        Self::Redirect,
        Self::View,
        Self::Capture,
        Self::Cancel,
        Self::Reverse,
    ];

    /// What a version calls it; nothing, if it does not have it.
    fn name(self, version: ApiVersion) -> Option<&'static str> {
        match (version, self) {
            (ApiVersion::V2, Self::Update) => Some("update-paymentorder-updateorder"),
            (ApiVersion::V2, Self::Abort) => Some("update-paymentorder-abort"),
            (ApiVersion::V2, Self::AbortAttempt) => None,
            (ApiVersion::V2, Self::Redirect) => Some("redirect-paymentorder"),
            (ApiVersion::V2, Self::View) => Some("view-paymentorder"),
            (ApiVersion::V2, Self::Capture) => Some("create-paymentorder-capture"),
            (ApiVersion::V2, Self::Cancel) => Some("create-paymentorder-cancel"),
            (ApiVersion::V2, Self::Reverse) => Some("create-paymentorder-reversal"),
            (ApiVersion::V3 | ApiVersion::V31, Self::Update) => Some("update-order"),
            (ApiVersion::V3 | ApiVersion::V31, Self::Abort) => Some("abort"),
            (ApiVersion::V3 | ApiVersion::V31, Self::AbortAttempt) => Some("abort-paymentattempt"),
            (ApiVersion::V3 | ApiVersion::V31, Self::Redirect) => Some("redirect-checkout"),
            (ApiVersion::V3 | ApiVersion::V31, Self::View) => Some("view-checkout"),
            (ApiVersion::V3 | ApiVersion::V31, Self::Capture) => Some("capture"),
            (ApiVersion::V3 | ApiVersion::V31, Self::Cancel) => Some("cancel"),
            (ApiVersion::V3 | ApiVersion::V31, Self::Reverse) => Some("reversal"),
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Update | Self::Abort | Self::AbortAttempt => "PATCH",
            Self::Redirect | Self::View => "GET",
            Self::Capture | Self::Cancel | Self::Reverse => "POST",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Redirect => "text/html",
            Self::View => "application/javascript",
            Self::Update | Self::Abort | Self::AbortAttempt | Self::Capture | Self::Cancel | Self::Reverse => {
                "application/json"
            }
        }
    }

    fn href(self, engine: &Engine, key: &OrderKey, order: &Order) -> String {
        let url = engine.sandbox.url().unwrap_or_default();
        let at = path(key);
        match self {
            Self::Update | Self::Abort | Self::AbortAttempt => format!("{url}{at}"),
            Self::Redirect => Links::of(engine, key, order.token_key).redirect,
            Self::View => Links::of(engine, key, order.token_key).view,
            Self::Capture => format!("{url}{at}/captures"),
            Self::Cancel => format!("{url}{at}/cancellations"),
            Self::Reverse => format!("{url}{at}/reversals"),
        }
    }

    /// Whether it may be done now.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(self, order: &Order, version: ApiVersion, now: Time) -> Result<(), Problem> {
        match self {
            Self::Update => check_update(order, now),
            Self::Abort => check_abort(order),
            Self::AbortAttempt if version == ApiVersion::V2 => {
                Err(refused("An attempt is aborted with version 3.0 or 3.1 only."))
            }
            Self::AbortAttempt => running_attempt(order).map(|_| ()),
            Self::Redirect | Self::View if order.is_purchase() => Ok(()),
            Self::Redirect | Self::View => Err(refused("The order was not opened as a payment order.")),
            Self::Capture | Self::Cancel => check_settled(order, order.books().capturable),
            Self::Reverse => check_settled(order, order.books().refundable),
        }
    }
}

fn refused(message: &str) -> Problem {
    Problem::new(Code::NotOffered, message)
}

/// Whether an order was neither cancelled nor closed.
pub(super) fn check_open(order: &Order) -> Result<(), Problem> {
    match (&order.cancellation, &order.closed) {
        (Some(_), _) => Err(Refusal::Cancelled.into()),
        (None, Some(_)) => Err(Refusal::Closed.into()),
        (None, None) => Ok(()),
    }
}

fn check_update(order: &Order, now: Time) -> Result<(), Problem> {
    check_open(order)?;
    if order.is_expired(now) {
        return Err(Refusal::Expired.into());
    }
    order.check_replaceable().map_err(Problem::from)
}

fn check_abort(order: &Order) -> Result<(), Problem> {
    check_open(order)?;
    if is_in_flight(order) {
        return Err(Refusal::InFlight.into());
    }
    // An order that goes on after it is paid is a cart only as long as nothing was done on it.
    let is_touched = order.attempts > 0 || order.cart.as_ref().is_some_and(|cart| !cart.is_untouched());
    if order.kind == OrderKind::Running && is_touched {
        return Err(Refusal::Attempted { attempts: order.attempts }.into());
    }
    Ok(())
}

/// The newest attempt that is under way, and that its partner can be asked to give up.
pub(super) fn running_attempt(order: &Order) -> Result<Version, Problem> {
    check_open(order)?;
    let is_running = |resolution: &Option<Resolution>| {
        matches!(resolution, Some(Resolution::AwaitingShopper { .. } | Resolution::Pending))
    };
    let running = order.payments.iter().rev().find(|payment| is_running(&payment.resolution) && !payment.release_asked);
    running.map(|payment| payment.version).ok_or_else(|| refused("No attempt to pay is under way that can be aborted."))
}

/// What is done with money that was paid: one thing after another, of an order that is paid.
fn check_settled(order: &Order, available: u64) -> Result<(), Problem> {
    if order.kind == OrderKind::Running {
        return Err(refused("The order's money follows its lines, and is captured and refunded by those."));
    }
    if order.cancellation.is_some() {
        return Err(Refusal::Cancelled.into());
    }
    if order.closed.as_ref().is_none_or(|closed| closed.reason != CloseReason::Paid) {
        return Err(refused("The payment order is not paid."));
    }
    if order.is_locked() {
        return Err(Refusal::Locked.into());
    }
    if is_in_flight(order) {
        return Err(Refusal::InFlight.into());
    }
    if available == 0 { Err(Refusal::NothingAvailable.into()) } else { Ok(()) }
}

/// Whether of anything it is not known yet how it ends.
pub(super) fn is_in_flight(order: &Order) -> bool {
    order.unresolved > 0 || order.operations.iter().flat_map(|operation| &operation.legs).any(Leg::is_in_flight)
}

/// Something that may be done now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Operation"))]
pub(super) struct OperationView {
    /// With which method.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["GET", "PATCH", "POST"])))]
    method: &'static str,
    /// Where: to be used as it is.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uri")))]
    href: String,
    /// What it is: what clients choose by.
    rel: &'static str,
    /// What is sent or found there.
    content_type: &'static str,
}

/// All that may be done now.
pub(super) fn operations(
    engine: &Engine,
    key: &OrderKey,
    order: &Order,
    version: ApiVersion,
    now: Time,
) -> Vec<OperationView> {
    let offered = Rel::ALL.into_iter().filter(|rel| rel.check(order, version, now).is_ok());
    let named = offered.filter_map(|rel| Some((rel, rel.name(version)?)));
    let shown = named.map(|(rel, name)| OperationView {
        method: rel.method(),
        href: rel.href(engine, key, order),
        rel: name,
        content_type: rel.content_type(),
    });
    shown.collect()
}
