//! The simulated world: time, processes that may die between any two instructions, a store, queues and
//! timers. Everything in it is determined by one seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use app::ports::{Commit, Scheduled};
use domain::Time;

use crate::{Bug, Fault, random::Rng};

/// When every run begins: 2026-01-31T12:00:00Z.
pub(crate) const BEGINNING: Time = Time::from_unix_ms(1_769_860_800_000);

/// How long a message that was taken and not finished stays away.
const VISIBILITY: Duration = Duration::from_secs(30);

/// How far a process's clock may be off, in milliseconds either way.
const SKEW_MS_MAX: u64 = 2_000;

pub(crate) type Process = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A message in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) scheduled: Scheduled,
    pub(crate) visible_at: Time,
}

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: Time,
    pub(crate) bug: Option<Bug>,
    /// Whether things still go wrong.
    pub(crate) has_faults: bool,
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// All commits, in the order they were made.
    pub(crate) commits: Vec<Commit>,
    /// Where each stream's versions stand in `commits`.
    pub(crate) streams: BTreeMap<String, BTreeMap<u16, usize>>,
    /// Commits whose writers were told that they are written: stream, version, identity.
    pub(crate) acknowledged: Vec<(String, u16, [u8; 16])>,
    /// Commits that the relay has not seen to.
    pub(crate) unrelayed: BTreeSet<usize>,
    pub(crate) is_relaying: bool,
    pub(crate) messages: BTreeMap<u64, Message>,
    next_message: u64,
    pub(crate) timers: BTreeMap<String, Message>,
    /// Processes to be started.
    pub(crate) starting: Vec<Process>,
    /// How far the clock of the process being run is off, in milliseconds; positive is fast.
    pub(crate) skew_ms: i64,
    /// The process being run has died.
    pub(crate) has_crashed: bool,
    pub(crate) steps: u64,
}

/// The world, shared by its ports.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(seed: u64, bug: Option<Bug>) -> Self {
        Self(Arc::new(Mutex::new(World {
            rng: Rng::new(seed),
            now: BEGINNING,
            bug,
            has_faults: true,
            faults: BTreeMap::new(),
            commits: Vec::new(),
            streams: BTreeMap::new(),
            acknowledged: Vec::new(),
            unrelayed: BTreeSet::new(),
            is_relaying: false,
            messages: BTreeMap::new(),
            next_message: 0,
            timers: BTreeMap::new(),
            starting: Vec::new(),
            skew_ms: 0,
            has_crashed: false,
            steps: 0,
        })))
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this goes wrong now. Counted if it does.
    pub(crate) fn goes_wrong(&self, fault: Fault, in_thousand: u64) -> bool {
        let mut world = self.world();
        let goes_wrong = world.has_faults && world.rng.chance(in_thousand);
        if goes_wrong {
            world.count(fault);
        }
        goes_wrong
    }

    /// Lets other processes run, and perhaps dies.
    pub(crate) async fn pause(&self, crash: Fault) {
        Yield(false).await;
        if self.goes_wrong(crash, 4) {
            self.world().has_crashed = true;
            // Never run again.
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn start(&self, process: Process) {
        self.world().starting.push(process);
    }
}

impl World {
    pub(crate) fn count(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn send(&mut self, scheduled: Scheduled, delay: Duration) {
        let visible_at = scheduled.due.max(self.now).plus(delay);
        self.next_message += 1;
        self.messages.insert(self.next_message, Message { scheduled, visible_at });
    }

    /// A message that is due, hidden for a while.
    pub(crate) fn take(&mut self) -> Option<(u64, Scheduled)> {
        let now = self.now;
        let due = self.messages.iter().filter(|(_, message)| message.visible_at <= now).map(|(id, _)| *id);
        let due = due.collect::<Vec<_>>();
        if due.is_empty() {
            return None;
        }
        let id = due[self.rng.index(due.len())];
        let is_twice = self.has_faults && self.rng.chance(20);
        if is_twice {
            self.count(Fault::MessageTwice);
        }
        let message = self.messages.get_mut(&id)?;
        if !is_twice {
            message.visible_at = now.plus(VISIBILITY);
        }
        Some((id, message.scheduled.clone()))
    }

    /// The next moment at which something is due.
    pub(crate) fn next_moment(&self) -> Option<Time> {
        self.messages.values().chain(self.timers.values()).map(|message| message.visible_at).min()
    }
}

/// Ready when it is polled the second time.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        // Some processes keep a list of what they are to poll.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The processes, one step of one of them at a time.
#[derive(Default)]
pub(crate) struct Processes {
    running: Vec<(Process, i64)>,
}

impl Processes {
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.running.len()
    }

    /// Starts what is to be started, and runs a process up to its next call of a port.
    pub(crate) fn step(&mut self, shared: &Shared) {
        let chosen = {
            let mut world = shared.world();
            let starting = std::mem::take(&mut world.starting);
            for process in starting {
                let is_off = world.has_faults && world.rng.chance(100);
                let skew = if is_off {
                    world.count(Fault::ClockSkew);
                    i64::try_from(world.rng.below(2 * SKEW_MS_MAX)).unwrap_or(0)
                        - i64::try_from(SKEW_MS_MAX).unwrap_or(0)
                } else {
                    0
                };
                self.running.push((process, skew));
            }
            if self.running.is_empty() {
                return;
            }
            let chosen = world.rng.index(self.running.len());
            world.skew_ms = self.running[chosen].1;
            world.steps += 1;
            chosen
        };
        let mut context = Context::from_waker(Waker::noop());
        let is_done = self.running[chosen].0.as_mut().poll(&mut context).is_ready();
        let has_crashed = {
            let mut world = shared.world();
            world.skew_ms = 0;
            std::mem::take(&mut world.has_crashed)
        };
        if is_done || has_crashed {
            drop(self.running.swap_remove(chosen));
        }
    }
}
