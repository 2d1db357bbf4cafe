//! Everything that is done without being asked by a request: the relay, the worker, deliveries and timers.
//!
//! On AWS each of these is a Lambda that a stream, a queue or a schedule calls. Here they are tasks, and the
//! stream, the queues and the schedules are tables of the one file.

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::{
    App, Deliveries, Fut, Relay, StoreError,
    ports::{Commit, Job, Queue, Scheduled},
    relay::consequences,
};
use domain::{Time, limits::ATTENTION_AFTER_TRIES, retry};
use embedded::{Due, Line, SqliteLog, Taken};
use futures_util::{FutureExt, future::join_all};
use tokio::{task::JoinSet, time::timeout};

/// Commits that the relay takes at a time.
pub const RELAY_BATCH_MAX: u16 = 256;

/// Deliveries made to one endpoint at once: however slow it is, it takes no more.
pub const DELIVERIES_PER_ENDPOINT_MAX: usize = 8;

/// Deliveries made at once to an endpoint whose last one failed, to see whether it is well again; and to any
/// while half of [`DELIVERIES_AT_ONCE_MAX`] are under way, so that many that hang at once do not take it all.
pub const DELIVERIES_PER_FAILING_ENDPOINT_MAX: usize = 1;

/// Orders of one merchant worked on at once.
pub const WORK_PER_MERCHANT_MAX: usize = 16;

/// Deliveries made at once, in all: each has a socket.
pub const DELIVERIES_AT_ONCE_MAX: usize = 128;

/// Orders worked on at once, in all; and as many timers dealt with.
pub const WORK_AT_ONCE_MAX: usize = 64;

/// How long jobs under way may take to end after a stop was asked for. What does not end is done again.
pub const JOBS_DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long a job waits that failed for a reason that may pass.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How long the relay lets commits gather.
const GATHER_FOR: Duration = Duration::from_millis(10);

/// How long nothing is looked at, at most: the clock may be set.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// How long to wait before the next lanes are looked into, if there are more than are looked into at a time.
const BETWEEN_LANES: Duration = Duration::from_millis(50);

/// Rounds of [`Background::settle`]: more than any test needs, so that an endless loop is found.
const SETTLE_ROUNDS_MAX: u16 = 10_000;

/// Where the relay finds the commits it has not carried out what follows.
pub trait Source: Send + Sync {
    /// The next commits, in the order they were made.
    fn unrelayed(&self, limit: u16) -> Fut<'_, Result<Vec<(i64, Commit)>, StoreError>>;

    /// Remembers that this was done up to `seq`.
    fn move_cursor(&self, seq: i64) -> Fut<'_, Result<(), StoreError>>;
}

impl Source for SqliteLog {
    fn unrelayed(&self, limit: u16) -> Fut<'_, Result<Vec<(i64, Commit)>, StoreError>> {
        Box::pin(async move { Self::unrelayed(self, limit) })
    }

    fn move_cursor(&self, seq: i64) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(Self::move_cursor(self, seq))
    }
}

/// The background of one engine.
pub struct Background {
    source: Arc<dyn Source>,
    jobs: Arc<SqliteLog>,
    app: App,
    relay: Relay,
    deliveries: Deliveries,
    state: Mutex<State>,
}

/// What is being done, and how it goes.
#[derive(Default)]
struct State {
    /// The jobs being done, and the lane each is in.
    taken: HashMap<(Line, String), String>,
    /// How often in a row a job could not be done.
    failures: HashMap<(Line, String), u16>,
    /// Endpoints whose last delivery failed.
    failing: HashSet<String>,
    /// The lane of each line that was served, or looked into, last.
    served: HashMap<Line, String>,
    /// Whether there were more lanes than are looked into at a time.
    has_more_lanes: bool,
}

