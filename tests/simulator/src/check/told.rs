//! What was told, to whom, and in which order.

use std::collections::BTreeSet;

use app::OWN_ENDPOINT;
use domain::order::{Books, Change, Format, Operation, OperationKind, OrderEvent, Topic};

use super::{Findings, Stories, Story};
use crate::{
    Simulation,
    receivers::{Arrived, Told},
    workload::Workload,
};

pub(super) fn check(simulation: &Simulation, workload: &Workload, stories: &Stories, findings: &mut Findings) {
    for story in stories.values() {
        for (_, endpoint) in workload.endpoints.iter().filter(|(merchant, _)| *merchant == story.key.merchant) {
            let told = simulation.receivers.told(&endpoint.id, story.key.id);
            in_order(story, endpoint.format, &told, findings);
            if endpoint.format == Format::Checkout {
                outcomes(story, &told, findings);
            }
        }
        amounts(story, findings);
        if story.order.own_webhook().is_some() {
            let told = simulation.receivers.told(OWN_ENDPOINT, story.key.id);
            own(story, &told, findings);
        }
    }
    for event in simulation.receivers.too_early() {
        findings.violations.push(format!("{event} was tried before those before it were acknowledged"));
    }
    for event in simulation.receivers.conflicting() {
        findings.violations.push(format!("{event} said different things on different tries"));
    }
    for event in simulation.receivers.lacking() {
        findings.violations.push(format!("{event} lacked what the merchant had told about an operation"));
    }
}

/// The numbers under which an endpoint is told, in their order.
fn numbers(story: &Story, format: Format) -> Vec<u32> {
    story.changes().filter(|change| change.is_told(format)).map(|change| change.sequence(format)).collect()
}

/// Everything arrived, first arrivals in their order, without a gap.
fn in_order(story: &Story, format: Format, told: &Told, findings: &mut Findings) {
    let expected = numbers(story, format);
    findings.notifications += told.arrived.values().map(|arrived| u64::from(arrived.times)).sum::<u64>();
    let is_gapless = expected.iter().zip(1_u32..).all(|(number, counted)| *number == counted);
    if !is_gapless || told.first_arrivals != expected {
        let names = told.arrived.iter().map(|(number, arrived)| (number, arrived.name)).collect::<Vec<_>>();
        findings.violations.push(format!(
            "{} to {format:?}: {expected:?} were to be told, {:?} arrived: {names:?}",
            story.stream, told.first_arrivals
        ));
    }
}

/// The outcome of a reversal or of a technical cancel is told as one event, that of another operation as one for each
/// of its legs; of one that was refused, it is one.
fn outcomes(story: &Story, told: &Told, findings: &mut Findings) {
    for operation in story.order.operations.iter().filter(|operation| operation.kind != OperationKind::Release) {
        let code = Topic::of_operation(operation.kind).code();
        let is_meant = |arrived: &&Arrived| arrived.operation == Some(operation.version) && arrived.name == code;
        let ids = told.arrived.values().filter(is_meant).flat_map(|arrived| &arrived.ids).collect::<BTreeSet<_>>();
        if ids.len() != events_of(operation) {
            let stream = &story.stream;
            findings.violations.push(format!(
                "{stream}: {code} was to be told as {} events, and was as {ids:?}: {operation:?}",
                events_of(operation)
            ));
        }
    }
}

fn events_of(operation: &Operation) -> usize {
    match operation.kind {
        _ if operation.refused.is_some() => 1,
        OperationKind::Reversal | OperationKind::TechnicalCancel => 1,
        OperationKind::Capture
        | OperationKind::Void
        | OperationKind::Refund
        | OperationKind::AmountUpdate
        | OperationKind::Exchange
        | OperationKind::Release => operation.legs.len(),
    }
}

/// A commit says that amounts changed exactly if they did, and somebody wants to know.
fn amounts(story: &Story, findings: &mut Findings) {
    let mut before = Books::default();
    for commit in &story.commits {
        let Some(Change { order, .. }) = commit.last() else { continue };
        let said = commit.iter().filter(|change| change.event == OrderEvent::AmountsChanged).count();
        let is_changed = order.own_webhook().is_some() && order.books() != before;
        if said != usize::from(is_changed) {
            let (stream, version, books) = (&story.stream, order.version, order.books());
            findings.violations.push(format!("{stream} at {version}: {before:?} became {books:?}, said {said} times"));
        }
        before = order.books();
    }
}

/// An order's own webhook was told of each change of its amounts, in the order of their versions, as they were then.
fn own(story: &Story, told: &Told, findings: &mut Findings) {
    let expected = numbers(story, Format::Payments);
    findings.notifications += told.arrived.values().map(|arrived| u64::from(arrived.times)).sum::<u64>();
    let changed = story.changes().filter(|change| change.is_told(Format::Payments));
    let changed = changed.map(|change| (change.order.version, change.order.books())).collect::<Vec<_>>();
    let arrived = told.first_arrivals.iter().filter_map(|number| told.arrived.get(number));
    let arrived = arrived.map(|arrived| (arrived.version, arrived.books)).collect::<Vec<_>>();
    if told.first_arrivals != expected || arrived != changed {
        let stream = &story.stream;
        findings.violations.push(format!("{stream}: its amounts changed to {changed:?}, {arrived:?} arrived"));
    }
}
