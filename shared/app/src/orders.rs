//! Use cases on orders.

use domain::{
    MerchantAccount, Money, Order, OrderId, Reference, Time, Version,
    order::{
        Allocate, Append, Cancel, CancelReason, CartTerms, Command, Decision, Finding, Items, KeyPrint, LineAction,
        NewCart, Open, Operate, OrderEvent, Payer, Payment, Refusal, Reserve, Resolution, Revise, Session, ShopperView,
        line::{Line, Sheet},
    },
};

use tokio::time::timeout;

use crate::{
    App, Error, StoreError, StreamId,
    driver::PARTNER_CALL_MAX,
    metrics::{self, note},
    ports::{Authorise, Described, Instrument},
    streams::{Loaded, carries_snapshot},
};

/// Tries to decide a command, when others change the order too.
pub const DECIDE_ATTEMPTS_MAX: u8 = 16;

/// Identities tried for an order opened with an idempotency key, when one is taken by chance.
const IDENTITY_ATTEMPTS_MAX: u8 = 3;

/// Tries to do something on an order's lines, when others change them meanwhile.
const LINES_ATTEMPTS_MAX: u8 = 8;

/// Which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey {
    /// Whose it is.
    pub merchant: MerchantAccount,
    /// Which of the merchant's.
    pub id: OrderId,
}

impl OrderKey {
    /// The order's stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId::order(&self.merchant, self.id)
    }
}

/// What an order is opened with.
#[derive(Debug, Clone)]
pub struct OrderTerms {
    /// Whose it is.
    pub merchant: MerchantAccount,
    /// The merchant's name for it.
    pub reference: String,
    /// What is to be paid in all.
    pub amount: Money,
    /// From when on it takes no payment; 24 hours from now if not given.
    pub expires_at: Option<Time>,
    /// Which key is to seal its tokens.
    pub token_key: u32,
    /// What a client session adds to it.
    pub session: Option<Session>,
    /// Its lines, if it has any, or its tax.
    pub lines: Option<NewLines>,
    /// Its identity, if it does not follow from the idempotency key.
    pub id: Option<OrderId>,
    /// What else the merchant tells about it, as JSON.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// The lines that an order is opened with.
#[derive(Debug, Clone, Default)]
pub struct NewLines {
    /// The lines; empty if the order has none.
    pub lines: Vec<Line>,
    /// The tax in the order's amount, in minor units.
    pub tax: i64,
    /// What the merchant calls the purchase.
    pub description: Option<String>,
    /// The name that the merchant finds the order by, if it has one of its own: see [`App::order_of_alias`].
    pub alias: Option<String>,
    /// Whether it goes on until the merchant closes it.
    pub is_running: bool,
}

/// What an order is to be from now on.
#[derive(Debug, Clone)]
pub struct Revision {
    /// What is to be paid.
    pub amount: Money,
    /// The tax in it, in minor units.
    pub tax: i64,
    /// What the merchant calls the purchase, if that changes.
    pub description: Option<String>,
    /// The lines; none for an order that has none.
    pub lines: Option<Vec<Line>>,
    /// What else the merchant tells about it, as JSON, if that changes.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// Makes what is told of an order from now on, as JSON, of what was told of it before.
pub type Tell<'a> = dyn Fn(Option<&str>) -> Result<String, StoreError> + Send + Sync + 'a;

/// Something to be done on lines.
#[derive(Debug, Clone)]
pub struct NewAllocation {
    /// What.
    pub action: LineAction,
    /// With which payment.
    pub payer: Payer,
    /// On which lines, with how much, in minor units.
    pub entries: Vec<(u32, i64)>,
    /// Whether it succeeded where it was done.
    pub is_success: bool,
    /// What the merchant tells about it, as JSON.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// A payment to be made.
#[derive(Debug)]
pub struct NewPayment {
    /// The part to be paid.
    pub amount: Money,
    /// The merchant's name for it.
    pub reference: String,
    /// With what.
    pub instrument: Instrument,
    /// Where a shopper who has to leave the shop comes back to.
    pub return_url: String,
    /// Until when a shopper who has to act may do so.
    pub act_by: Option<Time>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// What a command came to.
#[derive(Debug)]
pub enum Done {
    /// It was committed; the order after it.
    Committed(Order),
    /// It was done before, by the commit of this version; the order now.
    Already(Version, Order),
}

/// An order that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Which.
    pub key: OrderKey,
    /// The order, as it was opened.
    pub order: Order,
    /// Whether it was opened before, with the same idempotency key.
    pub is_repeated: bool,
}

/// An operation that was asked for.
#[derive(Debug)]
pub struct Operated {
    /// The order after it.
    pub order: Order,
    /// The commit that asked for it; with the order's identity, its reference.
    pub operation: Version,
    /// Whether it was asked for before, with the same idempotency key.
    pub is_repeated: bool,
}

/// An order as it was when a request was first answered, and the payment the answer speaks of. Rendering
/// it again gives the same bytes.
#[derive(Debug)]
pub struct Answered {
    /// Which order.
    pub key: OrderKey,
    /// The order, as of the answer's version.
    pub order: Order,
    /// The payment.
    pub payment: Payment,
}

impl App {
    /// Opens an order to be paid in parts, or finds the one that the same request opened before. Returned
    /// as it was opened.
    ///
    /// # Errors
    /// Refusals of the terms; [`Refusal::KeyReused`]; the store's.
    pub async fn open(&self, terms: OrderTerms) -> Result<Opened, Error> {
        let open = self.terms_to_open(&terms);
        match self.begin(&terms, &open, None).await? {
            (key, Done::Committed(order)) => Ok(Opened { key, order, is_repeated: false }),
            (key, Done::Already(version, _)) => {
                let order = self.order_at(&key, version).await?;
                Ok(Opened { key, order, is_repeated: true })
            }
        }
    }

