//! Drafts: what can be done with them, how far they are, and the JSON of what happens to them.

use domain::{
    Aggregate, Decimal, OrderId, Time, Version,
    draft::{Content, Destination, Draft, DraftEvent, DraftRefusal, Edit, Stage, Target},
    limits::OPERATION_DETAILS_BYTES_MAX,
    order::{
        KeyPrint,
        line::{Fault, Line, LineFault, LineKind},
    },
};
use serde_json::{Value, json};

fn line(id: u32, amount: i64) -> Line {
    Line {
        id,
        reference: "chair".to_owned(),
        name: String::new(),
        kind: LineKind::Product,
        class: None,
        quantity: Decimal::ONE,
        unit: None,
        unit_price: None,
        discount_price: None,
        amount,
        tax: 0,
        taxes: Vec::new(),
        reverses: None,
        details: None,
    }
}

fn of(lines: Vec<Line>) -> Content {
    Content { lines, ..Content::default() }
}

fn to() -> Destination {
    Destination { order: OrderId::from_entropy([7; 16]).reference(), alias: None, is_known: false }
}

fn key(key: u8, request: u8) -> Option<KeyPrint> {
    Some(KeyPrint { key: [key; 8], request: [request; 8] })
}

fn after(draft: Option<Draft>, events: &[DraftEvent]) -> Draft {
    Draft::evolve_all(draft, events, Version::FIRST, Time::from_unix_ms(5)).unwrap()
}

fn written(lines: Vec<Line>) -> Draft {
    after(None, &Draft::edit(None, &Edit::Write(of(lines)), None).unwrap())
}

fn edited(draft: &Draft, edit: &Edit) -> Result<Draft, DraftRefusal> {
    let events = Draft::edit(Some(draft), edit, None)?;
    Ok(after(Some(draft.clone()), &events))
}

fn numbers(draft: &Draft) -> Vec<u32> {
    draft.content.lines.iter().map(|line| line.id).collect()
}

#[test]
fn lines_are_added_replaced_and_removed() {
    let draft = written(vec![line(1, 10)]);
    let draft = edited(&draft, &Edit::Add(line(2, -5))).unwrap();
    let draft = edited(&draft, &Edit::Replace(1, line(3, 7))).unwrap();
    assert_eq!(numbers(&draft), [3, 2], "it keeps its place");
    let draft = edited(&draft, &Edit::Remove(2)).unwrap();
    assert_eq!((numbers(&draft), draft.changes), (vec![3], 4));
    assert_eq!(edited(&draft, &Edit::Remove(2)), Err(DraftRefusal::LineNotFound));
    assert_eq!(edited(&draft, &Edit::Replace(2, line(2, 1))), Err(DraftRefusal::LineNotFound));
    assert_eq!(Draft::edit(None, &Edit::Add(line(1, 1)), None), Err(DraftRefusal::NotFound));
}

#[test]
fn a_number_is_there_once_and_the_fault_is_the_new_lines() {
    let draft = written(vec![line(1, 10), line(2, 10)]);
    let duplicate = |at| Err(DraftRefusal::Lines(LineFault { at: Some(at), what: Fault::Duplicate { line: 1 } }));
    assert_eq!(edited(&draft, &Edit::Add(line(1, 1))), duplicate(0));
    assert_eq!(edited(&draft, &Edit::Replace(2, line(1, 1))), duplicate(0));
    assert_eq!(edited(&draft, &Edit::Write(of(vec![line(1, 1), line(1, 1)]))), duplicate(1));
    assert!(edited(&draft, &Edit::Replace(1, line(1, 99))).is_ok(), "a line may keep its number");
}

#[test]
fn what_is_told_has_a_limit_as_it_is_stored() {
    let quotes = "\"".repeat(usize::try_from(OPERATION_DETAILS_BYTES_MAX).unwrap() / 2 + 1);
    let content = Content { details: Some(quotes), ..Content::default() };
    let actual = OPERATION_DETAILS_BYTES_MAX + 2;
    assert_eq!(Draft::edit(None, &Edit::Write(content), None), Err(DraftRefusal::DetailsTooLong { actual }));
}

