//! The engine in a simulated world: the real rules, use cases, driver, relay and consumers on ports that
//! fail, and processes that die between any two calls. One seed is one run, and always the same one.
//!
//! A run has two parts. First merchants and shoppers do what they do while things go wrong; then nothing goes
//! wrong any more, and everything that is left is done. After that the promises must hold: see `check.rs`.
//!
//! *Architecture invariant*: nothing here waits for real time to pass, and nothing depends on anything but
//! the seed.

mod carts;
mod check;
mod operations;
mod ports;
mod random;
mod receivers;
mod workload;
mod world;

use std::{collections::BTreeMap, sync::Arc};

use app::{
    App, Deliveries, Expired, Partners, Prints, Relay, Streams, Webhooks,
    ports::{Job, Queue, Scheduled, Timers},
    relay::consequences,
};
use partners::{Accounts, Credits, Sandbox};

use ports::{SimClock, SimCourier, SimLog, SimPartner, SimQueue, SimRandom, TrueClock};
use receivers::Receivers;
use workload::Workload;
use world::{Process, Processes, Shared};

/// Steps after which a run that has not come to rest never will.
const STEPS_MAX: u64 = 400_000;

/// How long things go wrong.
const FAULTS_FOR: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Processes that run at once.
const PROCESSES_MAX: usize = 24;

/// Machines that processes run on.
const MACHINES: usize = 3;

/// Commits the relay takes at a time, and how far they may be out of order.
const RELAY_BATCH_MAX: u64 = 8;
const RELAY_DISORDER: usize = 16;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Fault {
    CrashBeforeRead,
    CrashAfterRead,
    CrashBeforeWrite,
    CrashAfterWrite,
    CrashBeforeSend,
    CrashAfterSend,
    CrashBeforePartner,
    CrashAfterPartner,
    CrashBeforeDelivery,
    CrashAfterDelivery,
    CrashBeforeDone,
    ReadFailed,
    ListBehind,
    WriteFailed,
    WriteLandedUnanswered,
    RaceLost,
    SendFailed,
    SendLandedUnanswered,
    MessageTwice,
    MessageLate,
    RelayOutOfOrder,
    TimerLate,
    TimerTwice,
    PartnerTimedOutLost,
    PartnerTimedOutDone,
    PartnerTimedOutLate,
    PartnerAnsweredTwice,
    WrongAmountEchoed,
    EndpointDown,
    DeliveryLost,
    DeliveryUnanswered,
    ClockSkew,
}

impl Fault {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::CrashBeforeRead,
        Self::CrashAfterRead,
        Self::CrashBeforeWrite,
        Self::CrashAfterWrite,
        Self::CrashBeforeSend,
        Self::CrashAfterSend,
        Self::CrashBeforePartner,
        Self::CrashAfterPartner,
        Self::CrashBeforeDelivery,
        Self::CrashAfterDelivery,
        Self::CrashBeforeDone,
        Self::ReadFailed,
        Self::ListBehind,
        Self::WriteFailed,
        Self::WriteLandedUnanswered,
        Self::RaceLost,
        Self::SendFailed,
        Self::SendLandedUnanswered,
        Self::MessageTwice,
        Self::MessageLate,
        Self::RelayOutOfOrder,
        Self::TimerLate,
        Self::TimerTwice,
        Self::PartnerTimedOutLost,
        Self::PartnerTimedOutDone,
        Self::PartnerTimedOutLate,
        Self::PartnerAnsweredTwice,
        Self::WrongAmountEchoed,
        Self::EndpointDown,
        Self::DeliveryLost,
        Self::DeliveryUnanswered,
        Self::ClockSkew,
    ];
}

/// A mistake that the simulator must notice: planted to prove that it would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The outcome of a partner's call is committed before the call is made.
    OutcomeBeforeCall,
    /// A refund that is tried again has another idempotency key.
    RefundNotIdempotent,
    /// The relay moves its cursor before it has sent what follows.
    CursorBeforeSend,
    /// A commit is written although its version exists.
    VersionCheckRemoved,
    /// What was paid is not released if another payment of the order was refused.
    ReleaseSkippedOnRefusal,
    /// An operation that is asked for again is passed on without its idempotency key.
    KeyNotPassedOn,
    /// A write that landed and was not answered is taken for a lost race.
    LandedTakenForLost,
    /// A reversal of a whole order is passed on as one of its first payment.
    ReversalOfOne,
    /// What an order's own webhook is to be told is now and then forgotten.
    OwnWebhookForgotten,
    /// An event is named anew on every try.
    EventRenamed,
    /// Work that is due much later is not kept.
    LateWorkDropped,
    /// A partner that is asked for a payment it has not seen says so, and takes it when it comes.
    LookupDoesNotBar,
}

