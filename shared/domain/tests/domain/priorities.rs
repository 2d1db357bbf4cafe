//! Which payments an operation on a whole order comes to first, as a table.

use domain::{
    Action::{self, Capture, Refund, Void},
    order::{
        CloseReason, Command, Method, MethodKind, Operate, OperationKind, Priority, Refusal, Target,
        default_priorities, in_order, share_out,
    },
};

use crate::support::{
    Commit, NOW, after, asked, authorised, card, check, closed, commits, done, eur, gift_card, ideal, kind_of, leg,
    opened, priority, requested, reserved_with, together, v,
};

/// A payment: its partner, its method, and what the action can still be asked for, in minor units.
type Tender = (&'static str, &'static str, u64);

/// An entry of a list: a partner and a method.
type Entry = (&'static str, &'static str);

/// One line of the table.
struct Case {
    name: &'static str,
    tenders: &'static [Tender],
    action: Action,
    priorities: Option<&'static [Entry]>,
    amount: Option<u64>,
    expected: Expected,
}

enum Expected {
    /// Shares in their order: the place of the payment, counted from 1, and the amount.
    Shares(&'static [(u16, u64)]),
    /// More than what the list admits.
    NotAdmitted { asked: u64, admitted: u64 },
    /// More than there is, whatever the list says.
    NotAvailable { asked: u64, available: u64 },
    /// There is nothing.
    Nothing,
}

use Expected::{NotAdmitted, NotAvailable, Nothing, Shares};

/// A card, iDEAL and two gift cards, as they were split.
const FOUR: &[Tender] = &[
    ("sandbox", "creditcard", 100),
    ("illicado", "giftcard", 20),
    ("sandbox", "ideal", 50),
    ("givex", "giftcard", 30),
];

/// The sample of the seed document: a card with 100.00 and a gift card with 20.00.
const SEED: &[Tender] = &[("sandbox", "creditcard", 10_000), ("illicado", "giftcard", 2_000)];

/// What of it can be refunded after 60.00 were captured.
const SEED_CAPTURED: &[Tender] = &[("sandbox", "creditcard", 4_000), ("illicado", "giftcard", 2_000)];

/// The list of the seed document.
const SEED_LIST: &[Entry] = &[("*", "creditcard"), ("*", "*"), ("illicado", "*")];

const TABLE: &[Case] = &[
    // Without a list.
    Case {
        name: "a capture takes gift cards first, in the order of the split, and then the others in theirs",
        tenders: FOUR,
        action: Capture,
        priorities: None,
        amount: None,
        expected: Shares(&[(2, 20), (4, 30), (1, 100), (3, 50)]),
    },
    Case {
        name: "a refund takes cards first, and neither gift cards nor iDEAL before the other",
        tenders: FOUR,
        action: Refund,
        priorities: None,
        amount: None,
        expected: Shares(&[(1, 100), (2, 20), (3, 50), (4, 30)]),
    },
    Case {
        name: "a void takes what a refund takes",
        tenders: FOUR,
        action: Void,
        priorities: None,
        amount: None,
        expected: Shares(&[(1, 100), (2, 20), (3, 50), (4, 30)]),
    },
    Case {
        name: "the last share of a capture is what is left of the amount",
        tenders: FOUR,
        action: Capture,
        priorities: None,
        amount: Some(51),
        expected: Shares(&[(2, 20), (4, 30), (1, 1)]),
    },
    Case {
        name: "a payment that the amount does not reach has no share",
        tenders: FOUR,
        action: Capture,
        priorities: None,
        amount: Some(50),
        expected: Shares(&[(2, 20), (4, 30)]),
    },
    Case {
        name: "a refund that a card covers leaves gift cards alone",
        tenders: FOUR,
        action: Refund,
        priorities: None,
        amount: Some(100),
        expected: Shares(&[(1, 100)]),
    },
    Case {
        name: "several cards are refunded in the order of the split",
        tenders: &[("sandbox", "ideal", 5), ("sandbox", "creditcard", 10), ("sandbox", "creditcard", 20)],
        action: Refund,
        priorities: None,
        amount: Some(31),
        expected: Shares(&[(2, 10), (3, 20), (1, 1)]),
    },
    Case {
        name: "an order without gift cards is captured in the order of the split",
        tenders: &[("sandbox", "ideal", 5), ("sandbox", "creditcard", 10)],
        action: Capture,
        priorities: None,
        amount: Some(6),
        expected: Shares(&[(1, 5), (2, 1)]),
    },
    Case {
        name: "a gift card with nothing left is passed over",
        tenders: &[("illicado", "giftcard", 0), ("sandbox", "creditcard", 100), ("givex", "giftcard", 30)],
        action: Capture,
        priorities: None,
        amount: Some(40),
        expected: Shares(&[(3, 30), (2, 10)]),
    },
    Case {
        name: "a card with nothing left is passed over",
        tenders: &[("sandbox", "creditcard", 0), ("illicado", "giftcard", 20)],
        action: Refund,
        priorities: None,
        amount: Some(20),
        expected: Shares(&[(2, 20)]),
    },
    Case {
        name: "more than there is cannot be captured",
        tenders: FOUR,
        action: Capture,
        priorities: None,
        amount: Some(201),
        expected: NotAvailable { asked: 201, available: 200 },
    },
    Case {
        name: "nothing can be captured where nothing is left",
        tenders: &[("sandbox", "creditcard", 0), ("illicado", "giftcard", 0)],
        action: Capture,
        priorities: None,
        amount: None,
        expected: Nothing,
    },
    // The seed document's sample.
    Case {
        name: "a capture of 60.00 takes 20.00 from the gift card and 40.00 from the card",
        tenders: SEED,
        action: Capture,
        priorities: None,
        amount: Some(6_000),
        expected: Shares(&[(2, 2_000), (1, 4_000)]),
    },
    Case {
        name: "a refund of 50.00 takes 40.00 from the card first and then 10.00 from the gift card",
        tenders: SEED_CAPTURED,
        action: Refund,
        priorities: None,
        amount: Some(5_000),
        expected: Shares(&[(1, 4_000), (2, 1_000)]),
    },
    Case {
        name: "with the document's list the gift card of that partner comes last",
        tenders: SEED,
        action: Capture,
        priorities: Some(SEED_LIST),
        amount: Some(11_000),
        expected: Shares(&[(1, 10_000), (2, 1_000)]),
    },
    Case {
        name: "with the document's list all others come between cards and that partner",
        tenders: FOUR,
        action: Capture,
        priorities: Some(SEED_LIST),
        amount: None,
        expected: Shares(&[(1, 100), (3, 50), (4, 30), (2, 20)]),
    },
    // Exact entries and wildcards.
    Case {
        name: "an exact entry places the payments of its partner and its method",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("sandbox", "ideal"), ("*", "*")]),
        amount: Some(60),
        expected: Shares(&[(3, 50), (1, 10)]),
    },
    Case {
        name: "exact entries are followed in their own order",
        tenders: FOUR,
        action: Refund,
        priorities: Some(&[
            ("givex", "giftcard"),
            ("sandbox", "ideal"),
            ("illicado", "giftcard"),
            ("sandbox", "creditcard"),
        ]),
        amount: None,
        expected: Shares(&[(4, 30), (3, 50), (2, 20), (1, 100)]),
    },
    Case {
        name: "any partner means every partner of the method",
        tenders: FOUR,
        action: Refund,
        priorities: Some(&[("*", "giftcard"), ("*", "*")]),
        amount: Some(60),
        expected: Shares(&[(2, 20), (4, 30), (1, 10)]),
    },
    Case {
        name: "any method means every method of the partner",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("sandbox", "*"), ("*", "*")]),
        amount: Some(155),
        expected: Shares(&[(1, 100), (3, 50), (2, 5)]),
    },
    Case {
        name: "a partner and a method of different payments match neither",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("illicado", "creditcard"), ("sandbox", "giftcard"), ("*", "*")]),
        amount: None,
        expected: Shares(&[(1, 100), (2, 20), (3, 50), (4, 30)]),
    },
    // The entry for all the others, wherever it stands.
    Case {
        name: "all the others alone are all payments, in the order of the split",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "*")]),
        amount: None,
        expected: Shares(&[(1, 100), (2, 20), (3, 50), (4, 30)]),
    },
    Case {
        name: "all the others come first where they are listed first, without what a later entry matches",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "*"), ("sandbox", "creditcard")]),
        amount: None,
        expected: Shares(&[(2, 20), (3, 50), (4, 30), (1, 100)]),
    },
    Case {
        name: "all the others come in the middle where they are listed there, without what either side matches",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("givex", "*"), ("*", "*"), ("*", "creditcard")]),
        amount: None,
        expected: Shares(&[(4, 30), (2, 20), (3, 50), (1, 100)]),
    },
    Case {
        name: "all the others come last where they are listed last",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "ideal"), ("illicado", "*"), ("*", "*")]),
        amount: None,
        expected: Shares(&[(3, 50), (2, 20), (1, 100), (4, 30)]),
    },
    Case {
        name: "all the others are none if the other entries match everything",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "*"), ("*", "giftcard"), ("sandbox", "*")]),
        amount: None,
        expected: Shares(&[(2, 20), (4, 30), (1, 100), (3, 50)]),
    },
    Case {
        name: "the first of two entries for all the others places them",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "*"), ("illicado", "*"), ("*", "*")]),
        amount: None,
        expected: Shares(&[(1, 100), (3, 50), (4, 30), (2, 20)]),
    },
    // Entries that match the same payment.
    Case {
        name: "the first of two entries that match a payment places it",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "giftcard"), ("*", "ideal"), ("illicado", "*"), ("*", "*")]),
        amount: None,
        expected: Shares(&[(2, 20), (4, 30), (3, 50), (1, 100)]),
    },
    Case {
        name: "an exact entry does not go before a wildcard that stands before it",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("sandbox", "*"), ("sandbox", "ideal"), ("*", "*")]),
        amount: Some(120),
        expected: Shares(&[(1, 100), (3, 20)]),
    },
    Case {
        name: "an exact entry goes before a wildcard that stands after it",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("sandbox", "ideal"), ("sandbox", "*"), ("*", "*")]),
        amount: Some(120),
        expected: Shares(&[(3, 50), (1, 70)]),
    },
    Case {
        name: "an entry that is listed twice counts once, in its first place",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "ideal"), ("*", "giftcard"), ("*", "ideal"), ("*", "*")]),
        amount: None,
        expected: Shares(&[(3, 50), (2, 20), (4, 30), (1, 100)]),
    },
    Case {
        name: "an entry that names nobody changes nothing",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("nobody", "*"), ("*", "cheque"), ("Illicado", "*"), ("*", "GIFTCARD"), ("*", "*")]),
        amount: Some(110),
        expected: Shares(&[(1, 100), (2, 10)]),
    },
    Case {
        name: "an empty name is no wildcard",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("", ""), ("", "*"), ("*", "")]),
        amount: Some(1),
        expected: NotAdmitted { asked: 1, admitted: 0 },
    },
    Case {
        name: "payments of one place keep the order of the split",
        tenders: &[
            ("givex", "giftcard", 10),
            ("sandbox", "creditcard", 20),
            ("illicado", "giftcard", 30),
            ("sandbox", "creditcard", 40),
            ("givex", "giftcard", 50),
        ],
        action: Void,
        priorities: Some(&[("*", "giftcard"), ("*", "*")]),
        amount: None,
        expected: Shares(&[(1, 10), (3, 30), (5, 50), (2, 20), (4, 40)]),
    },
    Case {
        name: "the first of the list is passed over if it has nothing",
        tenders: &[("sandbox", "creditcard", 100), ("illicado", "giftcard", 0), ("givex", "giftcard", 30)],
        action: Refund,
        priorities: Some(&[("illicado", "*"), ("*", "giftcard"), ("*", "*")]),
        amount: Some(35),
        expected: Shares(&[(3, 30), (1, 5)]),
    },
    // Lists that leave payments out.
    Case {
        name: "what a list leaves out has no share",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "giftcard")]),
        amount: Some(45),
        expected: Shares(&[(2, 20), (4, 25)]),
    },
    Case {
        name: "all of what a list admits can be asked for",
        tenders: FOUR,
        action: Refund,
        priorities: Some(&[("*", "giftcard"), ("*", "ideal")]),
        amount: Some(100),
        expected: Shares(&[(2, 20), (4, 30), (3, 50)]),
    },
    Case {
        name: "more than what a list admits cannot be met by what it leaves out",
        tenders: FOUR,
        action: Refund,
        priorities: Some(&[("*", "giftcard"), ("*", "ideal")]),
        amount: Some(101),
        expected: NotAdmitted { asked: 101, admitted: 100 },
    },
    Case {
        name: "all there is includes what a list leaves out, so that it cannot be met",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "giftcard")]),
        amount: None,
        expected: NotAdmitted { asked: 200, admitted: 50 },
    },
    Case {
        name: "all there is can be met if what a list leaves out has nothing",
        tenders: &[("sandbox", "creditcard", 0), ("illicado", "giftcard", 20)],
        action: Capture,
        priorities: Some(&[("illicado", "*")]),
        amount: None,
        expected: Shares(&[(2, 20)]),
    },
    Case {
        name: "an empty list admits nothing",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[]),
        amount: Some(1),
        expected: NotAdmitted { asked: 1, admitted: 0 },
    },
    Case {
        name: "an empty list admits nothing of all there is either",
        tenders: FOUR,
        action: Void,
        priorities: Some(&[]),
        amount: None,
        expected: NotAdmitted { asked: 200, admitted: 0 },
    },
    Case {
        name: "a list of unknown names admits nothing",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("nobody", "*"), ("*", "cheque")]),
        amount: Some(1),
        expected: NotAdmitted { asked: 1, admitted: 0 },
    },
    Case {
        name: "more than there is is that, whatever a list admits",
        tenders: FOUR,
        action: Capture,
        priorities: Some(&[("*", "giftcard")]),
        amount: Some(201),
        expected: NotAvailable { asked: 201, available: 200 },
    },
    Case {
        name: "nothing is nothing, whatever a list admits",
        tenders: &[("sandbox", "creditcard", 0)],
        action: Capture,
        priorities: Some(&[]),
        amount: Some(1),
        expected: Nothing,
    },
];

