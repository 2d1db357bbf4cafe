//! What holds of every order and every account, whatever is asked of it in whatever order.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Account, Action, Aggregate, Money, Order, OrderId, Reference, Tally, Time, Version,
    account::{AccountCommand, AccountEvent},
    limits::{AUTHORISE_DEADLINE, PAYMENTS_PER_ORDER_MAX},
    order::{
        ANY, Allocate, Append, Books, Cancel, CancelReason, Cancellation, CancelledBy, CaptureMode, CloseReason,
        Command, Decision, Decline, Due, Finding, Leg, LegResult, Method, Open, Operate, OperationKind, OrderEvent,
        OrderKind, OwnFormat, OwnWebhook, Payment, Priority, Refusal, Reserve, Resolution, Revise, Session, Standing,
        Target,
    },
    reference::LegReference,
};
use proptest::{prelude::*, sample::Index, test_runner::TestCaseResult};

use crate::support::{
    EXPIRY, NOW, awaiting_shopper, cancel, card, declined_leg, eur, gift_card, holder, ideal, money, open, print,
    priority, reserve, v,
};

// -- orders: what may be asked

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// `act_for`: how many milliseconds a shopper who has to act may take.
    Pay {
        part: Part,
        method: Method,
        seen: Option<Index>,
        act_for: Option<u64>,
        key: Option<u8>,
    },
    Hear {
        words: Vec<Word>,
        key: Option<u8>,
    },
    Ask {
        ask: Ask,
        key: Option<u8>,
    },
    Cancel {
        key: Option<u8>,
    },
    Lapse,
    Wait {
        milliseconds: u64,
    },
}

/// An operation that a merchant asks for, of one payment or of all of them.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    kind: OperationKind,
    which: Option<Index>,
    part: Option<Part>,
    priorities: Option<Vec<Priority>>,
    is_deferred: bool,
}

impl Ask {
    /// What it comes to on an order, if that has payments.
    pub(crate) fn of(&self, order: &Order) -> Option<Operate> {
        let payments = order.payments.iter().collect::<Vec<_>>();
        let which = self.which.filter(|_| !payments.is_empty()).map(|which| *which.get(&payments));
        let payments = which.map_or(payments, |payment| vec![payment]);
        let all = match action_of(self.kind) {
            Some(action) => payments.iter().map(|payment| payment.tally.available(action)).sum(),
            None => payments.first()?.tally.authorised + order.remaining,
        };
        let takes_amount = !matches!(self.kind, OperationKind::Reversal | OperationKind::TechnicalCancel);
        let amount = self.part.filter(|_| takes_amount).map(|part| part.of(all));
        let target = which.map_or(Target::Order, |payment| Target::Payment(payment.version));
        Some(Operate {
            priorities: self.priorities.clone(),
            is_deferred: self.is_deferred,
            ..Operate::new(self.kind, target, amount)
        })
    }
}

/// The action that an operation shares out among payments, if it does no more than that.
fn action_of(kind: OperationKind) -> Option<Action> {
    match kind {
        OperationKind::Capture => Some(Action::Capture),
        OperationKind::Void | OperationKind::TechnicalCancel => Some(Action::Void),
        OperationKind::Refund => Some(Action::Refund),
        OperationKind::Reversal | OperationKind::AmountUpdate | OperationKind::Exchange | OperationKind::Release => {
            None
        }
    }
}

/// How much of what there is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    All,
    Minor(u64),
}

/// Something a partner may say.
#[derive(Debug, Clone)]
pub(crate) enum Word {
    OnPayment(Index, Resolution),
    OnLeg(Index, Index, LegResult),
}

impl Part {
    pub(crate) fn of(self, all: u64) -> Money {
        match self {
            Self::All => eur(all),
            Self::Minor(minor) => eur(minor),
        }
    }
}

pub(crate) fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::All), (0..=120_u64).prop_map(Part::Minor)]
}

fn any_key() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.3, 0..6_u8)
}

fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(&[Action::Capture, Action::Void, Action::Refund, Action::Increase][..])
}

fn any_kind() -> impl Strategy<Value = OperationKind> {
    prop_oneof![
        4 => Just(OperationKind::Capture),
        2 => Just(OperationKind::Void),
        3 => Just(OperationKind::Refund),
        1 => Just(OperationKind::Reversal),
        3 => Just(OperationKind::AmountUpdate),
        1 => Just(OperationKind::TechnicalCancel),
    ]
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![3 => Just(card()), 2 => Just(gift_card("illicado")), 1 => Just(gift_card("givex")), 1 => Just(ideal())]
}

/// Names that payments have, names that none has, and what matches any.
fn any_priority() -> impl Strategy<Value = Priority> {
    let partner = prop::sample::select(&[ANY, ANY, "sandbox", "illicado", "givex", "nobody"][..]);
    let method = prop::sample::select(&[ANY, ANY, "creditcard", "giftcard", "ideal", "cheque"][..]);
    (partner, method).prop_map(|(partner, method)| priority(partner, method))
}

pub(crate) fn any_ask() -> impl Strategy<Value = Ask> {
    (
        any_kind(),
        prop::option::weighted(0.6, any::<Index>()),
        prop::option::weighted(0.7, any_part()),
        prop::option::weighted(0.3, prop::collection::vec(any_priority(), 0..4)),
        any::<bool>(),
    )
        .prop_map(|(kind, which, part, priorities, is_deferred)| Ask {
            kind,
            which,
            part,
            priorities,
            is_deferred,
        })
}

fn any_resolution() -> impl Strategy<Value = Resolution> {
    prop_oneof![
        4 => Just(Resolution::Authorised),
        1 => Just(Resolution::Refused { reason: Decline::Refused }),
        1 => Just(Resolution::Cancelled { by: CancelledBy::Shopper }),
        1 => Just(Resolution::Failed),
        2 => Just(Resolution::Pending),
        2 => Just(awaiting_shopper()),
        1 => Just(Resolution::Uncertain),
    ]
}

