//! Credit: lines of credit of our own, with real limits and holds, and what they are offered on.
//!
//! A customer has one line of credit with a merchant account, of one product. Its stream is named by a keyed fingerprint
//! of the merchant's name for the customer.

use app::{
    Fut, Instrument, Partner, Prints, StoreError, StreamId, Streams,
    ports::{Authorise, Described, Lookup, Perform},
    streams::ChangeError,
};
use data_encoding::BASE32_NOPAD;
use domain::{
    Account, Action, Currency, MerchantAccount, Money, Reference,
    account::{AccountEvent, Call, LimitFault, SpendFault, Spending},
    credit::{
        Offer, Product, ProductEvent, ProductFault, Proof, ProofFault, Settings, SettingsEvent, SettingsFault, Spend,
        Standing, Unavailable, check_code,
    },
    order::{Decline, LegResult, Resolution},
};
use uuid::Uuid;

use crate::books::{Books, unknown};

/// The credit of all merchants' customers.
#[derive(Clone)]
pub struct Credits {
    books: Books,
    prints: Prints,
}

/// Digits of a one-time code.
pub const ONE_TIME_CODE_DIGITS: usize = 6;

/// Why something about credit is not done.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// There is no such product.
    #[error("there is no such product")]
    UnknownProduct,
    /// The customer has no credit here.
    #[error("there is no such customer")]
    UnknownCustomer,
    /// The customer has no such spend option.
    #[error("the customer has no such spend option")]
    UnknownOption,
    /// The customer has credit of another product.
    #[error("the customer has credit of the product '{expected}'")]
    OtherProduct {
        /// Which.
        expected: String,
    },
    /// The amount is in another currency than the credit.
    #[error("the credit is in {expected}, got {actual}")]
    OtherCurrency {
        /// The credit's.
        expected: Currency,
        /// The amount's.
        actual: Currency,
    },
    /// The offer cannot be taken.
    #[error("{}", unavailable(*reason, *currency))]
    Unavailable {
        /// Why not.
        reason: Unavailable,
        /// What it is in.
        currency: Currency,
    },
    /// It is not proved that it is the customer who spends.
    #[error(transparent)]
    Proof(#[from] ProofFault),
    /// A product or an offer is not what it may be.
    #[error(transparent)]
    Product(#[from] ProductFault),
    /// A limit is not what it may be.
    #[error(transparent)]
    Limit(#[from] LimitFault),
    /// Settings are not what they may be.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Decline> for CreditError {
    /// What is asked of an account that is not there.
    fn from(_: Decline) -> Self {
        Self::UnknownCustomer
    }
}

impl<E: Into<Self>> From<ChangeError<E>> for CreditError {
    fn from(error: ChangeError<E>) -> Self {
        match error {
            ChangeError::Refused(fault) => fault.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// What a customer wants to spend.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The merchant's name for the customer.
    pub customer: &'a str,
    /// How much.
    pub amount: Money,
    /// On which terms; revolving if it is not said.
    pub option: Option<Uuid>,
}

impl Credits {
    /// Credit kept in `streams`.
    #[must_use]
    pub fn new(streams: Streams, prints: Prints) -> Self {
        Self { books: Books::new(streams, "credit"), prints }
    }

    // Products and offers.

    /// A product.
    ///
    /// # Errors
    /// [`CreditError::UnknownProduct`]; the store's.
    pub async fn product(&self, merchant: &MerchantAccount, code: &str) -> Result<Product, CreditError> {
        let loaded = self.books.streams.load::<Product>(&known_product_stream(merchant, code)?, None).await?;
        loaded.map(|loaded| loaded.state).ok_or(CreditError::UnknownProduct)
    }

    /// Makes a product, or names it anew.
    ///
    /// # Errors
    /// [`CreditError::Product`]; the store's.
    pub async fn set_product(
        &self,
        merchant: &MerchantAccount,
        code: &str,
        name: &str,
        description: &str,
        currency: Currency,
    ) -> Result<Product, CreditError> {
        let decide = |known: Option<&Product>| -> Result<Vec<ProductEvent>, ProductFault> {
            Ok(Product::set(known, code, name, description, currency)?.into_iter().collect())
        };
        // What cannot be a code is no stream's name either.
        check_code("productCode", code)?;
        let product = self.books.streams.change(&product_stream(merchant, code), decide).await?;
        product.ok_or(CreditError::UnknownProduct)
    }

    /// Makes an offer of a product, or changes it.
    ///
    /// # Errors
    /// [`CreditError::UnknownProduct`], [`CreditError::Product`]; the store's.
    pub async fn set_offer(
        &self,
        merchant: &MerchantAccount,
        product: &str,
        offer: &Offer,
    ) -> Result<Product, CreditError> {
        let decide = |known: Option<&Product>| -> Result<Vec<ProductEvent>, CreditError> {
            let known = known.ok_or(CreditError::UnknownProduct)?;
            Ok(known.set_offer(offer)?.into_iter().collect())
        };
        let product = self.books.streams.change(&known_product_stream(merchant, product)?, decide).await?;
        product.ok_or(CreditError::UnknownProduct)
    }

    // Settings.

    /// What a merchant account has agreed on with its lender.
    ///
    /// # Errors
    /// The store's.
    pub async fn settings(&self, merchant: &MerchantAccount) -> Result<Settings, StoreError> {
        let loaded = self.books.streams.load::<Settings>(&settings_stream(merchant), None).await?;
        Ok(loaded.map(|loaded| loaded.state).unwrap_or_default())
    }

    /// Changes that.
    ///
    /// # Errors
    /// [`CreditError::Settings`]; the store's.
    pub async fn set_settings(&self, merchant: &MerchantAccount, settings: &Settings) -> Result<Settings, CreditError> {
        settings.check()?;
        let stream = settings_stream(merchant);
        // Settings do not know their version. Two that are set at once may both pass here: what is kept back takes both.
        let known = self.books.streams.load::<Settings>(&stream, None).await?;
        if known.is_some_and(|known| known.version.is_near_end() && known.state != *settings) {
            return Err(SettingsFault::Full.into());
        }
        let decide = |known: Option<&Settings>| -> Result<Vec<SettingsEvent>, SettingsFault> {
            let is_new = known != Some(settings);
            Ok(is_new.then(|| SettingsEvent::SettingsSet { settings: settings.clone() }).into_iter().collect())
        };
        let settings = self.books.streams.change(&stream, decide).await?;
        Ok(settings.unwrap_or_default())
    }

    // Customers.

    /// A customer's credit.
    ///
    /// # Errors
    /// [`CreditError::UnknownCustomer`]; the store's.
    pub async fn account(&self, merchant: &MerchantAccount, customer: &str) -> Result<Account, CreditError> {
        self.books.find(merchant, &self.token(merchant, customer)).await?.ok_or(CreditError::UnknownCustomer)
    }

    /// Gives a customer credit of a product, or changes its limit.
    ///
    /// # Errors
    /// [`CreditError::UnknownProduct`], [`CreditError::OtherProduct`], [`CreditError::OtherCurrency`],
    /// [`CreditError::Limit`]; the store's.
    pub async fn set_limit(
        &self,
        merchant: &MerchantAccount,
        customer: &str,
        product: &str,
        limit: Money,
    ) -> Result<Account, CreditError> {
        let known = self.product(merchant, product).await?;
        check_currency(known.currency, limit)?;
        let decide = |account: Option<&Account>| -> Result<Vec<AccountEvent>, CreditError> {
            let Some(account) = account else {
                let (customer, product) = (customer.to_owned(), product.to_owned());
                return Ok(vec![AccountEvent::CreditOpened { customer, product, limit, key: None }]);
            };
            if account.brand != product {
                return Err(CreditError::OtherProduct { expected: account.brand.clone() });
            }
            Ok(account.decide_limit(limit)?)
        };
        let stream = self.books.stream(merchant, &self.token(merchant, customer));
        self.books.streams.change(&stream, decide).await?.ok_or(CreditError::UnknownCustomer)
    }

    /// Whether a payment's token is that of a customer's credit.
    #[must_use]
    pub fn is_of(&self, merchant: &MerchantAccount, customer: &str, token: &str) -> bool {
        self.token(merchant, customer) == token
    }

    // Spending.

    /// What identifies an offer of a product.
    #[must_use]
    pub fn offer_id(&self, merchant: &MerchantAccount, product: &str, offer: &str) -> Uuid {
        self.uuid("credit-offer", &[merchant.as_str(), product, offer])
    }

    /// What a customer names an offer by when it is taken: the terms as they are, so that who was shown others does not
    /// get these.
    #[must_use]
    pub fn option_id(&self, merchant: &MerchantAccount, customer: &str, product: &str, offer: &Offer) -> Uuid {
        let (rate, months) = (offer.interest_rate.to_string(), offer.months.to_string());
        self.uuid("credit-spend-option", &[merchant.as_str(), customer, product, &offer.code, &rate, &months])
    }

    /// Whether the customer may spend an amount on these terms without authentication.
    ///
    /// # Errors
    /// The customer is not known; the terms are not on offer; the store's.
    pub async fn is_exempt(&self, merchant: &MerchantAccount, wanted: Wanted<'_>) -> Result<bool, CreditError> {
        let account = self.account(merchant, wanted.customer).await?;
        self.terms(merchant, &account, wanted).await?;
        let settings = self.settings(merchant).await?;
        Ok(account.prove(wanted.amount, None, &settings, self.books.streams.now()).is_ok())
    }

    /// Whether a spend could be authorised but for the limit: the customer is known, the terms are on offer, and the
    /// proof is one. Nothing is held.
    ///
    /// # Errors
    /// Why not; the store's.
    pub async fn check(
        &self,
        merchant: &MerchantAccount,
        wanted: Wanted<'_>,
        proof: Option<&Proof>,
    ) -> Result<(), CreditError> {
        let account = self.account(merchant, wanted.customer).await?;
        self.terms(merchant, &account, wanted).await?;
        let settings = self.settings(merchant).await?;
        account.prove(wanted.amount, proof, &settings, self.books.streams.now())?;
        Ok(())
    }

    /// The terms that a spend is authorised on.
    async fn terms(
        &self,
        merchant: &MerchantAccount,
        account: &Account,
        wanted: Wanted<'_>,
    ) -> Result<Spend, CreditError> {
        check_currency(account.issued.currency(), wanted.amount)?;
        let Some(option) = wanted.option else { return Ok(Spend::revolving()) };
        let product = self.product(merchant, &account.brand).await?;
        let is_it = |offer: &&Offer| self.option_id(merchant, wanted.customer, &product.code, offer) == option;
        let offer = product.offers.iter().find(is_it).ok_or(CreditError::UnknownOption)?;
        let currency = product.currency;
        let checked = offer.check(wanted.amount.minor(), self.books.streams.now());
        checked.map_err(|reason| CreditError::Unavailable { reason, currency })?;
        Ok(offer.spend())
    }

    // Authentication.

    /// The one-time code of an authentication. Whoever sends it to the customer asks for it here.
    #[must_use]
    pub fn one_time_code(&self, merchant: &MerchantAccount, customer: &str, challenge: Reference) -> String {
        let (token, challenge) = (self.token(merchant, customer), challenge.to_string());
        let mut code = String::with_capacity(ONE_TIME_CODE_DIGITS);
        for block in 0_u8.. {
            let print = self.prints.print("one-time-code", &[token.as_bytes(), challenge.as_bytes(), &[block]]);
            // Bytes from 250 on would favour some digits.
            let unbiased = print.into_iter().filter(|byte| *byte < 250).map(|byte| char::from(b'0' + byte % 10));
            code.extend(unbiased.take(ONE_TIME_CODE_DIGITS.saturating_sub(code.len())));
            if code.len() >= ONE_TIME_CODE_DIGITS {
                break;
            }
        }
        code
    }

    /// Where an authentication of a customer stands.
    ///
    /// # Errors
    /// [`CreditError::UnknownCustomer`]; the store's.
    pub async fn standing(
        &self,
        merchant: &MerchantAccount,
        customer: &str,
        proof: &Proof,
    ) -> Result<Standing, CreditError> {
        let account = self.account(merchant, customer).await?;
        Ok(account.standing(proof, self.books.streams.now()))
    }

    /// Takes a one-time code from a customer. Returns where the authentication stands then.
    ///
    /// # Errors
    /// [`CreditError::Proof`]: the authentication cannot be passed any more; the store's.
    pub async fn give_code(
        &self,
        merchant: &MerchantAccount,
        customer: &str,
        proof: &Proof,
        code: &str,
    ) -> Result<Standing, CreditError> {
        let is_right = self.one_time_code(merchant, customer, proof.challenge) == code;
        let now = self.books.streams.now();
        let decide = |account: &Account| -> Result<Vec<AccountEvent>, CreditError> {
            Ok(account.decide_code(proof, is_right, now)?)
        };
        let account = self.books.change(merchant, &self.token(merchant, customer), decide).await?;
        Ok(account.standing(proof, now))
    }

    /// Holds credit. What is declined is put on record in the same step, so that a call that comes twice is answered as
    /// it was the first time.
    async fn hold(
        &self,
        request: &Authorise<'_>,
        wanted: Wanted<'_>,
        proof: Option<&Proof>,
    ) -> Result<Account, ChangeError<Decline>> {
        let call = Call::Hold(request.payment);
        let (spend, settings) = self.spend(request.merchant, wanted).await?;
        let now = self.books.streams.now();
        let decide = |account: &Account| {
            let decided = match &spend {
                Ok(spend) => {
                    let (payment, amount, spend) = (request.payment, request.amount, spend.clone());
                    let spending = Spending { payment, amount, spend, proof: proof.copied() };
                    account.decide_spend(&spending, &settings, now).map_err(decline_of)
                }
                Err(_) if account.hold(request.payment).is_some() => Ok(Vec::new()),
                Err(reason) => Err(account.declined(call).unwrap_or(*reason)),
            };
            decided.or_else(|reason| account.decline(call, reason).map(|event| vec![event]).ok_or(reason))
        };
        let account = self.books.change(request.merchant, request.token, decide).await?;
        if account.hold(request.payment).is_some() {
            return Ok(account);
        }
        Err(ChangeError::Refused(account.declined(call).unwrap_or(Decline::NotPermitted)))
    }

    /// The terms of a spend, or why there are none, and the merchant's settings.
    async fn spend(
        &self,
        merchant: &MerchantAccount,
        wanted: Wanted<'_>,
    ) -> Result<(Result<Spend, Decline>, Settings), ChangeError<Decline>> {
        let terms = async {
            let account = self.account(merchant, wanted.customer).await?;
            self.terms(merchant, &account, wanted).await
        };
        let spend = match terms.await {
            Ok(spend) => Ok(spend),
            Err(CreditError::Store(error)) => return Err(ChangeError::Store(error)),
            Err(CreditError::UnknownCustomer) => Err(Decline::InvalidCardNumber),
            Err(CreditError::OtherCurrency { .. }) => Err(Decline::NotEnoughBalance),
            Err(_) => Err(Decline::NotPermitted),
        };
        Ok((spend, self.settings(merchant).await?))
    }

    fn token(&self, merchant: &MerchantAccount, customer: &str) -> String {
        let print = self.prints.print("credit-customer", &[merchant.as_str().as_bytes(), customer.as_bytes()]);
        BASE32_NOPAD.encode(&print[..15])
    }

    fn uuid(&self, purpose: &str, parts: &[&str]) -> Uuid {
        let parts = parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.prints.print(purpose, &parts)[..16]);
        Uuid::new_v8(bytes)
    }
}

fn decline_of(fault: SpendFault) -> Decline {
    match fault {
        SpendFault::Proof(_) => Decline::NotAuthenticated,
        SpendFault::Declined(reason) => reason,
    }
}

/// Why an offer cannot be taken, with its amounts as money.
fn unavailable(reason: Unavailable, currency: Currency) -> String {
    let money =
        |minor: u64| Money::try_new(currency, minor).map_or_else(|_| minor.to_string(), |money| money.to_string());
    match reason {
        Unavailable::Inactive | Unavailable::Expired => reason.to_string(),
        Unavailable::TooLittle { least, actual } => {
            format!("the offer takes {} or more, got {}", money(least), money(actual))
        }
        Unavailable::TooMuch { most, actual } => {
            format!("the offer takes at most {}, got {}", money(most), money(actual))
        }
        Unavailable::NoPlan { months, actual } => {
            format!("{} cannot be paid back in {months} instalments", money(actual))
        }
    }
}

fn check_currency(expected: Currency, amount: Money) -> Result<(), CreditError> {
    let actual = amount.currency();
    if actual == expected { Ok(()) } else { Err(CreditError::OtherCurrency { expected, actual }) }
}

fn product_stream(merchant: &MerchantAccount, code: &str) -> StreamId {
    StreamId::owned(merchant, "creditproduct", code)
}

/// The stream of a product that is there already: no product is named by what cannot be a code, so that is not looked for.
fn known_product_stream(merchant: &MerchantAccount, code: &str) -> Result<StreamId, CreditError> {
    check_code("productCode", code).map_err(|_| CreditError::UnknownProduct)?;
    Ok(product_stream(merchant, code))
}

fn settings_stream(merchant: &MerchantAccount) -> StreamId {
    StreamId::owned(merchant, "creditsettings", "all")
}

impl Partner for Credits {
    fn describe(&self, merchant: &MerchantAccount, instrument: &Instrument) -> Described {
        let described = Described::by_kind(instrument);
        match instrument {
            Instrument::Credit { customer, .. } => Described { token: self.token(merchant, customer), ..described },
            Instrument::GiftCard { .. } | Instrument::Card { .. } | Instrument::Ideal => described,
        }
    }

    fn authorise<'a>(&'a self, request: Authorise<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move {
            let Instrument::Credit { customer, option, proof } = request.instrument else {
                return Resolution::Refused { reason: Decline::NotPermitted };
            };
            let wanted = Wanted { customer, amount: request.amount, option: *option };
            match self.hold(&request, wanted, proof.as_ref()).await {
                Ok(_) => Resolution::Authorised,
                Err(ChangeError::Refused(reason)) => Resolution::Refused { reason },
                // Every try is known not to have been written: nothing is held.
                Err(ChangeError::Store(StoreError::Conflict)) => Resolution::Failed,
                Err(ChangeError::Store(error)) => unknown(&error),
            }
        })
    }

    fn perform<'a>(&'a self, request: Perform<'a>) -> Fut<'a, LegResult> {
        Box::pin(async move {
            let settings = match request.action {
                Action::Increase => self.settings(request.merchant).await,
                Action::Capture | Action::Void | Action::Refund => Ok(Settings::default()),
            };
            let settings = match settings {
                Ok(settings) => settings,
                Err(error) => {
                    tracing::warn!(%error, leg = %request.leg, "the account's store did not answer");
                    return LegResult::Uncertain;
                }
            };
            let admits = |account: &Account| match request.action {
                Action::Increase => account.check_raise(request.payment, request.amount.minor(), &settings),
                Action::Capture | Action::Void | Action::Refund => Ok(()),
            };
            self.books.perform(&request, admits).await
        })
    }

    fn lookup<'a>(&'a self, request: Lookup<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move { self.books.lookup(&request).await })
    }
}
