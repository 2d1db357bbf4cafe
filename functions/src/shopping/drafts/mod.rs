//! Drafts: what is put together step by step, and then becomes an order, or is added to one.

pub mod complete;
pub mod create;
pub mod get;
pub mod update;

use api::{Call, Object, Problem, clock, field_invalid, field_missing};
use app::{DraftError, DraftKey};
use domain::{
    Reference,
    draft::{Content, Draft, DraftRefusal, Stage, Target},
    limits::ORDER_NAME_CHARS_MAX,
    order::line::{LineFault, sum_of, tax_of},
};
use serde::{Deserialize, Serialize};

use super::{
    IN_DRAFT, draft_problem,
    wire::{ItemView, OrderBody, OrderTold, check_text},
};

/// What a name for an order may be made of, so that it can stand in a path.
const NAME_SIGNS: &[char] = &['_', '-', '.', ':', '~'];

/// A draft: what becomes of it, and what is in it.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "DraftRequest"))]
pub struct Body {
    /// What becomes of it.
    options: Option<Object<OptionsBody>>,
    /// What is in it.
    #[cfg_attr(feature = "openapi", schemars(with = "OrderBody"))]
    order: Option<Object<OrderBody>>,
}

/// What becomes of a draft. Without any, it becomes an order that is known by its reference.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "DraftOptionsRequest"))]
struct OptionsBody {
    /// A name is drawn for the order: nine letters and digits.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "ALPHANUMERIC_9")))]
    generate_order_id: Option<String>,
    /// The order that is added to; if there is none, the name of the one that is opened.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::ORDER_NAME_CHARS_MAX)))]
    order_id: Option<String>,
    /// The order's items are replaced, which can be done before anything was done on them.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "order")))]
    replace: Option<String>,
    /// Told back: a draft becomes one order.
    split_draft: Option<bool>,
}

/// A draft.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Draft"))]
pub(super) struct DraftView {
    /// Its identity.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    id: String,
    /// Whether it can be changed, or is completed.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["open", "completed"])))]
    status: &'static str,
    /// What becomes of it.
    options: OptionsView,
    /// What is in it.
    order: DraftOrderView,
    /// The orders that it became.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<String>>"))]
    order_ids: Vec<String>,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// When it was changed last.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    updated_at: String,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    completed_at: Option<String>,
}

/// What becomes of a draft.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "DraftOptions"))]
struct OptionsView {
    /// Whether a name is drawn for the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "ALPHANUMERIC_9")))]
    generate_order_id: Option<&'static str>,
    /// The order that is added to, or opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// Whether the order's items are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "order")))]
    replace: Option<&'static str>,
    /// As it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    split_draft: Option<bool>,
}

/// What is in a draft.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "DraftOrder"))]
struct DraftOrderView {
    /// In which currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Currency>"))]
    currency: Option<&'static str>,
    /// What the items come to with tax, in minor units.
    gross_amount: i64,
    /// The same without tax.
    net_amount: i64,
    /// The tax in it.
    tax_amount: i64,
    /// What is sold, or comes back.
    items: Vec<ItemView>,
    #[serde(flatten)]
    told: OrderTold,
}

/// The draft that a path names.
pub(super) fn key_of<B>(call: &Call<B>) -> Result<DraftKey, Problem> {
    let merchant = call.merchant(Some(call.path("account")))?;
    let not_found = || draft_problem(DraftError::Refused(DraftRefusal::NotFound), &IN_DRAFT);
    let id = call.path("id").parse::<Reference>().map_err(|_| not_found())?.order();
    Ok(DraftKey { merchant, id })
}

