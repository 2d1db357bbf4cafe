//! Drafts of orders: lines that are put together step by step, and then given to an order at once.
//!
//! A draft and its order are streams of their own, so completing one takes three commits: that it began, which freezes
//! the draft and says which order it is for; the order's; and that it is completed. Whatever fails in between, asking
//! again goes on where it was left.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Currency, Reference, Time, Version,
    limits::{DRAFT_CHANGES_MAX, OPERATION_DETAILS_BYTES_MAX},
    order::{
        KeyPrint, KeyUse,
        line::{Line, LineFault, check_alone},
        stored_bytes,
    },
};

/// Which order a draft is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A new one, known by its reference.
    #[default]
    New,
    /// A new one, with a name that is drawn for it.
    Generated,
    /// The one of that name or reference, or a new one of that name.
    Named(String),
}

/// What is in a draft.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    /// Which order it is for.
    #[serde(default)]
    pub target: Target,
    /// Whether the order's lines are replaced instead of added to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_replacement: bool,
    /// What the merchant said about splitting it, which is told back and does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<bool>,
    /// In which currency; may be left out if the order is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The merchant's name for the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// What else the merchant tells about the order, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// Which order a draft becomes: fixed when its completion begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The order.
    pub order: Reference,
    /// The name it is opened under, if it is not known by its reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Whether it has to be there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_known: bool,
}

/// How far a draft is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// It can be changed.
    #[default]
    Open,
    /// It is frozen: the order may have it.
    Completing {
        /// Which order.
        to: Destination,
    },
    /// The order has it.
    Completed {
        /// Which order.
        to: Destination,
        /// Since when.
        at: Time,
    },
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What is in it.
    pub content: Content,
    /// How far it is.
    #[serde(flatten)]
    pub stage: Stage,
    /// When it was created.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
    /// How often it was changed.
    pub changes: u16,
    /// The idempotency keys used on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyUse>,
}

/// What happens to a draft. The JSON of these is a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DraftEvent {
    /// It was created, or all of it was replaced.
    Written {
        /// What is in it.
        content: Content,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// A line was added, or took the place of the one of its number.
    LinePut {
        /// The line that is replaced, if one is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<u32>,
        /// The line.
        line: Line,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// A line was removed.
    LineRemoved {
        /// Which.
        line: u32,
    },
    /// Its completion began: from now on it is frozen.
    CompletionBegan {
        /// Which order it becomes.
        to: Destination,
    },
    /// The order did not take it: it can be changed again.
    Released,
    /// The order has it.
    Completed,
}

/// What can be asked of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// To create it, or to replace all of it.
    Write(Content),
    /// To add a line.
    Add(Line),
    /// To replace the line of that number.
    Replace(u32, Line),
    /// To remove the line of that number.
    Remove(u32),
}

/// Why a draft is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftRefusal {
    /// There is none.
    #[error("there is no such draft")]
    NotFound,
    /// There is no such line in it.
    #[error("there is no such item in the draft")]
    LineNotFound,
    /// Its completion began, and it is not known what came of it.
    #[error("the draft is being completed: complete it again to find out what came of it")]
    Completing,
    /// An order has it.
    #[error("the draft is completed")]
    Completed,
    /// It was changed too often.
    #[error("a draft can be changed {DRAFT_CHANGES_MAX} times")]
    TooManyChanges,
    /// More is told than there is room for.
    #[error("what is told beside the items takes {actual} bytes, more than {OPERATION_DETAILS_BYTES_MAX}")]
    DetailsTooLong {
        /// What it takes, in bytes.
        actual: u32,
    },
    /// Its lines are not as they have to be.
    #[error("{0}")]
    Lines(#[from] LineFault),
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
}

impl Draft {
    /// Decides an edit; no events if the same request was done before.
    ///
    /// # Errors
    /// The [`DraftRefusal`] that applies first.
    pub fn edit(known: Option<&Self>, edit: &Edit, key: Option<KeyPrint>) -> Result<Vec<DraftEvent>, DraftRefusal> {
        if let Some(used) = known.zip(key).and_then(|(draft, key)| draft.key_use(key)) {
            return if Some(used.print) == key { Ok(Vec::new()) } else { Err(DraftRefusal::KeyReused) };
        }
        if let Some(draft) = known {
            draft.check_open()?;
        }
        let lines = || known.map(|draft| draft.content.lines.as_slice()).ok_or(DraftRefusal::NotFound);
        match edit {
            Edit::Write(content) => {
                check_alone(&content.lines)?;
                let actual = content.details.as_deref().map_or(0, stored_bytes);
                if actual > OPERATION_DETAILS_BYTES_MAX {
                    return Err(DraftRefusal::DetailsTooLong { actual });
                }
                Ok(vec![DraftEvent::Written { content: content.clone(), key }])
            }
            Edit::Add(line) => {
                let all = lines()?.iter().chain([line]).cloned().collect::<Vec<_>>();
                check_alone(&all).map_err(|fault| last_one(fault, all.len()))?;
                Ok(vec![DraftEvent::LinePut { instead: None, line: line.clone(), key }])
            }
            Edit::Replace(number, line) => {
                let lines = lines()?;
                if !lines.iter().any(|known| known.id == *number) {
                    return Err(DraftRefusal::LineNotFound);
                }
                let others = lines.iter().filter(|known| known.id != *number);
                let all = others.chain([line]).cloned().collect::<Vec<_>>();
                check_alone(&all).map_err(|fault| last_one(fault, all.len()))?;
                Ok(vec![DraftEvent::LinePut { instead: Some(*number), line: line.clone(), key }])
            }
            Edit::Remove(number) => {
                let is_there = lines()?.iter().any(|known| known.id == *number);
                if is_there {
                    Ok(vec![DraftEvent::LineRemoved { line: *number }])
                } else {
                    Err(DraftRefusal::LineNotFound)
                }
            }
        }
    }

