//! What holds of every order with lines, whatever is asked of it in whatever order: the lines come to the amount,
//! nothing is done beyond a line or a payment, tax parts come to the tax, and what is still to be paid is counted once
//! more here, from the events alone.

use std::collections::BTreeMap;

use domain::{
    Action, Aggregate, Order, Time, Version,
    limits::{AUTHORISE_DEADLINE, COMMITS_MAX},
    order::{
        Allocate, Append, Command, Decision, Entry, Finding, Items, LegResult, LineAction, LineBooks, Operate,
        OperationKind, OrderEvent, OrderKind, Payer, PayerBooks, Refusal, Reserve, Resolution, Revise, Target,
        line::{Line, Lines},
    },
};
use proptest::{prelude::*, sample::Index, test_runner::TestCaseResult};

use crate::{
    lines::{line, lines_of, reversal, sheet, with_lines},
    properties::through_json,
    support::{NOW, cancel, declined_leg, eur, reserve},
};

/// What may be asked.
#[derive(Debug, Clone)]
enum Step {
    Pay { part: u64 },
    Hear { payment: Index, resolution: Resolution },
    Move { operation: Index, leg: Index, result: LegResult },
    Append { lines: Vec<NewLine> },
    Revise { lines: Vec<NewLine> },
    Allocate { action: LineAction, payer: PayerOf, entries: Vec<(Index, Part)>, is_success: bool },
    ByReference { kind: OperationKind, wanted: Vec<(Index, Part)> },
    Plain { kind: OperationKind, payment: Option<Index>, minor: u64 },
    Close,
    Reopen,
    Cancel,
    Lapse,
    Expire,
}

#[derive(Debug, Clone)]
enum NewLine {
    Fresh { amount: i64, tax: i64 },
    Reversal { of: Index, share: u8 },
}

#[derive(Debug, Clone)]
enum PayerOf {
    Own(Index),
    Foreign(u8),
}

/// A part of what is left, in 255ths, or an amount whatever is left.
#[derive(Debug, Clone, Copy)]
enum Part {
    Share(u8),
    Minor(i64),
}

fn any_line() -> impl Strategy<Value = NewLine> {
    prop_oneof![
        3 => (1..=120_i64, 0..=100_i64).prop_map(|(amount, share)| NewLine::Fresh { amount, tax: amount * share / 100 }),
        1 => (-40..0_i64, 0..=100_i64).prop_map(|(amount, share)| NewLine::Fresh { amount, tax: amount * share / 100 }),
        3 => (any::<Index>(), any::<u8>()).prop_map(|(of, share)| NewLine::Reversal { of, share }),
    ]
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![3 => Just(Part::Share(255)), 3 => any::<u8>().prop_map(Part::Share), 1 => (-9..9_i64).prop_map(Part::Minor)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let resolution = prop_oneof![
        6 => Just(Resolution::Authorised),
        1 => Just(Resolution::Failed),
        1 => Just(Resolution::Pending),
        1 => Just(Resolution::Uncertain),
    ];
    let result = prop_oneof![
        5 => Just(LegResult::Done),
        2 => Just(declined_leg()),
        1 => Just(LegResult::Pending),
        1 => Just(LegResult::Uncertain),
    ];
    let action = prop::sample::select(
        &[
            LineAction::Authorise,
            LineAction::Authorise,
            LineAction::Capture,
            LineAction::Capture,
            LineAction::Refund,
            LineAction::Cancel,
        ][..],
    );
    let kind = || prop::sample::select(&[OperationKind::Capture, OperationKind::Refund, OperationKind::Void][..]);
    let payer = prop_oneof![3 => any::<Index>().prop_map(PayerOf::Own), 2 => (0..2_u8).prop_map(PayerOf::Foreign)];
    let parts = || prop::collection::vec((any::<Index>(), any_part()), 1..4);
    prop_oneof![
        6 => (0..160_u64).prop_map(|part| Step::Pay { part }),
        8 => (any::<Index>(), resolution).prop_map(|(payment, resolution)| Step::Hear { payment, resolution }),
        12 => (any::<Index>(), any::<Index>(), result)
            .prop_map(|(operation, leg, result)| Step::Move { operation, leg, result }),
        3 => prop::collection::vec(any_line(), 1..4).prop_map(|lines| Step::Append { lines }),
        1 => prop::collection::vec(any_line(), 1..4).prop_map(|lines| Step::Revise { lines }),
        16 => (action, payer, parts(), prop::bool::weighted(0.9))
            .prop_map(|(action, payer, entries, is_success)| Step::Allocate { action, payer, entries, is_success }),
        3 => (kind(), parts()).prop_map(|(kind, wanted)| Step::ByReference { kind, wanted }),
        2 => (kind(), prop::option::of(any::<Index>()), 1..80_u64)
            .prop_map(|(kind, payment, minor)| Step::Plain { kind, payment, minor }),
        1 => Just(Step::Close),
        1 => Just(Step::Reopen),
        1 => prop::bool::weighted(0.2).prop_map(|is_cancel| if is_cancel { Step::Cancel } else { Step::Lapse }),
        1 => prop::bool::weighted(0.2).prop_map(|is_expiry| if is_expiry { Step::Expire } else { Step::Lapse }),
    ]
}

/// How the order begins.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    Running,
    Parts,
    Purchase,
}

