//! Order items: the lines of an order, in this family's words.

use api::{Object, Problem, field_invalid, line_problem};
use domain::{
    Decimal, DecimalError, Money,
    order::line::{Fault, Line, LineKind, TaxPart, check_alone, sum_of, tax_of},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Names,
    fields::{required, required_text, text, url},
};

/// Characters of an item's reference (Swedbank's own clients: 50).
pub(super) const REFERENCE_CHARS_MAX: usize = 50;

/// Characters of an item's name.
pub(super) const NAME_CHARS_MAX: usize = 100;

/// Characters of an item's class.
pub(super) const CLASS_CHARS_MAX: usize = 50;

/// Characters of an item's description, or of that of its discount (Swedbank's own clients: 40).
pub(super) const DESCRIPTION_CHARS_MAX: usize = 40;

/// Characters of the unit of an item's quantity.
pub(super) const UNIT_CHARS_MAX: usize = 50;

/// Instruments that an item may be restricted to.
pub(super) const INSTRUMENTS_MAX: usize = 16;

/// The largest rate of a tax: 100 percent, times 100.
pub(super) const VAT_PERCENT_MAX: i64 = 10_000;

/// The reference of the item that stands for an order which came without any.
const WHOLE: &str = "order";

const KINDS: [(&str, LineKind); 7] = [
    ("PRODUCT", LineKind::Product),
    ("SERVICE", LineKind::Service),
    ("SHIPPING_FEE", LineKind::ShippingFee),
    ("PAYMENT_FEE", LineKind::PaymentFee),
    ("DISCOUNT", LineKind::Discount),
    ("VALUE_CODE", LineKind::ValueCode),
    ("OTHER", LineKind::Other),
];

pub(super) fn word(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Product => "PRODUCT",
        LineKind::Service => "SERVICE",
        LineKind::ShippingFee => "SHIPPING_FEE",
        LineKind::PaymentFee => "PAYMENT_FEE",
        LineKind::Discount => "DISCOUNT",
        LineKind::ValueCode => "VALUE_CODE",
        LineKind::Other => "OTHER",
    }
}

/// The words of an item's kind.
#[cfg(feature = "openapi")]
fn words() -> Vec<&'static str> {
    KINDS.iter().map(|(word, _)| *word).collect()
}

/// An item of an order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderItemRequest"))]
pub(super) struct ItemBody {
    /// The merchant's name for what it is. Several items may have the same.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = NAME_CHARS_MAX)))]
    name: Option<String>,
    /// What kind of thing it is. Discounts and value codes may have negative amounts.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(required, extend("enum" = words())))]
    kind: Option<String>,
    /// The merchant's classification, without spaces.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = CLASS_CHARS_MAX), regex(pattern = r"^[\w-]*$")))]
    class: Option<String>,
    /// A page that shows it.
    item_url: Option<String>,
    /// A picture of it.
    image_url: Option<String>,
    /// What it is, in words.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = DESCRIPTION_CHARS_MAX)))]
    description: Option<String>,
    /// What its discount is, in words.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = DESCRIPTION_CHARS_MAX)))]
    discount_description: Option<String>,
    /// How many, or how much: with at most four decimals.
    #[cfg_attr(feature = "openapi", schemars(with = "f64", required))]
    quantity: Option<Box<RawValue>>,
    /// Of what.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = UNIT_CHARS_MAX)))]
    quantity_unit: Option<String>,
    /// What one costs, with tax, in minor units.
    #[cfg_attr(feature = "openapi", schemars(required))]
    unit_price: Option<i64>,
    /// What one costs with its discount.
    discount_price: Option<i64>,
    /// The rate of its tax, times 100.
    #[cfg_attr(feature = "openapi", schemars(required, range(min = 0, max = VAT_PERCENT_MAX)))]
    vat_percent: Option<i64>,
    /// What it comes to, with tax, in minor units.
    #[cfg_attr(feature = "openapi", schemars(required))]
    amount: Option<i64>,
    /// The tax in that.
    #[cfg_attr(feature = "openapi", schemars(required))]
    vat_amount: Option<i64>,
    /// With which instruments it may be paid: told back, and not enforced.
    #[cfg_attr(feature = "openapi", schemars(length(max = INSTRUMENTS_MAX)))]
    restricted_to_instruments: Option<Vec<String>>,
}

/// What is told of an item, and nothing is computed from.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    item_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted_to_instruments: Option<Vec<String>>,
    /// That the merchant gave no items, and this one stands for all of the order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_whole: bool,
}

impl ItemDetails {
    fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|json| json != "{}")
    }

    pub(super) fn of(line: &Line) -> Self {
        line.details.as_deref().and_then(|details| serde_json::from_str(details).ok()).unwrap_or_default()
    }
}