impl Background {
    /// The background of an engine whose commits come from `source` and whose jobs wait in `jobs`.
    #[must_use]
    pub fn new(
        source: Arc<dyn Source>,
        jobs: Arc<SqliteLog>,
        app: App,
        relay: Relay,
        deliveries: Deliveries,
    ) -> Arc<Self> {
        Arc::new(Self { source, jobs, app, relay, deliveries, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until `stop` is done, and then what is under way, for at most [`JOBS_DRAIN_MAX`].
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut relaying = tokio::spawn(Arc::clone(&self).relay_on());
        let mut under_way = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            // Listened to before anything is looked at, so that nothing comes in between.
            let written = self.jobs.jobs_written();
            while under_way.try_join_next().is_some() {}
            let wait = match self.take_due(at_once) {
                Ok(due) => {
                    for taken in due {
                        let background = Arc::clone(&self);
                        under_way.spawn(async move { background.carry_out(taken).await });
                    }
                    self.idle_for()
                }
                Err(error) => {
                    tracing::error!(%error, "the jobs cannot be read");
                    IDLE_MAX
                }
            };
            tokio::select! {
                () = &mut stop => break,
                // Something was written, a job is due, or one is done and makes room.
                _ = timeout(wait, written) => {}
                Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
                ended = &mut relaying => {
                    tracing::error!(?ended, "the relay has ended, and is started again");
                    let background = Arc::clone(&self);
                    relaying = tokio::spawn(async move {
                        let _ = timeout(IDLE_MAX, std::future::pending::<()>()).await;
                        background.relay_on().await;
                    });
                }
            }
        }
        relaying.abort();
        let drained = timeout(JOBS_DRAIN_MAX, async { while under_way.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("jobs were still under way when the time to drain was over");
        }
    }

    /// Does everything that is due, and what follows from it, until nothing is. For tests, which move the
    /// clock themselves. Returns how many jobs were done.
    ///
    /// # Errors
    /// The store's; also if it does not come to an end.
    pub async fn settle(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        for _ in 0..SETTLE_ROUNDS_MAX {
            let relayed = self.relay_once().await?;
            let due = self.take_due(|_| usize::MAX)?;
            if relayed == 0 && due.is_empty() {
                return Ok(done);
            }
            done += due.len();
            join_all(due.into_iter().map(|taken| self.carry_out(taken))).await;
        }
        Err(StoreError::Unavailable("it does not come to an end".to_owned()))
    }

    /// Carries out what follows the next commits; how many they were.
    ///
    /// # Errors
    /// The store's. Then the same commits come next time.
    pub async fn relay_once(&self) -> Result<usize, StoreError> {
        let commits = self.source.unrelayed(RELAY_BATCH_MAX).await?;
        let Some(last) = commits.last().map(|(seq, _)| *seq) else { return Ok(0) };
        let count = commits.len();
        let mut readable = Vec::with_capacity(count);
        for (_, commit) in commits {
            match consequences(&commit) {
                Ok(consequences) => readable.push((commit, consequences)),
                // It must not keep those after it waiting.
                Err(unreadable) => {
                    tracing::error!(error = %unreadable, "a commit is set aside");
                    match self.app.set_aside(&unreadable).await {
                        Err(StoreError::Corrupt(fault)) => tracing::error!(fault, "and cannot be listed"),
                        listed => listed?,
                    }
                }
            }
        }
        self.relay.carry_out(&readable).await?;
        self.source.move_cursor(last).await?;
        Ok(count)
    }

    async fn relay_on(self: Arc<Self>) {
        loop {
            let written = self.jobs.commits_written();
            match self.relay_once().await {
                Ok(0) => {
                    // Then a moment more, for what belongs together to come together: a payment that is
                    // reserved and authorised within it needs nobody to look after it.
                    if timeout(IDLE_MAX, written).await.is_ok() {
                        let _ = timeout(GATHER_FOR, std::future::pending::<()>()).await;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "the relay failed and will go on from the same place");
                    let _ = timeout(IDLE_MAX, std::future::pending::<()>()).await;
                }
            }
        }
    }

    /// Jobs that are due and for which there is room, marked as taken: of each line at most so many at once, of
    /// each lane its share, and from the lanes in turn, beginning with the one after the last that was served.
    fn take_due(&self, at_once: fn(Line) -> usize) -> Result<Vec<Taken>, StoreError> {
        let now = self.app.streams.now();
        let state = &mut *self.state();
        state.has_more_lanes = false;
        let mut all = Vec::new();
        for line in Line::ALL {
            let busy = |lane: Option<&str>| {
                let is_there = |known: &String| lane.is_none_or(|lane| known == lane);
                state.taken.iter().filter(|((of, _), known)| *of == line && is_there(known)).count()
            };
            let mut under_way = busy(None);
            if under_way >= at_once(line) {
                continue;
            }
            let share = |lane: &str, under_way: usize| match line {
                Line::Deliver if state.failing.contains(lane) || under_way >= at_once(line) / 2 => {
                    DELIVERIES_PER_FAILING_ENDPOINT_MAX
                }
                Line::Deliver => DELIVERIES_PER_ENDPOINT_MAX,
                Line::Work | Line::Expire => WORK_PER_MERCHANT_MAX,
            };
            let in_lane = |lane: &str| share(lane, under_way).saturating_sub(busy(Some(lane)));
            let is_taken = |name: &str| state.taken.contains_key(&(line, name.to_owned()));
            let after = state.served.get(&line).map_or("", String::as_str);
            let Due { jobs, left_off } = self.jobs.due(line, now, after, &in_lane, &is_taken)?;
            let mut lanes = HashMap::<String, usize>::new();
            for taken in in_turn(jobs) {
                let in_lane = lanes.entry(taken.lane.clone()).or_insert_with(|| busy(Some(&taken.lane)));
                if under_way < at_once(line) && *in_lane < share(&taken.lane, under_way) {
                    *in_lane += 1;
                    under_way += 1;
                    all.push(taken);
                }
            }
            let last = all.last().filter(|last: &&Taken| last.line == line).map(|last| last.lane.clone());
            state.has_more_lanes |= left_off.is_some();
            if let Some(next) = left_off.or(last) {
                state.served.insert(line, next);
            }
        }
        state.taken.extend(all.iter().map(|job| ((job.line, job.name.clone()), job.lane.clone())));
        Ok(all)
    }

    async fn carry_out(&self, taken: Taken) {
        let key = (taken.line, taken.name.clone());
        let lane = taken.lane.clone();
        let done = AssertUnwindSafe(self.try_carry_out(taken)).catch_unwind().await;
        match done {
            Ok(Ok(is_well)) => {
                let mut state = self.state();
                if is_well {
                    state.failing.remove(&lane);
                } else {
                    state.failing.insert(lane);
                }
            }
            // The job is still in the file. What could not be written, or panicked, would at once fail again:
            // it keeps its place for a while.
            Ok(Err(error)) => {
                tracing::error!(%error, job = key.1, "a job could not be finished");
                let _ = timeout(AFTER_FAILURE, std::future::pending::<()>()).await;
            }
            Err(_) => {
                tracing::error!(job = key.1, "a job has panicked");
                let _ = timeout(AFTER_FAILURE, std::future::pending::<()>()).await;
            }
        }
        self.state().taken.remove(&key);
    }

    /// Does a job. Returns whether it went well.
    async fn try_carry_out(&self, taken: Taken) -> Result<bool, StoreError> {
        let now = self.app.streams.now();
        let failures = self.state().failures.remove(&(taken.line, taken.name.clone()));
        let failed = |error: &dyn std::fmt::Display| self.failed(&taken, now, failures.unwrap_or(0), error);
        if let (Some(failures), Job::Work(work)) = (failures.filter(|many| *many >= ATTENTION_AFTER_TRIES), &taken.job)
        {
            // It is tried all the same; that it is not listed is no reason not to.
            let listed =
                self.app.work_keeps_failing(work, &format!("its work has failed {failures} times in a row")).await;
            if let Err(error) = listed {
                tracing::error!(%error, job = taken.name, "an order that needs attention could not be listed");
            }
        }
        let again = match (taken.line, &taken.job) {
            (Line::Expire, Job::Work(work)) => match self.app.expire(work).await {
                Ok(app::Expired::Early(at)) => Some(Scheduled { job: taken.job.clone(), due: at }),
                Ok(app::Expired::Done(left)) => {
                    if let Some((work, due)) = left {
                        self.jobs.send(&[Scheduled { job: Job::Work(work), due }]).await?;
                    }
                    None
                }
                Err(error) => Some(failed(&error)),
            },
            (Line::Work | Line::Deliver, Job::Work(work)) => match self.app.work(work).await {
                Ok(left) => left.map(|(work, due)| Scheduled { job: Job::Work(work), due }),
                Err(error) => Some(failed(&error)),
            },
            (_, Job::Deliver(deliver)) => match self.deliveries.deliver(deliver).await {
                Ok(left) => left.map(|due| Scheduled { job: taken.job.clone(), due }),
                Err(error) => Some(failed(&error)),
            },
        };
        // What is left to be done at once is only more of it; what has to wait has failed.
        let is_well = again.as_ref().is_none_or(|again| again.due <= self.app.streams.now());
        self.jobs.finish(taken, again.as_ref()).await?;
        Ok(is_well)
    }

    /// A job that failed for a reason that may pass, to be done again.
    fn failed(&self, taken: &Taken, now: Time, failures: u16, error: &dyn std::fmt::Display) -> Scheduled {
        tracing::warn!(%error, job = taken.name, "a job failed and will be done again");
        let failures = failures.saturating_add(1);
        self.state().failures.insert((taken.line, taken.name.clone()), failures);
        let due = now.plus(retry::work_delay(failures).max(AFTER_FAILURE));
        Scheduled { job: taken.job.clone(), due }
    }

    fn idle_for(&self) -> Duration {
        if self.state().has_more_lanes {
            return BETWEEN_LANES;
        }
        let now = self.app.streams.now();
        match self.jobs.next_due(now) {
            Ok(next) => next.map_or(IDLE_MAX, |next| next.since(now)).min(IDLE_MAX),
            Err(_) => IDLE_MAX,
        }
    }
}

/// How many jobs of a line are done at once, in all.
fn at_once(line: Line) -> usize {
    match line {
        Line::Deliver => DELIVERIES_AT_ONCE_MAX,
        Line::Work | Line::Expire => WORK_AT_ONCE_MAX,
    }
}

/// The first of each lane, then the second of each, and so on.
fn in_turn(by_lane: Vec<Taken>) -> Vec<Taken> {
    let mut turns = Vec::<Vec<Taken>>::new();
    let mut turn = 0;
    let mut lane = String::new();
    for taken in by_lane {
        turn = if taken.lane == lane { turn + 1 } else { 0 };
        lane.clone_from(&taken.lane);
        if turns.len() <= turn {
            turns.push(Vec::new());
        }
        turns[turn].push(taken);
    }
    turns.into_iter().flatten().collect()
}