fn method((partner, method, _): &Tender) -> Method {
    match *method {
        "giftcard" => gift_card(partner),
        "ideal" => ideal(),
        "creditcard" => card(),
        other => panic!("nobody pays by {other}"),
    }
}

fn list(entries: &[Entry]) -> Vec<Priority> {
    entries.iter().map(|(partner, method)| priority(partner, method)).collect()
}

/// An order that is paid so, as far along as the action needs: payments are numbered from 1 in the order of the split.
/// One that has nothing left was of 1, which was voided, or for a refund was not captured.
fn paid_by(tenders: &[Tender], action: Action) -> Vec<Commit> {
    let count = u16::try_from(tenders.len()).unwrap();
    let amounts = tenders.iter().map(|(.., available)| (*available).max(1));
    let mut given = vec![opened(amounts.clone().sum())];
    given.extend(tenders.iter().zip(amounts).map(|(tender, amount)| reserved_with(method(tender), amount)));
    given.extend((1..count).map(authorised));
    given.push(together([authorised(count), closed(CloseReason::Paid)]));
    for ((.., available), payment) in tenders.iter().zip(1..) {
        let (before, amount) = match (action, available) {
            (Refund, 0) => continue,
            (Refund, available) => (Capture, *available),
            (_, 0) => (Void, 1),
            (_, _) => continue,
        };
        let operation = u16::try_from(given.len()).unwrap();
        given.extend([requested([leg(payment, before, amount)]), done(operation, 0)]);
    }
    given
}

