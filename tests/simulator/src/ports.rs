//! The ports of the engine, kept by the simulated world. Every call may be the last thing its process does.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{
    Fut, OWN_ENDPOINT, OrderKey, Partner, StoreError, StreamId,
    ports::{
        Authorise, Bus, BusEvent, Clock, Commit, CommitLog, Courier, Described, Instrument, Job, Lookup, Page, Parcel,
        Perform, Place, Queue, Random, SNAPSHOT_EVERY, Scheduled, Timers, Work, echoed,
    },
};
use domain::{
    Action, MerchantAccount, Money, OrderId, Reference, Time, Version,
    feed::Report,
    order::{LegResult, Resolution},
    reference::LegReference,
};
use secrecy::ExposeSecret;

use crate::{
    Bug, Fault,
    receivers::Receivers,
    world::{Message, Shared},
};

pub(crate) struct SimClock(pub(crate) Shared);

impl Clock for SimClock {
    fn now(&self) -> Time {
        let world = self.0.world();
        Time::from_unix_ms(world.now.unix_ms().saturating_add_signed(world.skew_ms))
    }
}

/// A clock that is right.
pub(crate) struct TrueClock(pub(crate) Shared);

impl Clock for TrueClock {
    fn now(&self) -> Time {
        self.0.world().now
    }
}

pub(crate) struct SimRandom(pub(crate) Shared);

impl Random for SimRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.world().rng.fill(bytes);
    }
}

/// The card that is always approved.
const FINE: &str = "4111111111111111";

/// How far a list may be behind.
const LIST_BEHIND: Duration = Duration::from_millis(1_500);

/// How far ahead [`Bug::LateWorkDropped`] keeps work.
const KEPT_FOR: Duration = Duration::from_secs(90);

fn unavailable() -> StoreError {
    StoreError::Unavailable("simulated".to_owned())
}

pub(crate) struct SimLog(pub(crate) Shared);

impl SimLog {
    fn write(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut world = self.0.world();
        let (stream, version) = (commit.stream.as_str().to_owned(), commit.version.get());
        let known = world.streams.get(&stream).and_then(|versions| versions.get(&version)).copied();
        match known {
            Some(place) if world.commits[place].id == commit.id => return Ok(()),
            Some(place) if world.bug == Some(Bug::VersionCheckRemoved) => {
                world.commits[place] = commit.clone();
                world.unrelayed.insert(place);
            }
            Some(_) => return Err(StoreError::Conflict),
            None => {
                let place = world.commits.len();
                world.commits.push(commit.clone());
                world.unrelayed.insert(place);
                world.streams.entry(stream).or_default().insert(version, place);
            }
        }
        Ok(())
    }
}

impl CommitLog for SimLog {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeRead).await;
            if self.0.goes_wrong(Fault::ReadFailed, 3) {
                return Err(unavailable());
            }
            let commits = {
                let world = self.0.world();
                let up_to = up_to.map_or(u16::MAX, Version::get);
                let places = world.streams.get(stream.as_str()).into_iter().flat_map(|known| known.range(..=up_to));
                let mut commits = Vec::new();
                for (_, place) in places.rev().take(usize::from(SNAPSHOT_EVERY)) {
                    let commit = world.commits[*place].clone();
                    let is_enough = commit.snapshot.is_some();
                    commits.push(commit);
                    if is_enough {
                        break;
                    }
                }
                commits
            };
            self.0.pause(Fault::CrashAfterRead).await;
            Ok(commits)
        })
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeWrite).await;
            if self.0.goes_wrong(Fault::WriteFailed, 8) {
                return Err(unavailable());
            }
            let written = self.write(commit);
            if matches!(written, Err(StoreError::Conflict)) {
                self.0.world().count(Fault::RaceLost);
            }
            self.0.pause(Fault::CrashAfterWrite).await;
            if written.is_ok() && self.0.goes_wrong(Fault::WriteLandedUnanswered, 8) {
                let is_lost = self.0.world().bug == Some(Bug::LandedTakenForLost);
                return Err(if is_lost { StoreError::Conflict } else { unavailable() });
            }
            if written.is_ok() {
                let told = (commit.stream.as_str().to_owned(), commit.version.get(), commit.id);
                self.0.world().acknowledged.push(told);
            }
            written
        })
    }

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeRead).await;
            if self.0.goes_wrong(Fault::ReadFailed, 3) {
                return Err(unavailable());
            }
            // What was written a moment ago may be missing.
            let behind = self.0.goes_wrong(Fault::ListBehind, 200).then_some(LIST_BEHIND);
            let world = self.0.world();
            let is_there = |commit: &Commit| behind.is_none_or(|behind| commit.at.plus(behind) < world.now);
            let key = |commit: &Commit| (commit.at, commit.stream.clone(), commit.version);
            let after = page.after.clone().map(|Place { at, stream, version }| (at, stream, version));
            let mut found = world
                .commits
                .iter()
                .filter(|commit| is_there(commit))
                .filter(|commit| commit.list.as_deref() == Some(list) && commit.at >= page.since)
                .filter(|commit| {
                    after
                        .as_ref()
                        .is_none_or(|after| if page.newest_first { key(commit) < *after } else { key(commit) > *after })
                })
                .cloned()
                .collect::<Vec<_>>();
            found.sort_by_key(key);
            if page.newest_first {
                found.reverse();
            }
            found.truncate(usize::from(page.limit));
            Ok(found)
        })
    }
}