fn any_beginning() -> impl Strategy<Value = (Beginning, Vec<i64>)> {
    let kind = prop_oneof![4 => Just(Beginning::Running), 2 => Just(Beginning::Parts), 1 => Just(Beginning::Purchase)];
    (kind, prop::collection::vec(1..150_i64, 1..4))
}

/// A payment of others, as it would be if it were one of ours.
#[derive(Debug, Default)]
struct Foreign {
    allocated: i128,
    authorised: i128,
    returned: i128,
    refunded: i128,
}

impl Foreign {
    fn kept(&self) -> i128 {
        self.authorised - self.returned - self.refunded
    }

    /// How much more it covers.
    fn learn(&mut self, action: LineAction, total: i64, excess: u64) -> i128 {
        let total = i128::from(total);
        match action {
            LineAction::Authorise => {
                self.allocated += total;
                let more = (self.allocated - (self.authorised - self.returned)).max(0);
                self.authorised += more;
                more
            }
            LineAction::Cancel => {
                self.allocated -= total;
                self.authorised -= total;
                -total
            }
            LineAction::Capture if total < 0 => {
                let back = (-total).min(i128::from(excess)).min(self.kept());
                self.returned += back;
                -back
            }
            LineAction::Capture => 0,
            LineAction::Refund => {
                self.refunded += total;
                0
            }
        }
    }
}

/// An order, and what its events come to, counted here.
struct Story {
    order: Order,
    now: Time,
    /// What is still to be paid; below 0, what is to be given back.
    balance: i128,
    /// Legs that are known, and those that ended.
    legs: BTreeMap<(Version, u16), (Action, u64, bool)>,
    /// Of what operations refund, what was not asked for when they were asked.
    unasked: BTreeMap<Version, u64>,
    reserved: BTreeMap<Version, u64>,
    /// What was told of payments of others.
    foreign: BTreeMap<String, Foreign>,
    /// What was booked on each line, and not undone: the entries of each commit.
    entries: Vec<(Version, LineAction, Vec<Entry>)>,
}

impl Story {
    fn begin((kind, amounts): &(Beginning, Vec<i64>)) -> Self {
        let lines = amounts.iter().zip(1..).map(|(amount, id)| line(id, *amount)).collect::<Vec<_>>();
        let open = match kind {
            Beginning::Running => with_lines(&lines, true, false),
            Beginning::Parts => with_lines(&lines, false, false),
            Beginning::Purchase => with_lines(&lines, false, true),
        };
        let events = Order::open(&open, None, NOW).unwrap();
        let order = Order::evolve_all(None, &events, Version::FIRST, NOW).unwrap();
        let balance = i128::from(order.amount.minor());
        let (legs, reserved, unasked) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (foreign, entries) = (BTreeMap::new(), Vec::new());
        Self { order, now: NOW, balance, legs, unasked, reserved, foreign, entries }
    }

    fn lines(&self) -> Lines {
        lines_of(&self.order)
    }

