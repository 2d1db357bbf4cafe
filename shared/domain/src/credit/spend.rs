//! Spending credit: on which terms, and with what proof that it is the customer who spends.

use serde::{Deserialize, Serialize};

use super::{Plan, Settings, SpendType};
use crate::{
    Decimal, Money, Reference, Time,
    limits::{CHALLENGE_MEMORY, CHALLENGES_REMEMBERED, WRONG_ONE_TIME_CODES_MAX},
};

/// What makes an account a line of credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The merchant's name for the customer.
    pub customer: String,
    /// The product it is of.
    pub product: String,
    /// Spends in a row that were exempt from authentication.
    #[serde(default)]
    pub exempt_in_a_row: u8,
    /// What became of authentications, oldest first, until it does not matter any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) challenges: Vec<Challenge>,
}

/// The terms that a spend was authorised on. They stay, whatever becomes of the offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The offer; none for revolving credit without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// How it is spent.
    pub spend_type: SpendType,
    /// The nominal annual rate, in percent.
    #[serde(default)]
    pub interest_rate: Decimal,
    /// In how many months it is paid back; 0 if it is revolving.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub months: u16,
    /// The most that the offer took, in minor units: no more is authorised on these terms later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(months: &u16) -> bool {
    *months == 0
}

impl Spend {
    /// Revolving credit, on no offer.
    #[must_use]
    pub fn revolving() -> Self {
        Self { offer: None, spend_type: SpendType::Purchase, interest_rate: Decimal::default(), months: 0, most: None }
    }

    /// Whether so much, in minor units, can be spent on them.
    #[must_use]
    pub fn takes(&self, minor: u64) -> bool {
        self.most.is_none_or(|most| minor <= most)
            && (self.spend_type == SpendType::Purchase || self.plan(minor).is_some())
    }

    /// The instalments of an amount that was authorised on these terms; none if it is revolving.
    #[must_use]
    pub fn plan(&self, minor: u64) -> Option<Plan> {
        match self.spend_type {
            SpendType::Purchase => None,
            SpendType::Instalment => Plan::try_new(minor, self.interest_rate, self.months),
        }
    }
}

/// What became of an authentication that nothing was spent with yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Which.
    pub id: Reference,
    /// Until when it could be used.
    pub expires_at: Time,
    /// Wrong one-time codes.
    #[serde(default)]
    pub wrong_codes: u8,
    /// Whether the customer authenticated.
    #[serde(default)]
    pub is_passed: bool,
}

impl Challenge {
    /// Whether the customer gave too many wrong codes.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.is_passed && self.wrong_codes >= WRONG_ONE_TIME_CODES_MAX
    }
}

/// Where an authentication stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The customer may give a one-time code.
    Open {
        /// How many more may be wrong, the last of which is too many.
        tries_left: u8,
    },
    /// The customer authenticated, and nothing was authorised with it yet.
    Passed,
    /// The customer gave too many wrong codes.
    Failed,
    /// It is too old.
    Expired,
    /// Something was authorised with it.
    Used,
}

/// What came of an initiation: what a merchant brings to an authorisation, for this very customer and amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The authentication.
    pub challenge: Reference,
    /// What it was initiated for.
    pub amount: Money,
    /// Whether no authentication was asked for.
    pub is_exempt: bool,
    /// Until when it can be used.
    pub expires_at: Time,
}

/// Why a spend takes an authentication, or another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// None came, and the customer has to authenticate.
    #[error("the customer has to authenticate first")]
    Missing,
    /// The customer did not authenticate.
    #[error("the customer did not authenticate")]
    NotAuthenticated,
    /// It was used for another authorisation.
    #[error("it was used before")]
    Used,
    /// It is too old.
    #[error("it has expired")]
    Expired,
    /// It was made for another amount.
    #[error("it was made for {expected}, not for {actual}")]
    OtherAmount {
        /// What it was initiated for.
        expected: Money,
        /// What is to be authorised.
        actual: Money,
    },
    /// It was exempt, and is not any more.
    #[error("the exemption it was made on has been used up: the customer has to authenticate")]
    NotExempt,
    /// Too many are remembered at once.
    #[error("the customer has too many authentications under way")]
    TooMany,
    /// The customer gave too many wrong codes, whatever for.
    #[error("too many wrong codes were given in a row: nobody authenticates as this customer for a while")]
    Locked,
}