pub(crate) struct SimQueue(pub(crate) Shared);

impl SimQueue {
    /// Whether a bug forgets a job.
    fn is_forgotten(&self, scheduled: &Scheduled) -> bool {
        let mut world = self.0.world();
        match (world.bug, &scheduled.job) {
            (Some(Bug::OwnWebhookForgotten), Job::Deliver(deliver)) if deliver.endpoint == OWN_ENDPOINT => {
                world.rng.chance(300)
            }
            (Some(Bug::LateWorkDropped), Job::Work(_)) => scheduled.due > world.now.plus(KEPT_FOR),
            _ => false,
        }
    }
}

impl Queue for SimQueue {
    fn send<'a>(&'a self, jobs: &'a [Scheduled]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeSend).await;
            for scheduled in jobs {
                if self.0.goes_wrong(Fault::SendFailed, 5) {
                    return Err(unavailable());
                }
                if self.is_forgotten(scheduled) {
                    continue;
                }
                let copies = if self.0.goes_wrong(Fault::MessageTwice, 20) { 2 } else { 1 };
                for _ in 0..copies {
                    let late = if self.0.goes_wrong(Fault::MessageLate, 50) { 20_000 } else { 50 };
                    let mut world = self.0.world();
                    let delay = Duration::from_millis(world.rng.below(late));
                    world.send(scheduled.clone(), delay);
                }
            }
            self.0.pause(Fault::CrashAfterSend).await;
            if self.0.goes_wrong(Fault::SendLandedUnanswered, 5) { Err(unavailable()) } else { Ok(()) }
        })
    }
}

impl Timers for SimQueue {
    fn set<'a>(&'a self, order: &'a OrderKey, at: Time) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeSend).await;
            if self.0.goes_wrong(Fault::SendFailed, 5) {
                return Err(unavailable());
            }
            {
                let late = if self.0.goes_wrong(Fault::TimerLate, 100) { 120_000 } else { 1_000 };
                let mut world = self.0.world();
                let delay = Duration::from_millis(world.rng.below(late));
                let work = Work { merchant: order.merchant.clone(), order: order.id.reference(), tries: 0 };
                let message =
                    Message { scheduled: Scheduled { job: Job::Work(work), due: at }, visible_at: at.plus(delay) };
                world.timers.insert(order.stream().as_str().to_owned(), message);
            }
            self.0.pause(Fault::CrashAfterSend).await;
            Ok(())
        })
    }

    fn clear<'a>(&'a self, order: &'a OrderKey) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeSend).await;
            self.0.world().timers.remove(order.stream().as_str());
            Ok(())
        })
    }
}

impl Bus for SimQueue {
    fn put<'a>(&'a self, _: &'a [BusEvent]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.pause(Fault::CrashBeforeSend).await;
            if self.0.goes_wrong(Fault::SendFailed, 3) { Err(unavailable()) } else { Ok(()) }
        })
    }
}