#[test]
fn an_amount_is_shared_out_as_the_list_says() {
    assert!(TABLE.len() >= 30);
    for Case { name, tenders, action, priorities, amount, expected } in TABLE {
        let given = paid_by(tenders, *action);
        let kind = kind_of(*action);
        let command =
            Operate { priorities: priorities.map(list), ..Operate::new(kind, Target::Order, amount.map(eur)) };
        let refusal = |asked: u64, most: u64| (eur(asked), eur(most));
        let expected = match expected {
            Shares(shares) => {
                let legs = shares.iter().map(|(payment, share)| leg(*payment, *action, *share)).collect::<Vec<_>>();
                commits([asked(kind, Target::Order, *amount, legs)])
            }
            NotAdmitted { asked, admitted } => {
                let (asked, admitted) = refusal(*asked, *admitted);
                Err(Refusal::NotAdmitted { asked, admitted })
            }
            NotAvailable { asked, available } => {
                let (asked, available) = refusal(*asked, *available);
                Err(Refusal::NotAvailable { asked, available })
            }
            Nothing => Err(Refusal::NothingAvailable),
        };
        let decision = after(&given).decide(&Command::Operate(command), NOW);
        assert_eq!(decision, expected, "{name}");
    }
}

/// Capture, then refund, on one and the same order.
#[test]
fn the_sample_of_the_seed_document_is_shared_out_from_capture_to_refund() {
    let operate = |kind, minor| Command::Operate(Operate::new(kind, Target::Order, Some(eur(minor))));
    let mut given = paid_by(SEED, Capture);
    let captured =
        asked(OperationKind::Capture, Target::Order, Some(6_000), [leg(2, Capture, 2_000), leg(1, Capture, 4_000)]);
    check(&given, operate(OperationKind::Capture, 6_000), commits([captured.clone()]));
    given.extend([captured, together([done(5, 0), done(5, 1)])]);
    let refunded =
        asked(OperationKind::Refund, Target::Order, Some(5_000), [leg(1, Refund, 4_000), leg(2, Refund, 1_000)]);
    check(&given, operate(OperationKind::Refund, 5_000), commits([refunded.clone()]));
    given.extend([refunded, together([done(7, 0), done(7, 1)])]);
    let books = after(&given).books();
    assert_eq!((books.captured, books.refunded, books.refundable, books.capturable), (6_000, 5_000, 1_000, 6_000));
}

