//! What one endpoint was told of one order: how far it is, and every attempt.
//!
//! An order's changes reach an endpoint in their order: the next one is not tried before the one before it
//! was acknowledged or given up. Because a feed remembers only its place in the order's log, nothing that
//! is to be told can get lost on its way: what is next is read from the log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Time, Version,
    limits::{AGAIN_PER_FEED_MAX, ATTEMPT_ERROR_CHARS_MAX},
    order::Position,
    retry,
};

/// What one endpoint was told of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Everything before this was acknowledged, given up, or is not told.
    pub next: Position,
    /// How the telling of what is next goes.
    #[serde(default)]
    pub progress: Progress,
    /// What was told and is to be told again, and tests; first things first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Again>,
}

/// How the telling of one change goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Tries so far.
    pub tries: u16,
    /// When it was tried first.
    pub first_try_at: Time,
    /// Not to be tried before.
    pub due: Time,
    /// Whether it waits for the endpoint to be enabled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_withheld: bool,
}

/// Something that is to be told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// What.
    pub position: Position,
    /// How it goes.
    pub progress: Progress,
}

/// One attempt to tell an endpoint of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which change.
    pub position: Position,
    /// What it is called in the endpoint's format.
    pub name: String,
    /// Its number in that format.
    pub sequence: u32,
    /// Which try this was, from 1; 0 if none was made.
    pub tries: u16,
    /// What came of it.
    pub outcome: Outcome,
    /// The HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether it told again what had been told, because somebody asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_again: bool,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The endpoint has it.
    Acknowledged,
    /// It is tried again.
    Failed {
        /// When.
        next: Time,
    },
    /// It was tried for long enough: a dead letter.
    GivenUp,
    /// Not tried, or not again: the endpoint is disabled. The attempt it was disabled by has its answer.
    Withheld,
}

/// What an endpoint answered, before it is decided what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong, if no answer came.
    pub error: Option<String>,
    /// How long it took.
    pub duration: Duration,
    /// How long the endpoint asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Report {
    /// Whether the endpoint has taken it: any 2xx.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the endpoint wants nothing any more: 410 Gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// What happens to a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedEvent {
    /// Something was tried.
    Attempted {
        /// What, and what came of it.
        attempt: Attempt,
    },
    /// What was told is to be told again.
    AskedAgain {
        /// What.
        positions: Vec<Position>,
    },
    /// A test is to be sent.
    TestAsked,
    /// What waits is to be tried now.
    Woken,
}

/// Which change an attempt was about.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// Where it stands.
    pub position: Position,
    /// What it is called in the endpoint's format.
    pub name: &'a str,
    /// Its number in that format.
    pub sequence: u32,
    /// What it is called on every try.
    pub id: &'a str,
}

impl Tried<'_> {
    /// Whether it was a test: those have no number.
    fn is_test(&self) -> bool {
        self.sequence == 0
    }
}

impl Feed {
    /// How the telling of `position` goes.
    #[must_use]
    pub fn progress(&self, position: Position) -> Progress {
        let again = self.again.iter().find(|again| again.position == position);
        again.map_or(if position >= self.next { self.progress } else { Progress::default() }, |again| again.progress)
    }

