//! What merchants asked for, and what was done of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Reference,
    order::{LegResult, Operation, OperationKind, Order, OrderEvent, Standing},
};

use super::{Findings, Stories, Story};
use crate::{
    operations::{Answer, Asked},
    workload::Planned,
};

/// Operations on record, by the merchant's reference, whatever order they are of.
type Known<'s> = BTreeMap<&'s str, Vec<(Reference, &'s Order, &'s Operation)>>;

pub(super) fn check(planned: &[Planned], stories: &Stories, findings: &mut Findings) {
    let mut known = Known::new();
    for (id, Story { order, .. }) in stories {
        for operation in &order.operations {
            if let Some(reference) = &operation.reference {
                known.entry(reference).or_default().push((id.at(operation.version), order, operation));
            }
        }
    }
    let mut keyed = BTreeMap::<[u8; 8], Vec<(Reference, &Asked)>>::new();
    for asked in planned.iter().flat_map(|plan| &plan.asked) {
        let found = known.get(asked.reference.as_str()).map_or(&[][..], Vec::as_slice);
        happened(asked, found, findings);
        stays(asked, found, findings);
        if let Some(key) = asked.key {
            keyed.entry(key.key).or_default().extend(found.iter().map(|(reference, ..)| (*reference, asked)));
        }
    }
    for operations in keyed.values().filter(|operations| operations.len() > 1) {
        findings.violations.push(format!("{operations:?} were done with one idempotency key"));
    }
    for story in stories.values() {
        moved_nothing(story, findings);
        as_asked(story, findings);
        of_captures(story, findings);
    }
}

/// It was done as often as was answered, or may have been.
fn happened(asked: &Asked, found: &[(Reference, &Order, &Operation)], findings: &mut Findings) {
    let taken = asked.answers.iter().filter_map(|answer| match answer {
        Answer::Taken { operation, .. } => Some(*operation),
        Answer::Refused(_) | Answer::Unknown => None,
    });
    let taken = taken.collect::<BTreeSet<_>>();
    for operation in &taken {
        if !found.iter().any(|(reference, ..)| reference == operation) {
            findings.violations.push(format!("{operation} was taken, and is not there: {asked:?}"));
        }
    }
    let refused = asked.answers.iter().filter(|answer| matches!(answer, Answer::Refused(_))).count();
    let answered = asked.answers.iter().filter(|answer| **answer != Answer::Unknown).count();
    let done = found.len();
    if done > taken.len() + asked.tries.saturating_sub(answered) {
        let what = if refused > 0 { "was refused" } else { "was asked for less often" };
        findings.violations.push(format!("{}: it {what} and is there {done} times: {asked:?}", asked.reference));
    }
}

/// What was answered stays true, and what is on record is what was asked for.
fn stays(asked: &Asked, found: &[(Reference, &Order, &Operation)], findings: &mut Findings) {
    for answer in &asked.answers {
        let Answer::Taken { operation, standing } = answer else { continue };
        let Some((_, order, operation)) = found.iter().find(|(reference, ..)| reference == operation) else { continue };
        let is_final = !matches!(standing, Standing::Pending | Standing::Uncertain);
        if is_final && operation.standing() != *standing {
            findings.violations.push(format!("{}: it stood at {standing:?}: {operation:?}", asked.reference));
        }
        let used =
            asked.key.map(|key| order.keys.iter().any(|used| used.print == key && used.version == operation.version));
        if operation.kind != asked.kind || used == Some(false) {
            findings.violations.push(format!("{asked:?} is on record as {operation:?}"));
        }
    }
}

/// An operation that was put on record as refused changed nothing else; but a reversal of a whole order ends one that
/// is still being paid, also if there is nothing to give back.
fn moved_nothing(story: &Story, findings: &mut Findings) {
    let mut before: Option<&Order> = None;
    for commit in &story.commits {
        let Some(after) = commit.last().map(|change| &change.order) else { continue };
        let refused = commit.iter().find_map(|change| {
            let OrderEvent::OperationRefused { kind, target, .. } = change.event else { return None };
            Some((kind, target))
        });
        if let (Some(refused), Some(before)) = (refused, before) {
            let is_same = before.payments == after.payments
                && (before.remaining, before.position) == (after.remaining, after.position)
                && before.closed == after.closed
                && commit.len() == 1;
            let is_end = refused == (OperationKind::Reversal, None)
                && before.is_open()
                && after.cancellation.as_ref().is_some_and(|asked| asked.version == after.version);
            if !(is_same || is_end) {
                findings.violations.push(format!("{}: what was refused moved something: {after:?}", story.stream));
            }
        }
        before = Some(after);
    }
}

/// The legs of an operation come to what was asked for, and none is empty or a second one for the same.
fn as_asked(story: &Story, findings: &mut Findings) {
    for operation in &story.order.operations {
        let is_shared_out = matches!(
            operation.kind,
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund | OperationKind::TechnicalCancel
        );
        let total = operation.legs.iter().map(|leg| leg.amount).sum::<u64>();
        let is_other = is_shared_out && operation.amount.is_some_and(|amount| amount != total);
        let mut seen = Vec::new();
        let is_twice = operation.legs.iter().any(|leg| {
            let is_known = seen.contains(&(leg.payment, leg.action));
            seen.push((leg.payment, leg.action));
            is_known || leg.amount == 0
        });
        if operation.refused.is_none() && (is_other || is_twice || operation.legs.is_empty()) {
            findings.violations.push(format!("{}: it is not what was asked for: {operation:?}", story.stream));
        }
    }
}

/// What was refunded of a capture is no more than that took, payment by payment.
fn of_captures(story: &Story, findings: &mut Findings) {
    let done = |operation: &Operation| {
        let legs = operation.legs.iter().filter(|leg| leg.result == Some(LegResult::Done));
        legs.map(|leg| (leg.payment, leg.amount)).collect::<Vec<_>>()
    };
    let mut given = BTreeMap::new();
    for operation in &story.order.operations {
        let Some(capture) = operation.of else { continue };
        for (payment, amount) in done(operation) {
            *given.entry((capture, payment)).or_insert(0) += amount;
        }
    }
    for ((capture, payment), given) in given {
        let taken = story.order.operation(capture).map(done).unwrap_or_default();
        let taken = taken.into_iter().filter(|(of, _)| *of == payment).map(|(_, amount)| amount).sum::<u64>();
        if given > taken {
            findings.violations.push(format!("{}: {given} refunded of {taken} that {capture} took", story.stream));
        }
    }
}