/// Carries notifications to simulated receivers.
pub(crate) struct SimCourier {
    pub(crate) shared: Shared,
    pub(crate) receivers: Receivers,
}

impl Courier for SimCourier {
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Fut<'a, Report> {
        Box::pin(async move {
            self.shared.pause(Fault::CrashBeforeDelivery).await;
            let (now, bug) = {
                let world = self.shared.world();
                (world.now, world.bug)
            };
            let renamed = format!("{}-{}", parcel.id, parcel.tries);
            let id = if bug == Some(Bug::EventRenamed) { renamed.as_str() } else { parcel.id };
            let parcel = Parcel { id, ..parcel };
            self.receivers.tried(&parcel);
            let report = |status, error: Option<&str>| Report {
                status,
                error: error.map(str::to_owned),
                duration: Duration::from_millis(20),
                retry_after: None,
            };
            if self.receivers.is_down(&parcel.endpoint.id, now) {
                self.shared.world().count(Fault::EndpointDown);
                return report(Some(503), None);
            }
            if self.shared.goes_wrong(Fault::DeliveryLost, 20) {
                return report(None, Some("timed out"));
            }
            self.receivers.receive(&parcel);
            self.shared.pause(Fault::CrashAfterDelivery).await;
            if self.shared.goes_wrong(Fault::DeliveryUnanswered, 20) {
                return report(None, Some("timed out"));
            }
            self.receivers.acknowledge(&parcel);
            report(Some(202), None)
        })
    }
}

/// A partner that is called over a network, and what can go wrong on it.
pub(crate) struct SimPartner {
    pub(crate) shared: Shared,
    pub(crate) inner: Arc<dyn Partner>,
    /// Orders of which a payment was refused: for [`Bug::ReleaseSkippedOnRefusal`].
    pub(crate) refused: Arc<Mutex<BTreeSet<OrderId>>>,
    /// Payments that are to arrive late: for [`Bug::LookupDoesNotBar`].
    pub(crate) under_way: Arc<Mutex<BTreeSet<Reference>>>,
}

/// An authorisation that outlives its caller.
struct Owned {
    merchant: MerchantAccount,
    payment: Reference,
    amount: Money,
    instrument: Instrument,
    token: String,
    return_url: String,
}

impl Owned {
    fn of(request: &Authorise<'_>) -> Self {
        let instrument = match request.instrument {
            Instrument::Card { number } => Instrument::Card { number: number.clone() },
            Instrument::GiftCard { brand, number, code } => {
                Instrument::GiftCard { brand: brand.clone(), number: number.clone(), code: code.clone() }
            }
            Instrument::Ideal => Instrument::Ideal,
            Instrument::Credit { customer, option, proof } => {
                Instrument::Credit { customer: customer.clone(), option: *option, proof: *proof }
            }
        };
        Self {
            merchant: request.merchant.clone(),
            payment: request.payment,
            amount: request.amount,
            instrument,
            token: request.token.to_owned(),
            return_url: request.return_url.to_owned(),
        }
    }

    async fn call(&self, partner: &dyn Partner) -> Resolution {
        let Self { merchant, payment, amount, instrument, token, return_url } = self;
        let request = Authorise { merchant, payment: *payment, amount: *amount, instrument, token, return_url };
        partner.authorise(request).await
    }
}

impl SimPartner {
    fn bug(&self) -> Option<Bug> {
        self.shared.world().bug
    }

    /// Calls once, or for a network that repeats itself twice.
    async fn call(&self, call: &Owned) -> Resolution {
        let answer = call.call(self.inner.as_ref()).await;
        if self.shared.goes_wrong(Fault::PartnerAnsweredTwice, 20) {
            let _ = call.call(self.inner.as_ref()).await;
        }
        answer
    }

    fn perform_later(&self, request: &Perform<'_>) {
        let (shared, inner) = (self.shared.clone(), Arc::clone(&self.inner));
        let (merchant, token) = (request.merchant.clone(), request.token.to_owned());
        let Perform { payment, leg, action, amount, .. } = *request;
        self.shared.start(Box::pin(async move {
            let steps = shared.world().rng.below(60);
            for _ in 0..steps {
                shared.pause(Fault::CrashBeforePartner).await;
            }
            let (merchant, token) = (&merchant, token.as_str());
            let _ = inner.perform(Perform { merchant, payment, token, leg, action, amount }).await;
        }));
    }