impl std::str::FromStr for Bug {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|bug| bug.name() == name).ok_or("no such bug")
    }
}

impl Bug {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OutcomeBeforeCall => "outcome-before-call",
            Self::RefundNotIdempotent => "refund-not-idempotent",
            Self::CursorBeforeSend => "cursor-before-send",
            Self::VersionCheckRemoved => "version-check-removed",
            Self::ReleaseSkippedOnRefusal => "release-skipped-on-refusal",
            Self::KeyNotPassedOn => "key-not-passed-on",
            Self::LandedTakenForLost => "landed-taken-for-lost",
            Self::ReversalOfOne => "reversal-of-one",
            Self::OwnWebhookForgotten => "own-webhook-forgotten",
            Self::EventRenamed => "event-renamed",
            Self::LateWorkDropped => "late-work-dropped",
            Self::LookupDoesNotBar => "lookup-does-not-bar",
        }
    }

    /// What the check that is there for it says.
    #[must_use]
    pub fn found_by(self) -> &'static str {
        match self {
            Self::OutcomeBeforeCall | Self::RefundNotIdempotent | Self::ReleaseSkippedOnRefusal => {
                "(held, captured, refunded)"
            }
            Self::CursorBeforeSend => "were to be told",
            Self::VersionCheckRemoved => "was acknowledged and is not there",
            Self::KeyNotPassedOn => "with one idempotency key",
            Self::LandedTakenForLost => " and is there ",
            Self::ReversalOfOne => "was taken back and keeps",
            Self::OwnWebhookForgotten => "amounts changed",
            Self::EventRenamed => "CANCEL_OR_REFUND was to be told as",
            Self::LateWorkDropped => "was to be captured by itself",
            Self::LookupDoesNotBar => "partners hold",
        }
    }

    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::OutcomeBeforeCall,
        Self::RefundNotIdempotent,
        Self::CursorBeforeSend,
        Self::VersionCheckRemoved,
        Self::ReleaseSkippedOnRefusal,
        Self::KeyNotPassedOn,
        Self::LandedTakenForLost,
        Self::ReversalOfOne,
        Self::OwnWebhookForgotten,
        Self::EventRenamed,
        Self::LateWorkDropped,
        Self::LookupDoesNotBar,
    ];
}

/// What came of some runs.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Runs.
    pub seeds: u64,
    /// Times a process was run up to its next call of a port.
    pub steps: u64,
    /// Orders opened.
    pub orders: u64,
    /// Payments reserved.
    pub payments: u64,
    /// Commits written.
    pub commits: u64,
    /// Notifications that arrived.
    pub notifications: u64,
    /// Operations that merchants asked for, by what was asked for and how it ended.
    pub operations: BTreeMap<String, u64>,
    /// What went wrong, and how often.
    pub faults: BTreeMap<Fault, u64>,
    /// How orders ended.
    pub endings: BTreeMap<String, u64>,
    /// Promises that were broken, each with its seed.
    pub violations: Vec<(u64, String)>,
}

impl Summary {
    /// Adds what came of other runs.
    pub fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.orders += other.orders;
        self.payments += other.payments;
        self.commits += other.commits;
        self.notifications += other.notifications;
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (operation, count) in other.operations {
            *self.operations.entry(operation).or_default() += count;
        }
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        self.violations.extend(other.violations);
    }
}

/// The engine in its world.
#[derive(Clone)]
pub(crate) struct Simulation {
    pub(crate) shared: Shared,
    pub(crate) app: App,
    machines: Arc<[App]>,
    pub(crate) accounts: Accounts,
    pub(crate) credits: Credits,
    pub(crate) sandbox: Sandbox,
    pub(crate) webhooks: Webhooks,
    pub(crate) relay: Relay,
    pub(crate) deliveries: Deliveries,
    pub(crate) queue: Arc<SimQueue>,
    pub(crate) receivers: Receivers,
}