    /// Pays an order, or a part of it. `view` is what the shopper's token says.
    ///
    /// # Errors
    /// Refusals; the store's.
    pub async fn pay(&self, key: OrderKey, view: ShopperView, payment: NewPayment) -> Result<Answered, Error> {
        let reserve = self.reserve(&key.merchant, &payment, view.version);
        let command = Command::Reserve(reserve);
        let start = Order::glimpse(view);
        let done = match self.carry_out(&key, start, &command).await {
            // Whoever sent it first may have died; then its partner tells what became of it.
            Err(Error::Refused(Refusal::InProgress)) => {
                let order = self.find(&key).await?;
                self.advance(&key, order).await?;
                self.carry_out(&key, None, &command).await?
            }
            done => done?,
        };
        self.authorise(key, done, payment).await
    }

    /// Pays without an order: one is opened around the payment. `terms` are that order's.
    ///
    /// # Errors
    /// Refusals; the store's.
    pub async fn pay_single(&self, terms: OrderTerms, payment: NewPayment) -> Result<Answered, Error> {
        let open = self.terms_to_open(&terms);
        // The order remembers the key; once is enough.
        let reserve = Reserve { key: None, ..self.reserve(&terms.merchant, &payment, Version::FIRST) };
        let (key, mut done) = self.begin(&terms, &open, Some(&reserve)).await?;
        if let Done::Already(version, order) = &done
            && order.payment(*version).is_none_or(|payment| payment.answered.is_none())
        {
            let order = self.advance(&key, order.clone()).await?;
            if order.payment(*version).is_none_or(|payment| payment.answered.is_none()) {
                return Err(Refusal::InProgress.into());
            }
            done = Done::Already(*version, order);
        }
        self.authorise(key, done, payment).await
    }