    /// New lines in the words of the domain.
    fn new_lines(&self, new: &[NewLine]) -> Vec<Line> {
        let known = self.lines();
        let first = known.lines.iter().map(|line| line.id).max().unwrap_or_default() + 1;
        let numbered = new.iter().zip(first..);
        let lines = numbered.map(|(new, id)| match new {
            NewLine::Fresh { amount, tax } => Line { tax: *tax, taxes: vec![], ..line(id, *amount) },
            NewLine::Reversal { of, .. } if known.lines.is_empty() => line(id, 1 + i64::try_from(of.index(9)).unwrap()),
            NewLine::Reversal { of, share } => {
                let of = of.get(&known.lines);
                let amount = -(of.amount * (1 + i64::from(*share)) / 256);
                let tax = of.tax_up_to(-amount);
                let taxes = of.taxes.iter().map(|part| domain::order::line::TaxPart { amount: -tax, ..part.clone() });
                Line { tax: -tax, taxes: taxes.collect(), ..reversal(id, of.id, amount) }
            }
        });
        lines.collect()
    }

    fn command(&self, step: &Step) -> Option<Command> {
        let order = &self.order;
        let part = |part: Part, left: i64| match part {
            Part::Share(share) => left * (1 + i64::from(share)) / 256,
            Part::Minor(minor) => minor,
        };
        match step {
            Step::Pay { part } => {
                let amount = eur((*part).min(order.remaining.max(1)));
                Some(Command::Reserve(Reserve { ..reserve(order.version.get(), amount) }))
            }
            Step::Hear { payment, resolution } => (!order.payments.is_empty()).then(|| Command::Record {
                findings: vec![Finding::Payment {
                    payment: payment.get(&order.payments).version,
                    resolution: resolution.clone(),
                }],
                key: None,
            }),
            Step::Move { operation, leg, result } => {
                let operations =
                    order.operations.iter().filter(|known| known.legs.iter().any(|leg| leg.is_in_flight()));
                let operations = operations.collect::<Vec<_>>();
                (!operations.is_empty()).then(|| {
                    let operation = operation.get(&operations);
                    let index = u16::try_from(leg.index(operation.legs.len())).unwrap();
                    let finding = Finding::Leg { operation: operation.version, index, result: result.clone() };
                    Command::Record { findings: vec![finding], key: None }
                })
            }
            Step::Append { lines } => {
                let lines = self.new_lines(lines);
                let (known, sheet) = (self.lines(), sheet(&lines));
                Some(Command::Append(Append { known, lines, sheet, details: None, key: None }))
            }
            Step::Revise { lines } => {
                let lines = self.new_lines(lines).into_iter().map(|line| Line { reverses: None, ..line });
                let lines = lines.collect::<Vec<_>>();
                let amount = lines.iter().map(|line| line.amount).sum::<i64>();
                let tax = lines.iter().map(|line| line.tax).sum();
                let amount = eur(u64::try_from(amount).ok()?);
                let sheet = sheet(&lines);
                let lines = Some((lines, sheet));
                Some(Command::Revise(Revise { amount, tax, description: None, lines, details: None, key: None }))
            }
            Step::Allocate { action, payer, entries, is_success } => {
                let lines = self.lines();
                let payer = match payer {
                    PayerOf::Own(_) if order.payments.is_empty() => return None,
                    PayerOf::Own(which) => Payer::Own(which.get(&order.payments).version),
                    PayerOf::Foreign(number) => Payer::Foreign(format!("PID_{number}")),
                };
                let entries = entries.iter().map(|(which, share)| {
                    let line = which.get(&lines.lines);
                    (line.id, part(*share, order.left_of_line(*action, line, &lines)))
                });
                let entries = entries.collect();
                let (action, is_success) = (*action, *is_success);
                Some(Command::Allocate(Allocate {
                    action,
                    payer,
                    entries,
                    is_success,
                    lines,
                    details: None,
                    key: None,
                }))
            }
            Step::ByReference { kind, wanted } => {
                let lines = self.lines();
                let wanted = wanted.iter().map(|(which, share)| {
                    let line = which.get(&lines.lines);
                    (line.reference.clone(), part(*share, line.amount))
                });
                let wanted = wanted.collect::<Vec<_>>();
                let amount = u64::try_from(wanted.iter().map(|(_, amount)| amount).sum::<i64>()).ok()?;
                let operate = Operate::new(*kind, Target::Order, Some(eur(amount)));
                Some(Command::Operate(Operate { items: Some(Items { lines, wanted }), ..operate }))
            }
            Step::Plain { kind, payment, minor } => {
                let payments = order.payments.iter().filter(|payment| payment.is_authorised()).collect::<Vec<_>>();
                let target = match payment {
                    Some(which) if !payments.is_empty() => Target::Payment(which.get(&payments).version),
                    Some(_) | None => Target::Order,
                };
                Some(Command::Operate(Operate::new(*kind, target, Some(eur(*minor)))))
            }
            Step::Close => Some(Command::Close { key: None }),
            Step::Reopen => Some(Command::Reopen { key: None }),
            Step::Cancel => Some(cancel()),
            Step::Lapse | Step::Expire => Some(Command::Lapse),
        }
    }