fn any_result() -> impl Strategy<Value = LegResult> {
    prop_oneof![
        4 => Just(LegResult::Done),
        2 => Just(declined_leg()),
        1 => Just(LegResult::Pending),
        1 => Just(LegResult::Uncertain),
    ]
}

fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        (any::<Index>(), any_resolution()).prop_map(|(payment, word)| Word::OnPayment(payment, word)),
        (any::<Index>(), any::<Index>(), any_result())
            .prop_map(|(operation, leg, word)| Word::OnLeg(operation, leg, word)),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (
            any_part(),
            any_method(),
            prop::option::weighted(0.2, any::<Index>()),
            prop::option::weighted(0.3, 0..20_000_000_u64),
            any_key(),
        )
            .prop_map(|(part, method, seen, act_for, key)| Step::Pay { part, method, seen, act_for, key }),
        8 => (prop::collection::vec(any_word(), 1..4), any_key()).prop_map(|(words, key)| Step::Hear { words, key }),
        6 => (any_ask(), any_key()).prop_map(|(ask, key)| Step::Ask { ask, key }),
        1 => any_key().prop_map(|key| Step::Cancel { key }),
        2 => Just(Step::Lapse),
        2 => prop_oneof![4 => 0..10_000_u64, 4 => 0..4_000_000_u64, 1 => 0..100_000_000_u64]
            .prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

pub(crate) fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 0..40)
}

/// How an order is opened.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) amount: u64,
    /// Whether around one payment of all of it.
    pub(crate) is_single: bool,
    pub(crate) session: Option<Session>,
}

fn any_session() -> impl Strategy<Value = Session> {
    let capture = prop_oneof![
        Just(CaptureMode::Manual),
        Just(CaptureMode::Automatic { delay_s: 0 }),
        (0..200_000_u64).prop_map(|delay_s| CaptureMode::Automatic { delay_s }),
    ];
    let webhook = OwnWebhook { url: "https://shop.example/own".into(), headers: vec![], format: OwnFormat::Payments };
    (capture, any::<bool>()).prop_map(move |(capture, is_told)| Session {
        capture,
        webhook: is_told.then(|| webhook.clone()),
        is_purchase: false,
    })
}

pub(crate) fn any_opening() -> impl Strategy<Value = Opening> {
    (1..=200_u64, prop::bool::weighted(0.15), prop::option::weighted(0.4, any_session()))
        .prop_map(|(amount, is_single, session)| Opening { amount, is_single, session })
}

// -- orders: what comes of it

/// An order and all that was committed to it.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) order: Order,
    pub(crate) now: Time,
    pub(crate) commits: Vec<(Version, Time, Vec<OrderEvent>)>,
}

impl Story {
    pub(crate) fn begin(opening: Opening) -> Self {
        let Opening { amount, is_single, session } = opening;
        let payment = is_single.then(|| reserve(0, eur(amount)));
        let open = Open { session, ..open(eur(amount)) };
        let events = Order::open(&open, payment.as_ref(), NOW).unwrap();
        let order = Order::evolve_all(None, &events, Version::FIRST, NOW).unwrap();
        Self { order, now: NOW, commits: vec![(Version::FIRST, NOW, events)] }
    }

    pub(crate) fn of(opening: Opening, steps: &[Step]) -> Result<Self, TestCaseError> {
        let mut story = Self::begin(opening);
        check_order(&story.order)?;
        for step in steps {
            story.take(step)?;
        }
        Ok(story)
    }

    fn take(&mut self, step: &Step) -> TestCaseResult {
        if let Step::Wait { milliseconds } = step {
            self.now = Time::from_unix_ms(self.now.unix_ms() + milliseconds);
        }
        match self.command(step) {
            Some(command) => self.ask(&command).map(|_| ()),
            None => Ok(()),
        }
    }

    /// What a step asks of the order as it stands; nothing if there is nothing to ask it of.
    fn command(&self, step: &Step) -> Option<Command> {
        let payment = |which: &Index| {
            let payments = &self.order.payments;
            (!payments.is_empty()).then(|| which.get(payments))
        };
        match step {
            Step::Pay { part, method, seen, act_for, key } => Some(Command::Reserve(Reserve {
                act_by: act_for.map(|act_for| self.now.plus(Duration::from_millis(act_for))),
                partner: holder(method),
                method: method.clone(),
                key: key.map(|key| print(key, 0)),
                ..reserve(
                    seen.map_or(self.order.version.get(), |seen| {
                        u16::try_from(seen.index(usize::from(self.order.version.get()) + 1)).unwrap()
                    }),
                    part.of(self.order.remaining),
                )
            })),
            Step::Hear { words, key } => Some(Command::Record {
                findings: words
                    .iter()
                    .filter_map(|word| match word {
                        Word::OnPayment(which, resolution) => payment(which).map(|payment| Finding::Payment {
                            payment: payment.version,
                            resolution: resolution.clone(),
                        }),
                        Word::OnLeg(which, leg, result) => {
                            // One that was refused has no legs that anybody could speak of.
                            let operations = self.order.operations.iter();
                            let operations = operations.filter(|known| known.refused.is_none()).collect::<Vec<_>>();
                            (!operations.is_empty()).then(|| {
                                let operation = which.get(&operations);
                                let index = u16::try_from(leg.index(operation.legs.len())).unwrap();
                                Finding::Leg { operation: operation.version, index, result: result.clone() }
                            })
                        }
                    })
                    .collect(),
                key: key.map(|key| print(key, 1)),
            }),
            Step::Ask { ask, key } => {
                let operate = ask.of(&self.order)?;
                Some(Command::Operate(Operate { key: key.map(|key| print(key, 2)), ..operate }))
            }
            Step::Cancel { key } => {
                Some(Command::Cancel(Cancel { reason: CancelReason::Merchant, key: key.map(|key| print(key, 3)) }))
            }
            Step::Lapse => Some(Command::Lapse),
            Step::Wait { .. } => None,
        }
    }

