//! Items, as this family reads and writes them: what is computed with goes to the rules, the rest is told back.

use api::{Code, Object, Problem, field_invalid, field_missing};
use domain::{
    Currency, Decimal,
    limits::{LINES_PER_ORDER_MAX, REFERENCE_CHARS_MAX},
    order::line::{Line, LineKind, TaxPart},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::unwritable;
use crate::number::{Number, number, wrong};

/// The largest number of a line.
pub(super) const LINE_ID_MAX: u32 = 2_147_483_647;

/// The longest text of an item, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 1_024;

/// Taxes of one item.
pub(super) const TAX_LINES_MAX: usize = 16;

/// A JSON object that is told back as it came.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Told(Box<RawValue>);

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('{') { Ok(Self(raw)) } else { Err(D::Error::custom(wrong(&raw, "an object"))) }
    }
}

/// An item of an order.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ItemRequest"))]
pub struct ItemBody {
    /// Its number on the order, unique over the order's whole life.
    #[cfg_attr(feature = "openapi", schemars(required, range(min = 1, max = LINE_ID_MAX)))]
    line_id: Option<i64>,
    /// The merchant's name for what it is: an SKU.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    id: Option<String>,
    /// How many, or how much, with at most four decimals; 1 if it is not given. Positive, also of an item that comes
    /// back.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>", range(min = 0)))]
    quantity: Option<Number>,
    /// What it comes to with tax, in minor units; negative for what comes back or is taken off.
    #[cfg_attr(feature = "openapi", schemars(required))]
    gross_amount: Option<i64>,
    /// The taxes in it.
    #[cfg_attr(feature = "openapi", schemars(with = "Vec<TaxLineBody>", length(max = TAX_LINES_MAX)))]
    tax_lines: Option<Vec<Object<TaxLineBody>>>,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schemars(length(max = TEXT_CHARS_MAX)))]
    description: Option<String>,
    /// What else it is called.
    #[cfg_attr(feature = "openapi", schemars(length(max = TEXT_CHARS_MAX)))]
    description_alias: Option<String>,
    /// What others call it.
    #[cfg_attr(feature = "openapi", schemars(length(max = TEXT_CHARS_MAX)))]
    external_id: Option<String>,
    /// Why it comes back.
    #[cfg_attr(feature = "openapi", schemars(length(max = TEXT_CHARS_MAX)))]
    reversed_reason: Option<String>,
    /// The item that it takes back, whole or in part.
    related_item: Option<Object<RelatedBody>>,
    /// What was taken off already: told back, and nothing is computed from it.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<::webhooks::schema::Anything>>"))]
    discount_lines: Option<Vec<Told>>,
    /// What else there is to say, told back.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Told>,
}

/// A tax of an item.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TaxLineRequest"))]
struct TaxLineBody {
    /// What it comes to, in minor units; it is part of the item's amount and has its sign.
    #[cfg_attr(feature = "openapi", schemars(required))]
    amount: Option<i64>,
    /// Its rate, in percent, with at most four decimals.
    #[cfg_attr(feature = "openapi", schemars(with = "f64", range(min = 0)))]
    percentage: Option<Number>,
    #[serde(flatten)]
    told: TaxTold,
}

/// What is told back of a tax.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TaxTold"))]
struct TaxTold {
    /// Whether there is none to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exempt: Option<bool>,
    /// Always so: amounts include tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    included_in_price: Option<bool>,
    /// What it is computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_basis: Option<i64>,
    /// Its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_code: Option<String>,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_group: Option<String>,
    /// Its amount with four decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount_dwh: Option<String>,
    /// What it is computed from, with four decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_basis_dwh: Option<String>,
}

/// The item that another takes back.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RelatedItemRequest"))]
struct RelatedBody {
    /// Its number.
    #[cfg_attr(feature = "openapi", schemars(required, range(min = 1, max = LINE_ID_MAX)))]
    line_id: Option<i64>,
    /// Always so.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(required, extend("const" = "reversed")))]
    kind: Option<String>,
}

/// What is told back of an item, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ItemTold {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description_alias: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reversed_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount_lines: Option<Vec<Told>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Told>,
    /// As many as there are taxes, or none if nothing is told of any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tax_lines: Vec<TaxTold>,
}

/// An item of an order.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Item"))]
pub(super) struct ItemView {
    /// Its number on the order.
    line_id: u32,
    /// The merchant's name for what it is: an SKU.
    id: String,
    /// How many, or how much.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    quantity: Box<RawValue>,
    /// What it comes to with tax, in minor units.
    gross_amount: i64,
    /// The tax in it.
    tax_amount: i64,
    /// The taxes in it, one by one.
    tax_lines: Vec<TaxLineView>,
    /// What it is called.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    description: String,
    /// What else it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    description_alias: Option<String>,
    /// What others call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Why it comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed_reason: Option<String>,
    /// The item that it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    related_item: Option<RelatedView>,
    /// What was taken off already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<::webhooks::schema::Anything>>"))]
    discount_lines: Option<Vec<Told>>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Told>,
}