    fn take(&mut self, step: &Step) -> TestCaseResult {
        if matches!(step, Step::Expire) {
            self.now = self.now.max(self.order.expires_at).plus(AUTHORISE_DEADLINE);
        }
        let Some(command) = self.command(step) else { return Ok(()) };
        let events = match self.order.decide(&command, self.now) {
            Ok(Decision::Commit(events)) => events,
            Ok(Decision::Already(_)) => return Ok(()),
            Err(refusal) => {
                prop_assert_ne!(&refusal, &Refusal::LinesChanged, "{:?}", command);
                return Ok(());
            }
        };
        let version = self.order.version.next().unwrap();
        let before = self.order.clone();
        for event in &events {
            self.learn(event, version);
            self.order = Order::evolve(Some(self.order.clone()), event, version, self.now).unwrap();
            self.check()?;
        }
        if let Command::Reserve(reserve) = &command {
            prop_assert!(reserve.amount.minor() <= before.remaining, "more was taken than remained");
        }
        prop_assert_eq!(&through_json(&self.order), &self.order);
        Ok(())
    }

    /// Counts what an event does to what is still to be paid.
    fn learn(&mut self, event: &OrderEvent, version: Version) {
        let order = &self.order;
        let is_paid = order.closed.as_ref().is_some_and(|closed| closed.is_success());
        let is_running = order.kind == OrderKind::Running;
        let excess = u64::try_from((-self.balance).max(0)).unwrap();
        let sum = |entries: &[Entry]| entries.iter().map(|entry| entry.amount).sum::<i64>();
        match event {
            OrderEvent::PaymentReserved { amount, .. } => {
                self.reserved.insert(version, *amount);
                self.balance -= i128::from(*amount);
            }
            OrderEvent::PaymentResolved { payment, resolution } if resolution.is_dead() => {
                self.balance += i128::from(self.reserved.get(payment).copied().unwrap());
            }
            OrderEvent::OperationRequested { legs, lines, kind, .. } => {
                for (leg, index) in legs.iter().zip(0..) {
                    let is_held = order.payment(leg.payment).unwrap().is_authorised();
                    self.legs.insert((version, index), (leg.action, leg.amount, is_held));
                }
                let refunds = legs.iter().filter(|leg| leg.action == Action::Refund).map(|leg| leg.amount).sum::<u64>();
                let unasked = match kind {
                    Some(OperationKind::Exchange) => refunds,
                    Some(OperationKind::Refund) if !lines.is_empty() => 0,
                    _ => refunds.min(excess.saturating_sub(self.on_its_way())),
                };
                self.unasked.insert(version, unasked);
                if let Some(action) = kind.and_then(LineAction::of_operation).filter(|_| !lines.is_empty()) {
                    self.entries.push((version, action, lines.clone()));
                }
            }
            OrderEvent::LegResolved { operation, leg, result: LegResult::Done } => {
                let (action, amount, is_held) = self.legs[&(*operation, *leg)];
                let payment = order.leg(*operation, *leg).unwrap().payment;
                let payment_now = order.payment(payment).unwrap();
                let (is_held, is_dead) = (is_held || payment_now.is_authorised(), !payment_now.is_live());
                self.balance += match action {
                    Action::Capture | Action::Increase => 0,
                    // It ended before it could be voided, and was counted then.
                    Action::Void if is_dead => 0,
                    // What was asked for is let off.
                    Action::Refund if is_running => {
                        let unasked = self.unasked.entry(*operation).or_default();
                        let back = amount.min(*unasked);
                        *unasked -= back;
                        i128::from(back)
                    }
                    Action::Void | Action::Refund if is_paid && is_held => 0,
                    // What was voided before it was authorised is all that was reserved.
                    Action::Void if !is_held => i128::from(self.reserved[&payment]),
                    Action::Void | Action::Refund => i128::from(amount),
                };
            }
            OrderEvent::Revised { amount, .. } | OrderEvent::Appended { amount, .. } => {
                self.balance += i128::from(amount.minor()) - i128::from(order.amount.minor());
                // No more is to be given back than there is.
                let kept = i128::from(order.covered()) + self.foreign.values().map(Foreign::kept).sum::<i128>();
                self.balance = self.balance.max(-kept);
            }
            OrderEvent::LinesRecorded { action, payer, entries, is_success: true, .. } => {
                self.entries.push((version, *action, entries.clone()));
                if let Payer::Foreign(id) = payer {
                    let covered = self.foreign.entry(id.clone()).or_default().learn(*action, sum(entries), excess);
                    self.balance -= covered;
                }
            }
            OrderEvent::LinesRecorded { is_success: false, .. }
            | OrderEvent::Opened { .. }
            | OrderEvent::PaymentResolved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRefused { .. }
            | OrderEvent::LegResolved { .. }
            | OrderEvent::Reopened { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. }
            | OrderEvent::Closed { .. }
            | OrderEvent::AmountsChanged => {}
        }
    }

