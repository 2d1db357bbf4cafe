//! The sandbox: a deterministic acquirer for tests and demonstrations.
//!
//! The card's number chooses what happens; see [`Behaviour`]. It keeps books like a real one, a stream for
//! each payment, so it answers a repeated call as it answered the first, and knows what happened when a
//! caller's call "timed out". Numbers it does not list are refused: it is no place for a real card.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use app::{
    Fut, Instrument, Partner, StoreError, StreamId, Streams,
    ports::{Authorise, Described, Lookup, Perform, echoed},
    streams::ChangeError,
};
use domain::{
    Action, Aggregate, MerchantAccount, Money, Reference, Tally, Time, Version,
    limits::DECLINED_REMEMBERED,
    order::{CancelledBy, Decline, LegResult, Method, MethodKind, Redirect, Resolution},
    reference::LegReference,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::last4;

/// How long what is pending stays so.
pub const PENDING_FOR: Duration = Duration::from_secs(2);

/// How long the token of a card may be paid with: as long as it takes to look at an order once more.
pub const CARD_TOKEN_FOR: Duration = Duration::from_secs(15 * 60);

/// What a test card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Approved.
    Approve,
    /// Refused with this reason.
    Refuse(Decline),
    /// The shopper authenticates, or pays, on a page.
    Redirect,
    /// Pending, then approved.
    PendingThenApprove,
    /// Pending, then refused.
    PendingThenRefuse,
    /// The call times out and did happen.
    TimeOutButDone,
    /// The call times out and nothing happened.
    TimeOutAndLost,
    /// Approved; captures are declined.
    DeclineCapture,
    /// Approved; captures are pending, then done.
    PendingCapture,
    /// Approved; captures time out the first time, and did happen.
    TimeOutCapture,
    /// Approved and captured; refunds are declined.
    DeclineRefund,
}

/// The test cards. All pass the Luhn check and belong to no one.
const CARDS: &[(&str, Behaviour)] = &[
    ("4111111111111111", Behaviour::Approve),
    ("5555444433331111", Behaviour::Approve),
    ("4000000000000002", Behaviour::Refuse(Decline::Refused)),
    ("4000000000009995", Behaviour::Refuse(Decline::NotEnoughBalance)),
    ("4000000000000069", Behaviour::Refuse(Decline::ExpiredCard)),
    ("4000000000003220", Behaviour::Redirect),
    ("4000000000000077", Behaviour::PendingThenApprove),
    ("4000000000000093", Behaviour::PendingThenRefuse),
    ("4000000000000119", Behaviour::TimeOutButDone),
    ("4000000000000127", Behaviour::TimeOutAndLost),
    ("4000000000000341", Behaviour::DeclineCapture),
    ("4000000000000259", Behaviour::PendingCapture),
    ("4000000000000143", Behaviour::TimeOutCapture),
    ("4000000000005126", Behaviour::DeclineRefund),
];

/// What iDEAL does.
const IDEAL: Behaviour = Behaviour::Redirect;

/// What a shopper can do on the sandbox's page. Walking away is doing nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Pay, or pass the authentication.
    Approve,
    /// Cancel, or fail the authentication.
    Refuse,
}

/// The sandbox's book of one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// How much was asked for; nothing, if the payment was barred before it was seen.
    pub amount: Option<Money>,
    /// With what kind of instrument.
    pub kind: MethodKind,
    /// Where the shopper goes back to.
    pub return_url: String,
    behaviour: Behaviour,
    begun_at: Time,
    choice: Option<Choice>,
    is_void: bool,
    tally: Tally,
    legs: Vec<BookedLeg>,
    #[serde(default)]
    declined: Vec<LegReference>,
}

/// A leg the sandbox was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct BookedLeg {
    leg: LegReference,
    action: Action,
    amount: u64,
    at: Time,
}

/// What happens at the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BookEvent {
    /// A payment was asked for.
    Asked {
        /// How much.
        amount: Money,
        /// With what kind of instrument.
        kind: MethodKind,
        /// What the card does.
        behaviour: Behaviour,
        /// Where the shopper goes back to; empty for cards that need no page.
        return_url: String,
    },
    /// A payment was asked about, or voided, before it was asked for: it must not happen any more.
    Barred,
    /// The shopper chose on the page.
    Chosen {
        /// What.
        choice: Choice,
    },
    /// A payment that was not complete was voided.
    Voided {
        /// The leg that asked for it.
        leg: LegReference,
    },
    /// A leg was declined, because the books did not allow it. It stays so, whatever they allow later: a call may
    /// come twice.
    Declined {
        /// The leg.
        leg: LegReference,
    },
    /// Money was captured, voided or refunded, or will be after [`PENDING_FOR`].
    Moved {
        /// The leg that asked for it.
        leg: LegReference,
        /// What.
        action: Action,
        /// With how much, in minor units.
        amount: u64,
    },
}