    /// Decides a command and commits what follows; checks what must hold after it. Whether anything was
    /// committed.
    pub(crate) fn ask(&mut self, command: &Command) -> Result<bool, TestCaseError> {
        let decision = self.order.decide(command, self.now);
        if let Command::Operate(operate) = command {
            check_operation(&self.order, operate, &decision, self.now)?;
        }
        let Ok(Decision::Commit(events)) = decision else { return Ok(false) };
        prop_assert!(!events.is_empty(), "an empty commit");
        let version = self.order.version.next().unwrap();
        let mut after = self.order.clone();
        for event in &events {
            after = Order::evolve(Some(after), event, version, self.now).unwrap();
            check_books(&after)?;
        }
        check_telling(&self.order, &after, &events)?;
        let is_kept = |leg: &Leg| self.order.payment(leg.payment).is_none_or(|payment| payment.reversed.is_none());
        let takes_back = |event: &OrderEvent| matches!(event, OrderEvent::OperationRequested { legs, is_release: true, .. } if legs.iter().any(is_kept));
        let is_paid = self.order.closed.as_ref().is_some_and(|closed| closed.is_success());
        prop_assert!(!is_paid || !events.iter().any(takes_back), "a paid order gave money back by itself");
        self.commits.push((version, self.now, events));
        check_order(&after)?;
        check_passage(&self.order, &after)?;
        check_time(&after, self.now)?;
        check_repetition(&after, command, self.now)?;
        self.order = after;
        Ok(true)
    }

    /// Does all that is left to do, by partners that answer so, in runs of the driver a while apart.
    fn drive(&mut self, answer: fn(&Due) -> Option<Finding>, is_backwards: bool) -> TestCaseResult {
        for _ in 0..50 {
            self.now = self.now.plus(AUTHORISE_DEADLINE);
            if self.order.outstanding(self.now).contains(&Due::Lapse) {
                let is_news = self.ask(&Command::Lapse)?;
                prop_assert!(is_news, "time asked for something, and nothing came of it");
                prop_assert!(!self.order.has_lapsed(self.now), "time asks for more without end");
            }
            let mut findings = self.order.outstanding(self.now).iter().filter_map(answer).collect::<Vec<_>>();
            if findings.is_empty() {
                return Ok(());
            }
            if is_backwards {
                findings.reverse();
            }
            let is_news = self.ask(&Command::Record { findings, key: None })?;
            prop_assert!(is_news, "what is outstanding was answered, and nothing came of it");
        }
        Err(TestCaseError::fail("an order that does not come to rest"))
    }

    /// Cancels the order, and lets partners that approve of everything do all that is left to do.
    fn cancel_and_drive(&mut self, is_backwards: bool) -> TestCaseResult {
        self.ask(&cancel())?;
        self.drive(approve, is_backwards)
    }

    /// Lets time pass until the order has expired, and does all that is left to do.
    fn expire_and_drive(&mut self, answer: fn(&Due) -> Option<Finding>, is_backwards: bool) -> TestCaseResult {
        self.now = self.now.max(EXPIRY);
        self.drive(answer, is_backwards)
    }

    /// Whether a partner declined to release money that it held by then, or to take it back for the merchant.
    fn was_release_declined(&self, payment: Version) -> bool {
        self.order
            .operations
            .iter()
            .filter(|operation| matches!(operation.kind, OperationKind::Release | OperationKind::Reversal))
            .filter(|operation| {
                self.order.payment(payment).is_some_and(|payment| Some(operation.version) >= payment.resolved)
            })
            .flat_map(|operation| &operation.legs)
            .any(|leg| leg.payment == payment && matches!(leg.result, Some(LegResult::Declined { .. })))
    }
}

fn approve(due: &Due) -> Option<Finding> {
    match due {
        Due::Lapse => None,
        Due::Lookup { payment } => Some(Finding::Payment { payment: *payment, resolution: Resolution::Authorised }),
        Due::Perform { operation, index, .. } => {
            Some(Finding::Leg { operation: *operation, index: *index, result: LegResult::Done })
        }
    }
}

/// A partner that lets go of nothing.
fn hold_on(due: &Due) -> Option<Finding> {
    match due {
        Due::Perform { operation, index, leg } if leg.action != Action::Capture => {
            Some(Finding::Leg { operation: *operation, index: *index, result: declined_leg() })
        }
        Due::Lapse | Due::Lookup { .. } | Due::Perform { .. } => approve(due),
    }
}