    /// What is on its way back of what is not asked for.
    fn on_its_way(&self) -> u64 {
        let in_flight = |operation: Version, wanted: Action| {
            let known = self.order.operation(operation).unwrap();
            let legs = known.legs.iter().filter(|leg| leg.action == wanted && !is_ended(leg));
            legs.map(|leg| leg.amount).sum::<u64>()
        };
        let of = |(operation, unasked): (&Version, &u64)| {
            in_flight(*operation, Action::Void) + in_flight(*operation, Action::Refund).min(*unasked)
        };
        self.unasked.iter().map(of).sum()
    }

    fn check(&self) -> TestCaseResult {
        let order = &self.order;
        let lines = self.lines();
        let cart = order.cart.as_ref().unwrap();
        prop_assert_eq!(
            lines.lines.iter().map(|line| line.amount).sum::<i64>(),
            i64::try_from(order.amount.minor()).unwrap(),
            "the lines do not come to the amount"
        );
        prop_assert_eq!(lines.lines.iter().map(|line| line.tax).sum::<i64>(), cart.tax);
        prop_assert_eq!(i128::from(order.remaining) - i128::from(order.excess), self.balance);
        prop_assert!(order.remaining == 0 || order.excess == 0);
        prop_assert!(order.kind == OrderKind::Running || order.excess == 0, "only what goes on is covered beyond");
        for payment in &order.payments {
            prop_assert!(payment.tally.is_conserved(), "{:?}", payment);
        }
        for line in &*lines.lines {
            let books = cart.line(line.id);
            let allocated = books.authorised - books.cancelled;
            let along = |amount: i64| amount == 0 || amount.signum() == line.amount.signum();
            prop_assert!(
                [books.authorised, books.cancelled, allocated, books.captured, books.refunded].into_iter().all(along),
                "{:?} of {:?}",
                books,
                line
            );
            prop_assert!(allocated.abs() <= line.amount.abs(), "{:?} of {:?}", books, line);
            prop_assert!(books.captured.abs() <= allocated.abs(), "{:?} of {:?}", books, line);
            prop_assert!(books.refunded.abs() <= books.captured.abs(), "{:?} of {:?}", books, line);
            prop_assert!(books.captured_tax.abs() <= line.tax.abs(), "{:?} of {:?}", books, line);
            prop_assert!(books.refunded_tax.abs() <= books.captured_tax.abs(), "{:?} of {:?}", books, line);
            let given_back = books.refunded.abs() + lines.taken_back(line.id).abs();
            prop_assert!(given_back <= line.amount.abs(), "a line is given back twice: {:?} of {:?}", books, line);
            if books.captured == line.amount {
                prop_assert_eq!(books.captured_tax, line.tax, "tax parts do not come to the tax");
            }
            if books.refunded == books.captured {
                prop_assert_eq!(books.refunded_tax, books.captured_tax);
            }
            // What was told part by part comes to what is booked.
            let told = |action: LineAction| {
                let told =
                    self.entries.iter().filter(|(_, known, _)| *known == action).flat_map(|(version, _, entries)| {
                        let is_done = order.operation(*version).is_none_or(|operation| {
                            operation.legs.iter().any(|leg| !matches!(leg.result, Some(LegResult::Declined { .. })))
                        });
                        entries.iter().filter(move |entry| is_done && entry.line == line.id)
                    });
                told.map(|entry| (entry.amount, entry.tax)).fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
            };
            let is_partly = order.operations.iter().any(|operation| {
                let is_declined = |leg: &&domain::order::Leg| matches!(leg.result, Some(LegResult::Declined { .. }));
                let declined = operation.legs.iter().filter(is_declined).count();
                (1..operation.legs.len()).contains(&declined)
            });
            if !is_partly {
                prop_assert_eq!(told(LineAction::Capture), (books.captured, books.captured_tax));
                prop_assert_eq!(told(LineAction::Refund), (books.refunded, books.refunded_tax));
            }
        }
        // What lines have is what payments have for them, once it is known what becomes of it.
        if !order.operations.iter().flat_map(|operation| &operation.legs).any(|leg| !is_ended(leg)) {
            let of_lines = |amount: fn(&LineBooks) -> i64| cart.books.iter().map(amount).sum::<i64>();
            let of_payers = |amount: fn(&PayerBooks) -> i64| cart.payers.iter().map(amount).sum::<i64>();
            prop_assert_eq!(of_lines(|line| line.captured), of_payers(|payer| payer.captured), "{:?}", cart);
            prop_assert_eq!(of_lines(|line| line.refunded), of_payers(|payer| payer.refunded), "{:?}", cart);
        }
        let covered = i128::from(order.covered()) + self.foreign.values().map(Foreign::kept).sum::<i128>();
        prop_assert!(i128::from(order.excess) <= covered, "more is to be given back than there is");
        for books in &cart.payers {
            prop_assert!(books.allocated() >= 0 && books.net() >= 0, "{:?}", books);
            if let Payer::Own(payment) = &books.payer {
                let tally = order.payment(*payment).unwrap().tally;
                let authorised = i64::try_from(tally.authorised).unwrap();
                prop_assert!(books.allocated() <= authorised, "{:?} with {:?}", books, tally);
                prop_assert!(books.net() <= authorised, "{:?} with {:?}", books, tally);
            }
        }
        Ok(())
    }