impl Aggregate for Book {
    type Event = BookEvent;

    fn evolve(state: Option<Self>, event: &BookEvent, _: Version, at: Time) -> Option<Self> {
        let empty = || Self {
            amount: None,
            kind: MethodKind::Card,
            return_url: String::new(),
            behaviour: Behaviour::Approve,
            begun_at: at,
            choice: None,
            is_void: false,
            tally: Tally::default(),
            legs: Vec::new(),
            declined: Vec::new(),
        };
        match (state, event) {
            (None, BookEvent::Asked { amount, kind, behaviour, return_url }) => Some(Self {
                amount: Some(*amount),
                kind: *kind,
                behaviour: *behaviour,
                return_url: return_url.clone(),
                tally: Tally::authorised(amount.minor()),
                ..empty()
            }),
            (None, BookEvent::Barred) => Some(empty()),
            (None, _) => None,
            (Some(mut book), event) => {
                match event {
                    BookEvent::Asked { .. } | BookEvent::Barred => {}
                    BookEvent::Chosen { choice } => book.choice = Some(*choice),
                    BookEvent::Voided { .. } => book.is_void = true,
                    BookEvent::Declined { leg } => {
                        if book.declined.len() >= DECLINED_REMEMBERED {
                            book.declined.remove(0);
                        }
                        book.declined.push(*leg);
                    }
                    BookEvent::Moved { leg, action, amount } => {
                        book.tally.conclude(*action, *amount, true);
                        book.legs.push(BookedLeg { leg: *leg, action: *action, amount: *amount, at });
                    }
                }
                Some(book)
            }
        }
    }
}

impl Book {
    /// What became of the authorisation, at `now`.
    #[must_use]
    pub fn resolution(&self, page: &str, now: Time) -> Resolution {
        let is_pending = now < self.begun_at.plus(PENDING_FOR);
        if self.amount.is_none() {
            return Resolution::Failed;
        }
        if self.is_void {
            return Resolution::Cancelled { by: CancelledBy::Order };
        }
        match self.behaviour {
            Behaviour::Refuse(reason) => Resolution::Refused { reason },
            Behaviour::PendingThenApprove | Behaviour::PendingThenRefuse if is_pending => Resolution::Pending,
            Behaviour::PendingThenRefuse => Resolution::Refused { reason: Decline::Refused },
            Behaviour::Redirect => match (self.choice, self.kind) {
                (None, _) => Resolution::AwaitingShopper { redirect: Redirect { url: page.to_owned() } },
                (Some(Choice::Approve), _) => Resolution::Authorised,
                (Some(Choice::Refuse), MethodKind::Card) => Resolution::Refused { reason: Decline::NotAuthenticated },
                (Some(Choice::Refuse), MethodKind::GiftCard | MethodKind::Ideal | MethodKind::Credit) => {
                    Resolution::Cancelled { by: CancelledBy::Shopper }
                }
            },
            Behaviour::Approve
            | Behaviour::PendingThenApprove
            | Behaviour::TimeOutButDone
            | Behaviour::TimeOutAndLost
            | Behaviour::DeclineCapture
            | Behaviour::PendingCapture
            | Behaviour::TimeOutCapture
            | Behaviour::DeclineRefund => Resolution::Authorised,
        }
    }

    /// What became of the money, at `now`; all zero if none is authorised.
    #[must_use]
    pub fn tally(&self, now: Time) -> Tally {
        match self.resolution("", now) {
            Resolution::Authorised => self.tally,
            Resolution::Refused { .. }
            | Resolution::Cancelled { .. }
            | Resolution::Failed
            | Resolution::Pending
            | Resolution::AwaitingShopper { .. }
            | Resolution::Uncertain => Tally::default(),
        }
    }

