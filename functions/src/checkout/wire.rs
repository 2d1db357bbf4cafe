//! What several endpoints of the family read and write.

use api::{Code, Engine, Object, Problem, clock, field_invalid, field_missing, limits::RETURN_URL_CHARS_MAX};
use app::{Instrument, OrderKey};
use domain::{
    Currency, MerchantAccount, Money, Order, OrderId, Reference, Time, Version,
    limits::{AMOUNT_MINOR_MAX, BRAND_CHARS_MAX},
    order::{Method, ShopperView},
};
use partners::CreditError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use webhooks::words;

use crate::orderprocessing::credit::{self, Refused};

/// Brands of gift cards that may also stand as the payment method's type.
pub(crate) const GIFT_CARD_BRANDS: &[(&str, &str)] =
    &[("givex", "Givex"), ("svs", "SVS"), ("genericgiftcard", "Gift card")];

/// The currency that iDEAL takes.
pub(crate) const IDEAL_CURRENCY: &str = "EUR";

/// Digits of a payment card's number.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// Characters of a gift card's number: so many that its last four do not give it away.
pub(crate) const GIFT_CARD_CHARS: std::ops::RangeInclusive<usize> = 8..=32;

/// How much of a caller's text an error repeats, in characters.
const ECHO_CHARS_MAX: usize = 40;

/// What stands before a value that a client "encrypted" for the sandbox.
const TEST_ENCRYPTION: &str = "test_";

/// An amount as it comes in.
#[derive(Debug, Deserialize)]
pub(crate) struct Amount {
    currency: Option<String>,
    value: Option<i64>,
}

/// The order a payment belongs to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderToken"))]
pub(super) struct EncryptedOrderData {
    /// The order's reference.
    #[cfg_attr(feature = "openapi", schemars(required))]
    psp_reference: Option<String>,
    /// The `orderData` of the newest answer.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = api::limits::ORDER_DATA_CHARS_MAX)))]
    order_data: Option<String>,
}

/// What a shopper pays with. What must not be stored or logged is kept from being printed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentMethod"))]
pub(super) struct PaymentMethod {
    /// `scheme`, `giftcard` with its `brand`, `ideal`, or `credit` with its `customerRef`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(required, extend("enum" = types())))]
    kind: Option<String>,
    /// A gift card's brand.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::BRAND_CHARS_MAX)))]
    brand: Option<String>,
    /// A card's or a gift card's number.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    number: Option<SecretString>,
    /// The same, written `test_` and the number.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    encrypted_card_number: Option<SecretString>,
    /// Its security code.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    cvc: Option<SecretString>,
    /// The same, written `test_` and the code.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    encrypted_security_code: Option<SecretString>,
    /// The merchant's name for the customer whose credit it is.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::CUSTOMER_CHARS_MAX)))]
    customer_ref: Option<String>,
    /// On which of the customer's spend options; revolving, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    spend_option_id: Option<String>,
    /// What came of the initiation, unless the customer need not authenticate.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    sca_token: Option<SecretString>,
}

/// What a payment is paid with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentMethodShown"))]
pub(super) struct PaymentMethodView<'a> {
    /// Adyen's type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::METHOD_KINDS)))]
    kind: &'static str,
    /// Its brand.
    brand: &'a str,
    /// The last four digits of its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four: Option<&'a str>,
}

/// The schema of [`domain::Money`]: what may be left out is asked for by [`Amount::read`].
#[cfg(feature = "openapi")]
impl schemars::JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        webhooks::schema::Money::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        webhooks::schema::Money::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        webhooks::schema::Money::json_schema(generator)
    }
}

/// Every type that [`PaymentMethod::read`] reads.
#[cfg(feature = "openapi")]
fn types() -> Vec<&'static str> {
    let brands = GIFT_CARD_BRANDS.iter().map(|(brand, _)| *brand);
    ["scheme", "card", "ideal", "giftcard", "credit"].into_iter().chain(brands).collect()
}

/// An order as it goes out with a payment (Adyen's `CheckoutOrderResponse`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Order"))]
pub(super) struct OrderView<'a> {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// The merchant's reference.
    reference: &'a str,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// What is not covered by a payment.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    remaining_amount: Money,
    /// From when on it takes no payment.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    expires_at: String,
    /// What the next request on the order has to bring.
    #[cfg_attr(feature = "openapi", schemars(length(max = api::limits::TOKEN_CHARS_MAX)))]
    order_data: String,
}