/// How it was known that it was the customer who spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// The authentication that was used up; none if it was exempt without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Reference>,
    /// Whether the spend was exempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_exempt: bool,
    /// Whether nobody was asked to authenticate: then it counts neither as exempt nor as authenticated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_waived: bool,
}

impl Credit {
    /// What became of an authentication, if that is remembered.
    #[must_use]
    pub fn challenge(&self, id: Reference) -> Option<&Challenge> {
        self.challenges.iter().find(|known| known.id == id)
    }

    /// Whether a spend of that amount is proved to be the customer's: how. `is_used` says whether the proof was brought
    /// before.
    pub(crate) fn prove(
        &self,
        amount: Money,
        proof: Option<&Proof>,
        is_used: bool,
        settings: &Settings,
        now: Time,
    ) -> Result<Option<Proved>, ProofFault> {
        let is_exempt = settings.exempts(amount, self.exempt_in_a_row);
        let Some(proof) = proof else {
            let exempt = Proved { challenge: None, is_exempt: true, is_waived: false };
            return match (settings.is_authenticated, is_exempt) {
                (false, _) => Ok(None),
                (true, true) => Ok(Some(exempt)),
                (true, false) => Err(ProofFault::Missing),
            };
        };
        if is_used {
            return Err(ProofFault::Used);
        }
        if proof.amount != amount {
            return Err(ProofFault::OtherAmount { expected: proof.amount, actual: amount });
        }
        if now >= proof.expires_at {
            return Err(ProofFault::Expired);
        }
        let is_passed = self.challenge(proof.challenge).is_some_and(|known| known.is_passed);
        let proved = Proved { challenge: Some(proof.challenge), is_exempt: false, is_waived: false };
        match (proof.is_exempt, is_passed) {
            (_, true) => Ok(Some(proved)),
            (false, false) => Err(ProofFault::NotAuthenticated),
            // Nobody is asked: then it is not one of the exempt spends that are counted.
            (true, false) if !settings.is_authenticated => Ok(Some(Proved { is_waived: true, ..proved })),
            (true, false) if is_exempt => Ok(Some(Proved { is_exempt: true, ..proved })),
            (true, false) => Err(ProofFault::NotExempt),
        }
    }

    /// Whether another authentication can be remembered.
    pub(crate) fn has_room(&self, now: Time) -> bool {
        let remembered = self.challenges.iter().filter(|known| known.is_remembered(now)).count();
        remembered < CHALLENGES_REMEMBERED
    }

    /// A one-time code was given; authentications that do not matter any more are forgotten.
    pub(crate) fn code_given(&mut self, id: Reference, expires_at: Time, is_right: bool, at: Time) {
        if self.challenge(id).is_none() {
            self.challenges.retain(|known| known.is_remembered(at));
            self.challenges.push(Challenge { id, expires_at, wrong_codes: 0, is_passed: false });
        }
        let Some(known) = self.challenges.iter_mut().find(|known| known.id == id) else { return };
        if is_right {
            known.is_passed = true;
        } else {
            known.wrong_codes = known.wrong_codes.saturating_add(1);
        }
    }

    /// Something was spent: from now on the hold tells that the authentication was used.
    pub(crate) fn spent(&mut self, proved: &Proved) {
        self.challenges.retain(|known| Some(known.id) != proved.challenge);
        if !proved.is_waived {
            self.exempt_in_a_row = if proved.is_exempt { self.exempt_in_a_row.saturating_add(1) } else { 0 };
        }
    }
}

impl Challenge {
    fn is_remembered(&self, now: Time) -> bool {
        self.expires_at.plus(CHALLENGE_MEMORY) > now
    }
}
