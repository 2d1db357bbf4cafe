//! Orders, events and commands in few words.
//!
//! A commit is a list of events; the commits of an order are numbered from 0, so the payment reserved by
//! the commit at place 1 is payment 1. Functions that make commits are named as the events are, those
//! that make commands as the commands are.

use domain::{
    Action, Aggregate, Money, Order, Tally, Time, Version,
    limits::SHOPPER_TIME_DEFAULT,
    order::{
        Allocate, Append, Cancel, CancelReason, CloseReason, Command, Decision, Decline, Finding, KeyPrint, Leg,
        LegResult, Method, MethodKind, Objection, Open, Operate, OperationKind, OrderEvent, OrderKind, PartnerId,
        Priority, Redirect, Refusal, Reserve, Resolution, Revise, Target,
    },
};

/// The moment everything happens at, unless a test says otherwise: 2026-01-01T00:00:00Z.
pub(crate) const NOW: Time = Time::from_unix_s(1_767_225_600);

/// When an order opened at [`NOW`] expires.
pub(crate) const EXPIRY: Time = Time::from_unix_s(1_767_225_600 + 24 * 3_600);

/// Until when the shopper of a payment reserved at [`NOW`] may act.
pub(crate) fn act_by() -> Time {
    NOW.plus(SHOPPER_TIME_DEFAULT)
}

/// The last moment before this one.
pub(crate) fn earlier(time: Time) -> Time {
    Time::from_unix_ms(time.unix_ms() - 1)
}

/// The first moment after this one.
pub(crate) fn later(time: Time) -> Time {
    Time::from_unix_ms(time.unix_ms() + 1)
}

/// The events of one commit.
pub(crate) type Commit = Vec<OrderEvent>;

pub(crate) fn v(version: u16) -> Version {
    Version::try_new(version).unwrap()
}

pub(crate) fn money(code: &str, minor: u64) -> Money {
    Money::try_new(code.parse().unwrap(), minor).unwrap()
}

pub(crate) fn eur(minor: u64) -> Money {
    money("EUR", minor)
}

/// The fingerprints of a key and of the request it came with.
pub(crate) fn print(key: u8, request: u8) -> KeyPrint {
    KeyPrint { key: [key; 8], request: [request; 8] }
}

pub(crate) fn card() -> Method {
    Method { kind: MethodKind::Card, brand: "visa".into(), last4: Some("1111".into()) }
}

pub(crate) fn gift_card(brand: &str) -> Method {
    Method { kind: MethodKind::GiftCard, brand: brand.into(), last4: Some("0000".into()) }
}

pub(crate) fn ideal() -> Method {
    Method { kind: MethodKind::Ideal, brand: "ideal".into(), last4: None }
}

/// Who holds the money of what is paid so.
pub(crate) fn holder(method: &Method) -> PartnerId {
    match method.kind {
        MethodKind::GiftCard => PartnerId::Accounts,
        MethodKind::Card | MethodKind::Ideal => PartnerId::Sandbox,
        MethodKind::Credit => PartnerId::Credit,
    }
}

pub(crate) fn priority(partner: &str, method: &str) -> Priority {
    Priority { partner: partner.into(), method: method.into() }
}

// What was committed.

pub(crate) fn opened(minor: u64) -> Commit {
    vec![OrderEvent::Opened {
        reference: "order".into(),
        amount: eur(minor),
        expires_at: EXPIRY,
        kind: OrderKind::Parts,
        token_key: 1,
        session: None,
        cart: None,
        details: None,
        key: None,
    }]
}

/// An order opened around one payment, which both are of commit 0.
pub(crate) fn opened_around_a_payment(minor: u64) -> Commit {
    let mut commit = opened(minor);
    for event in &mut commit {
        if let OrderEvent::Opened { kind, .. } = event {
            *kind = OrderKind::Single;
        }
    }
    together([commit, reserved(minor)])
}

pub(crate) fn reserved(minor: u64) -> Commit {
    reserved_with(card(), minor)
}

/// A payment by another method.
pub(crate) fn reserved_with(method: Method, minor: u64) -> Commit {
    vec![OrderEvent::PaymentReserved {
        amount: minor,
        reference: "payment".into(),
        partner: holder(&method),
        method,
        token: "tok_1".into(),
        act_by: None,
        key: None,
    }]
}

/// The same payment, whose request said until when its shopper may act.
pub(crate) fn reserved_until(time: Time, minor: u64) -> Commit {
    let mut commit = reserved(minor);
    for event in &mut commit {
        if let OrderEvent::PaymentReserved { act_by, .. } = event {
            *act_by = Some(time);
        }
    }
    commit
}

