//! The account: money of a shopper's that we hold ourselves, such as a gift card, or that a customer may spend on credit.
//!
//! A gift card was issued with a balance, a line of [`Credit`] with a limit; at every moment that is what is available,
//! what is held, and what was settled and not refunded. Money is held under the reference of a payment, and what is held
//! is settled, released or refunded under the reference of a leg. A reference is used once: asking again changes nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Action, Aggregate, Money, Reference, Tally, Time, Version,
    credit::{Challenge, Credit, Proof, ProofFault, Proved, Settings, Spend, Standing},
    limits::{
        CODE_LOCK, DECLINED_COMMITS_MAX, DECLINED_REMEMBERED, FORGOTTEN_FROM, MOVEMENTS_PER_ACCOUNT_MAX,
        MOVEMENTS_RESERVE, PURCHASE_MEMORY, WRONG_CODES_MAX, WRONG_ONE_TIME_CODES_IN_A_ROW_MAX,
        WRONG_ONE_TIME_CODES_MAX,
    },
    order::{Decline, KeyPrint},
    reference::LegReference,
};

/// A keyed fingerprint of a security code.
pub type CodePrint = [u8; 8];

/// The state of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The brand, such as `givex`; of credit, its product.
    pub brand: String,
    /// The last four characters of its number; credit has none.
    pub last4: String,
    /// What it was issued with; of credit, its limit.
    pub issued: Money,
    /// When.
    pub issued_at: Time,
    /// The last commit folded in.
    pub version: Version,
    /// The security code's fingerprint.
    code: CodePrint,
    /// Wrong codes since the last right one.
    #[serde(default)]
    wrong_codes: u8,
    /// When the last of them was given.
    #[serde(default)]
    code_failed_at: Time,
    /// The idempotency key it was issued with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyPrint>,
    /// Every hold there was; of credit, those that are not forgotten.
    #[serde(default)]
    pub holds: Vec<Hold>,
    /// What is outstanding of purchases on credit that are forgotten, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forgotten: u64,
    /// Payments that must not hold money any more, because their partner was told that nothing happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    barred: Vec<Reference>,
    /// What was declined last, so that it is declined again: a call that comes twice must not find what the
    /// first did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    declined: Vec<Declined>,
    /// Everything that moved, oldest first.
    #[serde(default)]
    pub movements: Vec<Movement>,
    /// What makes it a line of credit, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Box<Credit>>,
}

/// A call that was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Declined {
    #[serde(flatten)]
    call: Call,
    reason: Decline,
}

/// A call, by the reference it came under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// To hold money for a payment.
    Hold(Reference),
    /// To settle, release or refund.
    Move(LegReference),
}

/// Money held for one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The payment.
    pub payment: Reference,
    /// What became of it.
    pub tally: Tally,
    /// On which terms credit was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Box<Spend>>,
    /// The authentication that was used up by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Reference>,
    /// Whether the customer authenticated for it, and was neither exempt nor not asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_authenticated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

/// One entry of an account's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// When.
    pub at: Time,
    /// The payment it belongs to.
    pub payment: Reference,
    /// The leg that asked for it; none for the hold itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<LegReference>,
    /// What was done; none for the hold itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// With how much, in minor units.
    pub amount: u64,
}

