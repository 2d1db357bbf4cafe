//! One-time schedules of EventBridge Scheduler.
//!
//! A schedule goes off within the minute after its time, at least once, and deletes itself after that. One that
//! never goes off costs nothing. Its name is unique in its group: whoever makes it again finds it there.

use app::StoreError;
use aws_sdk_scheduler::{
    Client,
    error::BuildError,
    operation::{
        create_schedule::CreateScheduleError, delete_schedule::DeleteScheduleError,
        update_schedule::UpdateScheduleError,
    },
    primitives::{DateTime, DateTimeFormat},
    types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target},
};
use data_encoding::HEXLOWER;
use domain::Time;
use sha2::{Digest, Sha256};

use crate::client::unavailable;

/// The longest name of a schedule, in characters: letters, digits, `-`, `_` and `.`.
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// Tries to set a schedule that others set, clear and use up at the same time.
const SET_TRIES_MAX: u8 = 3;

/// The schedules of one group.
#[derive(Debug, Clone)]
pub struct Schedules {
    client: Client,
    group: String,
    role: String,
}

/// What a schedule does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// Its name in the group.
    pub(crate) name: &'a str,
    /// Not before.
    pub(crate) at: Time,
    /// The ARN of the queue it sends to or of the function it calls.
    pub(crate) target: &'a str,
    /// What it sends, or calls it with.
    pub(crate) input: &'a str,
}

impl Schedules {
    /// The schedules of the group of that name. `role` is the ARN of the role that they send and call as.
    #[must_use]
    pub fn new(client: Client, group: impl Into<String>, role: impl Into<String>) -> Self {
        Self { client, group: group.into(), role: role.into() }
    }

    /// Makes a schedule. Returns false if there is one of that name.
    pub(crate) async fn create(&self, plan: Plan<'_>) -> Result<bool, StoreError> {
        let create = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(plan.name)
            .schedule_expression(expression(plan.at)?)
            .flexible_time_window(on_time()?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(self.target(plan)?);
        match create.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(CreateScheduleError::is_conflict_exception) => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Makes a schedule, or changes the one of that name.
    pub(crate) async fn set(&self, plan: Plan<'_>) -> Result<(), StoreError> {
        for _ in 0..SET_TRIES_MAX {
            if self.create(plan).await? || self.update(plan).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable(format!("the schedule {} comes and goes", plan.name)))
    }

    /// Changes a schedule. Returns false if there is none of that name.
    async fn update(&self, plan: Plan<'_>) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_schedule()
            .group_name(&self.group)
            .name(plan.name)
            .schedule_expression(expression(plan.at)?)
            .flexible_time_window(on_time()?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(self.target(plan)?);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(UpdateScheduleError::is_resource_not_found_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Deletes a schedule, if there is one of that name.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_schedule().group_name(&self.group).name(name);
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(DeleteScheduleError::is_resource_not_found_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn target(&self, plan: Plan<'_>) -> Result<Target, StoreError> {
        Target::builder().arn(plan.target).role_arn(&self.role).input(plan.input).build().map_err(incomplete)
    }
}

/// A name for what has a longer one, or one of other characters: the same for the same, and of
/// [`NAME_CHARS_MAX`] characters.
pub(crate) fn hashed(name: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(name))
}

fn on_time() -> Result<FlexibleTimeWindow, StoreError> {
    FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(incomplete)
}

/// The first whole second that is not before a time, in UTC, as in `at(2026-01-31T12:00:00)`.
fn expression(at: Time) -> Result<String, StoreError> {
    let fits = |reason: &dyn std::fmt::Display| StoreError::Unavailable(format!("no schedule at {at:?}: {reason}"));
    let seconds = i64::try_from(at.unix_ms().div_ceil(1_000)).map_err(|error| fits(&error))?;
    let text = DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime).map_err(|error| fits(&error))?;
    Ok(format!("at({})", text.trim_end_matches('Z')))
}

fn incomplete(error: BuildError) -> StoreError {
    unavailable(&error)
}