#[test]
fn a_list_also_admits_or_leaves_out_the_one_payment_that_was_asked_for() {
    let given = paid_by(FOUR, Capture);
    let capture = |entries: &[Entry]| {
        let priorities = Some(list(entries));
        Command::Operate(Operate {
            priorities,
            ..Operate::new(OperationKind::Capture, Target::Payment(v(1)), Some(eur(60)))
        })
    };
    let captured = asked(OperationKind::Capture, Target::Payment(v(1)), Some(60), [leg(1, Capture, 60)]);
    for entries in [&[("sandbox", "*")][..], &[("illicado", "*"), ("*", "*")]] {
        check(&given, capture(entries), commits([captured.clone()]));
    }
    let refusal = || Refusal::NotAdmitted { asked: eur(60), admitted: eur(0) };
    check(&given, capture(&[("illicado", "*")]), Err(refusal()));
    check(&given, capture(&[]), Err(refusal()));
}

/// It gives back all there is, so that there is nothing to put in order.
#[test]
fn a_reversal_follows_no_list() {
    let reversal = Operate { priorities: Some(vec![]), ..Operate::new(OperationKind::Reversal, Target::Order, None) };
    let given = paid_by(SEED, Capture);
    let legs = [leg(1, Void, 10_000), leg(2, Void, 2_000)];
    let reversed = asked(OperationKind::Reversal, Target::Order, None, legs);
    check(&given, Command::Operate(reversal), commits([reversed]));
}