/// What can happen to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AccountEvent {
    /// It was issued.
    Issued {
        /// The brand.
        brand: String,
        /// The last four characters of its number.
        last4: String,
        /// What is on it.
        balance: Money,
        /// The security code's fingerprint.
        code: CodePrint,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// A customer was given credit.
    CreditOpened {
        /// The merchant's name for the customer.
        customer: String,
        /// The product.
        product: String,
        /// How much may be spent.
        limit: Money,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// The limit of credit was changed.
    LimitSet {
        /// What it is now, in minor units.
        limit: u64,
    },
    /// A customer gave a one-time code.
    CodeGiven {
        /// The authentication.
        challenge: Reference,
        /// Until when it can be used.
        expires_at: Time,
        /// Whether the code was right.
        is_right: bool,
    },
    /// Money was set aside for a payment.
    Held {
        /// The payment.
        payment: Reference,
        /// How much, in minor units.
        amount: u64,
        /// On which terms credit was spent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spend: Option<Box<Spend>>,
        /// How it was known that it was the customer who spent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proved: Option<Proved>,
    },
    /// Held money was settled or released, settled money refunded, or more was held.
    Moved {
        /// The payment.
        payment: Reference,
        /// The leg that asked for it.
        leg: LegReference,
        /// What was done: capture settles, void releases, increase holds more.
        action: Action,
        /// With how much, in minor units.
        amount: u64,
    },
    /// Purchases on credit that were over for long made room for others.
    Forgotten {
        /// Which.
        payments: Vec<Reference>,
    },
    /// A payment was told to be unknown, and must stay so.
    Barred {
        /// The payment.
        payment: Reference,
    },
    /// A call was declined, for a reason that may pass.
    Declined {
        /// The call.
        call: Call,
        /// Why.
        reason: Decline,
    },
    /// Somebody gave a wrong security code.
    CodeFailed,
    /// Somebody gave the right one after wrong ones.
    CodeAccepted,
}

/// What can be asked of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountCommand {
    /// Set money aside for a payment.
    Hold {
        /// The payment.
        payment: Reference,
        /// How much.
        amount: Money,
    },
    /// Settle, release or refund.
    Move {
        /// The payment.
        payment: Reference,
        /// The leg that asks.
        leg: LegReference,
        /// Capture settles, void releases, increase holds more.
        action: Action,
        /// With how much, in minor units.
        amount: u64,
    },
    /// Find out what became of a payment; if it is unknown, keep it so.
    Lookup {
        /// The payment.
        payment: Reference,
    },
}

/// A spend of credit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// The payment.
    pub payment: Reference,
    /// How much.
    pub amount: Money,
    /// On which terms.
    pub spend: Spend,
    /// The proof that it is the customer who spends, if one came.
    pub proof: Option<Proof>,
}

/// Why credit is not spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpendFault {
    /// It is not proved that it is the customer who spends.
    #[error(transparent)]
    Proof(#[from] ProofFault),
    /// The lender says no.
    #[error("declined: {0:?}")]
    Declined(Decline),
}

impl From<Decline> for SpendFault {
    fn from(reason: Decline) -> Self {
        Self::Declined(reason)
    }
}

/// Why a limit is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitFault {
    /// It is in another currency.
    #[error("the limit is in {}, got {}", .expected.currency(), .actual.currency())]
    OtherCurrency {
        /// The limit as it is.
        expected: Money,
        /// What came.
        actual: Money,
    },
    /// More is used than that.
    #[error("{used} of it is used, got {actual}")]
    BelowUsed {
        /// What is held and outstanding.
        used: Money,
        /// What came.
        actual: Money,
    },
    /// Commits of one account are limited.
    #[error("the account was changed too often")]
    Full,
}

impl Account {
    /// What can be spent, in minor units of its currency.
    #[must_use]
    pub fn available(&self) -> u64 {
        let issued = self.issued.minor().saturating_sub(self.forgotten);
        self.holds.iter().fold(issued, |left, hold| left.saturating_sub(hold.tally.kept()))
    }