impl<'a> OrderView<'a> {
    pub(super) fn of(engine: &Engine, key: &OrderKey, order: &'a Order) -> Self {
        Self {
            psp_reference: key.id.reference(),
            reference: &order.reference,
            amount: order.amount,
            remaining_amount: order.amount.with_minor(order.remaining),
            expires_at: clock::render(order.expires_at),
            order_data: engine.tokens.seal(&key.merchant, key.id, order),
        }
    }
}

impl Amount {
    /// Reads the amount of the object `amount`; zero is left to the rules.
    pub(super) fn read(amount: Option<Object<Self>>) -> Result<Money, Problem> {
        Self::read_as("amount", amount)
    }

    /// Reads the amount of an object of that name.
    pub(crate) fn read_as(name: &str, amount: Option<Object<Self>>) -> Result<Money, Problem> {
        let Object(amount) = amount.ok_or_else(|| object_missing(name))?;
        let code = amount.currency.ok_or_else(|| field_missing(&format!("{name}.currency")))?;
        let currency = code.parse::<Currency>().map_err(|error| {
            let shown = echo(&code);
            let message = format!("Field '{name}.currency' is not valid: '{shown}' is {error}.");
            Problem::new(Code::CurrencyUnknown, message)
        })?;
        let value = amount.value.ok_or_else(|| field_missing(&format!("{name}.value")))?;
        u64::try_from(value).ok().and_then(|minor| Money::try_new(currency, minor).ok()).ok_or_else(|| {
            let expected = format!("expected at most {AMOUNT_MINOR_MAX} minor units and nothing negative, got {value}");
            Problem::new(Code::AmountInvalid, format!("Field '{name}.value' is not valid: {expected}."))
        })
    }
}

impl EncryptedOrderData {
    /// Which order it is, and what its token says.
    pub(super) fn read(self, engine: &Engine, merchant: &MerchantAccount) -> Result<(OrderKey, ShopperView), Problem> {
        let reference = self.psp_reference.ok_or_else(|| field_missing("order.pspReference"))?;
        let token = self.order_data.ok_or_else(|| field_missing("order.orderData"))?;
        let id = order_id(&reference).ok_or_else(order_not_found)?;
        let view =
            engine.tokens.open(merchant, id, &token).map_err(|error| Problem::from(error).about(id.reference()))?;
        Ok((OrderKey { merchant: merchant.clone(), id }, view))
    }
}

/// The order of that reference; `None` for the reference of a part of it.
pub(super) fn order_id(reference: &str) -> Option<OrderId> {
    let reference = reference.parse::<Reference>().ok()?;
    (reference.version() == Version::FIRST).then(|| reference.order())
}

pub(super) fn order_not_found() -> Problem {
    Problem::new(Code::OrderNotFound, "There is no order of this pspReference.")
}

pub(super) fn object_missing(name: &str) -> Problem {
    Problem::new(Code::ObjectMissing, format!("Required object '{name}' is not provided."))
}

/// Reads `expiresAt`.
pub(super) fn expiry(field: &str, text: Option<&str>) -> Result<Option<Time>, Problem> {
    let Some(text) = text else { return Ok(None) };
    clock::parse(text).map(Some).ok_or_else(|| {
        let shown = echo(text);
        let expected = "expected ISO 8601 such as 2026-01-31T14:21:00+01:00";
        Problem::new(Code::ExpiryInvalid, format!("Field '{field}' is not valid: {expected}, got '{shown}'."))
    })
}

/// Until when a shopper who has to act may do so (Adyen: `sessionValidity`).
pub(super) fn session_validity(text: Option<&str>, now: Time) -> Result<Option<Time>, Problem> {
    let act_by = expiry("sessionValidity", text)?;
    if act_by.is_some_and(|act_by| act_by <= now) {
        return Err(Problem::new(
            Code::ExpiryInvalid,
            "Field 'sessionValidity' is not valid: it is not in the future.",
        ));
    }
    Ok(act_by)
}