pub(crate) fn resolved(payment: u16, resolution: Resolution) -> Commit {
    vec![OrderEvent::PaymentResolved { payment: v(payment), resolution }]
}

pub(crate) fn authorised(payment: u16) -> Commit {
    resolved(payment, Resolution::Authorised)
}

pub(crate) fn refused(payment: u16) -> Commit {
    resolved(payment, Resolution::Refused { reason: Decline::Refused })
}

pub(crate) fn timed_out(payment: u16) -> Commit {
    vec![OrderEvent::ShopperTimedOut { payment: v(payment) }]
}

/// What a merchant asked of one payment: what its leg does, and as much.
pub(crate) fn requested(legs: [Leg; 1]) -> Commit {
    let [leg] = &legs;
    asked(kind_of(leg.action), Target::Payment(leg.payment), Some(leg.amount), legs.to_vec())
}

/// What a merchant asked for, and what it came to.
pub(crate) fn asked(kind: OperationKind, target: Target, amount: Option<u64>, legs: impl Into<Vec<Leg>>) -> Commit {
    vec![OrderEvent::OperationRequested {
        legs: legs.into(),
        is_release: false,
        kind: Some(kind),
        target: target.payment(),
        reference: None,
        amount,
        details: None,
        is_deferred: false,
        is_automatic: false,
        of: None,
        lines: vec![],
        key: None,
    }]
}

/// What was taken and cannot be done.
pub(crate) fn operation_refused(
    kind: OperationKind,
    target: Target,
    amount: Option<u64>,
    objection: Objection,
) -> Commit {
    let target = target.payment();
    vec![OrderEvent::OperationRefused {
        kind,
        target,
        reference: None,
        amount,
        objection,
        explanation: None,
        key: None,
    }]
}

/// What a cancellation or a timeout asks for.
pub(crate) fn released(legs: impl Into<Vec<Leg>>) -> Commit {
    vec![OrderEvent::OperationRequested {
        legs: legs.into(),
        is_release: true,
        kind: None,
        target: None,
        reference: None,
        amount: None,
        details: None,
        is_deferred: false,
        is_automatic: false,
        of: None,
        lines: vec![],
        key: None,
    }]
}

pub(crate) fn leg_resolved(operation: u16, leg: u16, result: LegResult) -> Commit {
    vec![OrderEvent::LegResolved { operation: v(operation), leg, result }]
}

pub(crate) fn done(operation: u16, leg: u16) -> Commit {
    leg_resolved(operation, leg, LegResult::Done)
}

pub(crate) fn declined(operation: u16, leg: u16) -> Commit {
    leg_resolved(operation, leg, declined_leg())
}

pub(crate) fn cancellation() -> Commit {
    vec![OrderEvent::CancellationRequested { reason: CancelReason::Merchant, key: None }]
}

/// The cancellation of an order that expired.
pub(crate) fn expiry() -> Commit {
    vec![OrderEvent::CancellationRequested { reason: CancelReason::Expired, key: None }]
}

pub(crate) fn answered(key: KeyPrint) -> Commit {
    vec![OrderEvent::Answered { key }]
}

pub(crate) fn closed(reason: CloseReason) -> Commit {
    vec![OrderEvent::Closed { reason, capture_at: None, key: None }]
}

/// One commit of several's events.
pub(crate) fn together<const N: usize>(commits: [Commit; N]) -> Commit {
    commits.concat()
}

