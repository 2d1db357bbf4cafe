//! What an order comes to: when it ends, and when all is at rest.

use std::collections::BTreeMap;

use domain::{
    Version,
    order::{
        CaptureMode, CloseReason, Closed, Leg, LegResult, OperationKind, Order, OrderEvent, OrderKind, Payment, Session,
    },
};

use super::{Findings, Stories, Story};
use crate::{workload::Planned, world::World};

pub(super) fn check(world: &World, planned: &[Planned], stories: &Stories, findings: &mut Findings) {
    let of_all = planned.iter().flat_map(|plan| &plan.asked).map(|asked| (asked.reference.as_str(), asked.is_of_all));
    let of_all = of_all.collect::<BTreeMap<_, _>>();
    for story in stories.values() {
        let Story { stream, order, .. } = story;
        if let Some(closed) = &order.closed {
            *findings.endings.entry(format!("{:?}", closed.reason)).or_default() += 1;
            ended(story, closed, findings);
        } else if order.kind == OrderKind::Running && order.cancellation.is_none() {
            // It goes on until its merchant closes it.
            *findings.endings.entry("goes on".to_owned()).or_default() += 1;
        } else {
            findings.violations.push(format!("{stream}: it has not ended: {order:?}"));
        }
        let is_left = !order.outstanding(world.now).is_empty() || order.next_look(world.now, 0).is_some();
        let is_open = legs(order).any(Leg::is_in_flight) || order.payments.iter().any(|payment| !payment.is_final());
        if is_left || is_open {
            findings.violations.push(format!("{stream}: something is left undone: {order:?}"));
        }
        taken_back(story, &of_all, findings);
    }
}

fn legs(order: &Order) -> impl Iterator<Item = &Leg> {
    order.operations.iter().flat_map(|operation| &operation.legs)
}

/// An order that ended unpaid keeps nothing; one that was paid, and is captured by itself, is captured.
fn ended(story: &Story, closed: &Closed, findings: &mut Findings) {
    let Story { stream, order, .. } = story;
    // What its merchant closed keeps what was paid.
    if closed.reason == CloseReason::Concluded {
        return;
    }
    if !closed.is_success() {
        let is_declined = |payment: &Payment| declines(story, Version::FIRST, payment).any(|leg| !leg.action.takes());
        for payment in order.payments.iter().filter(|payment| payment.covers() > 0 && !is_declined(payment)) {
            findings.violations.push(format!("{stream}: it ended unpaid and keeps {payment:?}"));
        }
        return;
    }
    let Some(Session { capture: CaptureMode::Automatic { delay_s }, .. }) = order.session.as_deref() else { return };
    let capture_at = closed.at.plus(std::time::Duration::from_secs(*delay_s));
    if closed.capture_at != Some(capture_at) {
        findings.violations.push(format!("{stream}: it is captured at {:?}, not at {capture_at:?}", closed.capture_at));
    }
    let by_itself = order.operations.iter().filter(|operation| operation.is_automatic).collect::<Vec<_>>();
    if by_itself.len() > 1 || by_itself.iter().any(|operation| operation.requested_at < capture_at) {
        findings.violations.push(format!("{stream}: it was captured twice, or too early: {by_itself:?}"));
    }
    // What was taken back is not captured any more.
    let is_meant = |payment: &&Payment| payment.tally.capturable() > 0 && payment.reversed.is_none();
    for payment in order.payments.iter().filter(is_meant) {
        if by_itself.is_empty() || declines(story, Version::FIRST, payment).next().is_none() {
            findings.violations.push(format!("{stream}: it was to be captured by itself, and {payment:?} is not"));
        }
    }
}

/// What was declined of a payment by commits after that version.
fn declines<'s>(story: &'s Story, after: Version, payment: &'s Payment) -> impl Iterator<Item = &'s Leg> {
    story.changes().filter(move |change| change.position.version > after).filter_map(move |change| {
        let OrderEvent::LegResolved { operation, leg, result: LegResult::Declined { .. } } = &change.event else {
            return None;
        };
        story.order.leg(*operation, *leg).filter(|leg| leg.payment == payment.version)
    })
}

/// What was reversed keeps nothing, unless a partner declined to give it back, or it was taken again.
fn taken_back(story: &Story, of_all: &BTreeMap<&str, bool>, findings: &mut Findings) {
    let Story { stream, order, .. } = story;
    for reversal in &order.operations {
        if reversal.kind != OperationKind::Reversal || reversal.refused.is_some() {
            continue;
        }
        let is_of_all = reversal.reference.as_deref().and_then(|reference| of_all.get(reference)).copied();
        let is_meant = |payment: &&Payment| {
            payment.version < reversal.version
                && (is_of_all == Some(true) || reversal.target.is_none_or(|target| target == payment.version))
        };
        for payment in order.payments.iter().filter(is_meant) {
            let later = order.operations.iter().filter(|operation| operation.version > reversal.version);
            let mut later = later.flat_map(|operation| &operation.legs);
            let is_taken_again = later.any(|leg| leg.payment == payment.version && leg.action.takes());
            let is_declined = declines(story, reversal.version, payment).any(|leg| !leg.action.takes());
            if payment.covers() > 0 && !is_taken_again && !is_declined {
                let by = reversal.version;
                findings
                    .violations
                    .push(format!("{stream}: it was taken back and keeps {payment:?}, by {by}: {order:?}"));
            }
        }
    }
}