impl PaymentMethod {
    /// Reads what a shopper pays with.
    pub(super) fn read(
        engine: &Engine,
        merchant: &MerchantAccount,
        method: Option<Object<Self>>,
    ) -> Result<Instrument, Problem> {
        let Object(method) = method.ok_or_else(|| object_missing("paymentMethod"))?;
        let kind = method.kind.clone().ok_or_else(|| field_missing("paymentMethod.type"))?;
        match kind.as_str() {
            "scheme" | "card" => Ok(Instrument::Card { number: method.card_number()? }),
            "ideal" => Ok(Instrument::Ideal),
            "credit" => method.credit(engine, merchant),
            "giftcard" => {
                let brand = method.brand.clone().ok_or_else(|| field_missing("paymentMethod.brand"))?;
                method.gift_card(&brand)
            }
            brand if GIFT_CARD_BRANDS.iter().any(|(known, _)| *known == brand) => method.gift_card(brand),
            other => {
                let shown = echo(other);
                let expected = "expected scheme, giftcard (with its brand), ideal or credit";
                let message = format!("Field 'paymentMethod.type' is not valid: {expected}, got '{shown}'.");
                Err(Problem::new(Code::PaymentMethodInvalid, message))
            }
        }
    }

    fn gift_card(&self, brand: &str) -> Result<Instrument, Problem> {
        check_brand("paymentMethod.brand", brand)?;
        let (number, code) = (self.plain_number()?, self.code()?);
        let length = number.expose_secret().chars().count();
        if !GIFT_CARD_CHARS.contains(&length) {
            let expected = format!("{} to {} characters", GIFT_CARD_CHARS.start(), GIFT_CARD_CHARS.end());
            return Err(field_invalid("paymentMethod.number", &expected, length));
        }
        Ok(Instrument::GiftCard { brand: brand.to_owned(), number, code })
    }

    fn credit(self, engine: &Engine, merchant: &MerchantAccount) -> Result<Instrument, Problem> {
        let customer = self.customer_ref.ok_or_else(|| field_missing("paymentMethod.customerRef"))?;
        credit::check_customer("paymentMethod.customerRef", &customer)?;
        let option = credit::option("paymentMethod.spendOptionId", self.spend_option_id.as_deref())?;
        let token = self.sca_token.as_ref().map(|token| ("paymentMethod.scaToken", token));
        let proof = credit::proof(engine, merchant, &customer, option, token)?;
        Ok(Instrument::Credit { customer, option, proof })
    }

    fn card_number(&self) -> Result<SecretString, Problem> {
        let number = self.plain_number()?;
        if is_card_number(number.expose_secret()) {
            Ok(number)
        } else {
            Err(Problem::new(Code::CardNumberInvalid, "Invalid card number"))
        }
    }

    /// The number without spaces, from either of its two fields.
    fn plain_number(&self) -> Result<SecretString, Problem> {
        let number = plain(self.number.as_ref(), self.encrypted_card_number.as_ref(), "encryptedCardNumber")?
            .ok_or_else(|| field_missing("paymentMethod.number"))?;
        Ok(number.expose_secret().replace(' ', "").into())
    }

    fn code(&self) -> Result<Option<SecretString>, Problem> {
        plain(self.cvc.as_ref(), self.encrypted_security_code.as_ref(), "encryptedSecurityCode")
    }
}

/// A gift card's brand is stored with each payment, so it has a limit, and is a name: no number passes for
/// one.
pub(crate) fn check_brand(field: &str, brand: &str) -> Result<(), Problem> {
    let is_name = brand.starts_with(|first: char| first.is_ascii_alphabetic())
        && brand.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_name && brand.len() <= BRAND_CHARS_MAX {
        return Ok(());
    }
    let expected = format!("a letter, and up to {} letters, digits, '_' or '-' after it", BRAND_CHARS_MAX - 1);
    Err(field_invalid(field, &expected, "another text"))
}

/// Reads a merchant's reference; its length is left to the rules.
pub(super) fn reference(text: Option<String>) -> Result<String, Problem> {
    let text = text.ok_or_else(|| field_missing("reference"))?;
    if text.chars().any(char::is_control) {
        return Err(field_invalid("reference", "text without control characters", "some"));
    }
    Ok(text)
}

/// Refuses what is not offered for a currency.
pub(crate) fn check_offered(instrument: &Instrument, amount: Money) -> Result<(), Problem> {
    match instrument {
        Instrument::Ideal if amount.currency().code() != IDEAL_CURRENCY => {
            let message = format!(
                "Field 'paymentMethod.type' is not valid: ideal takes {IDEAL_CURRENCY}, the amount is in {}.",
                amount.currency()
            );
            Err(Problem::new(Code::PaymentMethodInvalid, message))
        }
        Instrument::Ideal | Instrument::Card { .. } | Instrument::GiftCard { .. } | Instrument::Credit { .. } => Ok(()),
    }
}

