//! Orders whose outstanding work fails for long: somebody should look at them.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, Time, Version};

/// Whether an order needed somebody's attention. Whether it still does, its state tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// Set once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Raised>,
}

/// Since when and why an order needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Since when.
    pub at: Time,
    /// What is wrong.
    pub reason: String,
    /// When it was last asked to be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_at: Option<Time>,
}

/// What happens to an order's need of attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttentionEvent {
    /// Its work has failed for long.
    Raised {
        /// What is wrong.
        reason: String,
    },
    /// It is to be tried again now.
    RetryAsked,
}

impl Aggregate for Attention {
    type Event = AttentionEvent;

    fn evolve(state: Option<Self>, event: &AttentionEvent, _: Version, at: Time) -> Option<Self> {
        let mut attention = state.unwrap_or_default();
        match event {
            AttentionEvent::Raised { reason } => {
                attention.raised = Some(Raised { at, reason: reason.clone(), retried_at: None });
            }
            AttentionEvent::RetryAsked => {
                if let Some(raised) = &mut attention.raised {
                    raised.retried_at = Some(at);
                }
            }
        }
        Some(attention)
    }
}
