//! Everything that is done without being asked by a request: the relay, the worker, deliveries and timers.
//!
//! On AWS each of these is a Lambda that a stream, a queue or a schedule calls. Here they are tasks, and the
//! stream, the queues and the schedules are tables of the one file.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{
    App, Deliveries, Fut, Relay, StoreError,
    ports::{Commit, Job, Queue, Scheduled, Work},
    relay::consequences,
};
use domain::{Time, retry};
use embedded::{Line, SqliteLog, Taken};
use futures_util::future::join_all;
use tokio::{task::JoinSet, time::timeout};

/// Commits that the relay takes at a time.
pub const RELAY_BATCH_MAX: u16 = 256;

/// Deliveries made to one endpoint at once: however slow it is, it takes no more.
pub const DELIVERIES_PER_ENDPOINT_MAX: usize = 8;

/// Orders of one merchant worked on at once.
pub const WORK_PER_MERCHANT_MAX: usize = 32;

/// Jobs done at once, in all.
pub const JOBS_AT_ONCE_MAX: usize = 256;

/// How long jobs under way may take to end after a stop was asked for. What does not end is done again.
pub const JOBS_DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long a job waits that failed for a reason that may pass.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How long the relay lets commits gather.
const GATHER_FOR: Duration = Duration::from_millis(10);

/// How long nothing is looked at, at most: the clock may be set.
const IDLE_MAX: Duration = Duration::from_secs(1);

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
    /// The jobs being done, and the lane each is in.
    taken: Mutex<HashMap<(Line, String), String>>,
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
        Arc::new(Self { source, jobs, app, relay, deliveries, taken: Mutex::default() })
    }

    /// Runs until `stop` is done, and then what is under way, for at most [`JOBS_DRAIN_MAX`].
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let relaying = tokio::spawn(Arc::clone(&self).relay_on());
        let mut under_way = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            // Listened to before anything is looked at, so that nothing comes in between.
            let written = self.jobs.jobs_written();
            while under_way.try_join_next().is_some() {}
            let wait = match self.take_due(JOBS_AT_ONCE_MAX.saturating_sub(under_way.len())) {
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
            let due = self.take_due(usize::MAX)?;
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
                    self.app.set_aside(&unreadable).await?;
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

    /// Jobs that are due and for which there is room, marked as taken.
    fn take_due(&self, room: usize) -> Result<Vec<Taken>, StoreError> {
        let now = self.app.streams.now();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        for line in Line::ALL {
            let lane_max = match line {
                Line::Deliver => DELIVERIES_PER_ENDPOINT_MAX,
                Line::Work | Line::Expire => WORK_PER_MERCHANT_MAX,
            };
            let in_lane = |lane: &str| {
                let busy = taken.iter().filter(|((of, _), known)| *of == line && known.as_str() == lane).count();
                lane_max.saturating_sub(busy)
            };
            let is_taken = |name: &str| taken.contains_key(&(line, name.to_owned()));
            due.extend(self.jobs.due(line, now, &in_lane, &is_taken)?);
        }
        due.truncate(room);
        taken.extend(due.iter().map(|job| ((job.line, job.name.clone()), job.lane.clone())));
        Ok(due)
    }

    async fn carry_out(&self, taken: Taken) {
        let key = (taken.line, taken.name.clone());
        if let Err(error) = self.try_carry_out(taken).await {
            // The job is still in the file, and is taken again.
            tracing::error!(%error, job = key.1, "a job could not be finished");
        }
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    async fn try_carry_out(&self, taken: Taken) -> Result<(), StoreError> {
        let now = self.app.streams.now();
        let again = match (taken.line, &taken.job) {
            (Line::Expire, Job::Work(work)) => match self.app.expire(work).await {
                Ok(app::Expired::Early(at)) => Some(Scheduled { job: taken.job.clone(), due: at }),
                Ok(app::Expired::Done(left)) => {
                    if let Some((work, due)) = left {
                        self.jobs.send(&[Scheduled { job: Job::Work(work), due }]).await?;
                    }
                    None
                }
                Err(error) => Some(self.failed(&taken, now, &error)),
            },
            (Line::Work | Line::Deliver, Job::Work(work)) => match self.app.work(work).await {
                Ok(left) => left.map(|(work, due)| Scheduled { job: Job::Work(work), due }),
                Err(error) => Some(self.failed(&taken, now, &error)),
            },
            (_, Job::Deliver(deliver)) => match self.deliveries.deliver(deliver).await {
                Ok(left) => left.map(|due| Scheduled { job: taken.job.clone(), due }),
                Err(error) => Some(self.failed(&taken, now, &error)),
            },
        };
        self.jobs.finish(taken, again.as_ref()).await
    }

    /// A job that failed for a reason that may pass, to be done again.
    fn failed(&self, taken: &Taken, now: Time, error: &dyn std::fmt::Display) -> Scheduled {
        tracing::warn!(%error, job = taken.name, "a job failed and will be done again");
        match &taken.job {
            Job::Work(work) => {
                let work = Work { tries: work.tries.saturating_add(1), ..work.clone() };
                let due = now.plus(retry::work_delay(work.tries).max(AFTER_FAILURE));
                Scheduled { job: Job::Work(work), due }
            }
            Job::Deliver(_) => Scheduled { job: taken.job.clone(), due: now.plus(AFTER_FAILURE) },
        }
    }

    fn idle_for(&self) -> Duration {
        let now = self.app.streams.now();
        match self.jobs.next_due(now) {
            Ok(next) => next.map_or(IDLE_MAX, |next| next.since(now)).min(IDLE_MAX),
            Err(_) => IDLE_MAX,
        }
    }
}