/// What is to be in a draft.
fn read(body: Body) -> Result<Content, Problem> {
    let options = body.options.map(|Object(options)| options).unwrap_or_default();
    let Object(mut order) = body.order.ok_or_else(|| field_missing("order"))?;
    let target = match (options.generate_order_id.as_deref(), options.order_id) {
        (None, None) => Target::New,
        (Some("ALPHANUMERIC_9"), None) => Target::Generated,
        (Some(_), None) => {
            return Err(field_invalid("options.generate_order_id", "ALPHANUMERIC_9", "another text"));
        }
        (Some(_), Some(_)) => {
            let field = "options.generate_order_id";
            return Err(field_invalid(field, "either this or 'options.order_id'", "both"));
        }
        (None, Some(name)) => {
            check_text("options.order_id", &name, 1, ORDER_NAME_CHARS_MAX)?;
            if !name.chars().all(|sign| sign.is_ascii_alphanumeric() || NAME_SIGNS.contains(&sign)) {
                let expected = "ASCII letters, digits, '_', '-', '.', ':' and '~'";
                return Err(field_invalid("options.order_id", expected, "others"));
            }
            Target::Named(name)
        }
    };
    let is_replacement = match options.replace.as_deref() {
        None => false,
        Some("order") if matches!(target, Target::Named(_)) => true,
        Some("order") => return Err(field_invalid("options.replace", "an 'options.order_id' beside it", "none")),
        Some(_) => return Err(field_invalid("options.replace", "order", "another text")),
    };
    let currency = order.currency("order.currency")?;
    if currency.is_none() && !matches!(target, Target::Named(_)) {
        return Err(field_missing("order.currency"));
    }
    let (lines, reference) = (order.lines(IN_DRAFT.list)?, order.merchant_reference.clone());
    let details = order.details("order.")?;
    Ok(Content { target, is_replacement, split: options.split_draft, currency, reference, lines, details })
}

/// A draft as it stands.
pub(super) fn view(key: &DraftKey, draft: &Draft) -> Result<DraftView, Problem> {
    let content = &draft.content;
    let sums = |fault: LineFault| super::fault_problem(&fault, &IN_DRAFT);
    let (gross, tax) = (sum_of(&content.lines).map_err(sums)?, tax_of(&content.lines).map_err(sums)?);
    let told = content.details.as_deref().map(serde_json::from_str::<OrderTold>).transpose();
    let (status, order_ids, completed_at) = match &draft.stage {
        Stage::Open | Stage::Completing { .. } => ("open", Vec::new(), None),
        Stage::Completed { to, at } => {
            let name = to.alias.clone().unwrap_or_else(|| to.order.to_string());
            ("completed", vec![name], Some(clock::render(*at)))
        }
    };
    let order_id = match &content.target {
        Target::New | Target::Generated => None,
        Target::Named(name) => Some(name.clone()),
    };
    Ok(DraftView {
        id: key.shown(),
        status,
        options: OptionsView {
            generate_order_id: (content.target == Target::Generated).then_some("ALPHANUMERIC_9"),
            order_id,
            replace: content.is_replacement.then_some("order"),
            split_draft: content.split,
        },
        order: DraftOrderView {
            currency: content.currency.map(domain::Currency::code),
            gross_amount: gross,
            net_amount: gross.saturating_sub(tax),
            tax_amount: tax,
            items: content.lines.iter().map(ItemView::of).collect::<Result<_, _>>()?,
            told: told.map_err(|error| super::unwritable(&error))?.unwrap_or_default(),
        },
        order_ids,
        created_at: clock::render(draft.created_at),
        updated_at: clock::render(draft.updated_at),
        completed_at,
    })
}

/// What the item of a request is called that has only one.
pub(super) fn of_one_item(problem: Problem) -> Problem {
    let start = format!("{}[0].", IN_DRAFT.list);
    let message = problem.message.replace(&start, "");
    let field = problem.field.map(|field| field.strip_prefix(&start).map(str::to_owned).unwrap_or(field));
    Problem { message, field, ..problem }
}

/// What describes the draft that a path names.
#[cfg(feature = "openapi")]
pub(super) fn described() -> api::openapi::Description {
    super::described().path("id", "The draft's identity.")
}