#[test]
fn a_key_is_for_one_request() {
    let write = Edit::Write(of(vec![line(1, 10)]));
    let draft = after(None, &Draft::edit(None, &write, key(1, 1)).unwrap());
    assert_eq!(Draft::edit(Some(&draft), &write, key(1, 1)), Ok(Vec::new()), "it was done before");
    assert_eq!(Draft::edit(Some(&draft), &write, key(1, 2)), Err(DraftRefusal::KeyReused));
    let frozen = after(Some(draft.clone()), &draft.begin(&to()).unwrap());
    assert_eq!(Draft::edit(Some(&frozen), &write, key(1, 1)), Ok(Vec::new()), "also when it is frozen");
}

#[test]
fn from_when_its_completion_begins_it_is_frozen_until_its_order_refuses_it() {
    let draft = written(vec![line(1, 10)]);
    let frozen = after(Some(draft.clone()), &draft.begin(&to()).unwrap());
    let other = Destination { alias: Some("other".to_owned()), ..to() };
    assert_eq!(frozen.begin(&other), Ok(Vec::new()), "which order it is for is fixed");
    for edit in [Edit::Write(of(Vec::new())), Edit::Add(line(2, 1)), Edit::Replace(1, line(1, 1)), Edit::Remove(1)] {
        assert_eq!(edited(&frozen, &edit), Err(DraftRefusal::Completing));
    }
    let released = after(Some(frozen.clone()), &frozen.release());
    assert_eq!(released.stage, Stage::Open);
    assert!(edited(&released, &Edit::Remove(1)).is_ok());

    let completed = after(Some(frozen.clone()), &frozen.complete(&to()));
    assert_eq!(completed.stage, Stage::Completed { to: to(), at: Time::from_unix_ms(5) });
    assert_eq!(edited(&completed, &Edit::Remove(1)), Err(DraftRefusal::Completed));
    let nothing: Vec<DraftEvent> = Vec::new();
    assert_eq!(
        (completed.release(), completed.complete(&to()), completed.begin(&to())),
        (nothing.clone(), nothing.clone(), Ok(nothing))
    );
    // Its order took it from another's try, after it was let go of.
    let completed = after(Some(released.clone()), &released.complete(&to()));
    assert!(matches!(completed.stage, Stage::Completed { .. }));
}

/// What is stored is read for ever.
#[test]
fn the_json_of_what_happens_stays_what_it_is() {
    let content = Content { target: Target::Named("cart-1".to_owned()), ..of(vec![line(1, 10)]) };
    let stored =
        json!({ "id": 1, "reference": "chair", "kind": "product", "quantity": 10_000, "amount": 10, "tax": 0 });
    let events: Vec<(DraftEvent, Value)> = vec![
        (
            DraftEvent::Written { content, key: None },
            json!({ "type": "written", "content": { "target": { "named": "cart-1" }, "lines": [stored] } }),
        ),
        (
            DraftEvent::LinePut { instead: Some(1), line: line(1, 10), key: None },
            json!({ "type": "line_put", "instead": 1, "line": stored }),
        ),
        (DraftEvent::LineRemoved { line: 1 }, json!({ "type": "line_removed", "line": 1 })),
        (
            DraftEvent::CompletionBegan { to: Destination { alias: Some("cart-1".to_owned()), ..to() } },
            json!({ "type": "completion_began", "to": { "order": to().order.to_string(), "alias": "cart-1" } }),
        ),
        (DraftEvent::Released, json!({ "type": "released" })),
        (DraftEvent::Completed, json!({ "type": "completed" })),
    ];
    let mut draft = None;
    for (event, json) in events {
        assert_eq!(serde_json::to_value(&event).unwrap(), json);
        assert_eq!(serde_json::from_value::<DraftEvent>(json).unwrap(), event);
        // So is every state, for snapshots.
        let state = after(draft, &[event]);
        let stored = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<Draft>(&stored).unwrap(), state);
        draft = Some(state);
    }
}