impl Simulation {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let shared = Shared::new(seed, bug);
        let log = Arc::new(SimLog(shared.clone()));
        let random = Arc::new(SimRandom(shared.clone()));
        let clock = Arc::new(SimClock(shared.clone()));
        let streams = || Streams::new(Arc::clone(&log) as _, Arc::clone(&clock) as _, Arc::clone(&random) as _);
        // Partners are other people's systems, with clocks of their own.
        let right = Arc::new(TrueClock(shared.clone()));
        let theirs = Streams::new(Arc::clone(&log) as _, right, Arc::clone(&random) as _);
        let prints = Prints::new([7; 32]);
        let accounts = Accounts::new(theirs.clone(), prints.clone());
        let credits = Credits::new(theirs.clone(), prints.clone());
        let sandbox = Sandbox::new(theirs);
        sandbox.found_at("http://sandbox.example");
        let (refused, under_way) = (Arc::default(), Arc::default());
        let partner = |inner| {
            Arc::new(SimPartner {
                shared: shared.clone(),
                inner,
                refused: Arc::clone(&refused),
                under_way: Arc::clone(&under_way),
            })
        };
        let partners = Partners {
            accounts: partner(Arc::new(accounts.clone())),
            sandbox: partner(Arc::new(sandbox.clone())),
            credit: partner(Arc::new(credits.clone())),
        };
        let app = || App::new(streams(), prints.clone(), partners.clone());
        let machines = std::iter::repeat_with(app).take(MACHINES).collect::<Vec<_>>();
        let (app, streams) = (app(), streams());
        let webhooks = Webhooks::new(streams.clone(), prints);
        let queue = Arc::new(SimQueue(shared.clone()));
        let relay =
            Relay::new(webhooks.clone(), Arc::clone(&queue) as _, Arc::clone(&queue) as _, Arc::clone(&queue) as _);
        let receivers = Receivers::default();
        let courier = SimCourier { shared: shared.clone(), receivers: receivers.clone() };
        let deliveries = Deliveries::new(streams, webhooks.clone(), Arc::new(courier)).beside_others();
        let machines = machines.into();
        Self { shared, app, machines, accounts, credits, sandbox, webhooks, relay, deliveries, queue, receivers }
    }

    /// The same world from one of its machines. Processes of one machine may wait for one another where those of two
    /// race.
    fn some_machine(&self) -> Self {
        let index = self.shared.world().rng.index(self.machines.len());
        Self { app: self.machines[index].clone(), ..self.clone() }
    }

    /// Does a message's job.
    async fn consume(self, id: u64, scheduled: Scheduled) {
        let again = match &scheduled.job {
            Job::Work(work) => self
                .app
                .work(work)
                .await
                .map(|left| left.map(|(work, due)| Scheduled { job: Job::Work(work), due }))
                .ok(),
            Job::Deliver(deliver) => {
                let left = self.deliveries.deliver(deliver).await;
                left.map(|left| left.map(|due| Scheduled { job: scheduled.job.clone(), due })).ok()
            }
        };
        // What failed comes back by itself.
        let Some(again) = again else { return };
        if let Some(again) = again
            && self.queue.send(&[again]).await.is_err()
        {
            return;
        }
        self.shared.pause(Fault::CrashBeforeDone).await;
        self.shared.world().messages.remove(&id);
    }

    async fn expire(self, name: String, scheduled: Scheduled) {
        let Job::Work(work) = &scheduled.job else { return };
        match self.app.expire(work).await {
            Ok(Expired::Early(at)) => {
                let key = app::OrderKey { merchant: work.merchant.clone(), id: work.order.order() };
                let _ = self.queue.set(&key, at).await;
                return;
            }
            Ok(Expired::Done(Some((work, due)))) => {
                if self.queue.send(&[Scheduled { job: Job::Work(work), due }]).await.is_err() {
                    return;
                }
            }
            Ok(Expired::Done(None)) => {}
            Err(_) => return,
        }
        self.shared.pause(Fault::CrashBeforeDone).await;
        if !self.shared.goes_wrong(Fault::TimerTwice, 300) {
            self.shared.world().timers.remove(&name);
        }
    }

    async fn relay_some(self) {
        // However this ends, the next may begin.
        struct Turn(Shared);
        impl Drop for Turn {
            fn drop(&mut self) {
                self.0.world().is_relaying = false;
            }
        }
        let turn = Turn(self.shared.clone());
        let batch = {
            let mut world = self.shared.world();
            let mut next = world.unrelayed.iter().take(RELAY_DISORDER).copied().collect::<Vec<_>>();
            let count = world.rng.below(RELAY_BATCH_MAX) + 1;
            let mut batch = Vec::new();
            while !next.is_empty() && u64::try_from(batch.len()).unwrap_or(0) < count {
                let is_disordered = world.has_faults && world.rng.chance(100);
                let index = if is_disordered { world.rng.index(next.len()) } else { 0 };
                if index > 0 {
                    world.count(Fault::RelayOutOfOrder);
                }
                batch.push(next.remove(index));
            }
            if world.bug == Some(Bug::CursorBeforeSend) {
                world.unrelayed.retain(|place| !batch.contains(place));
            }
            batch.iter().map(|place| (*place, world.commits[*place].clone())).collect::<Vec<_>>()
        };
        let readable = batch.iter().filter_map(|(_, commit)| Some((commit.clone(), consequences(commit).ok()?)));
        let readable = readable.collect::<Vec<_>>();
        if self.relay.carry_out(&readable).await.is_ok() {
            self.shared.pause(Fault::CrashBeforeDone).await;
            let mut world = self.shared.world();
            // One that was written over meanwhile is to be relayed again.
            let done = batch.iter().filter(|(place, commit)| world.commits[*place].id == commit.id);
            let done = done.map(|(place, _)| *place).collect::<Vec<_>>();
            world.unrelayed.retain(|place| !done.contains(place));
        }
        drop(turn);
    }

    /// Something that wants to be done now, if anything does.
    fn next_process(&self) -> Option<Process> {
        let mut world = self.shared.world();
        let relays = !world.unrelayed.is_empty() && !world.is_relaying;
        if relays && world.rng.chance(500) {
            world.is_relaying = true;
            return Some(Box::pin(self.clone().relay_some()));
        }
        let now = world.now;
        let timer = world.timers.iter().find(|(_, timer)| timer.visible_at <= now).map(|(name, _)| name.clone());
        if let Some(name) = timer {
            let again = now.plus(std::time::Duration::from_secs(30));
            if let Some(timer) = world.timers.get_mut(&name) {
                timer.visible_at = again;
                return Some(Box::pin(self.clone().expire(name, timer.scheduled.clone())));
            }
        }
        if let Some((id, scheduled)) = world.take() {
            return Some(Box::pin(self.clone().consume(id, scheduled)));
        }
        if relays {
            world.is_relaying = true;
            return Some(Box::pin(self.clone().relay_some()));
        }
        None
    }

    /// Runs until nothing is left to do; whether it came to that.
    fn run(&self, processes: &mut Processes, workload: &mut Workload) -> bool {
        while self.shared.world().steps < STEPS_MAX {
            if workload.next_moment().is_none() && self.shared.world().now > world::BEGINNING.plus(FAULTS_FOR) {
                self.shared.world().has_faults = false;
            }
            let has_room = processes.count() < PROCESSES_MAX;
            let is_idle = processes.is_idle() && self.shared.world().starting.is_empty();
            if is_idle || (has_room && self.shared.world().rng.chance(200)) {
                let machine = self.some_machine();
                let next = workload.next(&machine).or_else(|| machine.next_process());
                if let Some(process) = next {
                    self.shared.start(process);
                } else if is_idle {
                    let mut world = self.shared.world();
                    let moments = world.next_moment().into_iter().chain(workload.next_moment());
                    let Some(moment) = moments.min() else { return true };
                    world.now = world.now.max(moment);
                    continue;
                }
            }
            processes.step(&self.shared);
            let mut world = self.shared.world();
            let passes = world.rng.below(30);
            world.now = world.now.plus(std::time::Duration::from_millis(passes));
        }
        false
    }
}