    /// Freezes it for its completion; no events if it is frozen already, or completed.
    ///
    /// # Errors
    /// [`DraftRefusal::TooManyChanges`].
    pub fn begin(&self, to: &Destination) -> Result<Vec<DraftEvent>, DraftRefusal> {
        match self.stage {
            Stage::Open if self.changes >= DRAFT_CHANGES_MAX => Err(DraftRefusal::TooManyChanges),
            Stage::Open => Ok(vec![DraftEvent::CompletionBegan { to: to.clone() }]),
            Stage::Completing { .. } | Stage::Completed { .. } => Ok(Vec::new()),
        }
    }

    /// Lets go of it, since its order did not take it; no events if it was let go of, or is completed.
    #[must_use]
    pub fn release(&self) -> Vec<DraftEvent> {
        match self.stage {
            Stage::Completing { .. } => vec![DraftEvent::Released],
            Stage::Open | Stage::Completed { .. } => Vec::new(),
        }
    }

    /// Ends it, since its order has it; no events if that is known.
    #[must_use]
    pub fn complete(&self, to: &Destination) -> Vec<DraftEvent> {
        match self.stage {
            Stage::Completed { .. } => Vec::new(),
            Stage::Completing { .. } => vec![DraftEvent::Completed],
            // Somebody let go of it whom the order had refused, while another's try went through.
            Stage::Open => vec![DraftEvent::CompletionBegan { to: to.clone() }, DraftEvent::Completed],
        }
    }

    fn key_use(&self, key: KeyPrint) -> Option<&KeyUse> {
        self.keys.iter().find(|used| used.print.key == key.key)
    }

    fn check_open(&self) -> Result<(), DraftRefusal> {
        match self.stage {
            Stage::Open if self.changes >= DRAFT_CHANGES_MAX => Err(DraftRefusal::TooManyChanges),
            Stage::Open => Ok(()),
            Stage::Completing { .. } => Err(DraftRefusal::Completing),
            Stage::Completed { .. } => Err(DraftRefusal::Completed),
        }
    }

    fn apply(&mut self, event: &DraftEvent, version: Version, at: Time) {
        self.updated_at = at;
        match event {
            DraftEvent::Written { content, key } => {
                self.content = content.clone();
                self.changed(*key, version);
            }
            DraftEvent::LinePut { instead, line, key } => {
                let lines = &mut self.content.lines;
                match lines.iter_mut().find(|known| Some(known.id) == *instead) {
                    Some(known) => *known = line.clone(),
                    None => lines.push(line.clone()),
                }
                self.changed(*key, version);
            }
            DraftEvent::LineRemoved { line } => {
                self.content.lines.retain(|known| known.id != *line);
                self.changed(None, version);
            }
            DraftEvent::CompletionBegan { to } => {
                self.stage = Stage::Completing { to: to.clone() };
                self.changed(None, version);
            }
            DraftEvent::Released => self.stage = Stage::Open,
            DraftEvent::Completed => {
                if let Stage::Completing { to } = &self.stage {
                    self.stage = Stage::Completed { to: to.clone(), at };
                }
            }
        }
    }

    fn changed(&mut self, key: Option<KeyPrint>, version: Version) {
        self.changes = self.changes.saturating_add(1);
        self.keys.extend(key.map(|print| KeyUse { print, version }));
    }
}

/// The fault of the line that is new and stands last, which is the only one of its request.
fn last_one(fault: LineFault, count: usize) -> LineFault {
    if fault.at == count.checked_sub(1) { fault.what.at(0) } else { fault }
}

impl Aggregate for Draft {
    type Event = DraftEvent;

    fn evolve(state: Option<Self>, event: &DraftEvent, version: Version, at: Time) -> Option<Self> {
        let mut draft = match (state, event) {
            (Some(draft), _) => draft,
            (None, DraftEvent::Written { content, .. }) => Self {
                content: content.clone(),
                stage: Stage::Open,
                created_at: at,
                updated_at: at,
                changes: 0,
                keys: Vec::new(),
            },
            (None, _) => return None,
        };
        draft.apply(event, version, at);
        Some(draft)
    }
}