    /// What is held and neither settled nor released, in minor units.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.holds.iter().map(|hold| hold.tally.capturable()).fold(0, u64::saturating_add)
    }

    /// What was settled and not refunded, in minor units.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        let kept = |hold: &Hold| hold.tally.captured.saturating_sub(hold.tally.refunded);
        self.holds.iter().map(kept).fold(self.forgotten, u64::saturating_add)
    }

    /// Whether what it was issued with, or its limit, is what is available, held and outstanding: a promise of the engine,
    /// checked by its property tests and its simulator.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let parts = [self.available(), self.held(), self.outstanding()];
        parts.into_iter().try_fold(0_u64, u64::checked_add) == Some(self.issued.minor())
            && self.holds.iter().all(|hold| hold.tally.is_conserved())
    }

    /// The hold of a payment.
    #[must_use]
    pub fn hold(&self, payment: Reference) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.payment == payment)
    }

    /// Checks a security code. A wrong one is to be committed as [`AccountEvent::CodeFailed`], a right one
    /// after wrong ones as [`AccountEvent::CodeAccepted`].
    ///
    /// # Errors
    /// [`Decline::InvalidCode`], and [`Decline::CodeTriesExceeded`] for a while after too many.
    pub fn check_code(&self, code: CodePrint, now: Time) -> Result<(), Decline> {
        if self.wrong_codes >= WRONG_CODES_MAX && now < self.code_failed_at.plus(CODE_LOCK) {
            Err(Decline::CodeTriesExceeded)
        } else if self.code == code {
            Ok(())
        } else {
            Err(Decline::InvalidCode)
        }
    }

    /// The event that a right security code makes, if wrong ones came before it.
    #[must_use]
    pub fn accept_code(&self) -> Option<AccountEvent> {
        (self.wrong_codes > 0).then_some(AccountEvent::CodeAccepted)
    }

    /// Why a call was declined, if it was, not too long ago.
    #[must_use]
    pub fn declined(&self, call: Call) -> Option<Decline> {
        self.declined.iter().find(|declined| declined.call == call).map(|declined| declined.reason)
    }

    /// The event that puts on record that a call is declined; none if there is no room for it, or if it will be
    /// declined for ever.
    #[must_use]
    pub fn decline(&self, call: Call, reason: Decline) -> Option<AccountEvent> {
        let is_barred = matches!(call, Call::Hold(payment) if self.barred.contains(&payment));
        let has_room = self.version.get() < DECLINED_COMMITS_MAX;
        let is_new = !is_barred && self.declined(call).is_none() && has_room;
        is_new.then_some(AccountEvent::Declined { call, reason })
    }

    /// Decides a command: the events to commit, none if it was done before.
    ///
    /// # Errors
    /// [`Decline::NotEnoughBalance`] also for another currency; [`Decline::NotPermitted`] for what the
    /// books do not allow.
    pub fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, Decline> {
        match command {
            AccountCommand::Hold { payment, amount } => self.decide_hold(*payment, *amount),
            AccountCommand::Move { payment, leg, action, amount } => self.decide_move(*payment, *leg, *action, *amount),
            AccountCommand::Lookup { payment } => {
                let is_known = self.hold(*payment).is_some() || self.barred.contains(payment);
                Ok(if is_known { Vec::new() } else { vec![AccountEvent::Barred { payment: *payment }] })
            }
        }
    }

    /// Whether money was held for a payment before.
    ///
    /// # Errors
    /// It was declined, or is to stay unknown.
    fn was_held(&self, payment: Reference) -> Result<bool, Decline> {
        if self.hold(payment).is_some() {
            return Ok(true);
        }
        if self.barred.contains(&payment) {
            return Err(Decline::NotPermitted);
        }
        self.declined(Call::Hold(payment)).map_or(Ok(false), Err)
    }

    fn check_available(&self, amount: Money) -> Result<(), Decline> {
        let is_there = amount.currency() == self.issued.currency() && amount.minor() <= self.available();
        if is_there { Ok(()) } else { Err(Decline::NotEnoughBalance) }
    }

    fn decide_hold(&self, payment: Reference, amount: Money) -> Result<Vec<AccountEvent>, Decline> {
        if self.was_held(payment)? {
            return Ok(Vec::new());
        }
        self.check_available(amount)?;
        self.check_room()?;
        Ok(vec![AccountEvent::Held { payment, amount: amount.minor(), spend: None, proved: None }])
    }

    /// Decides to spend credit: money is held on these terms, if it is proved that it is the customer who spends.
    ///
    /// # Errors
    /// [`SpendFault`].
    pub fn decide_spend(
        &self,
        spending: &Spending,
        settings: &Settings,
        now: Time,
    ) -> Result<Vec<AccountEvent>, SpendFault> {
        let Spending { payment, amount, spend, proof } = spending;
        if self.credit.is_none() {
            return Err(Decline::NotPermitted.into());
        }
        if self.was_held(*payment)? {
            return Ok(Vec::new());
        }
        let proved = self.prove(*amount, proof.as_ref(), settings, now)?;
        self.check_available(*amount)?;
        let payments = self.old_purchases(now);
        let mut events = Vec::new();
        if payments.is_empty() {
            self.check_room()?;
        } else {
            let mut after = self.clone();
            after.forget(&payments);
            after.check_room()?;
            events.push(AccountEvent::Forgotten { payments });
        }
        let spend = Some(Box::new(spend.clone()));
        events.push(AccountEvent::Held { payment: *payment, amount: amount.minor(), spend, proved });
        Ok(events)
    }

    /// Whether a spend of that amount is proved to be the customer's.
    ///
    /// # Errors
    /// [`ProofFault`].
    pub fn prove(
        &self,
        amount: Money,
        proof: Option<&Proof>,
        settings: &Settings,
        now: Time,
    ) -> Result<Option<Proved>, ProofFault> {
        let credit = self.credit.as_deref().ok_or(ProofFault::NotAuthenticated)?;
        let is_used = proof.is_some_and(|proof| self.is_used(proof.challenge));
        credit.prove(amount, proof, is_used, settings, now)
    }

    /// Where an authentication stands.
    #[must_use]
    pub fn standing(&self, proof: &Proof, now: Time) -> Standing {
        let known = self.credit.as_deref().and_then(|credit| credit.challenge(proof.challenge));
        if self.is_used(proof.challenge) {
            Standing::Used
        } else if known.is_some_and(Challenge::has_failed) {
            Standing::Failed
        } else if now >= proof.expires_at {
            Standing::Expired
        } else if known.is_some_and(|known| known.is_passed) {
            Standing::Passed
        } else if self.is_locked(now) {
            Standing::Failed
        } else {
            let wrong = known.map_or(0, |known| known.wrong_codes);
            let of_it = WRONG_ONE_TIME_CODES_MAX.saturating_sub(wrong);
            // After a lock, one wrong code is enough for the next.
            let in_a_row = WRONG_ONE_TIME_CODES_IN_A_ROW_MAX.saturating_sub(self.wrong_codes).max(1);
            Standing::Open { tries_left: of_it.min(in_a_row) }
        }
    }

    /// Whether something was spent with an authentication.
    fn is_used(&self, challenge: Reference) -> bool {
        self.holds.iter().any(|hold| hold.challenge == Some(challenge))
    }

    /// Whether nobody can authenticate as the customer for a while, because too many wrong codes were given in a row.
    fn is_locked(&self, now: Time) -> bool {
        self.wrong_codes >= WRONG_ONE_TIME_CODES_IN_A_ROW_MAX && now < self.code_failed_at.plus(CODE_LOCK)
    }

    /// Whether so much more may be held for a payment on credit, on the terms and with the authentication that it has.
    ///
    /// # Errors
    /// [`Decline::NotAuthenticated`] for a payment that nobody authenticated for, if it would not be small any more;
    /// [`Decline::NotPermitted`] for more than its offer takes.
    pub fn check_raise(&self, payment: Reference, more: u64, settings: &Settings) -> Result<(), Decline> {
        let Some(hold) = self.hold(payment) else { return Ok(()) };
        let total = hold.tally.authorised.saturating_sub(hold.tally.voided).saturating_add(more);
        if !hold.is_authenticated && settings.is_authenticated && !settings.is_small(self.issued.with_minor(total)) {
            return Err(Decline::NotAuthenticated);
        }
        let takes = hold.spend.as_ref().is_none_or(|spend| spend.takes(total));
        if takes { Ok(()) } else { Err(Decline::NotPermitted) }
    }

    /// Decides what a one-time code comes to: the events to commit, none if the customer has authenticated already.
    ///
    /// # Errors
    /// [`ProofFault`]: the authentication cannot be passed any more.
    pub fn decide_code(&self, proof: &Proof, is_right: bool, now: Time) -> Result<Vec<AccountEvent>, ProofFault> {
        let credit = self.credit.as_deref().ok_or(ProofFault::NotAuthenticated)?;
        match self.standing(proof, now) {
            Standing::Open { .. } => {}
            Standing::Passed => return Ok(Vec::new()),
            Standing::Used => return Err(ProofFault::Used),
            Standing::Expired => return Err(ProofFault::Expired),
            Standing::Failed if self.is_locked(now) => return Err(ProofFault::Locked),
            Standing::Failed => return Err(ProofFault::NotAuthenticated),
        }
        if credit.challenge(proof.challenge).is_none() && !credit.has_room(now) {
            return Err(ProofFault::TooMany);
        }
        if self.version.is_near_end() {
            return Err(ProofFault::TooMany);
        }
        let Proof { challenge, expires_at, .. } = *proof;
        Ok(vec![AccountEvent::CodeGiven { challenge, expires_at, is_right }])
    }

    /// Decides a new limit: the events to commit, none if it is that already.
    ///
    /// # Errors
    /// [`LimitFault`].
    pub fn decide_limit(&self, limit: Money) -> Result<Vec<AccountEvent>, LimitFault> {
        if limit.currency() != self.issued.currency() {
            return Err(LimitFault::OtherCurrency { expected: self.issued, actual: limit });
        }
        let used = self.issued.minor().saturating_sub(self.available());
        if limit.minor() < used {
            return Err(LimitFault::BelowUsed { used: limit.with_minor(used), actual: limit });
        }
        if limit == self.issued {
            return Ok(Vec::new());
        }
        if self.version.is_near_end() {
            return Err(LimitFault::Full);
        }
        Ok(vec![AccountEvent::LimitSet { limit: limit.minor() }])
    }

    /// Whether what a leg asks for was done.
    #[must_use]
    pub fn has_done(&self, leg: LegReference) -> bool {
        self.movements.iter().any(|movement| movement.leg == Some(leg))
    }

    fn decide_move(
        &self,
        payment: Reference,
        leg: LegReference,
        action: Action,
        amount: u64,
    ) -> Result<Vec<AccountEvent>, Decline> {
        if self.has_done(leg) {
            return Ok(Vec::new());
        }
        if let Some(reason) = self.declined(Call::Move(leg)) {
            return Err(reason);
        }
        let Some(hold) = self.hold(payment) else {
            // Voiding what was never held: done, and it never will be.
            return match action {
                Action::Void if self.barred.contains(&payment) => Ok(Vec::new()),
                Action::Void => Ok(vec![AccountEvent::Barred { payment }]),
                Action::Capture | Action::Refund | Action::Increase => Err(Decline::NotPermitted),
            };
        };
        if amount > hold.tally.available(action) {
            return Err(Decline::NotPermitted);
        }
        if action == Action::Increase && amount > self.available() {
            return Err(Decline::NotEnoughBalance);
        }
        match action {
            Action::Increase => self.check_room()?,
            Action::Capture | Action::Void | Action::Refund => {
                let mut after = hold.tally;
                after.conclude(action, amount, true);
                let steps = self.steps_to_come().saturating_sub(steps_to_come(&hold.tally)) + steps_to_come(&after);
                // A whole step leaves fewer to come, so there is always room for it; for a part there may be none.
                if self.movements.len() + 1 + steps > MOVEMENTS_PER_ACCOUNT_MAX {
                    return Err(Decline::NotPermitted);
                }
            }
        }
        Ok(vec![AccountEvent::Moved { payment, leg, action, amount }])
    }

    /// Room for money to be taken.
    fn check_room(&self) -> Result<(), Decline> {
        let room = MOVEMENTS_PER_ACCOUNT_MAX.saturating_sub(MOVEMENTS_RESERVE);
        let is_full = self.version.is_near_end() || self.taken_room() >= room;
        if is_full { Err(Decline::NotPermitted) } else { Ok(()) }
    }

    /// Movements that it takes to settle all that is held, and to give all of it back.
    fn steps_to_come(&self) -> usize {
        self.holds.iter().map(|hold| steps_to_come(&hold.tally)).sum()
    }

    /// How much of the room for money to be taken is used, in movements. The terms of a spend take as much of a snapshot
    /// as a movement and more, and what is held is to be settled.
    fn taken_room(&self) -> usize {
        let spends = self.holds.iter().filter(|hold| hold.spend.is_some()).count();
        let open = self.holds.iter().filter(|hold| hold.tally.capturable() > 0).count();
        self.movements.len() + self.barred.len() + spends + open
    }

    /// Purchases on credit of which nothing is held, and nothing has moved for long, if there is little room.
    fn old_purchases(&self, at: Time) -> Vec<Reference> {
        if self.credit.is_none() || self.taken_room() < FORGOTTEN_FROM {
            return Vec::new();
        }
        let mut last = BTreeMap::new();
        for movement in &self.movements {
            last.insert(movement.payment, movement.at);
        }
        let is_old = |hold: &&Hold| {
            let moved = last.get(&hold.payment).copied().unwrap_or_default();
            hold.tally.capturable() == 0 && moved.plus(PURCHASE_MEMORY) <= at
        };
        self.holds.iter().filter(is_old).map(|hold| hold.payment).collect()
    }

    /// Forgets purchases: what is outstanding of them stays so.
    fn forget(&mut self, payments: &[Reference]) {
        let is_forgotten = |payment: Reference| payments.contains(&payment);
        let holds = self.holds.iter().filter(|hold| is_forgotten(hold.payment));
        let outstanding = holds.map(|hold| hold.tally.captured.saturating_sub(hold.tally.refunded));
        self.forgotten = outstanding.fold(self.forgotten, u64::saturating_add);
        self.holds.retain(|hold| !is_forgotten(hold.payment));
        self.movements.retain(|movement| !is_forgotten(movement.payment));
    }

    fn apply(&mut self, event: &AccountEvent, at: Time) {
        match event {
            // Issued once; its issuer checks.
            AccountEvent::Issued { .. } | AccountEvent::CreditOpened { .. } => {}
            AccountEvent::LimitSet { limit } => self.issued = self.issued.with_minor(*limit),
            AccountEvent::CodeGiven { challenge, expires_at, is_right } => {
                if let Some(credit) = &mut self.credit {
                    credit.code_given(*challenge, *expires_at, *is_right, at);
                }
                if *is_right {
                    self.wrong_codes = 0;
                } else {
                    self.wrong_codes = self.wrong_codes.saturating_add(1);
                    self.code_failed_at = at;
                }
            }
            AccountEvent::Held { payment, amount, spend, proved } => {
                match (&mut self.credit, proved) {
                    // A hold on a gift card came with the right code; one on credit may have been exempt.
                    (None, _) => self.wrong_codes = 0,
                    (Some(credit), Some(proved)) => credit.spent(proved),
                    (Some(_), None) => {}
                }
                self.holds.push(Hold {
                    payment: *payment,
                    tally: Tally::authorised(*amount),
                    spend: spend.clone(),
                    challenge: proved.and_then(|proved| proved.challenge),
                    is_authenticated: proved.is_some_and(|proved| !proved.is_exempt && !proved.is_waived),
                });
                self.movements.push(Movement { at, payment: *payment, leg: None, action: None, amount: *amount });
            }
            AccountEvent::Moved { payment, leg, action, amount } => {
                if let Some(hold) = self.holds.iter_mut().find(|hold| hold.payment == *payment) {
                    hold.tally.conclude(*action, *amount, true);
                }
                self.movements.push(Movement {
                    at,
                    payment: *payment,
                    leg: Some(*leg),
                    action: Some(*action),
                    amount: *amount,
                });
            }
            AccountEvent::Forgotten { payments } => self.forget(payments),
            AccountEvent::Barred { payment } => self.barred.push(*payment),
            AccountEvent::Declined { call, reason } => {
                if self.declined.len() >= DECLINED_REMEMBERED {
                    self.declined.remove(0);
                }
                self.declined.push(Declined { call: *call, reason: *reason });
            }
            AccountEvent::CodeFailed => {
                self.wrong_codes = self.wrong_codes.saturating_add(1);
                self.code_failed_at = at;
            }
            AccountEvent::CodeAccepted => self.wrong_codes = 0,
        }
    }
}