/// One run.
#[must_use]
pub fn simulate(seed: u64, bug: Option<Bug>) -> Summary {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        let violations = vec![(seed, "there is no runtime to run in".to_owned())];
        return Summary { seeds: 1, violations, ..Summary::default() };
    };
    // Time-outs need a runtime to be made in; its clock never goes on, so none ever ends.
    let _inside = runtime.enter();
    let simulation = Simulation::new(seed, bug);
    let mut processes = Processes::default();
    let mut workload = workload::prepare(&simulation, &mut processes);
    simulation.shared.world().has_faults = true;
    let is_at_rest = simulation.run(&mut processes, &mut workload);
    let mut summary = check::check(&simulation, &workload);
    if !is_at_rest {
        summary.violations.push(format!("it did not come to rest in {STEPS_MAX} steps"));
    }
    let world = simulation.shared.world();
    Summary {
        seeds: 1,
        steps: world.steps,
        faults: world.faults.clone(),
        orders: summary.orders,
        payments: summary.payments,
        commits: u64::try_from(world.commits.len()).unwrap_or(0),
        notifications: summary.notifications,
        operations: summary.operations,
        endings: summary.endings,
        violations: summary.violations.into_iter().map(|violation| (seed, violation)).collect(),
    }
}

/// What came of some runs, to be read.
#[must_use]
pub fn table(summary: &Summary) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut line = |name: &str, count: u64| {
        let _ = writeln!(text, "{count:>12} {name}");
    };
    line("seeds", summary.seeds);
    line("steps", summary.steps);
    line("orders", summary.orders);
    line("payments", summary.payments);
    line("commits", summary.commits);
    line("notifications", summary.notifications);
    line("operations", summary.operations.values().sum());
    for (operation, count) in &summary.operations {
        line(&format!("operations: {operation}"), *count);
    }
    for (ending, count) in &summary.endings {
        line(&format!("orders ended: {ending}"), *count);
    }
    line("faults", summary.faults.values().sum());
    for (fault, count) in &summary.faults {
        line(&format!("fault: {fault:?}"), *count);
    }
    line("violations", u64::try_from(summary.violations.len()).unwrap_or(u64::MAX));
    for (seed, violation) in &summary.violations {
        let _ = writeln!(text, "seed {seed}: {violation}");
    }
    text
}
