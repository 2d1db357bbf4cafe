//! Lines: they come to the amount, nothing was done beyond a line or a payment, their tax parts come to their tax, and
//! what is asked for with one key was done once.

use app::StreamId;
use domain::order::{Leg, Order, Payer, line::Line};

use super::{Findings, Stories, Story, commits};
use crate::{workload::Planned, world::World};

/// The lines of an order, from its log and from what is kept beside it.
fn lines(world: &World, story: &Story, order: &Order) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (_, sheet) in order.cart.iter().flat_map(|cart| &cart.sheets) {
        match (&sheet.here, &sheet.beside) {
            (Some(here), None) => lines.extend(here.iter().cloned()),
            (None, Some(print)) => {
                let stream = StreamId::owned(&story.key.merchant, "lines", print);
                let commit = commits(world, stream.as_str()).first().copied().ok_or("lines beside it are not there")?;
                let events: serde_json::Value =
                    serde_json::from_str(&commit.events).map_err(|error| error.to_string())?;
                let kept = events.pointer("/0/lines").cloned().unwrap_or_default();
                lines.extend(serde_json::from_value::<Vec<Line>>(kept).map_err(|error| error.to_string())?);
            }
            (_, _) => return Err(format!("lines are here and beside, or nowhere: {sheet:?}")),
        }
    }
    Ok(lines)
}

pub(super) fn check(world: &World, planned: &[Planned], stories: &Stories, findings: &mut Findings) {
    for story in stories.values() {
        let mut known = (Vec::new(), Vec::new());
        for order in story.commits.iter().filter_map(|commit| commit.last()).map(|change| &change.order) {
            let Some(cart) = order.cart.as_ref().filter(|cart| cart.count() > 0) else { continue };
            let sheets = cart.sheets.iter().map(|(version, _)| *version).collect::<Vec<_>>();
            if known.0 != sheets {
                match lines(world, story, order) {
                    Ok(lines) => known = (sheets, lines),
                    Err(what) => findings.violations.push(format!("{} at {}: {what}", story.stream, order.version)),
                }
            }
            for what in faults(order, &known.1) {
                findings.violations.push(format!("{} at {}: {what}", story.stream, order.version));
            }
        }
        let count = u64::try_from(story.order.cart.as_ref().map_or(0, |cart| cart.books.len())).unwrap_or(0);
        *findings.operations.entry("lines with something done".to_owned()).or_default() += count;
    }
    for plan in planned {
        let Some(story) = plan.key.as_ref().and_then(|key| stories.get(&key.id)) else { continue };
        for change in &plan.changes {
            let versions = story.order.keys.iter().filter(|used| used.print == change.key);
            let versions = versions.map(|used| used.version).collect::<Vec<_>>();
            if versions.len() > 1 || change.done.iter().any(|done| !versions.contains(done)) {
                findings.violations.push(format!("{}: {change:?} was done by {versions:?}", story.stream));
            }
        }
    }
}

/// What is wrong with the books of an order's lines.
fn faults(order: &Order, lines: &[Line]) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(cart) = &order.cart else { return faults };
    let sum = lines.iter().map(|line| i128::from(line.amount)).sum::<i128>();
    let tax = lines.iter().map(|line| i128::from(line.tax)).sum::<i128>();
    if (sum, tax) != (i128::from(order.amount.minor()), i128::from(cart.tax)) {
        faults.push(format!("lines come to {sum} with {tax} tax, the order to {} with {}", order.amount, cart.tax));
    }
    for books in &cart.books {
        let Some(line) = lines.iter().find(|line| line.id == books.line) else {
            faults.push(format!("{books:?} is of no line"));
            continue;
        };
        let allocated = books.authorised - books.cancelled;
        let chain = [books.refunded, books.captured, allocated, line.amount];
        let is_within = chain.windows(2).all(|pair| {
            let [less, more] = pair else { return false };
            less.abs() <= more.abs() && (*less == 0 || less.signum() == line.amount.signum())
        });
        let is_taxed = (books.captured != line.amount || books.captured_tax == line.tax)
            && (books.refunded != books.captured || books.refunded_tax == books.captured_tax)
            && books.captured_tax.abs() <= line.tax.abs();
        if !is_within || !is_taxed {
            faults.push(format!("{books:?} of {line:?}"));
        }
    }
    // What lines have is what payments have for them, once it is known what becomes of it.
    if !order.operations.iter().flat_map(|operation| &operation.legs).any(Leg::is_in_flight) {
        let of_lines = (cart.books.iter()).fold((0, 0), |sum, line| (sum.0 + line.captured, sum.1 + line.refunded));
        let of_payers =
            (cart.payers.iter()).fold((0, 0), |sum, payer| (sum.0 + payer.captured, sum.1 + payer.refunded));
        if of_lines != of_payers {
            faults.push(format!("lines have {of_lines:?} captured and refunded, their payments {of_payers:?}"));
        }
    }
    for books in &cart.payers {
        let most = match &books.payer {
            Payer::Own(payment) => {
                order.payment(*payment).map_or(0, |payment| i64::try_from(payment.tally.authorised).unwrap_or(0))
            }
            Payer::Foreign(_) => i64::MAX,
        };
        if books.net() < 0 || books.allocated() < 0 || books.net().max(books.allocated()) > most {
            faults.push(format!("{books:?} of {most}"));
        }
    }
    faults
}
