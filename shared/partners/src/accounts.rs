//! Gift cards: accounts of our own, with real holds.
//!
//! An account's stream is named by a keyed fingerprint of the card's number, so the store knows no number;
//! of the security code it has a keyed fingerprint too.

use app::{
    Fut, Instrument, Partner, Prints, StoreError, Streams,
    ports::{Authorise, Described, Lookup, Perform},
    streams::ChangeError,
};
use data_encoding::BASE32_NOPAD;
use domain::{
    Account, MerchantAccount, Money,
    account::{AccountCommand, AccountEvent, Call},
    order::{Decline, KeyPrint, LegResult, Method, MethodKind, Resolution},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    books::{Books, unknown},
    last4,
};

/// The gift cards of all merchants.
#[derive(Clone)]
pub struct Accounts {
    books: Books,
    prints: Prints,
}

/// What a gift card is issued with.
#[derive(Debug)]
pub struct NewGiftCard {
    /// The brand, such as `givex`.
    pub brand: String,
    /// What is on it.
    pub balance: Money,
    /// Its number; drawn at random if not given.
    pub number: Option<SecretString>,
    /// Its security code; drawn at random if not given.
    pub code: Option<SecretString>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// A gift card as it is told once, to whoever issued it.
#[derive(Debug)]
pub struct GiftCard {
    /// Its number.
    pub number: SecretString,
    /// Its security code.
    pub code: SecretString,
}

/// Why a gift card was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// There is one of that number.
    #[error("there is a gift card of this number already")]
    Exists,
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a balance is not told.
#[derive(Debug, thiserror::Error)]
pub enum BalanceError {
    /// The card, or its code, is not known.
    #[error("declined: {0:?}")]
    Declined(Decline),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Digits that drawn numbers begin with: an issuer of gift cards.
const NUMBER_PREFIX: &str = "603628";
/// Digits of a drawn number.
const NUMBER_DIGITS: usize = 19;
/// Digits of a drawn security code.
const CODE_DIGITS: usize = 3;
/// Times a number is drawn before giving up.
const DRAWS_MAX: u8 = 3;

impl Accounts {
    /// Gift cards kept in `streams`.
    #[must_use]
    pub fn new(streams: Streams, prints: Prints) -> Self {
        Self { books: Books::new(streams, "giftcard"), prints }
    }