#[test]
fn payments_go_by_the_names_that_merchants_know() {
    let names = [
        (MethodKind::Card, "creditcard"),
        (MethodKind::GiftCard, "giftcard"),
        (MethodKind::Ideal, "ideal"),
        (MethodKind::Credit, "credit"),
    ];
    for (kind, name) in names {
        assert_eq!(kind.name(), name);
    }
    let order = after(&paid_by(FOUR, Capture));
    let names =
        order.payments.iter().map(|payment| (payment.partner_name(), payment.method_name())).collect::<Vec<_>>();
    assert_eq!(names, FOUR.iter().map(|(partner, method, _)| (*partner, *method)).collect::<Vec<_>>());
}

#[test]
fn the_order_that_applies_without_a_list_is_a_list_too() {
    let rest = || priority("*", "*");
    assert_eq!(default_priorities(Capture), [priority("*", "giftcard"), rest()]);
    for action in [Void, Refund] {
        assert_eq!(default_priorities(action), [priority("*", "creditcard"), rest()]);
    }
}

#[test]
fn what_cannot_be_shared_out_is_told() {
    let order = after(&paid_by(FOUR, Capture));
    let payments = order.payments.iter().collect::<Vec<_>>();
    let admitted = in_order(&list(&[("*", "giftcard")]), &payments);
    let share = |amount| {
        let (shares, left) = share_out(amount, |payment| payment.tally.available(Capture), admitted.iter().copied());
        (shares.into_iter().map(|(payment, share)| (payment.version.get(), share)).collect::<Vec<_>>(), left)
    };
    assert_eq!(share(0), (vec![], 0));
    assert_eq!(share(20), (vec![(2, 20)], 0));
    assert_eq!(share(50), (vec![(2, 20), (4, 30)], 0));
    assert_eq!(share(55), (vec![(2, 20), (4, 30)], 5));
}