/// What holds of every order's money after every single event.
fn check_books(order: &Order) -> TestCaseResult {
    let (mut all, mut capturing_or_voiding, mut refunding) = (Books::default(), 0, 0);
    for payment in &order.payments {
        let tally = payment.tally;
        prop_assert!(tally.is_conserved(), "{:?}", payment);
        let in_flight = tally.capturing + tally.voiding;
        prop_assert_eq!(tally.authorised, tally.captured + tally.voided + tally.capturable() + in_flight);
        prop_assert_eq!(tally.captured, tally.refunded + tally.refundable() + tally.refunding);
        prop_assert_eq!(tally.authorised, if payment.is_authorised() { payment.amount } else { 0 });
        let covers =
            if payment.is_live() { payment.amount + tally.increasing - tally.voided - tally.refunded } else { 0 };
        prop_assert_eq!(payment.covers(), covers);
        for action in [Action::Capture, Action::Void, Action::Refund, Action::Increase] {
            let legs = order
                .operations
                .iter()
                .flat_map(|operation| &operation.legs)
                .filter(|leg| leg.payment == payment.version && leg.action == action);
            let in_flight = legs.filter(|leg| leg.is_in_flight()).map(|leg| leg.amount).sum::<u64>();
            let begun = match action {
                Action::Capture => tally.capturing,
                Action::Void => tally.voiding,
                Action::Refund => tally.refunding,
                Action::Increase => tally.increasing,
            };
            prop_assert_eq!(
                begun,
                if payment.is_authorised() { in_flight } else { 0 },
                "{:?} of {:?}",
                action,
                payment
            );
        }
        let is_open = payment.is_live() && !payment.is_final();
        all.authorising += if is_open { payment.amount } else { tally.increasing };
        all.authorised += tally.authorised;
        all.captured += tally.captured;
        all.voided += tally.voided;
        all.refunded += tally.refunded;
        all.capturable += tally.capturable();
        all.refundable += tally.refundable();
        capturing_or_voiding += in_flight;
        refunding += tally.refunding;
    }
    let books = order.books();
    prop_assert_eq!(books, all);
    prop_assert_eq!(books.authorised, books.captured + books.voided + books.capturable + capturing_or_voiding);
    prop_assert_eq!(books.captured, books.refunded + books.refundable + refunding);

    let amount = order.amount.minor();
    let kept = order.payments.iter().map(|payment| payment.tally.kept()).sum::<u64>();
    prop_assert!(kept <= amount, "{} are held or taken of an order over {}", kept, amount);
    prop_assert!(order.covered() <= amount, "{} of {} are covered", order.covered(), amount);
    let is_paid = order.closed.as_ref().is_some_and(|closed| closed.is_success());
    prop_assert_eq!(order.remaining, if is_paid { 0 } else { amount - order.covered() });
    Ok(())
}

/// What holds of every order at every moment.
fn check_order(order: &Order) -> TestCaseResult {
    check_books(order)?;
    let unresolved = order.payments.iter().filter(|payment| payment.is_live() && !payment.is_final()).count();
    let legs = order.operations.iter().flat_map(|operation| &operation.legs);
    let releasing = legs.filter(|leg| leg.action != Action::Capture && leg.is_in_flight()).count();
    prop_assert_eq!(usize::from(order.unresolved), unresolved + releasing);
    for operation in &order.operations {
        prop_assert_eq!(operation.legs.is_empty(), operation.refused.is_some());
        prop_assert_eq!(operation.standing(), standing_of(&operation.legs), "{:?}", operation);
    }
    prop_assert!(order.operations.iter().filter(|operation| operation.is_automatic).count() <= 1);
    prop_assert_eq!(usize::from(order.attempts), order.payments.len());
    prop_assert!(order.payments.len() <= PAYMENTS_PER_ORDER_MAX);
    prop_assert!(order.position <= order.version);
    let keys = order.keys.iter().map(|used| used.print.key).collect::<BTreeSet<_>>();
    prop_assert_eq!(keys.len(), order.keys.len(), "a key was used twice");
    Ok(())
}

/// How legs stand together, told from the words alone.
fn standing_of(legs: &[Leg]) -> Standing {
    let have = |word: fn(&Leg) -> bool| legs.iter().any(word);
    let is_done = |leg: &Leg| leg.result == Some(LegResult::Done);
    let is_declined = |leg: &Leg| matches!(leg.result, Some(LegResult::Declined { .. }));
    if have(|leg| leg.result == Some(LegResult::Uncertain)) {
        Standing::Uncertain
    } else if have(|leg| matches!(leg.result, None | Some(LegResult::Pending))) {
        Standing::Pending
    } else if have(is_done) && have(is_declined) {
        Standing::Conflict
    } else if have(is_done) {
        Standing::Success
    } else {
        Standing::Failure
    }
}

/// The payments that a list admits, in its order: entry by entry, as it is written down.
fn admitted<'p>(list: &[Priority], payments: &[&'p Payment]) -> Vec<&'p Payment> {
    let is_rest = |entry: &Priority| entry.partner == ANY && entry.method == ANY;
    let fits = |entry: &Priority, payment: &Payment| {
        [(&entry.partner, payment.partner_name()), (&entry.method, payment.method_name())]
            .iter()
            .all(|(wanted, name)| *wanted == ANY || *wanted == name)
    };
    let mut placed = Vec::<&Payment>::new();
    for entry in list {
        for payment in payments {
            let is_meant = if is_rest(entry) {
                !list.iter().any(|other| !is_rest(other) && fits(other, payment))
            } else {
                fits(entry, payment)
            };
            if is_meant && !placed.iter().any(|known| known.version == payment.version) {
                placed.push(payment);
            }
        }
    }
    placed
}