/// An item of an order, or of an operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderItem"))]
pub(super) struct ItemView {
    /// The merchant's name for what it is.
    reference: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = words())))]
    kind: &'static str,
    /// The merchant's classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// A page that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    item_url: Option<String>,
    /// A picture of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    /// What it is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What its discount is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_description: Option<String>,
    /// How many, or how much.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>"))]
    quantity: Option<Box<RawValue>>,
    /// Of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity_unit: Option<String>,
    /// What one costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<i64>,
    /// What one costs with its discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_price: Option<i64>,
    /// The rate of its tax, times 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    vat_percent: Option<u64>,
    /// What it comes to.
    amount: i64,
    /// The tax in that.
    vat_amount: i64,
    /// With which instruments it may be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted_to_instruments: Option<Vec<String>>,
}

/// Reads items, and checks that they come to an amount and its tax.
pub(super) fn read(names: &Names, items: Vec<Object<ItemBody>>, amount: Money, tax: i64) -> Result<Vec<Line>, Problem> {
    let fault = |fault| line_problem(&fault, &names.lines);
    let items = items.into_iter().zip(1_u32..).enumerate();
    let lines = items.map(|(index, (Object(item), id))| {
        let at = |field: &str| format!("{}[{index}].{field}", names.lines.list);
        let line = item.read(id, &at)?;
        if line.amount < 0 && !line.kind.may_be_negative() {
            return Err(fault(Fault::Negative { actual: line.amount }.at(index)));
        }
        Ok(line)
    });
    let lines = lines.collect::<Result<Vec<_>, Problem>>()?;
    if lines.is_empty() {
        return Err(fault(Fault::Missing.of_all()));
    }
    check_alone(&lines).map_err(fault)?;
    let (sum, taxes) = (sum_of(&lines).map_err(fault)?, tax_of(&lines).map_err(fault)?);
    let expected = i64::try_from(amount.minor()).unwrap_or(i64::MAX);
    if sum != expected {
        return Err(fault(Fault::Sum { expected, actual: sum }.of_all()));
    }
    if taxes != tax {
        return Err(fault(Fault::TaxSum { expected: tax, actual: taxes }.of_all()));
    }
    Ok(lines)
}

impl ItemBody {
    fn read(self, id: u32, at: &dyn Fn(&str) -> String) -> Result<Line, Problem> {
        let reference = required_text(&at("reference"), self.reference, REFERENCE_CHARS_MAX)?;
        let name = required_text(&at("name"), self.name, NAME_CHARS_MAX)?;
        let kind = kind(&at("type"), self.kind)?;
        let class = class(&at("class"), self.class)?;
        let quantity = quantity(&at("quantity"), &required(&at("quantity"), self.quantity)?)?;
        let unit = required_text(&at("quantityUnit"), self.quantity_unit, UNIT_CHARS_MAX)?;
        let unit_price = price(&at("unitPrice"), kind, required(&at("unitPrice"), self.unit_price)?)?;
        let discount_price = self.discount_price.map(|price| self::price(&at("discountPrice"), kind, price));
        let discount_price = discount_price.transpose()?;
        let percent = required(&at("vatPercent"), self.vat_percent)?;
        let percentage = u64::try_from(percent).ok().filter(|_| percent <= VAT_PERCENT_MAX);
        let percentage = percentage.and_then(|percent| Decimal::from_hundredths(percent).ok());
        let percentage = percentage.ok_or_else(|| {
            let expected = format!("0 to {VAT_PERCENT_MAX}, which is the percentage times 100");
            field_invalid(&at("vatPercent"), &expected, percent)
        })?;
        let amount = required(&at("amount"), self.amount)?;
        let tax = required(&at("vatAmount"), self.vat_amount)?;
        let instruments = self.restricted_to_instruments;
        if let Some(instruments) = &instruments
            && instruments.len() > INSTRUMENTS_MAX
        {
            let field = at("restrictedToInstruments");
            return Err(field_invalid(&field, &format!("at most {INSTRUMENTS_MAX}"), instruments.len()));
        }
        let instruments = instruments.map(|instruments| {
            let field = at("restrictedToInstruments");
            instruments.into_iter().map(|name| required_text(&field, Some(name), NAME_CHARS_MAX)).collect()
        });
        let discounted = at("discountDescription");
        let details = ItemDetails {
            item_url: self.item_url.map(|text| url(&at("itemUrl"), text)).transpose()?,
            image_url: self.image_url.map(|text| url(&at("imageUrl"), text)).transpose()?,
            description: text(&at("description"), self.description, DESCRIPTION_CHARS_MAX)?,
            discount_description: text(&discounted, self.discount_description, DESCRIPTION_CHARS_MAX)?,
            restricted_to_instruments: instruments.transpose()?,
            is_whole: false,
        };
        Ok(Line {
            id,
            reference,
            name,
            kind,
            class: Some(class),
            quantity,
            unit: Some(unit),
            unit_price: Some(unit_price),
            discount_price,
            amount,
            tax,
            taxes: vec![TaxPart { percentage, amount: tax }],
            reverses: None,
            details: details.write(),
        })
    }
}