    fn later(&self, call: Owned) {
        let (shared, inner) = (self.shared.clone(), Arc::clone(&self.inner));
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(call.payment);
        self.shared.start(Box::pin(async move {
            let steps = shared.world().rng.below(60);
            for _ in 0..steps {
                shared.pause(Fault::CrashBeforePartner).await;
            }
            let _ = call.call(inner.as_ref()).await;
        }));
    }
}

impl Partner for SimPartner {
    fn describe(&self, merchant: &MerchantAccount, instrument: &Instrument) -> Described {
        self.inner.describe(merchant, instrument)
    }

    fn authorise<'a>(&'a self, request: Authorise<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move {
            let call = Owned::of(&request);
            let is_fine = matches!(request.instrument, Instrument::Card { number } if number.expose_secret() == FINE);
            if is_fine && self.bug() == Some(Bug::OutcomeBeforeCall) {
                // Says yes at once, and calls when it comes to it.
                self.later(call);
                return Resolution::Authorised;
            }
            self.shared.pause(Fault::CrashBeforePartner).await;
            if self.shared.goes_wrong(Fault::PartnerTimedOutLost, 15) {
                return Resolution::Uncertain;
            }
            if self.shared.goes_wrong(Fault::PartnerTimedOutLate, 15) {
                self.later(call);
                return Resolution::Uncertain;
            }
            let answer = self.call(&call).await;
            self.shared.pause(Fault::CrashAfterPartner).await;
            if matches!(answer, Resolution::Refused { .. }) {
                self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(request.payment.order());
            }
            if self.shared.goes_wrong(Fault::PartnerTimedOutDone, 15) {
                return Resolution::Uncertain;
            }
            if self.shared.goes_wrong(Fault::WrongAmountEchoed, 10) {
                let other = request.amount.with_minor(request.amount.minor() + 1);
                return echoed(request.amount, Some(other), answer);
            }
            answer
        })
    }

    fn perform<'a>(&'a self, mut request: Perform<'a>) -> Fut<'a, LegResult> {
        Box::pin(async move {
            self.shared.pause(Fault::CrashBeforePartner).await;
            match self.bug() {
                Some(Bug::RefundNotIdempotent) if request.action == Action::Refund => {
                    let index = u16::try_from(self.shared.world().rng.below(60_000)).unwrap_or(0);
                    request.leg = LegReference { operation: request.leg.operation, index };
                }
                Some(Bug::ReleaseSkippedOnRefusal) if request.action == Action::Void => {
                    let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                    if refused.contains(&request.payment.order()) {
                        return LegResult::Done;
                    }
                }
                _ => {}
            }
            if self.shared.goes_wrong(Fault::PartnerTimedOutLost, 15) {
                return LegResult::Uncertain;
            }
            if self.shared.goes_wrong(Fault::PartnerTimedOutLate, 15) {
                self.perform_later(&request);
                return LegResult::Uncertain;
            }
            let (merchant, token) = (request.merchant, request.token);
            let Perform { payment, leg, action, amount, .. } = request;
            let answer = self.inner.perform(Perform { merchant, payment, token, leg, action, amount }).await;
            if self.shared.goes_wrong(Fault::PartnerAnsweredTwice, 20) {
                let _ = self.inner.perform(Perform { merchant, payment, token, leg, action, amount }).await;
            }
            self.shared.pause(Fault::CrashAfterPartner).await;
            if self.shared.goes_wrong(Fault::PartnerTimedOutDone, 15) { LegResult::Uncertain } else { answer }
        })
    }

    fn lookup<'a>(&'a self, request: Lookup<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move {
            self.shared.pause(Fault::CrashBeforePartner).await;
            if self.shared.goes_wrong(Fault::PartnerTimedOutLost, 15) {
                return Resolution::Uncertain;
            }
            if self.bug() == Some(Bug::LookupDoesNotBar) {
                let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
                if under_way.contains(&request.payment) {
                    return Resolution::Failed;
                }
            }
            let answer = self.inner.lookup(request).await;
            self.shared.pause(Fault::CrashAfterPartner).await;
            answer
        })
    }
}