/// What an operation comes to: all that was asked for, or nothing at all.
fn check_operation(
    before: &Order,
    operate: &Operate,
    decision: &Result<Decision, Refusal>,
    now: Time,
) -> TestCaseResult {
    let events = match decision {
        Ok(Decision::Commit(events)) => events,
        Ok(Decision::Already(_)) => return Ok(()),
        Err(refusal) => {
            prop_assert!(!operate.is_deferred || refusal.objection().is_none(), "{:?} of {:?}", refusal, operate);
            return Ok(());
        }
    };
    let version = before.version.next().unwrap();
    let after = Order::evolve_all(Some(before.clone()), events, version, now).unwrap();
    let operation = after.operation(version).unwrap();
    prop_assert_eq!((operation.kind, operation.target), (operate.kind, operate.target.payment()));
    if operation.refused.is_some() {
        prop_assert!(operate.is_deferred);
        prop_assert_eq!(operation.standing(), Standing::Failure);
        if after.cancellation != before.cancellation {
            // A reversal of a whole order ends it all the same, and its end releases what there is.
            prop_assert_eq!((operate.kind, operate.target), (OperationKind::Reversal, Target::Order));
            let settled = |order: &Order| {
                let books = order.books();
                (books.authorised, books.captured, books.voided, books.refunded)
            };
            prop_assert_eq!(settled(&after), settled(before));
            return Ok(());
        }
        let after = Order {
            operations: before.operations.clone(),
            version: before.version,
            changes: before.changes,
            topics: before.topics,
            keys: before.keys.clone(),
            ..after
        };
        prop_assert_eq!(&after, before, "a refused operation moved something");
        return Ok(());
    }
    let legs = operation.legs.iter().map(|leg| (leg.payment, leg.action, leg.amount)).collect::<Vec<_>>();
    prop_assert!(legs.iter().all(|(.., amount)| *amount > 0), "{:?}", legs);
    let targets = before.payments.iter().filter(|payment| match operate.target {
        Target::Order => true,
        Target::Payment(version) => payment.version == version,
    });
    let targets = targets.collect::<Vec<_>>();
    let is_whole = targets.iter().all(|payment| payment.is_authorised());
    match action_of(operate.kind) {
        // A payment that is not authorised yet is voided whole.
        Some(_) if !is_whole && operate.target != Target::Order => {
            prop_assert_eq!(legs, vec![(targets[0].version, Action::Void, targets[0].amount)]);
        }
        Some(action) => {
            let available = |payment: &Payment| payment.tally.available(action);
            let all = targets.iter().map(|payment| available(payment)).sum::<u64>();
            let mut left = operate.amount.map_or(all, Money::minor);
            prop_assert_eq!(legs.iter().map(|(.., amount)| amount).sum::<u64>(), left);
            let first = if action == Action::Capture { "giftcard" } else { "creditcard" };
            let default = vec![priority(ANY, first), priority(ANY, ANY)];
            let order = admitted(operate.priorities.as_ref().unwrap_or(&default), &targets);
            let mut expected = Vec::new();
            for payment in order {
                let share = left.min(available(payment));
                left -= share;
                expected.extend((share > 0).then_some((payment.version, action, share)));
            }
            prop_assert_eq!(legs, expected, "{:?}", operate);
        }
        None if operate.kind == OperationKind::AmountUpdate => {
            let held = |payment: &Payment| {
                let Tally { authorised, voided, voiding, increasing, .. } = payment.tally;
                authorised - voided - voiding + increasing
            };
            prop_assert_eq!(legs.len(), 1);
            prop_assert_eq!(held(after.payment(legs[0].0).unwrap()), operate.amount.unwrap().minor());
        }
        None => {
            prop_assert!(legs.iter().all(|(_, action, _)| !action.takes()));
            for payment in targets {
                let tally = after.payment(payment.version).unwrap().tally;
                prop_assert_eq!((tally.capturable(), tally.refundable()), (0, 0), "{:?}", payment);
            }
            let ends = operate.target == Target::Order && before.is_open();
            prop_assert_eq!(ends, after.cancellation.is_some() && before.cancellation.is_none());
        }
    }
    Ok(())
}

/// The order's own webhook is told of a commit exactly if the books are others after it.
fn check_telling(before: &Order, after: &Order, events: &[OrderEvent]) -> TestCaseResult {
    let told = events.iter().filter(|event| **event == OrderEvent::AmountsChanged).count();
    let is_to_be_told = after.own_webhook().is_some() && before.books() != after.books();
    prop_assert_eq!(told, usize::from(is_to_be_told), "{:?}", events);
    prop_assert_eq!(after.amount_changes, before.amount_changes + u32::from(is_to_be_told));
    Ok(())
}

/// What holds of an order and what it becomes.
fn check_passage(before: &Order, after: &Order) -> TestCaseResult {
    prop_assert_eq!(Some(after.version), before.version.next());
    prop_assert!(after.position == before.position || after.position == after.version);
    if let Some(closed) = &before.closed {
        prop_assert_eq!(after.closed.as_ref(), Some(closed), "an order reopened");
        prop_assert_eq!(after.payments.len(), before.payments.len(), "a closed order took a payment");
    } else if let Some(closed) = &after.closed {
        prop_assert_eq!(after.unresolved, 0);
        let left = after.outstanding(Time::from_unix_ms(u64::MAX));
        prop_assert!(closed.is_success() || left.is_empty(), "closed, and {:?} is left to do", left);
    }
    if before.cancellation.is_some() {
        prop_assert_eq!(&after.cancellation, &before.cancellation);
        prop_assert_eq!(after.payments.len(), before.payments.len(), "a cancelled order took a payment");
    }
    for (before, after) in before.payments.iter().zip(&after.payments) {
        prop_assert_eq!(before.version, after.version);
        if before.is_final() {
            prop_assert_eq!(&before.resolution, &after.resolution, "a final word was taken back");
        }
        prop_assert!(before.answered.is_none() || after.answered == before.answered);
    }
    for (before, after) in before.operations.iter().zip(&after.operations) {
        for (before, after) in before.legs.iter().zip(&after.legs) {
            if !before.is_in_flight() {
                prop_assert_eq!(before, after, "a final word was taken back");
            }
        }
    }
    let began = after.payments.len() + after.operations.len() - before.payments.len() - before.operations.len();
    prop_assert!(began <= 1, "two things of one commit would have one name");
    Ok(())
}

