//! Drafts of orders, and how they become orders exactly once.

use std::collections::BTreeMap;

use domain::{
    Aggregate, MerchantAccount, Money, Order, OrderId, Reference, Version,
    draft::{Content, Destination, Draft, DraftEvent, DraftRefusal, Edit, Stage, Target},
    limits::{DRAFT_BYTES_MAX, ORDER_LIFETIME_MAX},
    order::{
        KeyPrint, Refusal,
        line::{Fault, sum_of, tax_of},
    },
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    App, Error, NewLines, OrderKey, OrderTerms, Revision, StoreError, StreamId,
    streams::{CHANGE_ATTEMPTS_MAX, ChangeError},
};

/// Tries to give a draft to its order, while others open or change that order.
const PLACE_TRIES_MAX: u8 = 4;

/// Characters of a name that is drawn for an order (Dintero: `ALPHANUMERIC_9`).
const DRAWN_CHARS: usize = 9;

const DRAWN_FROM: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const KIND: &str = "draft";

/// What the paymentorders family tells of an order when it opens it. It is read from that commit, and not told again.
const TOLD_ONCE: &str = "paymentorder";

/// Which draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftKey {
    /// Whose it is.
    pub merchant: MerchantAccount,
    /// Which of the merchant's: as random as an order's identity.
    pub id: OrderId,
}

impl DraftKey {
    fn stream(&self) -> StreamId {
        StreamId::owned(&self.merchant, KIND, &self.id.to_string())
    }

    /// Its identity, as it is told.
    #[must_use]
    pub fn shown(&self) -> String {
        self.id.reference().to_uuid().to_string()
    }
}