/// What is wrong with the credit that a payment is to be made with, in this family's words.
pub(super) fn credit_problem(refused: Refused) -> Problem {
    let Refused::Credit(error) = refused else { return refused.into() };
    let field = match &error {
        CreditError::UnknownCustomer => "paymentMethod.customerRef",
        CreditError::UnknownOption | CreditError::Unavailable { .. } => "paymentMethod.spendOptionId",
        CreditError::OtherCurrency { .. } => "amount.currency",
        CreditError::Proof(_) => "paymentMethod.scaToken",
        CreditError::UnknownProduct
        | CreditError::OtherProduct { .. }
        | CreditError::Product(_)
        | CreditError::Limit(_)
        | CreditError::Settings(_)
        | CreditError::Store(_) => return error.into(),
    };
    let message = format!("Field '{field}' is not valid: {error}.");
    // 404 would be of the path.
    let is_unknown = matches!(error, CreditError::UnknownCustomer);
    let code = if is_unknown { Code::PaymentMethodInvalid } else { Problem::from(error).code };
    Problem::new(code, message).of_field(field)
}

/// As much of a caller's text as an error repeats.
fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}

/// The plain value of a field that comes plain, or "encrypted" for the sandbox.
fn plain(
    plain: Option<&SecretString>,
    encrypted: Option<&SecretString>,
    name: &str,
) -> Result<Option<SecretString>, Problem> {
    match (plain, encrypted) {
        (Some(plain), _) => Ok(Some(plain.clone())),
        (None, None) => Ok(None),
        (None, Some(encrypted)) => match encrypted.expose_secret().strip_prefix(TEST_ENCRYPTION) {
            Some(plain) => Ok(Some(plain.into())),
            None => Err(Problem::new(
                Code::PaymentMethodInvalid,
                format!(
                    "Field 'paymentMethod.{name}' cannot be decrypted: expected a value that begins with '{TEST_ENCRYPTION}'."
                ),
            )),
        },
    }
}

/// Whether it is digits with the check digit of ISO/IEC 7812-1 (Luhn).
pub(crate) fn is_card_number(number: &str) -> bool {
    let digits = number.chars().map(|digit| digit.to_digit(10)).collect::<Option<Vec<_>>>().unwrap_or_default();
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum::<u32>();
    CARD_DIGITS.contains(&digits.len()) && sum.is_multiple_of(10)
}

/// Reads `returnUrl`, which methods that may leave the shop need. Adyen's clients send it always.
pub(super) fn return_url(text: Option<String>, instrument: &Instrument) -> Result<String, Problem> {
    let Some(text) = text else {
        return match instrument {
            Instrument::GiftCard { .. } | Instrument::Credit { .. } => Ok(String::new()),
            Instrument::Card { .. } | Instrument::Ideal => {
                Err(Problem::new(Code::ReturnUrlMissing, "Return URL is missing. Field 'returnUrl' is required."))
            }
        };
    };
    check_return_url("returnUrl", &text)?;
    Ok(text)
}

/// Schemes that a browser would run, or that lead no shopper back.
const NO_WAY_BACK: &[&str] =
    &["about", "blob", "data", "file", "filesystem", "javascript", "mailto", "vbscript", "view-source", "ws", "wss"];

/// Refuses what a shopper's browser could not, or must not, be sent to.
pub(crate) fn check_return_url(field: &str, text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > RETURN_URL_CHARS_MAX {
        return Err(field_invalid(field, &format!("at most {RETURN_URL_CHARS_MAX} characters"), length));
    }
    // Apps come back by schemes of their own; those that a browser would run are none.
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err(field_invalid(field, "a URL without a user's name or password", "one with them"))
        }
        Ok(url) if !NO_WAY_BACK.contains(&url.scheme()) => Ok(()),
        Ok(url) => Err(field_invalid(field, "a URL to come back to", format_args!("the scheme '{}'", url.scheme()))),
        Err(error) => Err(field_invalid(field, "an absolute URL", format_args!("'{error}'"))),
    }
}

impl<'a> PaymentMethodView<'a> {
    pub(super) fn of(method: &'a Method) -> Self {
        Self { kind: words::method_kind(method.kind), brand: &method.brand, last_four: method.last4.as_deref() }
    }

    pub(super) fn without_digits(method: &'a Method) -> Self {
        Self { last_four: None, ..Self::of(method) }
    }
}