    /// Decides one leg: the event to commit, none if it was done before.
    fn decide(&self, request: &Perform<'_>, now: Time) -> Result<Option<BookEvent>, Decline> {
        let Perform { leg, action, .. } = *request;
        if self.legs.iter().any(|booked| booked.leg == leg) || self.declined.contains(&leg) {
            return Ok(None);
        }
        let amount = request.amount.minor();
        match self.resolution("", now) {
            Resolution::Authorised => {}
            Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain
                if action == Action::Void =>
            {
                return Ok(Some(BookEvent::Voided { leg }));
            }
            Resolution::Refused { .. } | Resolution::Cancelled { .. } | Resolution::Failed
                if action == Action::Void =>
            {
                return Ok(None);
            }
            Resolution::Pending
            | Resolution::AwaitingShopper { .. }
            | Resolution::Uncertain
            | Resolution::Refused { .. }
            | Resolution::Cancelled { .. }
            | Resolution::Failed => return Ok(Some(BookEvent::Declined { leg })),
        }
        match (self.behaviour, action) {
            (Behaviour::DeclineCapture, Action::Capture) | (Behaviour::DeclineRefund, Action::Refund) => {
                Err(Decline::Refused)
            }
            _ if amount > self.tally.available(action) => Ok(Some(BookEvent::Declined { leg })),
            _ => Ok(Some(BookEvent::Moved { leg, action, amount })),
        }
    }

    /// What is said of a leg that is booked, to a call that came at `now`: the one that booked it, if it came
    /// no later than that.
    fn leg_result(&self, leg: LegReference, now: Time) -> LegResult {
        if self.declined.contains(&leg) {
            return LegResult::Declined { reason: Decline::NotPermitted };
        }
        let booked = self.legs.iter().find(|booked| booked.leg == leg);
        match (self.behaviour, booked) {
            (Behaviour::PendingCapture, Some(booked))
                if booked.action == Action::Capture && now < booked.at.plus(PENDING_FOR) =>
            {
                LegResult::Pending
            }
            (Behaviour::TimeOutCapture, Some(booked)) if booked.action == Action::Capture && now <= booked.at => {
                LegResult::Uncertain
            }
            _ => LegResult::Done,
        }
    }
}

/// The sandbox acquirer.
#[derive(Clone)]
pub struct Sandbox {
    streams: Streams,
    public_url: Arc<OnceLock<String>>,
}

impl Sandbox {
    /// The sandbox with its books in `streams`.
    #[must_use]
    pub fn new(streams: Streams) -> Self {
        Self { streams, public_url: Arc::default() }
    }

    /// Tells under which URL its pages are found. What it was told first stands.
    pub fn found_at(&self, public_url: &str) {
        self.public_url.get_or_init(|| public_url.trim_end_matches('/').to_owned());
    }

    /// Under which URL its pages are found, as far as it was told.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.public_url.get().map(String::as_str)
    }

    /// The sandbox's book of a payment.
    ///
    /// # Errors
    /// The store's.
    pub async fn book(&self, merchant: &MerchantAccount, payment: Reference) -> Result<Option<Book>, StoreError> {
        Ok(self.streams.load::<Book>(&stream(merchant, payment), None).await?.map(|loaded| loaded.state))
    }

    /// Records what the shopper chose on the page. The first choice stands; after a void, none does.
    ///
    /// # Errors
    /// The store's.
    pub async fn choose(
        &self,
        merchant: &MerchantAccount,
        payment: Reference,
        choice: Choice,
    ) -> Result<Option<Book>, StoreError> {
        let now = self.streams.now();
        let changed = self
            .streams
            .change::<Book, Decline>(&stream(merchant, payment), |book| {
                match book.map(|book| book.resolution("", now)) {
                    Some(Resolution::AwaitingShopper { .. }) => Ok(vec![BookEvent::Chosen { choice }]),
                    Some(_) | None => Ok(Vec::new()),
                }
            })
            .await;
        match changed {
            Ok(book) => Ok(book),
            Err(ChangeError::Store(error)) => Err(error),
            Err(ChangeError::Refused(_)) => Ok(None),
        }
    }

    /// The time, as the sandbox's books see it.
    #[must_use]
    pub fn now(&self) -> Time {
        self.streams.now()
    }

    fn page(&self, merchant: &MerchantAccount, payment: Reference) -> String {
        let public_url = self.url().unwrap_or_default();
        format!("{public_url}/sandbox/{merchant}/{payment}")
    }
}

fn stream(merchant: &MerchantAccount, payment: Reference) -> StreamId {
    StreamId::owned(merchant, "sandbox", &payment.to_string())
}

