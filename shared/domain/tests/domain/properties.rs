//! What holds of every order and every account, whatever is asked of it in whatever order.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Account, Action, Aggregate, Money, Order, OrderId, Reference, Tally, Time, Version,
    account::{AccountCommand, AccountEvent},
    limits::{AUTHORISE_DEADLINE, PAYMENTS_PER_ORDER_MAX},
    order::{
        Cancel, CancelReason, Cancellation, CancelledBy, CloseReason, Command, Decision, Decline, Due, Finding,
        LegResult, OrderEvent, OrderKind, Refusal, Request, Reserve, Resolution,
    },
    reference::LegReference,
};
use proptest::{prelude::*, sample::Index, test_runner::TestCaseResult};

use crate::support::{EXPIRY, NOW, awaiting_shopper, cancel, declined_leg, eur, money, open, print, reserve, v};

// -- orders: what may be asked

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// `act_for`: how many milliseconds a shopper who has to act may take.
    Pay {
        part: Part,
        seen: Option<Index>,
        act_for: Option<u64>,
        key: Option<u8>,
    },
    Hear {
        words: Vec<Word>,
        key: Option<u8>,
    },
    Ask {
        payment: Index,
        action: Action,
        part: Part,
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

pub(crate) fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(&[Action::Capture, Action::Void, Action::Refund][..])
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
            prop::option::weighted(0.2, any::<Index>()),
            prop::option::weighted(0.3, 0..20_000_000_u64),
            any_key(),
        )
            .prop_map(|(part, seen, act_for, key)| Step::Pay { part, seen, act_for, key }),
        8 => (prop::collection::vec(any_word(), 1..4), any_key()).prop_map(|(words, key)| Step::Hear { words, key }),
        5 => (any::<Index>(), any_action(), any_part(), any_key())
            .prop_map(|(payment, action, part, key)| Step::Ask { payment, action, part, key }),
        1 => any_key().prop_map(|key| Step::Cancel { key }),
        2 => Just(Step::Lapse),
        2 => prop_oneof![4 => 0..10_000_u64, 4 => 0..4_000_000_u64, 1 => 0..100_000_000_u64]
            .prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

pub(crate) fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 0..40)
}

/// What it is opened over, and whether around one payment.
pub(crate) fn any_opening() -> impl Strategy<Value = (u64, bool)> {
    (1..=200_u64, prop::bool::weighted(0.15))
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
    pub(crate) fn begin((amount, is_single): (u64, bool)) -> Self {
        let payment = is_single.then(|| reserve(0, eur(amount)));
        let events = Order::open(&open(eur(amount)), payment.as_ref(), NOW).unwrap();
        let order = Order::evolve_all(None, &events, Version::FIRST, NOW).unwrap();
        Self { order, now: NOW, commits: vec![(Version::FIRST, NOW, events)] }
    }

    pub(crate) fn of(opening: (u64, bool), steps: &[Step]) -> Result<Self, TestCaseError> {
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
            Step::Pay { part, seen, act_for, key } => Some(Command::Reserve(Reserve {
                act_by: act_for.map(|act_for| self.now.plus(Duration::from_millis(act_for))),
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
                            let operations = &self.order.operations;
                            (!operations.is_empty()).then(|| {
                                let operation = which.get(operations);
                                let index = u16::try_from(leg.index(operation.legs.len())).unwrap();
                                Finding::Leg { operation: operation.version, index, result: result.clone() }
                            })
                        }
                    })
                    .collect(),
                key: key.map(|key| print(key, 1)),
            }),
            Step::Ask { payment: which, action, part, key } => payment(which).map(|payment| {
                Command::Request(Request {
                    payment: payment.version,
                    action: *action,
                    amount: part.of(payment.tally.available(*action)),
                    key: key.map(|key| print(key, 2)),
                })
            }),
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
        let Ok(Decision::Commit(events)) = self.order.decide(command, self.now) else { return Ok(false) };
        prop_assert!(!events.is_empty(), "an empty commit");
        let version = self.order.version.next().unwrap();
        let after = Order::evolve_all(Some(self.order.clone()), &events, version, self.now).unwrap();
        let is_release = |event: &OrderEvent| matches!(event, OrderEvent::OperationRequested { is_release: true, .. });
        let is_paid = self.order.closed.as_ref().is_some_and(|closed| closed.is_success());
        prop_assert!(!is_paid || !events.iter().any(is_release), "a paid order gave money back by itself");
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

    /// Whether a partner declined to release money that it held by then.
    fn was_release_declined(&self, payment: Version) -> bool {
        let releases = self
            .commits
            .iter()
            .filter(|(_, _, events)| {
                events.iter().any(|event| matches!(event, OrderEvent::OperationRequested { is_release: true, .. }))
            })
            .map(|(version, ..)| *version)
            .collect::<BTreeSet<_>>();
        self.order
            .operations
            .iter()
            .filter(|operation| releases.contains(&operation.version))
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

/// What holds of every order at every moment.
fn check_order(order: &Order) -> TestCaseResult {
    let amount = order.amount.minor();
    for payment in &order.payments {
        let tally = payment.tally;
        prop_assert!(tally.is_conserved(), "{:?}", payment);
        let in_flight = tally.capturing + tally.voiding;
        prop_assert_eq!(tally.authorised, tally.captured + tally.voided + in_flight + tally.capturable());
        prop_assert_eq!(tally.authorised, if payment.is_authorised() { payment.amount } else { 0 });
        for action in [Action::Capture, Action::Void, Action::Refund] {
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
            };
            prop_assert_eq!(
                begun,
                if payment.is_authorised() { in_flight } else { 0 },
                "{:?} of {:?}",
                action,
                payment
            );
        }
    }

    let kept = order.payments.iter().map(|payment| payment.tally.kept()).sum::<u64>();
    prop_assert!(kept <= amount, "{} are held or taken of an order over {}", kept, amount);
    prop_assert!(order.covered() <= amount, "{} of {} are covered", order.covered(), amount);
    let is_paid = order.closed.as_ref().is_some_and(|closed| closed.is_success());
    prop_assert_eq!(order.remaining, if is_paid { 0 } else { amount - order.covered() });

    let unresolved = order.payments.iter().filter(|payment| payment.is_live() && !payment.is_final()).count();
    let legs = order.operations.iter().flat_map(|operation| &operation.legs);
    let releasing = legs.filter(|leg| leg.action != Action::Capture && leg.is_in_flight()).count();
    prop_assert_eq!(usize::from(order.unresolved), unresolved + releasing);
    prop_assert_eq!(usize::from(order.attempts), order.payments.len());
    prop_assert!(order.payments.len() <= PAYMENTS_PER_ORDER_MAX);
    prop_assert!(order.position <= order.version);
    let keys = order.keys.iter().map(|used| used.print.key).collect::<BTreeSet<_>>();
    prop_assert_eq!(keys.len(), order.keys.len(), "a key was used twice");
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
        Command::Reserve(Reserve { key, .. }) | Command::Request(Request { key, .. }) => key.is_some(),
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
            (Some(Cancellation { reason: CancelReason::Expired, .. }), OrderKind::Single) => false,
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
            prop_assert!(!full.order.is_open());
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
                ..Tally::authorised(moved(None))
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
                    | AccountEvent::Held { .. }
                    | AccountEvent::Moved { .. }
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