/// The same commit, made by a request with a key.
pub(crate) fn keyed(mut commit: Commit, print: KeyPrint) -> Commit {
    match commit.first_mut().unwrap() {
        OrderEvent::Opened { key, .. }
        | OrderEvent::PaymentReserved { key, .. }
        | OrderEvent::OperationRequested { key, .. }
        | OrderEvent::OperationRefused { key, .. }
        | OrderEvent::Revised { key, .. }
        | OrderEvent::Appended { key, .. }
        | OrderEvent::LinesRecorded { key, .. }
        | OrderEvent::Reopened { key }
        | OrderEvent::CancellationRequested { key, .. } => *key = Some(print),
        event @ (OrderEvent::PaymentResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::LegResolved { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::AmountsChanged
        | OrderEvent::Closed { .. }) => panic!("{event:?} takes no key"),
    }
    commit
}

// Parts of events and commands.

pub(crate) fn leg(payment: u16, action: Action, amount: u64) -> Leg {
    Leg::new(v(payment), action, amount)
}

pub(crate) fn declined_leg() -> LegResult {
    LegResult::Declined { reason: Decline::NotPermitted }
}

pub(crate) fn awaiting_shopper() -> Resolution {
    Resolution::AwaitingShopper { redirect: Redirect { url: "https://bank.example/1".into() } }
}

pub(crate) fn on_payment(payment: u16, resolution: Resolution) -> Finding {
    Finding::Payment { payment: v(payment), resolution }
}

pub(crate) fn on_leg(operation: u16, index: u16, result: LegResult) -> Finding {
    Finding::Leg { operation: v(operation), index, result }
}

// What is asked.

pub(crate) fn open(amount: Money) -> Open {
    Open {
        reference: "order".into(),
        amount,
        expires_at: None,
        token_key: 1,
        session: None,
        cart: None,
        details: None,
        key: None,
    }
}

/// A payment by a shopper whose token is of version `seen`.
pub(crate) fn reserve(seen: u16, amount: Money) -> Reserve {
    Reserve {
        seen: v(seen),
        amount,
        reference: "payment".into(),
        method: card(),
        partner: PartnerId::Sandbox,
        token: "tok_1".into(),
        act_by: None,
        key: None,
    }
}

pub(crate) fn pay(seen: u16, minor: u64) -> Command {
    Command::Reserve(reserve(seen, eur(minor)))
}

pub(crate) fn request(payment: u16, action: Action, amount: Money) -> Command {
    operate(kind_of(action), Target::Payment(v(payment)), Some(amount))
}

pub(crate) fn operate(kind: OperationKind, target: Target, amount: Option<Money>) -> Command {
    Command::Operate(Operate::new(kind, target, amount))
}

/// What is asked for by whoever asks for no more than one action.
pub(crate) fn kind_of(action: Action) -> OperationKind {
    match action {
        Action::Capture => OperationKind::Capture,
        Action::Void => OperationKind::Void,
        Action::Refund => OperationKind::Refund,
        Action::Increase => OperationKind::AmountUpdate,
    }
}

pub(crate) fn capture(payment: u16, minor: u64) -> Command {
    request(payment, Action::Capture, eur(minor))
}

pub(crate) fn void(payment: u16, minor: u64) -> Command {
    request(payment, Action::Void, eur(minor))
}

pub(crate) fn refund(payment: u16, minor: u64) -> Command {
    request(payment, Action::Refund, eur(minor))
}

pub(crate) fn cancel() -> Command {
    Command::Cancel(Cancel { reason: CancelReason::Merchant, key: None })
}

pub(crate) fn record<const N: usize>(findings: [Finding; N]) -> Command {
    Command::Record { findings: findings.into(), key: None }
}

/// The same command, from a request with a key.
pub(crate) fn with_key(mut command: Command, print: KeyPrint) -> Command {
    match &mut command {
        Command::Reserve(Reserve { key, .. })
        | Command::Operate(Operate { key, .. })
        | Command::Cancel(Cancel { key, .. })
        | Command::Revise(Revise { key, .. })
        | Command::Append(Append { key, .. })
        | Command::Allocate(Allocate { key, .. })
        | Command::Close { key }
        | Command::Reopen { key }
        | Command::Record { key, .. } => *key = Some(print),
        Command::Lapse => panic!("nobody asks for it, so it takes no key"),
    }
    command
}

// What it comes to.

pub(crate) fn commits<const N: usize>(events: [Commit; N]) -> Result<Decision, Refusal> {
    Ok(Decision::Commit(events.concat()))
}

pub(crate) fn already(version: u16) -> Result<Decision, Refusal> {
    Ok(Decision::Already(v(version)))
}

/// The order after these commits, all at [`NOW`].
#[track_caller]
pub(crate) fn after(given: &[Commit]) -> Order {
    given
        .iter()
        .zip(0..)
        .fold(None, |order, (commit, version)| Order::evolve_all(order, commit, v(version), NOW))
        .unwrap()
}

/// The books of a payment after these commits.
#[track_caller]
pub(crate) fn books(given: &[Commit], payment: u16) -> Tally {
    after(given).payment(v(payment)).unwrap().tally
}

/// Given these commits, when this is asked, then that follows.
#[track_caller]
pub(crate) fn check(given: &[Commit], when: Command, then: Result<Decision, Refusal>) {
    check_at(NOW, given, when, then);
}

/// [`check`], at another time.
#[track_caller]
pub(crate) fn check_at(now: Time, given: &[Commit], when: Command, then: Result<Decision, Refusal>) {
    assert_eq!(after(given).decide(&when, now), then);
}