/// A tax of an item.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TaxLine"))]
struct TaxLineView {
    /// What it comes to, in minor units.
    amount: i64,
    /// Its rate, in percent.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    percentage: Box<RawValue>,
    #[serde(flatten)]
    told: TaxTold,
}

/// The item that another takes back.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RelatedItem"))]
struct RelatedView {
    /// Its number.
    line_id: u32,
    /// Always so.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "reversed")))]
    kind: &'static str,
}

/// An order, as it comes in.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderRequest"))]
pub struct OrderBody {
    /// In which currency; of an order that is there, it may be left out.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Currency>"))]
    pub(super) currency: Option<String>,
    /// What is sold, or comes back.
    #[cfg_attr(feature = "openapi", schemars(length(max = LINES_PER_ORDER_MAX)))]
    pub(super) items: Option<Vec<Object<ItemBody>>>,
    /// The merchant's reference of the order.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    pub(super) merchant_reference: Option<String>,
    /// Another one.
    merchant_reference_2: Option<String>,
    /// Who buys.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    customer: Option<Told>,
    /// Where the bill goes.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    billing_address: Option<Told>,
    /// Where the goods go.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    shipping_address: Option<Told>,
    /// How they go there.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    shipping_option: Option<Told>,
    /// Where it was sold.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    store: Option<Told>,
    /// What else there is to say.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Told>,
}

/// What is told back of an order, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderTold"))]
pub(super) struct OrderTold {
    /// The merchant's reference of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    pub(super) merchant_reference: Option<String>,
    /// Another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merchant_reference_2: Option<String>,
    /// Who buys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    customer: Option<Told>,
    /// Where the bill goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    billing_address: Option<Told>,
    /// Where the goods go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    shipping_address: Option<Told>,
    /// How they go there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    shipping_option: Option<Told>,
    /// Where it was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    store: Option<Told>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Told>,
}

impl OrderTold {
    /// With nothing but a reference.
    pub(super) fn referred_to_as(reference: &str) -> Self {
        Self { merchant_reference: Some(reference.to_owned()), ..Self::default() }
    }
}

impl OrderBody {
    pub(super) fn currency(&self, field: &str) -> Result<Option<Currency>, Problem> {
        let Some(code) = &self.currency else { return Ok(None) };
        code.parse::<Currency>().map(Some).map_err(|error| {
            Problem::new(Code::CurrencyUnknown, format!("Field '{field}' is not valid: it is {error}.")).of_field(field)
        })
    }

    /// Its items, as the rules take them, which are called `list` in the request.
    pub(super) fn lines(&mut self, list: &str) -> Result<Vec<Line>, Problem> {
        let items = self.items.take().unwrap_or_default();
        if items.len() > LINES_PER_ORDER_MAX {
            let problem = field_invalid(list, &format!("at most {LINES_PER_ORDER_MAX} items"), items.len());
            return Err(Problem { code: Code::LinesTooMany, ..problem });
        }
        let lines = items.into_iter().enumerate();
        lines.map(|(index, Object(item))| item.line(&format!("{list}[{index}]."))).collect()
    }

    /// What is told back, as it is kept; none if nothing is told. `at` is where the order stands in the request.
    pub(super) fn details(self, at: &str) -> Result<Option<String>, Problem> {
        if let Some(reference) = &self.merchant_reference {
            check_text(&format!("{at}merchant_reference"), reference, 1, REFERENCE_CHARS_MAX)?;
        }
        let told = OrderTold {
            merchant_reference: self.merchant_reference,
            merchant_reference_2: self.merchant_reference_2,
            customer: self.customer,
            billing_address: self.billing_address,
            shipping_address: self.shipping_address,
            shipping_option: self.shipping_option,
            store: self.store,
            metadata: self.metadata,
        };
        let json = serde_json::to_string(&told).map_err(|error| unwritable(&error))?;
        Ok(Some(json).filter(|json| json != "{}"))
    }
}