fn behaviour(instrument: &Instrument) -> Option<(MethodKind, Behaviour)> {
    match instrument {
        Instrument::Card { number } => CARDS
            .iter()
            .find(|(known, _)| *known == number.expose_secret())
            .map(|(_, behaviour)| (MethodKind::Card, *behaviour)),
        Instrument::Ideal => Some((MethodKind::Ideal, IDEAL)),
        Instrument::GiftCard { .. } | Instrument::Credit { .. } => None,
    }
}

/// A card's brand, by the ranges of numbers that the sandbox's own fall into.
#[must_use]
pub fn brand(number: &str) -> &'static str {
    match number.as_bytes() {
        [b'4', ..] => "visa",
        [b'5', b'1'..=b'5', ..] => "mc",
        [b'3', b'4' | b'7', ..] => "amex",
        _ => "card",
    }
}

impl Partner for Sandbox {
    fn describe(&self, _: &MerchantAccount, instrument: &Instrument) -> Described {
        match instrument {
            Instrument::Card { number } => {
                let number = number.expose_secret();
                let (brand, last4) = (brand(number), last4(number));
                let token = format!("sandbox-{brand}-{last4}");
                let method = Method { kind: MethodKind::Card, brand: brand.to_owned(), last4: Some(last4) };
                Described { method, token }
            }
            Instrument::Ideal => {
                let method = Method { kind: MethodKind::Ideal, brand: "ideal".to_owned(), last4: None };
                Described { method, token: "sandbox-ideal".to_owned() }
            }
            Instrument::GiftCard { .. } | Instrument::Credit { .. } => Described::by_kind(instrument),
        }
    }

    fn authorise<'a>(&'a self, request: Authorise<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move {
            let Some((kind, behaviour)) = behaviour(request.instrument) else {
                return Resolution::Refused { reason: Decline::InvalidCardNumber };
            };
            if behaviour == Behaviour::TimeOutAndLost {
                return Resolution::Uncertain;
            }
            let needs_page = behaviour == Behaviour::Redirect;
            let asked = BookEvent::Asked {
                amount: request.amount,
                kind,
                behaviour,
                return_url: if needs_page { request.return_url.to_owned() } else { String::new() },
            };
            let stream = stream(request.merchant, request.payment);
            let book = match self.streams.append::<Book>(&stream, None, &[asked]).await {
                Ok(begun) => Some(begun.state),
                Err(StoreError::Conflict) => match self.book(request.merchant, request.payment).await {
                    Ok(book) => book,
                    Err(error) => return unknown(&error),
                },
                Err(error) => return unknown(&error),
            };
            match book {
                Some(book) if book.behaviour != Behaviour::TimeOutButDone => {
                    let page = self.page(request.merchant, request.payment);
                    echoed(request.amount, book.amount, book.resolution(&page, self.streams.now()))
                }
                Some(_) | None => Resolution::Uncertain,
            }
        })
    }

    fn perform<'a>(&'a self, request: Perform<'a>) -> Fut<'a, LegResult> {
        Box::pin(async move {
            let now = self.streams.now();
            let stream = stream(request.merchant, request.payment);
            let changed = self
                .streams
                .change::<Book, Decline>(&stream, |book| match book {
                    Some(book) => Ok(book.decide(&request, now)?.into_iter().collect()),
                    // Never seen: a void keeps it so, anything else has nothing to act on.
                    None if request.action == Action::Void => Ok(vec![BookEvent::Barred]),
                    None => Err(Decline::NotPermitted),
                })
                .await;
            match changed {
                Ok(book) => book.map_or(LegResult::Done, |book| book.leg_result(request.leg, now)),
                Err(ChangeError::Refused(reason)) => LegResult::Declined { reason },
                Err(ChangeError::Store(error)) => leg_unknown(&error),
            }
        })
    }

    fn lookup<'a>(&'a self, request: Lookup<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move {
            let changed = self
                .streams
                .change::<Book, Decline>(&stream(request.merchant, request.payment), |book| {
                    Ok(if book.is_some() { Vec::new() } else { vec![BookEvent::Barred] })
                })
                .await;
            match changed {
                Ok(Some(book)) => book.resolution(&self.page(request.merchant, request.payment), self.streams.now()),
                Ok(None) | Err(ChangeError::Refused(_)) => Resolution::Failed,
                Err(ChangeError::Store(error)) => unknown(&error),
            }
        })
    }
}

fn unknown(error: &StoreError) -> Resolution {
    tracing::warn!(%error, "the sandbox's store did not answer");
    Resolution::Uncertain
}

fn leg_unknown(error: &StoreError) -> LegResult {
    tracing::warn!(%error, "the sandbox's store did not answer");
    LegResult::Uncertain
}