    /// Lets every partner do all it is asked for.
    fn settle(&mut self) -> TestCaseResult {
        for _ in 0..COMMITS_MAX {
            self.now = self.now.plus(AUTHORISE_DEADLINE);
            let order = &self.order;
            let payment = order
                .payments
                .iter()
                .find(|payment| !payment.is_final())
                .map(|payment| Finding::Payment { payment: payment.version, resolution: Resolution::Authorised });
            let leg = order.operations.iter().find_map(|operation| {
                let index = operation.legs.iter().position(|leg| leg.is_in_flight())?;
                let index = u16::try_from(index).unwrap();
                Some(Finding::Leg { operation: operation.version, index, result: LegResult::Done })
            });
            let Some(finding) = payment.or(leg) else { return Ok(()) };
            let command = Command::Record { findings: vec![finding], key: None };
            let Ok(Decision::Commit(events)) = order.decide(&command, self.now) else {
                return Err(TestCaseError::fail("what is in flight was answered, and nothing came of it"));
            };
            let version = self.order.version.next().unwrap();
            for event in &events {
                self.learn(event, version);
                self.order = Order::evolve(Some(self.order.clone()), event, version, self.now).unwrap();
                self.check()?;
            }
        }
        Err(TestCaseError::fail("an order that does not come to rest"))
    }
}

fn is_ended(leg: &domain::order::Leg) -> bool {
    leg.result.as_ref().is_some_and(LegResult::is_final)
}

proptest! {
    #[test]
    fn money_follows_the_lines_whatever_is_asked(
        beginning in any_beginning(),
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let mut story = Story::begin(&beginning);
        story.check()?;
        for step in &steps {
            story.take(step)?;
        }
        story.settle()?;
        // At rest, no line waits for an outcome.
        prop_assert!(story.order.operations.iter().all(|operation| operation.lines.is_empty()));
    }
}