/// Why a draft was not changed or completed.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// A rule of drafts forbids it; nothing was changed.
    #[error(transparent)]
    Refused(#[from] DraftRefusal),
    /// It would be larger than a draft may be.
    #[error("a draft has at most {DRAFT_BYTES_MAX} bytes, this one {actual}")]
    TooLong {
        /// How many it has.
        actual: usize,
    },
    /// It names no currency, and there is no order that has one.
    #[error("no currency")]
    NoCurrency,
    /// The order has what the draft was before it was changed last: another try to complete it went through while
    /// this one was refused.
    #[error("the order has an earlier state of the draft")]
    Overtaken {
        /// The order.
        order: Reference,
    },
    /// The order does not take it, or the store failed.
    #[error(transparent)]
    Order(#[from] Error),
}

impl From<StoreError> for DraftError {
    fn from(error: StoreError) -> Self {
        Self::Order(error.into())
    }
}

impl<E: Into<Self>> From<ChangeError<E>> for DraftError {
    fn from(error: ChangeError<E>) -> Self {
        match error {
            ChangeError::Refused(refusal) => refusal.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl App {
    /// Creates a draft, or finds the one that the same request created.
    ///
    /// # Errors
    /// Refusals; the store's.
    pub async fn create_draft(
        &self,
        merchant: MerchantAccount,
        content: Content,
        key: Option<KeyPrint>,
    ) -> Result<(DraftKey, Draft), DraftError> {
        let mut entropy = self.streams.entropy();
        if let Some(KeyPrint { key, .. }) = key {
            let print = self.prints.print("draft", &[merchant.as_str().as_bytes(), &key]);
            entropy.copy_from_slice(&print[..16]);
        }
        let draft_key = DraftKey { merchant, id: OrderId::from_entropy(entropy) };
        let draft = self.change_draft(&draft_key, &Edit::Write(content), key, true).await?;
        Ok((draft_key, draft))
    }

    /// A draft as it stands.
    ///
    /// # Errors
    /// [`DraftRefusal::NotFound`]; the store's.
    pub async fn draft(&self, key: &DraftKey) -> Result<Draft, DraftError> {
        let loaded = self.streams.load::<Draft>(&key.stream(), None).await?;
        Ok(loaded.ok_or(DraftRefusal::NotFound)?.state)
    }

    /// Changes a draft, as long as it is open.
    ///
    /// # Errors
    /// Refusals; the store's.
    pub async fn edit_draft(&self, key: &DraftKey, edit: &Edit, print: Option<KeyPrint>) -> Result<Draft, DraftError> {
        self.change_draft(key, edit, print, false).await
    }

    async fn change_draft(
        &self,
        key: &DraftKey,
        edit: &Edit,
        print: Option<KeyPrint>,
        is_new: bool,
    ) -> Result<Draft, DraftError> {
        let (stream, now) = (key.stream(), self.streams.now());
        let changed = self.streams.change::<Draft, DraftError>(&stream, |known| {
            if known.is_none() && !is_new {
                return Err(DraftRefusal::NotFound.into());
            }
            let events = Draft::edit(known, edit, print)?;
            let after = Draft::evolve_all(known.cloned(), &events, Version::FIRST, now);
            // What cannot be added up could not be shown either.
            let lines = after.as_ref().map(|draft| draft.content.lines.as_slice()).unwrap_or_default();
            sum_of(lines).and(tax_of(lines)).map_err(DraftRefusal::from)?;
            let actual = after.and_then(|draft| serde_json::to_vec(&draft.content).ok()).map_or(0, |json| json.len());
            if actual > DRAFT_BYTES_MAX { Err(DraftError::TooLong { actual }) } else { Ok(events) }
        });
        changed.await?.ok_or_else(|| DraftRefusal::NotFound.into())
    }

    /// Gives a draft to its order: opens that, adds to it, or replaces it. Doing so again, after whatever failure, goes
    /// on where it was left: the order has the draft once.
    ///
    /// # Errors
    /// Refusals of the order, after which the draft can be changed again; the store's, after which it stays frozen until
    /// somebody asks again.
    pub async fn complete_draft(&self, key: &DraftKey, token_key: u32) -> Result<(OrderKey, Order), DraftError> {
        let (draft, to) = self.begin_completion(key).await?;
        let order_key = OrderKey { merchant: key.merchant.clone(), id: to.order.order() };
        if matches!(draft.stage, Stage::Completed { .. }) {
            let order = self.find(&order_key).await?;
            return Ok((order_key, order));
        }
        let placed = self.place(key, &draft.content, &to, &order_key, token_key).await;
        match placed {
            Ok(order) => {
                self.change_stage(key, |draft| draft.complete(&to)).await?;
                Ok((order_key, order))
            }
            Err(DraftError::Order(Error::Refused(Refusal::KeyReused))) => {
                self.change_stage(key, |draft| draft.complete(&to)).await?;
                Err(DraftError::Overtaken { order: to.order })
            }
            // Nothing is known of what was being written: it stays frozen until somebody asks again.
            Err(error @ DraftError::Order(Error::Contended | Error::Begun { .. } | Error::Store(_))) => Err(error),
            Err(error) => {
                self.change_stage(key, Draft::release).await?;
                Err(error)
            }
        }
    }

    /// Freezes a draft, and fixes which order it becomes: where that is to be drawn, it is the same from then on.
    async fn begin_completion(&self, key: &DraftKey) -> Result<(Draft, Destination), DraftError> {
        let (stream, drawn) = (key.stream(), self.draw_name());
        let random = OrderId::from_entropy(self.streams.entropy());
        let _turn = self.streams.turn(&stream).await;
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let known = self.streams.load::<Draft>(&stream, None).await?.ok_or(DraftRefusal::NotFound)?;
            let to = match &known.state.stage {
                Stage::Open => self.destination(&key.merchant, &known.state.content, &drawn, random).await?,
                Stage::Completing { to } | Stage::Completed { to, .. } => to.clone(),
            };
            let events = known.state.begin(&to)?;
            if events.is_empty() {
                return Ok((known.state, to));
            }
            match self.streams.append(&stream, Some(known), &events).await {
                Ok(frozen) => return Ok((frozen.state, to)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The order that a draft becomes. A name that reads like a reference stands for the order of that, if it is there;
    /// else it is a name like any other, and only a draft that says all there is to say of an order opens one under it.
    async fn destination(
        &self,
        merchant: &MerchantAccount,
        content: &Content,
        drawn: &str,
        random: OrderId,
    ) -> Result<Destination, DraftError> {
        let named = |name: &str, is_known| {
            let order = self.order_of_alias(merchant, name).reference();
            Destination { order, alias: Some(name.to_owned()), is_known }
        };
        let name = match &content.target {
            Target::New => return Ok(Destination { order: random.reference(), alias: None, is_known: false }),
            Target::Generated => return Ok(named(drawn, false)),
            Target::Named(name) => name,
        };
        let reference = name.parse::<Reference>().ok().filter(|reference| reference.version() == Version::FIRST);
        let Some(order) = reference else { return Ok(named(name, false)) };
        match self.load(&OrderKey { merchant: merchant.clone(), id: order.order() }, None).await {
            Ok(_) => Ok(Destination { order, alias: None, is_known: true }),
            Err(Error::NotFound) => Ok(named(name, content.currency.is_none())),
            Err(error) => Err(error.into()),
        }
    }

    /// A name for an order.
    fn draw_name(&self) -> String {
        let bytes = self.streams.entropy::<DRAWN_CHARS>();
        bytes.iter().map(|byte| char::from(DRAWN_FROM[usize::from(*byte) % DRAWN_FROM.len()])).collect()
    }

    async fn change_stage(
        &self,
        key: &DraftKey,
        decide: impl Fn(&Draft) -> Vec<DraftEvent> + Send + Sync,
    ) -> Result<(), DraftError> {
        let stream = key.stream();
        let changed = self
            .streams
            .change::<Draft, DraftError>(&stream, |known| Ok(known.map(&decide).ok_or(DraftRefusal::NotFound)?));
        changed.await.map(|_| ()).map_err(DraftError::from)
    }

    /// Puts a draft into its order, once: the order knows the draft by a key made from it.
    async fn place(
        &self,
        key: &DraftKey,
        content: &Content,
        to: &Destination,
        order_key: &OrderKey,
        token_key: u32,
    ) -> Result<Order, DraftError> {
        let print = self.draft_print(key, content)?;
        for _ in 0..PLACE_TRIES_MAX {
            let order = match self.find(order_key).await {
                Ok(order) => Some(order),
                Err(Error::NotFound) if to.is_known => return Err(Error::NotFound.into()),
                Err(Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            let Some(order) = order else {
                let terms = self.terms_of(key, content, to, token_key, print)?;
                match self.open(terms).await {
                    Ok(opened) => return Ok(opened.order),
                    // Somebody else has opened it this moment: it is added to that.
                    Err(Error::Refused(Refusal::Taken)) => continue,
                    Err(error) => return Err(error.into()),
                }
            };
            if order.key_use(Some(print)).map_err(Error::from)?.is_some() {
                return Ok(order);
            }
            // A name that was drawn is not to lead to an order that is there.
            if content.target == Target::Generated {
                return Err(Error::Refused(Refusal::Taken).into());
            }
            if let Some(actual) = content.currency.filter(|actual| *actual != order.amount.currency()) {
                let expected = order.amount.currency();
                return Err(Error::Refused(Refusal::CurrencyMismatch { expected, actual }).into());
            }
            if !content.is_replacement {
                let tell = |told: Option<&str>| with_draft(told, content.details.as_deref(), key);
                let added = self.add_lines(order_key, content.lines.clone(), Some(&tell), Some(print)).await?;
                return Ok(added.0);
            }
            let details = with_draft(None, content.details.as_deref(), key)?;
            let amount = amount_of(content, order.amount)?;
            let tax = tax_of(&content.lines).map_err(Refusal::from).map_err(Error::from)?;
            let (lines, details) = (Some(content.lines.clone()), Some(details));
            let revision = Revision { amount, tax, description: None, lines, details, key: Some(print) };
            return Ok(self.revise(order_key, Some(order), revision).await?);
        }
        Err(Error::Contended.into())
    }

    /// What an order knows a draft by. What is asked is what is in the draft, so that one that was changed since is
    /// told from it.
    fn draft_print(&self, key: &DraftKey, content: &Content) -> Result<KeyPrint, DraftError> {
        let asked = serde_json::to_vec(content).map_err(|error| corrupt(&error))?;
        // No idempotency key has a line break: so this is never one of a caller's.
        Ok(self.prints.key(&key.merchant, &format!("{KIND}\n{}", key.id), &asked))
    }

    fn terms_of(
        &self,
        key: &DraftKey,
        content: &Content,
        to: &Destination,
        token_key: u32,
        print: KeyPrint,
    ) -> Result<OrderTerms, DraftError> {
        let currency = content.currency.ok_or(DraftError::NoCurrency)?;
        let nothing = Money::try_new(currency, 0).map_err(|_| Error::Refused(Refusal::AmountTooLarge))?;
        let amount = amount_of(content, nothing)?;
        let named = content.reference.clone().or_else(|| to.alias.clone());
        let reference = named.unwrap_or_else(|| to.order.to_string());
        let lines = NewLines {
            lines: content.lines.clone(),
            tax: tax_of(&content.lines).map_err(Refusal::from).map_err(Error::from)?,
            description: None,
            alias: to.alias.clone(),
            is_running: true,
        };
        Ok(OrderTerms {
            expires_at: Some(self.streams.now().plus(ORDER_LIFETIME_MAX)),
            lines: Some(lines),
            id: Some(to.order.order()),
            details: Some(with_draft(None, content.details.as_deref(), key)?),
            key: Some(print),
            ..OrderTerms::new(key.merchant.clone(), reference, amount, token_key)
        })
    }
}

/// What the lines of a draft come to, as the amount of an order.
fn amount_of(content: &Content, like: Money) -> Result<Money, DraftError> {
    if content.lines.is_empty() {
        return Err(Error::Refused(Fault::Missing.of_all().into()).into());
    }
    let sum = sum_of(&content.lines).map_err(Refusal::from).map_err(Error::from)?;
    let minor = u64::try_from(sum).map_err(|_| Error::Refused(Fault::Negative { actual: sum }.of_all().into()))?;
    Ok(like.with_minor(minor))
}

/// What is told of an order: what was told before, with what a draft tells anew, and which draft it was.
fn with_draft(before: Option<&str>, now: Option<&str>, key: &DraftKey) -> Result<String, StoreError> {
    let mut told = BTreeMap::<String, Box<RawValue>>::new();
    for json in [before, now].into_iter().flatten() {
        told.extend(serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(json).map_err(|error| corrupt(&error))?);
    }
    told.remove(TOLD_ONCE);
    told.insert("draft_id".to_owned(), to_raw_value(&key.shown()).map_err(|error| corrupt(&error))?);
    serde_json::to_string(&told).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("a draft: {error}"))
}
