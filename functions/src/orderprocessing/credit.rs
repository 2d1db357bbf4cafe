//! What a payment with credit comes with, in whatever family it is asked for.

use api::{Code, Engine, Problem, field_invalid};
use app::{Instrument, NewPayment};
use domain::{MerchantAccount, OrderId, credit::Proof, limits::CUSTOMER_CHARS_MAX};
use partners::{CreditError, Wanted};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Refuses what cannot be a merchant's name for a customer.
pub(crate) fn check_customer(field: &str, customer: &str) -> Result<(), Problem> {
    let chars = customer.chars().count();
    if !(1..=CUSTOMER_CHARS_MAX).contains(&chars) {
        return Err(field_invalid(field, &format!("1 to {CUSTOMER_CHARS_MAX} characters"), chars));
    }
    if customer.chars().any(char::is_control) {
        return Err(field_invalid(field, "text without control characters", "some"));
    }
    Ok(())
}

/// Reads which of a customer's spend options is taken.
pub(crate) fn option(field: &str, text: Option<&str>) -> Result<Option<Uuid>, Problem> {
    let Some(text) = text else { return Ok(None) };
    Uuid::try_parse(text).map(Some).map_err(|_| field_invalid(field, "a UUID", "another text"))
}

/// Reads a `scaToken`, which is of that customer of that merchant account, or is none.
pub(crate) fn proof(
    engine: &Engine,
    merchant: &MerchantAccount,
    customer: &str,
    option: Option<Uuid>,
    token: Option<(&str, &SecretString)>,
) -> Result<Option<Proof>, Problem> {
    let Some((field, token)) = token else { return Ok(None) };
    let invalid = |what: &str| {
        Problem::new(Code::AuthenticationInvalid, format!("Field '{field}' is not valid: {what}.")).of_field(field)
    };
    let opened = engine.tokens.open_authentication(token.expose_secret());
    let (of, authentication) =
        opened.map_err(|_| invalid("it is cut short, was altered, or is no scaToken of this API"))?;
    if of != *merchant || authentication.customer != customer {
        return Err(invalid("it is another customer's"));
    }
    if authentication.option.is_some() && authentication.option != option {
        return Err(invalid("it was initiated for another spend option"));
    }
    Ok(Some(authentication.proof()))
}

/// Refuses a payment with credit that could not be authorised whatever the limit: before anything is begun. A payment
/// that was asked for before is let through, so that it is answered as it was.
pub(crate) async fn check(
    engine: &Engine,
    merchant: &MerchantAccount,
    order: Option<OrderId>,
    payment: &NewPayment,
) -> Result<(), Refused> {
    let Instrument::Credit { customer, option, proof } = &payment.instrument else { return Ok(()) };
    let wanted = Wanted { customer, amount: payment.amount, option: *option };
    match engine.credits.check(merchant, wanted, proof.as_ref()).await {
        Ok(()) => Ok(()),
        Err(_) if engine.app.was_asked(merchant, order, payment.key).await? => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Why credit is not asked for: the store's word, or that of what keeps credit.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Something about the credit.
    Credit(CreditError),
    /// Something about the order.
    Order(app::Error),
}

impl From<CreditError> for Refused {
    fn from(error: CreditError) -> Self {
        Self::Credit(error)
    }
}

impl From<app::Error> for Refused {
    fn from(error: app::Error) -> Self {
        Self::Order(error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Credit(error) => error.into(),
            Refused::Order(error) => error.into(),
        }
    }
}