    /// Whether a payment was asked for before with this idempotency key: of an order, or, without one, on its own. Then
    /// the first answer counts, also if what was asked for could not be taken any more.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn was_asked(
        &self,
        merchant: &MerchantAccount,
        order: Option<OrderId>,
        key: Option<KeyPrint>,
    ) -> Result<bool, Error> {
        let Some(key) = key else { return Ok(false) };
        let is_known = |order: &Order| !matches!(order.key_use(Some(key)), Ok(None));
        if let Some(id) = order {
            return Ok(is_known(&self.find(&OrderKey { merchant: merchant.clone(), id }).await?));
        }
        for attempt in 0..IDENTITY_ATTEMPTS_MAX {
            let id = self.prints.order_id(merchant, key, attempt);
            match self.load(&OrderKey { merchant: merchant.clone(), id }, None).await {
                Ok(order) if is_known(&order) => return Ok(true),
                Ok(_) => {}
                Err(Error::NotFound) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Asks the partner of a payment what became of it, after the shopper came back. A payment whose
    /// outcome is known is answered as it was when it became known.
    ///
    /// # Errors
    /// [`Error::NotFound`]; refusals of the key; the store's.
    pub async fn conclude(&self, key: OrderKey, payment: Version, print: Option<KeyPrint>) -> Result<Answered, Error> {
        let order = self.find(&key).await?;
        let known = order.payment(payment).ok_or(Error::NotFound)?;
        let resolved = known.resolved;
        let answer = match (order.key_use(print)?, known.is_final()) {
            (Some(version), _) => version,
            (None, true) if print.is_none() => resolved.unwrap_or(order.version),
            (None, is_final) => {
                let findings = if is_final {
                    Vec::new()
                } else {
                    let resolution = self.look_up(&key, &order, payment).await;
                    vec![Finding::Payment { payment, resolution }]
                };
                let command = Command::Record { findings, key: print };
                match self.carry_out(&key, Some(order), &command).await? {
                    Done::Committed(order) => {
                        let version = order.version;
                        self.advance(&key, order).await?;
                        version
                    }
                    // Somebody else was faster: with the same key, or with the outcome.
                    Done::Already(_, order) => match order.key_use(print)? {
                        Some(version) => version,
                        None => order.payment(payment).and_then(|payment| payment.resolved).unwrap_or(order.version),
                    },
                }
            }
        };
        self.answer_at(key, payment, answer).await
    }

    /// Cancels an order: from now on it takes no payment, and the worker releases what was paid and closes
    /// it. Returns the order, and the commit that asked for the cancellation: the same however often it is
    /// asked for.
    ///
    /// # Errors
    /// [`Refusal::Closed`] for an order that was paid; [`Error::NotFound`]; the store's.
    pub async fn cancel(&self, key: &OrderKey, print: Option<KeyPrint>) -> Result<(Order, Version), Error> {
        let command = Command::Cancel(Cancel { reason: CancelReason::Merchant, key: print });
        match self.carry_out(key, None, &command).await? {
            Done::Committed(order) => {
                let version = order.version;
                Ok((order, version))
            }
            Done::Already(version, order) => Ok((order, version)),
        }
    }

    /// Asks for an operation on what was paid, and does what can be done of it at once, unless it is deferred: then
    /// the worker does it. `start` is the order, if the caller has read it.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; the store's.
    pub async fn operate(&self, key: &OrderKey, start: Option<Order>, operate: Operate) -> Result<Operated, Error> {
        let is_deferred = operate.is_deferred;
        match self.carry_out(key, start, &Command::Operate(operate)).await? {
            Done::Committed(order) => {
                let operation = order.version;
                let order = if is_deferred { order } else { self.advance_or_leave(key, order).await };
                Ok(Operated { order, operation, is_repeated: false })
            }
            Done::Already(operation, order) => Ok(Operated { order, operation, is_repeated: true }),
        }
    }

    /// The same, on lines by the merchant's references: with how much of each, in minor units.
    ///
    /// # Errors
    /// As [`App::operate`].
    pub async fn operate_on_lines(
        &self,
        key: &OrderKey,
        operate: Operate,
        wanted: Vec<(String, i64)>,
    ) -> Result<Operated, Error> {
        for _ in 0..LINES_ATTEMPTS_MAX {
            let order = self.find(key).await?;
            let items = Items { lines: self.lines(key, &order).await?, wanted: wanted.clone() };
            let operate = Operate { items: Some(items), ..operate.clone() };
            match self.operate(key, Some(order), operate).await {
                Err(Error::Refused(Refusal::LinesChanged)) => {}
                done => return done,
            }
        }
        Err(Error::Contended)
    }

    /// Replaces amount, tax and lines. `start` is the order, if the caller has read it.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; the store's.
    pub async fn revise(&self, key: &OrderKey, start: Option<Order>, revision: Revision) -> Result<Order, Error> {
        let Revision { amount, tax, description, lines, details, key: print } = revision;
        let lines = lines.map(|lines| {
            let sheet = self.sheet_of(&key.merchant, &lines, 0);
            (lines, sheet)
        });
        let command = Command::Revise(Revise { amount, tax, description, lines, details, key: print });
        let (Done::Committed(order) | Done::Already(_, order)) = self.carry_out(key, start, &command).await?;
        Ok(order)
    }

    /// Adds lines, some of which may take back others. Returns the order, and the commit that added them: the same
    /// however often the same request comes. What is told with them is made of what was told of the order as it is
    /// then, so that nothing is lost of what others tell at the same time.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; the store's.
    pub async fn add_lines(
        &self,
        key: &OrderKey,
        lines: Vec<Line>,
        tell: Option<&Tell<'_>>,
        print: Option<KeyPrint>,
    ) -> Result<(Order, Version), Error> {
        for _ in 0..LINES_ATTEMPTS_MAX {
            let order = self.find(key).await?;
            let known = self.lines(key, &order).await?;
            let sheet = self.sheet_of(&key.merchant, &lines, crate::lines::kept_here(&order));
            let details = match tell {
                Some(tell) => Some(tell(self.told(key, &order).await?.as_deref())?),
                None => None,
            };
            let command = Command::Append(Append { known, lines: lines.clone(), sheet, details, key: print });
            match self.carry_out(key, Some(order), &command).await {
                Err(Error::Refused(Refusal::LinesChanged)) => {}
                Ok(Done::Committed(order)) => {
                    let version = order.version;
                    return Ok((order, version));
                }
                Ok(Done::Already(version, order)) => return Ok((order, version)),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    /// Does something on lines, and what moves for it as far as it can be done at once. A payment of the order moves;
    /// what is told of somebody else's is kept as a fact.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; the store's.
    pub async fn allocate(&self, key: &OrderKey, new: NewAllocation) -> Result<Operated, Error> {
        for _ in 0..LINES_ATTEMPTS_MAX {
            let order = self.find(key).await?;
            let lines = self.lines(key, &order).await?;
            let NewAllocation { action, payer, entries, is_success, details, key: print } = new.clone();
            let command =
                Command::Allocate(Allocate { action, payer, entries, is_success, lines, details, key: print });
            match self.carry_out(key, Some(order), &command).await {
                Err(Error::Refused(Refusal::LinesChanged)) => {}
                Ok(Done::Committed(order)) => {
                    let operation = order.version;
                    let order = self.advance_or_leave(key, order).await;
                    return Ok(Operated { order, operation, is_repeated: false });
                }
                Ok(Done::Already(operation, order)) => return Ok(Operated { order, operation, is_repeated: true }),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    /// Closes an order that goes on until its merchant closes it.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; the store's.
    pub async fn close(&self, key: &OrderKey, print: Option<KeyPrint>) -> Result<Order, Error> {
        let (Done::Committed(order) | Done::Already(_, order)) =
            self.carry_out(key, None, &Command::Close { key: print }).await?;
        Ok(order)
    }

    /// Goes on with an order that was closed.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; the store's.
    pub async fn reopen(&self, key: &OrderKey, print: Option<KeyPrint>) -> Result<Order, Error> {
        let (Done::Committed(order) | Done::Already(_, order)) =
            self.carry_out(key, None, &Command::Reopen { key: print }).await?;
        Ok(order)
    }

    /// The order of a name that the merchant has given it.
    #[must_use]
    pub fn order_of_alias(&self, merchant: &MerchantAccount, alias: &str) -> OrderId {
        self.prints.alias(merchant, alias)
    }

    /// What can be done of what was taken. It is taken for good: were a failure told now, whoever asked would ask
    /// again, and have it twice. The worker finds what is left.
    async fn advance_or_leave(&self, key: &OrderKey, order: Order) -> Order {
        match self.advance(key, order.clone()).await {
            Ok(after) => after,
            Err(error) => {
                tracing::warn!(stream = %key.stream(), %error, "an operation is left to the worker");
                self.find(key).await.unwrap_or(order)
            }
        }
    }

    /// An order, after all that was due on it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn inspect(&self, key: &OrderKey) -> Result<Order, Error> {
        let order = self.find(key).await?;
        self.advance(key, order).await
    }

    /// An order as it stands.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn find(&self, key: &OrderKey) -> Result<Order, Error> {
        note(key);
        self.load(key, None).await
    }

    /// The one writer of orders that exist: decides a command, commits what was decided, and decides again if
    /// somebody else committed first.
    ///
    /// `start` is the order as the caller knows it, perhaps only from a token; without it, the order is
    /// read. Whether it was still so is what the conditional write finds out.
    ///
    /// # Errors
    /// Refusals; [`Error::NotFound`]; [`Error::Contended`] after [`DECIDE_ATTEMPTS_MAX`] lost races; the
    /// store's.
    pub async fn carry_out(&self, key: &OrderKey, start: Option<Order>, command: &Command) -> Result<Done, Error> {
        note(key);
        let stream = key.stream();
        // A snapshot is made of the whole state, so the commit that carries it needs the order read.
        let mut known = start.filter(|order| !(order.is_partial && order.version.next().is_none_or(carries_snapshot)));
        // Whoever has lost a race waits for its turn among those of this process, or many would lose again and again.
        let mut turn = None;
        for _ in 0..DECIDE_ATTEMPTS_MAX {
            let order = match known.take() {
                Some(order) => order,
                None => self.find(key).await?,
            };
            let events = match order.decide(command, self.streams.now()) {
                Ok(Decision::Commit(events)) => events,
                Ok(Decision::Already(version)) => return Ok(Done::Already(version, order)),
                Err(Refusal::NeedsHistory) => continue,
                // What is to be paid may have changed since the token was made: then that is the reason to be told.
                Err(Refusal::ExceedsRemaining { .. }) if order.is_partial => continue,
                Err(refusal) => return Err(refusal.into()),
            };
            // What an order refers to is there before the order does.
            if let Some((sheet, lines)) = sheet_in(command) {
                self.keep(&key.merchant, sheet, lines).await?;
            }
            let base = Loaded { version: order.version, state: order };
            let list = self.reference_list(&key.merchant, &events);
            match self.streams.append_listed(&stream, Some(base), &events, list).await {
                Ok(after) => {
                    self.count(&after.state, &events);
                    return Ok(Done::Committed(after.state));
                }
                Err(StoreError::Conflict) => {
                    if turn.is_none() {
                        turn = Some(self.streams.turn(&stream).await);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended)
    }

    /// Begins an order's stream, or finds that the same keyed request began it before.
    async fn begin(
        &self,
        terms: &OrderTerms,
        open: &Open,
        payment: Option<&Reserve>,
    ) -> Result<(OrderKey, Done), Error> {
        let opened = Order::open(open, payment, self.streams.now());
        for attempt in 0..IDENTITY_ATTEMPTS_MAX {
            let id = match (terms.id, terms.key) {
                (Some(id), _) => id,
                (None, Some(key)) => self.prints.order_id(&terms.merchant, key, attempt),
                (None, None) => OrderId::from_entropy(self.streams.entropy()),
            };
            let key = OrderKey { merchant: terms.merchant.clone(), id };
            if let (Ok(_), Some(NewCart { terms: CartTerms { sheet: Some(sheet), .. }, lines, .. })) =
                (&opened, &open.cart)
            {
                self.keep(&key.merchant, sheet, lines).await?;
            }
            let known = match &opened {
                Ok(events) => match self.append_first(&key, events).await {
                    Ok(opened) => return Ok((key, Done::Committed(opened.state))),
                    Err(StoreError::Conflict) => self.find(&key).await?,
                    Err(error) => return Err(error.into()),
                },
                // What could be opened then may be refused now, when its expiry is past; a repeated request
                // is answered as it was all the same.
                Err(refusal) if terms.key.is_none() => return Err(refusal.clone().into()),
                Err(refusal) => match self.find(&key).await {
                    Ok(order) => order,
                    Err(Error::NotFound) => return Err(refusal.clone().into()),
                    Err(error) => return Err(error),
                },
            };
            if let Some(version) = known.key_use(terms.key)? {
                return Ok((key, Done::Already(version, known)));
            }
            if terms.id.is_some() {
                return Err(Refusal::Taken.into());
            }
        }
        Err(Error::Contended)
    }

    async fn append_first(&self, key: &OrderKey, events: &[OrderEvent]) -> Result<Loaded<Order>, StoreError> {
        note(key);
        let list = self.reference_list(&key.merchant, events);
        let opened = self.streams.append_listed(&key.stream(), None, events, list).await?;
        self.count(&opened.state, events);
        Ok(opened)
    }

    fn count(&self, after: &Order, events: &[OrderEvent]) {
        let measures = metrics::of_commit(after, events);
        if !measures.is_empty() {
            self.meter.count(&measures);
        }
    }

    fn reserve(&self, merchant: &MerchantAccount, payment: &NewPayment, seen: Version) -> Reserve {
        let partner = self.partner_for(&payment.instrument);
        let Described { method, token } = self.partner(partner).describe(merchant, &payment.instrument);
        Reserve {
            seen,
            amount: payment.amount,
            reference: payment.reference.clone(),
            method,
            partner,
            token,
            act_by: payment.act_by,
            key: payment.key,
        }
    }

    /// The call between intent and outcome, and the outcome.
    async fn authorise(&self, key: OrderKey, done: Done, payment: NewPayment) -> Result<Answered, Error> {
        let order = match done {
            Done::Committed(order) => order,
            Done::Already(version, order) => {
                let answer = order.payment(version).and_then(|payment| payment.answered).unwrap_or(order.version);
                return self.answer_at(key, version, answer).await;
            }
        };
        let version = order.version;
        let reserved = order.payment(version).ok_or(Error::NotFound)?;
        let request = Authorise {
            merchant: &key.merchant,
            payment: key.id.at(version),
            amount: payment.amount,
            instrument: &payment.instrument,
            token: &reserved.token,
            return_url: &payment.return_url,
        };
        let call = self.partner(reserved.partner).authorise(request);
        let resolution = timeout(PARTNER_CALL_MAX, call).await.unwrap_or(Resolution::Uncertain);
        self.settle(&key, order, version, resolution)
            .await
            .map_err(|source| Error::Begun { payment: key.id.at(version), source: Box::new(source) })
    }

    /// Records the outcome of a payment just made, and answers with the order as of the first outcome: its
    /// own, unless recovery was faster.
    async fn settle(
        &self,
        key: &OrderKey,
        order: Order,
        payment: Version,
        resolution: Resolution,
    ) -> Result<Answered, Error> {
        let findings = vec![Finding::Payment { payment, resolution }];
        let (Done::Committed(order) | Done::Already(_, order)) =
            self.carry_out(key, Some(order), &Command::Record { findings, key: None }).await?;
        if order.cancellation.is_some() || order.has_lapsed(self.streams.now()) {
            // The answer is that of the outcome; what is not released now is found again by the next look.
            self.advance(key, order.clone()).await?;
        }
        let known = order.payment(payment).cloned().ok_or(Error::NotFound)?;
        match known.answered {
            Some(answer) if answer != order.version => self.answer_at(key.clone(), payment, answer).await,
            Some(_) | None => Ok(Answered { key: key.clone(), order, payment: known }),
        }
    }

    async fn answer_at(&self, key: OrderKey, payment: Version, answer: Version) -> Result<Answered, Error> {
        let order = self.order_at(&key, answer).await?;
        let payment = order.payment(payment).cloned().ok_or(Error::NotFound)?;
        Ok(Answered { key, order, payment })
    }

    /// An order as it was after a commit.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn order_at(&self, key: &OrderKey, version: Version) -> Result<Order, Error> {
        self.load(key, Some(version)).await
    }

    pub(crate) async fn load(&self, key: &OrderKey, up_to: Option<Version>) -> Result<Order, Error> {
        let loaded = self.streams.load::<Order>(&key.stream(), up_to).await?;
        loaded.map(|loaded| loaded.state).ok_or(Error::NotFound)
    }
}

impl OrderTerms {
    /// The terms of an order to be paid in parts, without anything that may be left out.
    #[must_use]
    pub fn new(merchant: MerchantAccount, reference: String, amount: Money, token_key: u32) -> Self {
        Self {
            merchant,
            reference,
            amount,
            expires_at: None,
            token_key,
            session: None,
            lines: None,
            id: None,
            details: None,
            key: None,
        }
    }
}

impl App {
    fn terms_to_open(&self, terms: &OrderTerms) -> Open {
        let cart = terms.lines.clone().map(|new| {
            let NewLines { lines, tax, description, alias, is_running } = new;
            let sheet = (!lines.is_empty()).then(|| self.sheet_of(&terms.merchant, &lines, 0));
            NewCart { terms: CartTerms { tax, description, alias, sheet }, lines, is_running }
        });
        Open {
            reference: terms.reference.clone(),
            amount: terms.amount,
            expires_at: terms.expires_at,
            token_key: terms.token_key,
            session: terms.session.clone(),
            cart,
            details: terms.details.clone(),
            key: terms.key,
        }
    }
}

/// The lines that a command brings, and where they are to be kept.
fn sheet_in(command: &Command) -> Option<(&Sheet, &[Line])> {
    match command {
        Command::Revise(revise) => revise.lines.as_ref().map(|(lines, sheet)| (sheet, lines.as_slice())),
        Command::Append(append) => Some((&append.sheet, &append.lines)),
        Command::Reserve(_)
        | Command::Operate(_)
        | Command::Allocate(_)
        | Command::Close { .. }
        | Command::Reopen { .. }
        | Command::Cancel(_)
        | Command::Lapse
        | Command::Record { .. } => None,
    }
}

impl Answered {
    /// The payment's reference.
    #[must_use]
    pub fn payment_reference(&self) -> Reference {
        self.key.id.at(self.payment.version)
    }
}
