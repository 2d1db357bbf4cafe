//! An order and the partner that holds its money, which keeps books of its own and answers late, in any
//! order, or not at all: whatever comes between them, their books agree in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    Action, Order, Tally, Version,
    limits::AUTHORISE_DEADLINE,
    order::{CancelledBy, CloseReason, Command, Decline, Due, Finding, LegResult, Resolution},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::{
    properties::{Ask, Opening, Part, Story, any_ask, any_part},
    support::{EXPIRY, awaiting_shopper, cancel, declined_leg, reserve},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What a partner makes of one payment.
#[derive(Debug, Clone, Copy)]
enum AtPartner {
    /// Will be decided after this many more lookups.
    Pending { lookups: usize },
    /// The shopper will act after this many more lookups; never, if there is no number.
    Awaiting { lookups: Option<usize> },
    /// The money is held, with the partner's own books.
    Held(Tally),
    /// Nothing is held and never will be.
    Gone(Fate),
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Refused,
    Failed,
    Voided,
}

impl AtPartner {
    fn word(self) -> Resolution {
        match self {
            Self::Pending { .. } => Resolution::Pending,
            Self::Awaiting { .. } => awaiting_shopper(),
            Self::Held(_) => Resolution::Authorised,
            Self::Gone(Fate::Refused) => Resolution::Refused { reason: Decline::Refused },
            Self::Gone(Fate::Failed) => Resolution::Failed,
            Self::Gone(Fate::Voided) => Resolution::Cancelled { by: CancelledBy::Order },
        }
    }
}

/// A partner that keeps books of its own, and whose answers come late, in any order, or not at all.
/// Each leg is done once. What it holds it always releases when a cancellation or a timeout asks.
#[derive(Debug)]
struct Partner {
    chances: Vec<u8>,
    drawn: usize,
    /// Whether it answers every call from now on, and answers it with a final word.
    is_settled: bool,
    payments: BTreeMap<Version, AtPartner>,
    legs: BTreeMap<(Version, u16), LegResult>,
}

impl Partner {
    fn draw(&mut self, ways: usize) -> usize {
        self.drawn += 1;
        usize::from(self.chances[self.drawn % self.chances.len()]) % ways
    }

    fn call(&mut self, order: &Order, merchants: &BTreeSet<Version>, due: &Due) -> Option<Finding> {
        let finding = match due {
            Due::Lapse => return None,
            Due::Lookup { payment } => {
                let resolution = self.look_up(*payment, order.payment(*payment).unwrap().amount);
                Finding::Payment { payment: *payment, resolution }
            }
            Due::Perform { operation, index, leg } => {
                let known = self.legs.get(&(*operation, *index)).cloned();
                let result = known.unwrap_or_else(|| {
                    let result = self.perform(leg.payment, leg.action, leg.amount, merchants.contains(operation));
                    self.legs.insert((*operation, *index), result.clone());
                    result
                });
                Finding::Leg { operation: *operation, index: *index, result }
            }
        };
        if self.is_settled {
            return Some(finding);
        }
        // It was done, but the answer may not arrive, or say less than what was done.
        match (self.draw(8), finding) {
            (0, _) => None,
            (1, Finding::Payment { payment, .. }) => {
                Some(Finding::Payment { payment, resolution: Resolution::Uncertain })
            }
            (1, Finding::Leg { operation, index, .. }) => {
                Some(Finding::Leg { operation, index, result: LegResult::Uncertain })
            }
            (2, Finding::Leg { operation, index, .. }) => {
                Some(Finding::Leg { operation, index, result: LegResult::Pending })
            }
            (_, finding) => Some(finding),
        }
    }

    fn look_up(&mut self, payment: Version, amount: u64) -> Resolution {
        let now = match self.payments.get(&payment) {
            Some(AtPartner::Pending { lookups }) if *lookups > 0 && !self.is_settled => {
                AtPartner::Pending { lookups: lookups - 1 }
            }
            Some(AtPartner::Pending { .. }) => match self.draw(3) {
                0 => AtPartner::Gone(Fate::Refused),
                _ => AtPartner::Held(Tally::authorised(amount)),
            },
            Some(AtPartner::Awaiting { lookups: Some(lookups) }) if *lookups > 0 && !self.is_settled => {
                AtPartner::Awaiting { lookups: Some(lookups - 1) }
            }
            Some(AtPartner::Awaiting { lookups: Some(_) }) => match self.draw(4) {
                0 => AtPartner::Gone(Fate::Refused),
                1 if !self.is_settled => AtPartner::Pending { lookups: self.draw(3) },
                _ => AtPartner::Held(Tally::authorised(amount)),
            },
            Some(known) => *known,
            None => match self.draw(8) {
                0 => AtPartner::Gone(Fate::Refused),
                1 => AtPartner::Gone(Fate::Failed),
                2 | 3 => AtPartner::Pending { lookups: self.draw(3) },
                4 => AtPartner::Awaiting { lookups: Some(self.draw(40)) },
                5 => AtPartner::Awaiting { lookups: None },
                _ => AtPartner::Held(Tally::authorised(amount)),
            },
        };
        self.payments.insert(payment, now);
        now.word()
    }

    fn perform(&mut self, payment: Version, action: Action, amount: u64, is_merchants: bool) -> LegResult {
        match self.payments.get(&payment).copied() {
            Some(AtPartner::Held(mut tally)) => {
                if amount > tally.available(action) || (is_merchants && self.draw(3) == 0) {
                    return declined_leg();
                }
                tally.conclude(action, amount, true);
                self.payments.insert(payment, AtPartner::Held(tally));
                LegResult::Done
            }
            // A page that nobody will ever finish can always be closed.
            Some(AtPartner::Awaiting { lookups: None }) if action == Action::Void => {
                self.payments.insert(payment, AtPartner::Gone(Fate::Voided));
                LegResult::Done
            }
            // Some partners cancel what is pending; others know of nothing to void yet.
            None | Some(AtPartner::Pending { .. } | AtPartner::Awaiting { .. })
                if action == Action::Void && self.draw(2) == 0 =>
            {
                self.payments.insert(payment, AtPartner::Gone(Fate::Voided));
                LegResult::Done
            }
            None | Some(AtPartner::Pending { .. } | AtPartner::Awaiting { .. } | AtPartner::Gone(_)) => declined_leg(),
        }
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Pay(Part),
    Ask(Ask),
    /// The driver runs once: what is due is called, and what was answered is recorded, in some order; a
    /// part of it perhaps only by the next run.
    Drive,
    Cancel,
    /// So many minutes pass.
    Wait(u8),
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => any_part().prop_map(Deed::Pay),
        4 => any_ask().prop_map(Deed::Ask),
        8 => Just(Deed::Drive),
        1 => Just(Deed::Cancel),
        1 => (1..40_u8).prop_map(Deed::Wait),
    ]
}

/// An order, the partner that holds its money, and what is on its way between them.
struct Trade {
    story: Story,
    partner: Partner,
    /// The operations that the merchant asked for.
    merchants: BTreeSet<Version>,
    /// Answers that a run of the driver got and did not record.
    late: Vec<Finding>,
}

impl Trade {
    fn carry_out(&mut self, deed: &Deed) -> TestCaseResult {
        let order = &self.story.order;
        match deed {
            Deed::Pay(part) => {
                let command = Command::Reserve(reserve(order.version.get(), part.of(order.remaining)));
                self.story.ask(&command)?;
            }
            Deed::Ask(ask) => {
                let Some(operate) = ask.of(order) else { return Ok(()) };
                let is_asked = self.story.ask(&Command::Operate(operate))?;
                let order = &self.story.order;
                // Whoever takes back a whole order that is still open asks as its cancellation does.
                let is_cancellation =
                    order.cancellation.as_ref().is_some_and(|cancellation| cancellation.version == order.version);
                if is_asked && !is_cancellation {
                    self.merchants.insert(order.version);
                }
            }
            Deed::Drive => self.drive()?,
            Deed::Cancel => {
                self.story.ask(&cancel())?;
            }
            Deed::Wait(minutes) => self.story.now = self.story.now.plus(MINUTE * u32::from(*minutes)),
        }
        Ok(())
    }

    fn drive(&mut self) -> TestCaseResult {
        self.story.now = self.story.now.plus(AUTHORISE_DEADLINE);
        if self.story.order.has_lapsed(self.story.now) && (self.partner.is_settled || self.partner.draw(4) > 0) {
            self.story.ask(&Command::Lapse)?;
        }
        let order = &self.story.order;
        let mut findings = std::mem::take(&mut self.late);
        for due in order.outstanding(self.story.now) {
            findings.extend(self.partner.call(order, &self.merchants, &due));
        }
        if !findings.is_empty() {
            let first = self.partner.draw(findings.len());
            findings.rotate_left(first);
            if !self.partner.is_settled {
                self.late = findings.split_off(findings.len() - self.partner.draw(findings.len() + 1));
            }
            self.story.ask(&Command::Record { findings, key: None })?;
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_books_of_an_order_and_of_its_partner_agree_once_at_rest(
        amount in 1..=200_u64,
        chances in prop::collection::vec(any::<u8>(), 1..60),
        deeds in prop::collection::vec(any_deed(), 0..30),
        is_cancelled: bool,
        is_expired: bool,
    ) {
        let partner = Partner {
            chances,
            drawn: 0,
            is_settled: false,
            payments: BTreeMap::new(),
            legs: BTreeMap::new(),
        };
        let story = Story::begin(Opening { amount, is_single: false, session: None });
        let mut trade = Trade { story, partner, merchants: BTreeSet::new(), late: Vec::new() };
        for deed in &deeds {
            trade.carry_out(deed)?;
        }
        if is_cancelled {
            trade.carry_out(&Deed::Cancel)?;
        }
        trade.partner.is_settled = true;
        // Until no shopper has any time left.
        trade.story.now = if is_expired { EXPIRY } else { trade.story.now.plus(MINUTE * 60) };
        for _ in 0..20 {
            trade.drive()?;
        }

        let order = &trade.story.order;
        prop_assert_eq!(order.outstanding(trade.story.now.plus(MINUTE * 60)), []);
        prop_assert!(!is_expired || order.closed.is_some(), "an order that does not end: {:?}", order);
        for payment in &order.payments {
            let (tally, is_held) = match trade.partner.payments[&payment.version] {
                AtPartner::Held(tally) => (tally, true),
                AtPartner::Gone(_) => (Tally::default(), false),
                AtPartner::Pending { .. } | AtPartner::Awaiting { .. } => return Err(TestCaseError::fail("a payment that was left pending")),
            };
            prop_assert_eq!(payment.covers(), tally.kept(), "{:?}", payment);
            if payment.is_authorised() {
                prop_assert!(is_held);
                prop_assert_eq!(payment.tally, tally);
            }
            if order.cancellation.is_some() {
                prop_assert_eq!(tally.kept(), 0, "the partner keeps money of a cancelled order: {:?}", payment);
            }
            if payment.is_timed_out {
                prop_assert_eq!(tally.kept(), 0, "the partner keeps money of a shopper out of time: {:?}", payment);
            }
        }
        prop_assert_eq!(order.cancellation.is_some(), matches!(
            order.closed.as_ref().map(|closed| closed.reason),
            Some(CloseReason::Cancelled | CloseReason::Expired)
        ));
    }
}