/// Movements that it takes to settle what is held, and to give it back.
fn steps_to_come(tally: &Tally) -> usize {
    if tally.capturable() > 0 { 2 } else { usize::from(tally.captured > tally.refunded) }
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn evolve(state: Option<Self>, event: &AccountEvent, version: Version, at: Time) -> Option<Self> {
        match (state, event) {
            (None, AccountEvent::Issued { brand, last4, balance, code, key }) => Some(Self {
                brand: brand.clone(),
                last4: last4.clone(),
                issued: *balance,
                issued_at: at,
                version,
                code: *code,
                wrong_codes: 0,
                code_failed_at: Time::default(),
                key: *key,
                holds: Vec::new(),
                forgotten: 0,
                barred: Vec::new(),
                declined: Vec::new(),
                movements: Vec::new(),
                credit: None,
            }),
            (None, AccountEvent::CreditOpened { customer, product, limit, key }) => Some(Self {
                brand: product.clone(),
                last4: String::new(),
                issued: *limit,
                issued_at: at,
                version,
                code: CodePrint::default(),
                wrong_codes: 0,
                code_failed_at: Time::default(),
                key: *key,
                holds: Vec::new(),
                forgotten: 0,
                barred: Vec::new(),
                declined: Vec::new(),
                movements: Vec::new(),
                credit: Some(Box::new(Credit {
                    customer: customer.clone(),
                    product: product.clone(),
                    exempt_in_a_row: 0,
                    challenges: Vec::new(),
                })),
            }),
            (None, _) => None,
            (Some(mut account), event) => {
                account.version = version;
                account.apply(event, at);
                Some(account)
            }
        }
    }
}