    /// Whether something is withheld, that is next or that is to be told again.
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        self.progress.is_withheld || self.again.iter().any(|again| again.progress.is_withheld)
    }

    /// The next that is to be told again, and when.
    #[must_use]
    pub fn next_again(&self) -> Option<&Again> {
        self.again.iter().min_by_key(|again| again.progress.due)
    }

    /// What came of a try that ended at `now`.
    #[must_use]
    pub fn attempted(&self, tried: Tried<'_>, report: &Report, now: Time) -> FeedEvent {
        let progress = self.progress(tried.position);
        let tries = progress.tries.saturating_add(1);
        let first_try_at = if progress.tries == 0 { now } else { progress.first_try_at };
        let outcome = if report.is_acknowledged() {
            Outcome::Acknowledged
        } else if report.is_gone() {
            Outcome::Withheld
        } else if tried.is_test() {
            // Whoever asked for it looks at what came of it.
            Outcome::GivenUp
        } else {
            let seed = retry::seed(tried.id, tries);
            retry::delivery(tries, first_try_at, now, seed, report.retry_after)
                .map_or(Outcome::GivenUp, |next| Outcome::Failed { next })
        };
        let error = report.error.as_ref().map(|error| error.chars().take(ATTEMPT_ERROR_CHARS_MAX).collect());
        FeedEvent::Attempted {
            attempt: Attempt {
                position: tried.position,
                name: tried.name.to_owned(),
                sequence: tried.sequence,
                tries,
                outcome,
                status: report.status,
                error,
                duration_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
                is_again: self.is_told_again(tried),
            },
        }
    }

    fn is_told_again(&self, tried: Tried<'_>) -> bool {
        !tried.is_test() && self.again.iter().any(|again| again.position == tried.position)
    }

    /// Until when what is next waits, if it was tried and is to be tried again.
    #[must_use]
    pub fn waits_until(&self, now: Time) -> Option<Time> {
        let Progress { tries, due, is_withheld, .. } = self.progress;
        Some(due).filter(|due| tries > 0 && !is_withheld && now < *due)
    }

    /// Whether what is known of `position` is what it was when `before` was.
    #[must_use]
    pub fn stands_as(&self, before: &Self, position: Position) -> bool {
        let waits = |feed: &Self| feed.again.iter().any(|again| again.position == position);
        let tries = |feed: &Self| feed.progress(position).tries;
        self.next == before.next && waits(self) == waits(before) && tries(self) == tries(before)
    }

    /// That nothing is tried because the endpoint is disabled; none if that is on record.
    #[must_use]
    pub fn withheld(&self, tried: Tried<'_>) -> Option<FeedEvent> {
        let progress = self.progress(tried.position);
        let attempt = Attempt {
            position: tried.position,
            name: tried.name.to_owned(),
            sequence: tried.sequence,
            tries: 0,
            outcome: Outcome::Withheld,
            status: None,
            error: None,
            duration_ms: 0,
            is_again: self.is_told_again(tried),
        };
        (!progress.is_withheld).then_some(FeedEvent::Attempted { attempt })
    }

    /// Asks for changes that were told to be told again, as many as there is room for. What has not been told
    /// yet will be, as will what was asked for before; both are woken if they wait.
    #[must_use]
    pub fn ask_again(&self, positions: &[Position]) -> Vec<FeedEvent> {
        let room = AGAIN_PER_FEED_MAX.saturating_sub(self.again.len());
        let waits =
            |position: &Position| *position >= self.next || self.again.iter().any(|again| again.position == *position);
        let asked = positions.iter().enumerate();
        let new = asked.filter(|(index, position)| !waits(position) && !positions[..*index].contains(position));
        let told = new.map(|(_, position)| *position).take(room).collect::<Vec<_>>();
        let is_woken = positions.iter().any(waits);
        let again = (!told.is_empty()).then_some(FeedEvent::AskedAgain { positions: told });
        again.into_iter().chain(is_woken.then_some(FeedEvent::Woken)).collect()
    }

    fn apply(&mut self, attempt: &Attempt, at: Time) {
        let again = self.again.iter().position(|again| again.position == attempt.position);
        let progress = match again {
            Some(index) => &mut self.again[index].progress,
            None if attempt.position >= self.next => &mut self.progress,
            None => return,
        };
        match attempt.outcome {
            Outcome::Failed { next } => {
                if progress.tries == 0 {
                    progress.first_try_at = at;
                }
                progress.tries = attempt.tries;
                progress.due = next;
                progress.is_withheld = false;
            }
            Outcome::Withheld => progress.is_withheld = true,
            Outcome::Acknowledged | Outcome::GivenUp => match again {
                Some(index) => {
                    self.again.remove(index);
                }
                None => {
                    self.next = attempt.position.next();
                    self.progress = Progress::default();
                }
            },
        }
    }
}

impl Aggregate for Feed {
    type Event = FeedEvent;

    fn evolve(state: Option<Self>, event: &FeedEvent, version: Version, at: Time) -> Option<Self> {
        let mut feed = state.unwrap_or_default();
        match event {
            FeedEvent::Attempted { attempt } => feed.apply(attempt, at),
            FeedEvent::AskedAgain { positions } => {
                let again = |position: &Position| Again { position: *position, progress: Progress::default() };
                feed.again.extend(positions.iter().map(again));
            }
            FeedEvent::TestAsked => {
                feed.again.push(Again { position: Position { version, index: 0 }, progress: Progress::default() });
            }
            FeedEvent::Woken => {
                let again = feed.again.iter_mut().map(|again| &mut again.progress);
                for progress in again.chain([&mut feed.progress]) {
                    progress.due = at;
                    progress.is_withheld = false;
                }
            }
        }
        Some(feed)
    }
}