/// What holds of an order's time, whenever it is looked at.
fn check_time(order: &Order, now: Time) -> TestCaseResult {
    let doomsday = Time::from_unix_ms(u64::MAX);
    for now in [now, now.plus(Duration::from_secs(3_600)), EXPIRY, doomsday] {
        let has_lapsed = order.has_lapsed(now);
        let due = order.outstanding(now);
        prop_assert_eq!(due.contains(&Due::Lapse), has_lapsed);
        let decision = order.decide(&Command::Lapse, now);
        prop_assert_eq!(matches!(decision, Ok(Decision::Commit(_))), has_lapsed, "{:?}", decision);
        for tries in [0, 10] {
            let next = order.next_look(now, tries);
            prop_assert!(due.is_empty() || next.is_some(), "{:?} are due, and nobody looks again", due);
            prop_assert!(now == doomsday || next.is_none_or(|next| next > now), "a look that is due at once is a loop");
        }
    }
    for payment in order.payments.iter().filter(|payment| payment.is_timed_out && !payment.is_final()) {
        prop_assert!(payment.release_asked, "out of time, and kept: {:?}", payment);
        prop_assert!(!order.waits_for_shopper());
    }
    prop_assert!(order.payments.iter().all(|payment| payment.act_by <= order.expires_at));
    Ok(())
}

/// What was committed is not committed again.
fn check_repetition(order: &Order, command: &Command, now: Time) -> TestCaseResult {
    let is_repeatable = match command {
        Command::Reserve(Reserve { key, .. }) | Command::Operate(Operate { key, .. }) => key.is_some(),
        Command::Revise(Revise { key, .. })
        | Command::Append(Append { key, .. })
        | Command::Allocate(Allocate { key, .. }) => key.is_some(),
        Command::Close { .. } | Command::Reopen { .. } => true,
        Command::Cancel(_) | Command::Lapse | Command::Record { .. } => true,
    };
    if is_repeatable {
        let again = order.decide(command, now);
        prop_assert!(
            matches!(again, Ok(Decision::Already(_)) | Err(Refusal::InProgress)),
            "{:?}: {:?}",
            command,
            again
        );
    }
    Ok(())
}