    /// Issues a gift card. With an idempotency key, number and code are made from that instead of drawn, so
    /// that the same request finds the card it issued before.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn issue(&self, merchant: &MerchantAccount, card: NewGiftCard) -> Result<GiftCard, IssueError> {
        let NewGiftCard { brand, balance, number, code, key } = card;
        let code = code.unwrap_or_else(|| self.digits("issued-code", merchant, key, "", CODE_DIGITS));
        for _ in 0..DRAWS_MAX {
            let is_drawn = number.is_none() && key.is_none();
            let number = number
                .clone()
                .unwrap_or_else(|| self.digits("issued-number", merchant, key, NUMBER_PREFIX, NUMBER_DIGITS));
            let token = self.token(merchant, &number);
            let issued = AccountEvent::Issued {
                brand: brand.clone(),
                last4: last4(number.expose_secret()),
                balance,
                code: self.code_print(&token, Some(&code)),
                key,
            };
            let stream = self.books.stream(merchant, &token);
            match self.books.streams.append::<Account>(&stream, None, &[issued]).await {
                Ok(_) => return Ok(GiftCard { number, code }),
                Err(StoreError::Conflict) if is_drawn => {}
                Err(StoreError::Conflict) => {
                    let known =
                        self.books.streams.load::<Account>(&stream, None).await?.and_then(|known| known.state.key);
                    return match (key, known) {
                        (Some(key), Some(known)) if key == known => Ok(GiftCard { number, code }),
                        (Some(key), Some(known)) if key.key == known.key => Err(IssueError::KeyReused),
                        _ => Err(IssueError::Exists),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(IssueError::Exists)
    }

    /// A gift card, by its number.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, merchant: &MerchantAccount, number: &SecretString) -> Result<Option<Account>, StoreError> {
        self.books.find(merchant, &self.token(merchant, number)).await
    }

    /// What can be spent of a gift card.
    ///
    /// # Errors
    /// [`BalanceError::Declined`] if there is no such card of that brand, or the code is wrong; the store's.
    pub async fn balance(
        &self,
        merchant: &MerchantAccount,
        brand: &str,
        number: &SecretString,
        code: Option<&SecretString>,
    ) -> Result<Money, BalanceError> {
        let token = self.token(merchant, number);
        let (print, now) = (self.code_print(&token, code), self.books.streams.now());
        let account = self
            .books
            .change(merchant, &token, |account| match account.check_code(print, now) {
                _ if account.brand != brand => Err(Decline::InvalidCardNumber),
                Err(Decline::InvalidCode) => Ok(vec![AccountEvent::CodeFailed]),
                Ok(()) => Ok(account.accept_code().into_iter().collect()),
                Err(reason) => Err(reason),
            })
            .await;
        match account.and_then(|account| account.check_code(print, now).map(|()| account).map_err(ChangeError::Refused))
        {
            Ok(account) => Ok(account.issued.with_minor(account.available())),
            Err(ChangeError::Refused(reason)) => Err(BalanceError::Declined(reason)),
            Err(ChangeError::Store(error)) => Err(error.into()),
        }
    }

    /// Holds money, if brand and code fit. A wrong code is put on record in the same step.
    async fn hold(
        &self,
        request: &Authorise<'_>,
        brand: &str,
        code: Option<&SecretString>,
    ) -> Result<Account, ChangeError<Decline>> {
        let (print, now) = (self.code_print(request.token, code), self.books.streams.now());
        let hold = AccountCommand::Hold { payment: request.payment, amount: request.amount };
        let call = Call::Hold(request.payment);
        let account = self
            .books
            .change(request.merchant, request.token, |account| {
                if account.brand != brand {
                    return Err(Decline::InvalidCardNumber);
                }
                // A call that comes twice is answered as it was the first time.
                if account.hold(request.payment).is_some() {
                    return Ok(Vec::new());
                }
                if let Some(reason) = account.declined(call) {
                    return Err(reason);
                }
                let declined = |reason| account.decline(call, reason).map(|event| vec![event]).ok_or(reason);
                match account.check_code(print, now) {
                    Ok(()) => account.decide(&hold).or_else(declined),
                    Err(Decline::InvalidCode) => {
                        let declined = account.decline(call, Decline::InvalidCode);
                        Ok(std::iter::once(AccountEvent::CodeFailed).chain(declined).collect())
                    }
                    Err(reason) => declined(reason),
                }
            })
            .await?;
        if account.hold(request.payment).is_some() {
            return Ok(account);
        }
        Err(ChangeError::Refused(account.declined(call).unwrap_or(Decline::InvalidCode)))
    }

    fn token(&self, merchant: &MerchantAccount, number: &SecretString) -> String {
        let print = self.prints.print("gift-card", &[merchant.as_str().as_bytes(), number.expose_secret().as_bytes()]);
        BASE32_NOPAD.encode(&print[..15])
    }

    fn code_print(&self, token: &str, code: Option<&SecretString>) -> [u8; 8] {
        let code = code.map_or("", |code| code.expose_secret());
        self.prints.short("gift-card-code", &[token.as_bytes(), code.as_bytes()])
    }

    /// Digits after `prefix`, `digits` in all: made from the key for that purpose, or random.
    fn digits(
        &self,
        purpose: &str,
        merchant: &MerchantAccount,
        key: Option<KeyPrint>,
        prefix: &str,
        digits: usize,
    ) -> SecretString {
        let mut number = String::with_capacity(digits);
        number.push_str(prefix);
        for block in 0_u8.. {
            if number.len() >= digits {
                break;
            }
            let bytes = match key {
                Some(key) => self.prints.print(purpose, &[merchant.as_str().as_bytes(), &key.key, &[block]]),
                None => self.books.streams.entropy::<32>(),
            };
            // Bytes from 250 on would favour some digits.
            let unbiased = bytes.into_iter().filter(|byte| *byte < 250);
            number.extend(unbiased.map(|byte| char::from(b'0' + byte % 10)));
        }
        number.truncate(digits);
        number.into()
    }
}

impl Partner for Accounts {
    fn describe(&self, merchant: &MerchantAccount, instrument: &Instrument) -> Described {
        match instrument {
            Instrument::GiftCard { brand, number, .. } => Described {
                method: Method {
                    kind: MethodKind::GiftCard,
                    brand: brand.clone(),
                    last4: Some(last4(number.expose_secret())),
                },
                token: self.token(merchant, number),
            },
            Instrument::Card { .. } | Instrument::Ideal | Instrument::Credit { .. } => Described::by_kind(instrument),
        }
    }

    fn authorise<'a>(&'a self, request: Authorise<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move {
            let Instrument::GiftCard { brand, code, .. } = request.instrument else {
                return Resolution::Refused { reason: Decline::NotPermitted };
            };
            match self.hold(&request, brand, code.as_ref()).await {
                Ok(_) => Resolution::Authorised,
                Err(ChangeError::Refused(reason)) => Resolution::Refused { reason },
                // Every try is known not to have been written: nothing is held.
                Err(ChangeError::Store(StoreError::Conflict)) => Resolution::Failed,
                Err(ChangeError::Store(error)) => unknown(&error),
            }
        })
    }

    fn perform<'a>(&'a self, request: Perform<'a>) -> Fut<'a, LegResult> {
        Box::pin(async move { self.books.perform(&request, |_| Ok(())).await })
    }

    fn lookup<'a>(&'a self, request: Lookup<'a>) -> Fut<'a, Resolution> {
        Box::pin(async move { self.books.lookup(&request).await })
    }
}