fn kind(field: &str, text: Option<String>) -> Result<LineKind, Problem> {
    let text = required(field, text)?;
    KINDS.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind).ok_or_else(|| {
        let expected = KINDS.map(|(word, _)| word).join(", ");
        field_invalid(field, &expected, "another text")
    })
}

fn class(field: &str, text: Option<String>) -> Result<String, Problem> {
    let text = required(field, text)?;
    let length = text.chars().count();
    if length > CLASS_CHARS_MAX {
        return Err(field_invalid(field, &format!("at most {CLASS_CHARS_MAX} characters"), length));
    }
    match text.chars().find(|character| !character.is_ascii_alphanumeric() && !matches!(character, '_' | '-')) {
        None => Ok(text),
        Some(other) => Err(field_invalid(field, r"letters, digits, '_' and '-' ([\w-]*)", format_args!("'{other}'"))),
    }
}

/// A quantity, from the digits as they came: it never is a floating-point number.
fn quantity(field: &str, number: &RawValue) -> Result<Decimal, Problem> {
    let text = number.get();
    let expected = "a number of 0 or more with at most 4 decimals";
    text.parse::<Decimal>().map_err(|error| match error {
        DecimalError::NotDecimal => field_invalid(field, expected, "something else"),
        DecimalError::TooPrecise | DecimalError::TooLarge => field_invalid(field, expected, error),
    })
}

fn price(field: &str, kind: LineKind, price: i64) -> Result<i64, Problem> {
    if price < 0 && !kind.may_be_negative() {
        return Err(field_invalid(field, "0 or more minor units on an item of this type", price));
    }
    Ok(price)
}

/// The item of an order whose merchant gave none (Swedbank, 3.1: one is made of the description and the amount).
pub(super) fn whole(description: &str, amount: Money, tax: i64) -> Line {
    let minor = i64::try_from(amount.minor()).unwrap_or(i64::MAX);
    Line {
        id: 1,
        reference: WHOLE.to_owned(),
        name: description.to_owned(),
        kind: LineKind::Other,
        class: None,
        quantity: Decimal::ONE,
        unit: Some("pcs".to_owned()),
        unit_price: Some(minor),
        discount_price: None,
        amount: minor,
        tax,
        taxes: Vec::new(),
        reverses: None,
        details: ItemDetails { is_whole: true, ..ItemDetails::default() }.write(),
    }
}

/// Whether these are the one item that stands for the whole order.
pub(super) fn is_whole(lines: &[Line]) -> bool {
    matches!(lines, [line] if ItemDetails::of(line).is_whole)
}

fn number(decimal: Decimal) -> Option<Box<RawValue>> {
    RawValue::from_string(decimal.to_string()).ok()
}

impl ItemView {
    pub(super) fn of(line: &Line) -> Self {
        let details = ItemDetails::of(line);
        let percent = match line.taxes.as_slice() {
            [part] => part.percentage.hundredths(),
            _ => None,
        };
        Self {
            reference: line.reference.clone(),
            name: Some(line.name.clone()).filter(|name| !name.is_empty()),
            kind: word(line.kind),
            class: line.class.clone(),
            item_url: details.item_url,
            image_url: details.image_url,
            description: details.description,
            discount_description: details.discount_description,
            quantity: number(line.quantity),
            quantity_unit: line.unit.clone(),
            unit_price: line.unit_price,
            discount_price: line.discount_price,
            vat_percent: percent,
            amount: line.amount,
            vat_amount: line.tax,
            restricted_to_instruments: details.restricted_to_instruments,
        }
    }

    /// An item of an operation: as much of the order's as it has.
    pub(super) fn of_part(lines: &[Line], part: &(String, Decimal, i64, i64)) -> Self {
        let (reference, quantity, amount, tax) = part;
        let whole = lines.iter().find(|line| line.reference == *reference).map(Self::of);
        let whole = whole.unwrap_or_else(|| Self {
            reference: reference.clone(),
            name: None,
            kind: word(LineKind::Other),
            class: None,
            item_url: None,
            image_url: None,
            description: None,
            discount_description: None,
            quantity: None,
            quantity_unit: None,
            unit_price: None,
            discount_price: None,
            vat_percent: None,
            amount: *amount,
            vat_amount: *tax,
            restricted_to_instruments: None,
        });
        Self { quantity: number(*quantity), amount: *amount, vat_amount: *tax, ..whole }
    }
}