pub(crate) fn through_json<T: Aggregate>(state: &T) -> T {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn money_is_conserved_whatever_is_asked(opening in any_opening(), steps in any_steps()) {
        Story::of(opening, &steps)?;
    }

    #[test]
    fn an_order_is_the_fold_of_its_events_and_of_any_snapshot_with_those_after_it(
        opening in any_opening(),
        steps in any_steps(),
        cut: Index,
    ) {
        let story = Story::of(opening, &steps)?;
        let fold = |order, commits: &[(Version, Time, Vec<OrderEvent>)]| {
            commits.iter().fold(order, |order, (version, at, events)| Order::evolve_all(order, events, *version, *at))
        };
        let (before, rest) = story.commits.split_at(cut.index(story.commits.len()) + 1);
        let snapshot = through_json(&fold(None, before).unwrap());
        prop_assert_eq!(fold(Some(snapshot), rest).unwrap(), story.order);
    }

    #[test]
    fn a_cancelled_order_is_driven_to_its_end_and_keeps_no_money(
        opening in any_opening(),
        steps in any_steps(),
        is_backwards: bool,
    ) {
        let mut story = Story::of(opening, &steps)?;
        story.cancel_and_drive(is_backwards)?;
        let order = &story.order;
        prop_assert_eq!(order.unresolved, 0);
        prop_assert!(order.payments.iter().all(|payment| payment.tally.is_at_rest()));
        if let Some(cancellation) = &order.cancellation {
            let reason = match cancellation.reason {
                CancelReason::Merchant => CloseReason::Cancelled,
                CancelReason::Expired => CloseReason::Expired,
            };
            prop_assert_eq!(order.closed.as_ref().map(|closed| closed.reason), Some(reason));
            for payment in &order.payments {
                prop_assert!(payment.tally.kept() == 0 || story.was_release_declined(payment.version), "{:?}", payment);
            }
        }
    }

    #[test]
    fn every_order_ends_once_it_has_expired_and_keeps_money_only_if_it_is_paid(
        opening in any_opening(),
        steps in any_steps(),
        is_backwards: bool,
    ) {
        let mut story = Story::of(opening, &steps)?;
        story.expire_and_drive(approve, is_backwards)?;
        let order = &story.order;
        prop_assert_eq!(order.unresolved, 0);
        prop_assert!(order.payments.iter().all(|payment| payment.tally.is_at_rest()));
        let Some(ended) = order.closed.as_ref().map(|closed| closed.reason) else {
            return Err(TestCaseError::fail("an order that does not end"));
        };
        let is_free = order.payments.iter().all(|payment| payment.covers() == 0);
        let is_as_expected = match (&order.cancellation, order.kind) {
            (Some(Cancellation { reason: CancelReason::Merchant, .. }), _) => ended == CloseReason::Cancelled,
            (Some(Cancellation { reason: CancelReason::Expired, .. }), OrderKind::Parts) => ended == CloseReason::Expired,
            (Some(Cancellation { reason: CancelReason::Expired, .. }), OrderKind::Single | OrderKind::Running) => false,
            (None, OrderKind::Single) if ended == CloseReason::PaymentFailed => is_free,
            (None, _) => ended == CloseReason::Paid,
        };
        prop_assert!(is_as_expected, "{:?}: {:?}", ended, order);
        if ended != CloseReason::Paid {
            for payment in &order.payments {
                prop_assert!(payment.tally.kept() == 0 || story.was_release_declined(payment.version), "{:?}", payment);
            }
        }
    }

    #[test]
    fn a_partner_that_lets_go_of_nothing_is_not_asked_without_end(
        opening in any_opening(),
        steps in any_steps(),
        is_backwards: bool,
    ) {
        let mut story = Story::of(opening, &steps)?;
        story.expire_and_drive(hold_on, is_backwards)?;
        prop_assert_eq!(story.order.unresolved, 0);
        prop_assert!(story.order.closed.is_some(), "{:?}", story.order);
    }

    #[test]
    fn nothing_is_in_flight_once_everything_is_resolved(
        opening in any_opening(),
        steps in any_steps(),
        is_backwards: bool,
        is_declined: bool,
    ) {
        let mut story = Story::of(opening, &steps)?;
        story.drive(if is_declined { hold_on } else { approve }, is_backwards)?;
        let order = &story.order;
        let books = order.books();
        prop_assert_eq!(books.authorising, 0);
        prop_assert_eq!(books.authorised, books.captured + books.voided + books.capturable);
        prop_assert_eq!(books.captured, books.refunded + books.refundable);
        prop_assert_eq!(order.unresolved, 0);
        prop_assert!(order.payments.iter().all(|payment| payment.is_final() && payment.tally.is_at_rest()));
        for operation in &order.operations {
            let is_at_rest =
                matches!(operation.standing(), Standing::Success | Standing::Failure | Standing::Conflict);
            prop_assert!(is_at_rest, "{:?}", operation);
        }
        // One that is captured by itself is, unless its money was given back, or was taken before.
        let is_over = order.captures_at().is_none_or(|capture_at| capture_at > story.now);
        prop_assert!(is_over, "{:?}", order);
    }

    #[test]
    fn an_order_paid_by_three_is_captured_and_refunded_to_the_last_minor_unit(
        code in prop::sample::select(&["JPY", "EUR", "KWD"][..]),
        parts in prop::array::uniform3(1..=1_000_000_u64),
        methods in prop::array::uniform3(any_method()),
        captured: Index,
        refunded: Index,
    ) {
        let of = |minor| money(code, minor);
        let total = parts.iter().sum::<u64>();
        let commit = |order: &mut Order, command: &Command| {
            let Ok(Decision::Commit(events)) = order.decide(command, NOW) else {
                return Err(TestCaseError::fail(format!("{command:?}")));
            };
            let version = order.version.next().unwrap();
            *order = Order::evolve_all(Some(order.clone()), &events, version, NOW).unwrap();
            Ok(version)
        };
        let opened = Order::open(&open(of(total)), None, NOW).unwrap();
        let mut order = Order::evolve_all(None, &opened, Version::FIRST, NOW).unwrap();
        for (part, method) in parts.iter().zip(methods) {
            let seen = order.version.get();
            let partner = holder(&method);
            let payment = commit(&mut order, &Command::Reserve(Reserve { method, partner, ..reserve(seen, of(*part)) }))?;
            let findings = vec![Finding::Payment { payment, resolution: Resolution::Authorised }];
            commit(&mut order, &Command::Record { findings, key: None })?;
        }
        prop_assert!(order.closed.as_ref().is_some_and(|closed| closed.is_success()));

        let mut done = |kind, amount: u64| {
            let asked = commit(&mut order, &Command::Operate(Operate::new(kind, Target::Order, Some(of(amount)))))?;
            let legs = order.operation(asked).unwrap().legs.clone();
            let findings = (0_u16..).zip(&legs).map(|(index, _)| {
                Finding::Leg { operation: asked, index, result: LegResult::Done }
            });
            commit(&mut order, &Command::Record { findings: findings.collect(), key: None })?;
            Ok::<_, TestCaseError>((legs.iter().map(|leg| leg.amount).sum::<u64>(), order.books()))
        };
        let captured = u64::try_from(captured.index(usize::try_from(total).unwrap())).unwrap() + 1;
        let (taken, books) = done(OperationKind::Capture, captured)?;
        prop_assert_eq!((taken, books.captured, books.capturable), (captured, captured, total - captured));
        let refunded = u64::try_from(refunded.index(usize::try_from(captured).unwrap())).unwrap() + 1;
        let (given_back, books) = done(OperationKind::Refund, refunded)?;
        prop_assert_eq!((given_back, books.refunded, books.refundable), (refunded, refunded, captured - refunded));
        if refunded < captured {
            let (rest, books) = done(OperationKind::Refund, captured - refunded)?;
            prop_assert_eq!((rest, books.refunded, books.refundable), (captured - refunded, captured, 0));
        }
        prop_assert_eq!(order.amount, of(total));
    }

    #[test]
    fn a_fresh_token_decides_as_its_order_does(
        opening in any_opening(),
        steps in any_steps(),
        part in any_part(),
        currency in prop::sample::select(&["EUR", "EUR", "EUR", "USD"][..]),
        key in any_key(),
        words in prop::collection::vec((any_resolution(), any_key()), 1..4),
    ) {
        let mut full = Story::of(opening, &steps)?;
        let view = full.order.view();
        let Some(mut glimpse) = Order::glimpse(view.clone()) else {
            prop_assert!(!full.order.is_open() || full.order.session.is_some());
            return Ok(());
        };
        prop_assert_eq!(glimpse.decide(&Command::Lapse, full.now), Err(Refusal::NeedsHistory));
        prop_assert!(full.order.has_lapsed(full.now) || !glimpse.has_lapsed(full.now));
        prop_assert_eq!(glimpse.view(), view);

        let reserve = Reserve {
            key: key.map(|key| print(key, 0)),
            ..reserve(full.order.version.get(), money(currency, part.of(full.order.remaining).minor()))
        };
        let payment = full.order.version.next().unwrap();
        let records = words.into_iter().map(|(resolution, key)| Command::Record {
            findings: vec![Finding::Payment { payment, resolution }],
            key: key.map(|key| print(key, 1)),
        });
        for command in std::iter::once(Command::Reserve(reserve)).chain(records) {
            let decision = glimpse.decide(&command, full.now);
            if decision == Err(Refusal::NeedsHistory) {
                let (Command::Reserve(Reserve { key, .. }) | Command::Record { key, .. }) = &command else {
                    panic!("only payments and words are asked of a token");
                };
                let is_known = key.is_some_and(|key| full.order.keys.iter().any(|used| used.print.key == key.key));
                prop_assert!(is_known || full.order.payment(payment).is_none(), "{:?}", command);
                return Ok(());
            }
            prop_assert_eq!(&decision, &full.order.decide(&command, full.now));
            let Ok(Decision::Commit(events)) = decision else { continue };
            full.ask(&command)?;
            glimpse = Order::evolve_all(Some(glimpse), &events, full.order.version, full.now).unwrap();
            prop_assert_eq!(glimpse.view(), full.order.view());
        }
    }
}