impl ItemBody {
    /// The item as the rules take it. `at` is where it stands in the request.
    pub(super) fn line(self, at: &str) -> Result<Line, Problem> {
        let name = |field: &str| format!("{at}{field}");
        let missing = |field: &str| field_missing(&name(field));
        let id = line_id(&name("line_id"), self.line_id.ok_or_else(|| missing("line_id"))?)?;
        let reference = self.id.ok_or_else(|| missing("id"))?;
        check_text(&name("id"), &reference, 1, REFERENCE_CHARS_MAX)?;
        let amount = self.gross_amount.ok_or_else(|| missing("gross_amount"))?;
        let texts = [
            ("description", &self.description),
            ("description_alias", &self.description_alias),
            ("external_id", &self.external_id),
            ("reversed_reason", &self.reversed_reason),
        ];
        for (field, text) in texts {
            check_text(&name(field), text.as_deref().unwrap_or_default(), 0, TEXT_CHARS_MAX)?;
        }
        let tax_lines = self.tax_lines.ok_or_else(|| missing("tax_lines"))?;
        if tax_lines.len() > TAX_LINES_MAX {
            return Err(field_invalid(&name("tax_lines"), &format!("at most {TAX_LINES_MAX}"), tax_lines.len()));
        }
        let (mut taxes, mut tax_told) = (Vec::new(), Vec::new());
        for (index, Object(tax)) in tax_lines.into_iter().enumerate() {
            let (part, told) = tax.read(&name(&format!("tax_lines[{index}].")))?;
            taxes.push(part);
            tax_told.push(told);
        }
        let tax = taxes.iter().map(|part| part.amount).try_fold(0_i64, i64::checked_add);
        let too_large = || field_invalid(&name("tax_lines"), "taxes that can be added up", "more");
        let reverses = match self.related_item {
            Some(Object(related)) => Some(related.read(&name("related_item."))?),
            None => None,
        };
        if tax_told.iter().all(|told| *told == TaxTold::default()) {
            tax_told.clear();
        }
        let told = ItemTold {
            description_alias: self.description_alias,
            external_id: self.external_id,
            reversed_reason: self.reversed_reason,
            discount_lines: self.discount_lines,
            metadata: self.metadata,
            tax_lines: tax_told,
        };
        let details = serde_json::to_string(&told).map_err(|error| unwritable(&error))?;
        let quantity = self.quantity.map(|quantity| decimal(&name("quantity"), &quantity)).transpose()?;
        Ok(Line {
            id,
            reference,
            name: self.description.unwrap_or_default(),
            kind: LineKind::Product,
            class: None,
            quantity: quantity.unwrap_or(Decimal::ONE),
            unit: None,
            unit_price: None,
            discount_price: None,
            amount,
            tax: tax.ok_or_else(too_large)?,
            taxes,
            reverses,
            details: Some(details).filter(|details| details != "{}"),
        })
    }
}

impl TaxLineBody {
    fn read(self, at: &str) -> Result<(TaxPart, TaxTold), Problem> {
        let name = |field: &str| format!("{at}{field}");
        let amount = self.amount.ok_or_else(|| field_missing(&name("amount")))?;
        let percentage = self.percentage.ok_or_else(|| field_missing(&name("percentage")))?;
        let percentage = decimal(&name("percentage"), &percentage)?;
        if self.told.included_in_price == Some(false) {
            return Err(field_invalid(&name("included_in_price"), "true, since amounts include their tax", false));
        }
        let texts = [&self.told.tax_code, &self.told.tax_group, &self.told.amount_dwh, &self.told.tax_basis_dwh];
        for (field, text) in ["tax_code", "tax_group", "amount_dwh", "tax_basis_dwh"].into_iter().zip(texts) {
            check_text(&name(field), text.as_deref().unwrap_or_default(), 0, TEXT_CHARS_MAX)?;
        }
        Ok((TaxPart { percentage, amount }, self.told))
    }
}

impl RelatedBody {
    fn read(self, at: &str) -> Result<u32, Problem> {
        let field = format!("{at}type");
        match self.kind.as_deref() {
            Some("reversed") => {}
            Some(_) => return Err(field_invalid(&field, "reversed", "another text")),
            None => return Err(field_missing(&field)),
        }
        let field = format!("{at}line_id");
        line_id(&field, self.line_id.ok_or_else(|| field_missing(&field))?)
    }
}

pub(super) fn line_id(field: &str, number: i64) -> Result<u32, Problem> {
    let id = u32::try_from(number).ok().filter(|id| (1..=LINE_ID_MAX).contains(id));
    id.ok_or_else(|| field_invalid(field, &format!("a whole number from 1 to {LINE_ID_MAX}"), number))
}

fn decimal(field: &str, number: &Number) -> Result<Decimal, Problem> {
    number.decimal(field)
}

pub(super) fn check_text(field: &str, text: &str, least: usize, most: usize) -> Result<(), Problem> {
    let actual = text.chars().count();
    if actual < least || actual > most {
        return Err(field_invalid(field, &format!("{least} to {most} characters"), actual));
    }
    if text.chars().any(char::is_control) {
        return Err(field_invalid(field, "text without control characters", "some"));
    }
    Ok(())
}

impl ItemView {
    /// The item as it was given.
    pub(super) fn of(line: &Line) -> Result<Self, Problem> {
        // What was told in another family may be something else.
        let told = line.details.as_deref().and_then(|details| serde_json::from_str::<ItemTold>(details).ok());
        let ItemTold { description_alias, external_id, reversed_reason, discount_lines, metadata, tax_lines } =
            told.unwrap_or_default();
        let taxes = line.taxes.iter().enumerate().map(|(index, part)| {
            let told = tax_lines.get(index).cloned().unwrap_or_default();
            Ok(TaxLineView { amount: part.amount, percentage: number(part.percentage)?, told })
        });
        Ok(Self {
            line_id: line.id,
            id: line.reference.clone(),
            quantity: number(line.quantity)?,
            gross_amount: line.amount,
            tax_amount: line.tax,
            tax_lines: taxes.collect::<Result<_, Problem>>()?,
            description: line.name.clone(),
            description_alias,
            external_id,
            reversed_reason,
            related_item: line.reverses.map(|line_id| RelatedView { line_id, kind: "reversed" }),
            discount_lines,
            metadata,
        })
    }
}