// -- accounts

#[derive(Debug, Clone)]
enum Use {
    Ask(AccountCommand),
    WrongCode,
}

fn any_use() -> impl Strategy<Value = Use> {
    let payment = || (1..6_u16).prop_map(|number| OrderId::from_entropy([7; 16]).at(v(number)));
    let leg = (10..14_u16, 0..2_u16).prop_map(|(operation, index)| LegReference {
        operation: OrderId::from_entropy([7; 16]).at(v(operation)),
        index,
    });
    let currency = prop::sample::select(&["EUR", "EUR", "EUR", "USD"][..]);
    let command = prop_oneof![
        4 => (payment(), currency, 0..=120_u64)
            .prop_map(|(payment, currency, minor)| AccountCommand::Hold { payment, amount: money(currency, minor) }),
        6 => (payment(), leg, any_action(), 0..=120_u64)
            .prop_map(|(payment, leg, action, amount)| AccountCommand::Move { payment, leg, action, amount }),
        2 => payment().prop_map(|payment| AccountCommand::Lookup { payment }),
    ];
    prop_oneof![12 => command.prop_map(Use::Ask), 1 => Just(Use::WrongCode)]
}

/// What holds of every account at every moment.
fn check_account(account: &Account) -> TestCaseResult {
    let kept = account.holds.iter().map(|hold| hold.tally.kept()).sum::<u64>();
    prop_assert_eq!(account.available() + kept, account.issued.minor());
    let held = account.holds.iter().map(|hold| hold.tally.capturable()).sum::<u64>();
    prop_assert_eq!(account.held(), held);
    for hold in &account.holds {
        prop_assert!(hold.tally.is_conserved() && hold.tally.is_at_rest(), "{:?}", hold);
        let moved = |action| {
            let movements = account.movements.iter().filter(move |movement| movement.action == action);
            movements.filter(|movement| movement.payment == hold.payment).map(|movement| movement.amount).sum::<u64>()
        };
        prop_assert_eq!(
            hold.tally,
            Tally {
                captured: moved(Some(Action::Capture)),
                voided: moved(Some(Action::Void)),
                refunded: moved(Some(Action::Refund)),
                ..Tally::authorised(moved(None) + moved(Some(Action::Increase)))
            }
        );
    }
    let payments = account.holds.iter().map(|hold| hold.payment).collect::<BTreeSet<_>>();
    prop_assert_eq!(payments.len(), account.holds.len(), "a payment was held twice");
    let legs = account.movements.iter().filter_map(|movement| movement.leg).collect::<Vec<_>>();
    prop_assert_eq!(legs.iter().collect::<BTreeSet<_>>().len(), legs.len(), "a leg was done twice");
    Ok(())
}

proptest! {
    #[test]
    fn an_account_never_spends_more_than_it_was_issued_with(
        balance in 0..=200_u64,
        uses in prop::collection::vec(any_use(), 0..40),
        cut: Index,
    ) {
        let issued = AccountEvent::Issued {
            brand: "givex".into(),
            last4: "0000".into(),
            balance: eur(balance),
            code: [1; 8], key: None };
        let mut account = Account::evolve(None, &issued, Version::FIRST, NOW).unwrap();
        let mut commits = vec![vec![issued]];
        let mut unknown = BTreeSet::<Reference>::new();
        for asked in &uses {
            let events = match asked {
                Use::Ask(command) => account.decide(command).unwrap_or_default(),
                Use::WrongCode => vec![AccountEvent::CodeFailed],
            };
            if !events.is_empty() {
                let version = account.version.next().unwrap();
                account = Account::evolve_all(Some(account), &events, version, NOW).unwrap();
                if let Use::Ask(command) = asked {
                    prop_assert_eq!(account.decide(command), Ok(vec![]), "{:?} is done twice", command);
                }
                unknown.extend(events.iter().filter_map(|event| match event {
                    AccountEvent::Barred { payment } => Some(*payment),
                    AccountEvent::Issued { .. }
                    | AccountEvent::CreditOpened { .. }
                    | AccountEvent::LimitSet { .. }
                    | AccountEvent::CodeGiven { .. }
                    | AccountEvent::Held { .. }
                    | AccountEvent::Moved { .. }
                    | AccountEvent::Forgotten { .. }
                    | AccountEvent::Declined { .. }
                    | AccountEvent::CodeFailed
                    | AccountEvent::CodeAccepted => None,
                }));
                commits.push(events);
            }
            check_account(&account)?;
            prop_assert!(account.holds.iter().all(|hold| !unknown.contains(&hold.payment)));
        }

        let fold = |state: Option<Account>, commits: &[Vec<AccountEvent>], first: u16| {
            commits.iter().zip(first..).fold(state, |state, (events, version)| {
                Account::evolve_all(state, events, v(version), NOW)
            })
        };
        let (before, rest) = commits.split_at(cut.index(commits.len()) + 1);
        let snapshot = through_json(&fold(None, before, 0).unwrap());
        prop_assert_eq!(fold(Some(snapshot), rest, u16::try_from(before.len()).unwrap()).unwrap(), account);
    }
}
