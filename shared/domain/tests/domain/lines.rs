//! Lines: how they are checked, changed and taken back, and how the money follows them.

use std::sync::Arc;

use domain::{
    Action, Aggregate, Decimal, DecimalError, Order, Version,
    limits::{AMOUNT_MINOR_MAX, FAILURES_IN_A_ROW_MAX, LINES_PER_ORDER_MAX, ORDER_LIFETIME_MAX},
    order::{
        Allocate, Append, Cancel, CancelReason, CaptureMode, CartTerms, CloseReason, Command, Decision, Entry, Items,
        LegResult, LineAction, NewCart, Open, Operate, OperationKind, OrderEvent, OrderKind, Payer, Refusal,
        Resolution, Revise, Session, Target,
        line::{Fault, Line, LineFault, LineKind, Lines, Sheet, TaxPart, check},
    },
};

use crate::support::{
    NOW, cancel, capture, declined_leg, eur, money, on_leg, on_payment, open, operate, pay, print, record, refund, v,
    void,
};

// -- lines in few words

/// A line of one piece, with a fifth of it as tax (25 %).
pub(crate) fn line(id: u32, amount: i64) -> Line {
    Line {
        id,
        reference: "sku".into(),
        name: String::new(),
        kind: LineKind::Product,
        class: None,
        quantity: Decimal::ONE,
        unit: None,
        unit_price: None,
        discount_price: None,
        amount,
        tax: amount / 5,
        taxes: vec![TaxPart { percentage: Decimal::from_hundredths(2_500).unwrap(), amount: amount / 5 }],
        reverses: None,
        details: None,
    }
}

/// A line that takes back another.
pub(crate) fn reversal(id: u32, of: u32, amount: i64) -> Line {
    Line { reverses: Some(of), ..line(id, amount) }
}

pub(crate) fn sheet(lines: &[Line]) -> Sheet {
    let sum = lines.iter().map(|line| line.amount).sum();
    Sheet { count: u16::try_from(lines.len()).unwrap(), sum, here: Some(lines.to_vec()), beside: None }
}

/// The lines that an order keeps.
pub(crate) fn lines_of(order: &Order) -> Lines {
    let sheets = order.cart.as_ref().map(|cart| cart.sheets.clone()).unwrap_or_default();
    let lines = sheets.iter().flat_map(|(_, sheet)| sheet.here.clone().unwrap()).collect::<Arc<[Line]>>();
    Lines { sheets: sheets.into_iter().map(|(version, _)| version).collect(), lines }
}

/// What opens an order with these lines.
pub(crate) fn with_lines(lines: &[Line], is_running: bool, is_purchase: bool) -> Open {
    let amount = lines.iter().map(|line| line.amount).sum::<i64>();
    let tax = lines.iter().map(|line| line.tax).sum();
    let terms = CartTerms { tax, description: None, alias: None, sheet: Some(sheet(lines)) };
    let session = Session { capture: CaptureMode::Manual, webhook: None, is_purchase };
    Open {
        expires_at: is_running.then(|| NOW.plus(ORDER_LIFETIME_MAX)),
        session: is_purchase.then_some(session),
        cart: Some(NewCart { terms, lines: lines.to_vec(), is_running }),
        ..open(eur(u64::try_from(amount).unwrap()))
    }
}

/// An order, step by step.
pub(crate) struct Life {
    pub(crate) order: Order,
}

impl Life {
    pub(crate) fn begin(open: &Open) -> Self {
        let events = Order::open(open, None, NOW).unwrap();
        Self { order: Order::evolve_all(None, &events, Version::FIRST, NOW).unwrap() }
    }

    fn running(lines: &[Line]) -> Self {
        Self::begin(&with_lines(lines, true, false))
    }

    fn parts(lines: &[Line]) -> Self {
        Self::begin(&with_lines(lines, false, false))
    }

    fn purchase(lines: &[Line]) -> Self {
        Self::begin(&with_lines(lines, false, true))
    }

    /// Asks for something that is done; the events.
    #[track_caller]
    fn does(&mut self, command: &Command) -> Vec<OrderEvent> {
        let Ok(Decision::Commit(events)) = self.order.decide(command, NOW) else {
            panic!("{command:?} is not done: {:?}", self.order.decide(command, NOW));
        };
        let version = self.order.version.next().unwrap();
        self.order = Order::evolve_all(Some(self.order.clone()), &events, version, NOW).unwrap();
        events
    }

    #[track_caller]
    fn refuses(&self, command: &Command) -> Refusal {
        self.order.decide(command, NOW).unwrap_err()
    }

    /// The payment that was made last, authorised.
    #[track_caller]
    fn pays(&mut self, minor: u64) -> Version {
        self.does(&pay(self.order.version.get(), minor));
        let payment = self.order.version;
        self.does(&record([on_payment(payment.get(), Resolution::Authorised)]));
        payment
    }

    fn allocation(&self, action: LineAction, payer: Payer, entries: &[(u32, i64)]) -> Command {
        Command::Allocate(Allocate {
            action,
            payer,
            entries: entries.to_vec(),
            is_success: true,
            lines: lines_of(&self.order),
            details: None,
            key: None,
        })
    }

    /// Does something on lines; what moves for it, all of it done.
    #[track_caller]
    fn allocates(&mut self, action: LineAction, payer: &Payer, entries: &[(u32, i64)]) -> Vec<(Action, u64)> {
        let command = self.allocation(action, payer.clone(), entries);
        self.does(&command);
        self.settles(LegResult::Done)
    }

    /// All legs in flight end so.
    #[track_caller]
    fn settles(&mut self, result: LegResult) -> Vec<(Action, u64)> {
        let Some(operation) = self.order.operations.last().filter(|last| last.version == self.order.version).cloned()
        else {
            return Vec::new();
        };
        for index in 0..u16::try_from(operation.legs.len()).unwrap() {
            self.does(&record([on_leg(operation.version.get(), index, result.clone())]));
        }
        operation.legs.iter().map(|leg| (leg.action, leg.amount)).collect()
    }

    fn appending(&self, lines: &[Line]) -> Command {
        let known = lines_of(&self.order);
        Command::Append(Append { known, lines: lines.to_vec(), sheet: sheet(lines), details: None, key: None })
    }

    #[track_caller]
    fn appends(&mut self, lines: &[Line]) {
        let command = self.appending(lines);
        self.does(&command);
    }

    fn books(&self, line: u32) -> (i64, i64, i64) {
        let books = self.order.cart.as_ref().unwrap().line(line);
        (books.authorised - books.cancelled, books.captured, books.refunded)
    }

    fn money(&self) -> (u64, u64, u64) {
        let books = self.order.books();
        (books.authorised - books.voided, books.captured - books.refunded, books.refunded)
    }
}

fn foreign(id: &str) -> Payer {
    Payer::Foreign(id.into())
}

fn revising(minor: u64, tax: i64, lines: Option<&[Line]>) -> Command {
    Command::Revise(Revise {
        amount: eur(minor),
        tax,
        description: None,
        lines: lines.map(|lines| (lines.to_vec(), sheet(lines))),
        details: None,
        key: None,
    })
}

use LineAction::{Authorise, Cancel as GiveUp, Capture, Refund};

// -- decimals

#[test]
fn a_decimal_has_at_most_four_decimals_and_is_told_as_it_came() {
    for (text, told) in [
        ("0", "0"),
        ("2", "2"),
        ("007", "7"),
        ("351.3514", "351.3514"),
        ("9876.1531", "9876.1531"),
        ("25.50", "25.5"),
        ("25.000000", "25"),
        ("0.0001", "0.0001"),
        ("999999999.9999", "999999999.9999"),
    ] {
        assert_eq!(text.parse::<Decimal>().map(|decimal| decimal.to_string()), Ok(told.to_owned()));
    }
    for (text, error) in [
        ("", DecimalError::NotDecimal),
        ("-1", DecimalError::NotDecimal),
        ("+1", DecimalError::NotDecimal),
        ("1e3", DecimalError::NotDecimal),
        ("1.", DecimalError::NotDecimal),
        (".5", DecimalError::NotDecimal),
        ("1.2.3", DecimalError::NotDecimal),
        ("1,5", DecimalError::NotDecimal),
        ("0.00001", DecimalError::TooPrecise),
        ("351.35145", DecimalError::TooPrecise),
        ("1000000000", DecimalError::TooLarge),
        ("99999999999999999999999999", DecimalError::TooLarge),
    ] {
        assert_eq!(text.parse::<Decimal>(), Err(error), "{text}");
    }
    assert_eq!(Decimal::from_hundredths(2_550).map(|rate| rate.to_string()), Ok("25.5".into()));
    assert_eq!(Decimal::from_hundredths(2_550).unwrap().hundredths(), Some(2_550));
    assert_eq!("0.001".parse::<Decimal>().unwrap().hundredths(), None);
    assert_eq!(Decimal::from_hundredths(u64::MAX), Err(DecimalError::TooLarge));
}

// -- lines by themselves

#[test]
fn the_tax_of_parts_is_rounded_so_that_the_last_absorbs_the_rest() {
    for (amount, tax, parts) in [
        (100_i64, 20_i64, &[33_i64, 33, 34][..]),
        (3, 1, &[1, 1, 1]),
        (3, 2, &[1, 1, 1]),
        (7, 0, &[3, 4]),
        (39_800, 7_960, &[1, 39_799]),
        (-100, -20, &[-33, -33, -34]),
        (AMOUNT_MINOR_MAX.cast_signed(), AMOUNT_MINOR_MAX.cast_signed() - 1, &[1, AMOUNT_MINOR_MAX.cast_signed() - 1]),
    ] {
        let line = Line { amount, tax, ..line(1, amount) };
        let mut up_to = 0;
        let taxes = parts.iter().map(|part| {
            let before = line.tax_up_to(up_to);
            up_to += part;
            line.tax_up_to(up_to) - before
        });
        let taxes = taxes.collect::<Vec<_>>();
        assert_eq!(taxes.iter().sum::<i64>(), tax, "{taxes:?}");
        assert_eq!((line.tax_up_to(0), line.tax_up_to(amount)), (0, tax));
        assert!(taxes.iter().all(|part| part.signum() * tax.signum() >= 0), "{taxes:?}");
    }
}

#[test]
fn lines_are_refused_for_what_is_wrong_with_them() {
    let known = [line(1, 100), reversal(2, 1, -40)];
    let huge = AMOUNT_MINOR_MAX.cast_signed() + 1;
    let many = |count: u32| (3..3 + count).map(|id| line(id, 5)).collect::<Vec<_>>();
    let most = u32::try_from(LINES_PER_ORDER_MAX).unwrap();
    let differs = |what, expected: &str, actual: &str| Fault::ReversalDiffers {
        what,
        expected: expected.into(),
        actual: actual.into(),
    };
    let cases: Vec<(Vec<Line>, Option<usize>, Fault)> = vec![
        (vec![], None, Fault::Missing),
        (many(most), None, Fault::TooMany { actual: LINES_PER_ORDER_MAX + 2 }),
        (vec![line(3, 10), line(3, 10)], Some(1), Fault::Duplicate { line: 3 }),
        (vec![line(2, 10)], Some(0), Fault::Duplicate { line: 2 }),
        (vec![line(3, 10), Line { tax: 11, ..line(4, 10) }], Some(1), Fault::Tax { amount: 10, tax: 11 }),
        (vec![Line { tax: -1, ..line(3, 10) }], Some(0), Fault::Tax { amount: 10, tax: -1 }),
        (vec![Line { tax: 1, ..line(3, -10) }], Some(0), Fault::Tax { amount: -10, tax: 1 }),
        (vec![Line { tax: 1, ..line(3, 0) }], Some(0), Fault::Tax { amount: 0, tax: 1 }),
        (vec![Line { amount: huge, ..line(3, 10) }], Some(0), Fault::TooLarge),
        (vec![Line { amount: i64::MIN, ..line(3, 10) }], Some(0), Fault::TooLarge),
        (vec![Line { unit_price: Some(huge), ..line(3, 10) }], Some(0), Fault::TooLarge),
        (vec![reversal(3, 9, -10)], Some(0), Fault::Unknown { line: "9".into() }),
        (vec![line(3, 10), reversal(4, 3, -10)], Some(1), Fault::Unknown { line: "3".into() }),
        (vec![reversal(3, 2, 10)], Some(0), Fault::OfReversal { line: 2 }),
        (vec![reversal(3, 1, -61)], Some(0), Fault::ReversalExceeds { line: 1, left: -60, actual: -61 }),
        (
            vec![reversal(3, 1, -50), reversal(4, 1, -11)],
            Some(1),
            Fault::ReversalExceeds { line: 1, left: -10, actual: -11 },
        ),
        (vec![reversal(3, 1, 10)], Some(0), Fault::ReversalExceeds { line: 1, left: -60, actual: 10 }),
        (vec![reversal(3, 1, 0)], Some(0), Fault::ReversalExceeds { line: 1, left: -60, actual: 0 }),
        (
            vec![Line { reference: "other".into(), ..reversal(3, 1, -10) }],
            Some(0),
            differs("reference", "sku", "other"),
        ),
        (
            vec![Line { taxes: vec![TaxPart { percentage: Decimal::ONE, amount: -2 }], ..reversal(3, 1, -10) }],
            Some(0),
            differs("tax percentages", "25", "1"),
        ),
        (vec![Line { taxes: vec![], ..reversal(3, 1, -10) }], Some(0), differs("tax percentages", "25", "")),
        (vec![Line { tax: -20, ..reversal(3, 1, -60) }], Some(0), differs("tax", "at most -12", "-20")),
    ];
    for (lines, at, what) in cases {
        assert_eq!(check(&lines, &known, &|_| 0), Err(LineFault { at, what: what.clone() }), "{what}");
    }
    assert_eq!(check(&[reversal(3, 1, -60), line(4, 80), Line { tax: 0, ..line(5, -5) }], &known, &|_| 0), Ok(()));
    assert_eq!(check(&many(most - 2), &known, &|_| 0), Ok(()));
}

#[test]
fn an_order_is_opened_with_lines_that_come_to_its_amount_and_its_tax() {
    let lines = [line(1, 100), line(2, 50)];
    let right = with_lines(&lines, false, false);
    assert!(Order::open(&right, None, NOW).is_ok());
    let other = Open { amount: eur(151), ..right.clone() };
    let fault = |what: Fault| Refusal::Lines(what.of_all());
    assert_eq!(Order::open(&other, None, NOW), Err(fault(Fault::Sum { expected: 151, actual: 150 })));
    let mut other = right.clone();
    other.cart.as_mut().unwrap().terms.tax = 29;
    assert_eq!(Order::open(&other, None, NOW), Err(fault(Fault::TaxSum { expected: 29, actual: 30 })));
    let mut other = right.clone();
    other.cart.as_mut().unwrap().terms.tax = 151;
    assert_eq!(Order::open(&other, None, NOW), Err(Refusal::TaxInvalid { amount: eur(150), tax: 151 }));
    let mut other = right.clone();
    other.cart.as_mut().unwrap().terms.description = Some("d".repeat(41));
    assert_eq!(Order::open(&other, None, NOW), Err(Refusal::DescriptionLength { actual: 41 }));

    let order = Life::begin(&right).order;
    assert_eq!((order.kind, order.cart.as_ref().unwrap().tax, order.has_lines()), (OrderKind::Parts, 30, true));
    assert_eq!(Life::running(&lines).order.kind, OrderKind::Running);
}

// -- before it is paid

#[test]
fn a_purchase_is_changed_only_while_nobody_has_tried_to_pay() {
    let mut life = Life::purchase(&[line(1, 100)]);
    let position = life.order.position;
    life.does(&revising(150, 30, Some(&[line(1, 100), line(2, 50)])));
    let order = &life.order;
    assert_eq!((order.amount, order.remaining, order.cart.as_ref().unwrap().tax), (eur(150), 150, 30));
    assert!(order.position > position, "tokens from before are stale");
    assert_eq!(lines_of(order).lines.len(), 2);

    let smaller = revising(50, 10, Some(&[line(1, 50)]));
    // It is being paid.
    life.does(&pay(1, 60));
    assert_eq!(life.refuses(&smaller), Refusal::Attempted { attempts: 1 });
    // The attempt failed.
    life.does(&record([on_payment(2, Resolution::Failed)]));
    assert_eq!((life.order.remaining, life.refuses(&smaller)), (150, Refusal::Attempted { attempts: 1 }));
    // It is paid.
    life.pays(150);
    assert_eq!(life.refuses(&smaller), Refusal::Closed);
}

#[test]
fn what_replaces_lines_is_checked_like_what_an_order_is_opened_with() {
    let life = Life::purchase(&[line(1, 100)]);
    let fault = |what: Fault| Refusal::Lines(what.of_all());
    let one = [line(1, 100)];
    for (command, refusal) in [
        (revising(0, 0, Some(&one)), Refusal::AmountZero),
        (revising(100, 20, None), fault(Fault::Missing)),
        (revising(100, 20, Some(&[])), fault(Fault::Missing)),
        (revising(101, 20, Some(&one)), fault(Fault::Sum { expected: 101, actual: 100 })),
        (revising(100, 19, Some(&one)), fault(Fault::TaxSum { expected: 19, actual: 20 })),
        (revising(100, -1, Some(&one)), Refusal::TaxInvalid { amount: eur(100), tax: -1 }),
    ] {
        assert_eq!(life.refuses(&command), refusal);
    }
    let Command::Revise(dollars) = revising(100, 20, Some(&one)) else { unreachable!() };
    let dollars = Command::Revise(Revise { amount: money("USD", 100), ..dollars });
    assert!(matches!(life.refuses(&dollars), Refusal::CurrencyMismatch { .. }));
    // An order without lines needs none.
    let mut plain = Life::begin(&open(eur(100)));
    plain.does(&revising(120, 0, None));
    assert_eq!((plain.order.remaining, plain.order.has_lines()), (120, false));
    plain.does(&revising(100, 20, Some(&one)));
    assert!(plain.order.has_lines());
}

#[test]
fn elsewhere_a_cart_may_change_after_a_part_was_paid_but_not_below_it() {
    let mut life = Life::parts(&[line(1, 100)]);
    let old = life.order.version.get();
    life.pays(20);
    life.does(&revising(130, 26, Some(&[line(1, 100), line(2, 30)])));
    assert_eq!((life.order.amount, life.order.remaining), (eur(130), 110));
    assert!(matches!(life.refuses(&pay(old, 10)), Refusal::Stale { .. }));
    let below = revising(19, 3, Some(&[line(1, 19)]));
    assert_eq!(life.refuses(&below), Refusal::BelowPaid { asked: eur(19), paid: eur(20) });
    // Not while the shopper is paying.
    life.does(&pay(life.order.version.get(), 10));
    let running = life.order.version.get();
    assert_eq!(life.refuses(&revising(100, 20, Some(&[line(1, 100)]))), Refusal::InFlight);
    life.does(&record([on_payment(running, Resolution::Refused { reason: domain::order::Decline::Refused })]));
    // What is paid already is all that is asked for: then the order is paid.
    life.does(&revising(20, 4, Some(&[line(1, 20)])));
    assert_eq!(life.order.closed.as_ref().map(|closed| closed.reason), Some(CloseReason::Paid));
    assert_eq!((life.order.remaining, life.order.excess), (0, 0));
}

#[test]
fn lines_are_added_before_it_is_paid_as_long_as_it_asks_for_what_is_paid() {
    let mut life = Life::parts(&[line(1, 100)]);
    life.pays(60);
    life.appends(&[reversal(2, 1, -30)]);
    assert_eq!((life.order.amount, life.order.remaining, life.order.kind), (eur(70), 10, OrderKind::Parts));
    let too_much = life.appending(&[reversal(3, 1, -11)]);
    assert_eq!(life.refuses(&too_much), Refusal::BelowPaid { asked: eur(59), paid: eur(60) });
    life.appends(&[line(3, 50)]);
    assert_eq!(life.order.remaining, 60);
    // Lines that somebody else has added meanwhile are looked at first.
    let stale = Command::Append(Append {
        known: Lines { sheets: vec![v(0)], lines: Arc::from([line(1, 100)]) },
        lines: vec![line(4, 1)],
        sheet: sheet(&[line(4, 1)]),
        details: None,
        key: None,
    });
    assert_eq!(life.refuses(&stale), Refusal::LinesChanged);
    let plain = Life::begin(&open(eur(100)));
    assert_eq!(plain.refuses(&plain.appending(&[line(1, 1)])), Refusal::NoLines);
    life.does(&cancel());
    assert_eq!(life.refuses(&life.appending(&[line(4, 1)])), Refusal::Cancelled);
}

// -- after it is paid: four stories, with a payment of the order and with one of others

/// An order over one line of 398.00, authorised and captured.
fn bought(payer: &Payer, life: &mut Life) {
    if let Payer::Own(_) = payer {
        assert_eq!(life.pays(39_800), v(1));
    }
    assert_eq!(life.allocates(Authorise, payer, &[(1, 39_800)]), []);
    let moved = life.allocates(Capture, payer, &[(1, 39_800)]);
    let expected = if matches!(payer, Payer::Own(_)) { vec![(Action::Capture, 39_800)] } else { vec![] };
    assert_eq!(moved, expected);
    assert_eq!((life.order.remaining, life.order.excess), (0, 0));
}

fn both() -> [(Payer, Life); 2] {
    [Payer::Own(v(1)), foreign("PID_123")].map(|payer| (payer, Life::running(&[line(1, 39_800)])))
}

#[test]
fn a_swap_at_the_same_price_moves_nothing() {
    for (payer, mut life) in both() {
        bought(&payer, &mut life);
        life.appends(&[reversal(2, 1, -39_800), line(3, 39_800)]);
        assert_eq!((life.order.amount, life.order.remaining, life.order.excess), (eur(39_800), 0, 0));
        for (line, amount) in [(2, -39_800), (3, 39_800)] {
            assert_eq!(life.allocates(Authorise, &payer, &[(line, amount)]), []);
            assert_eq!(life.allocates(Capture, &payer, &[(line, amount)]), []);
            assert_eq!(life.books(line), (amount, amount, 0));
        }
        let books = life.order.cart.as_ref().unwrap().payer(&payer);
        assert_eq!((books.allocated(), books.net()), (39_800, 39_800));
        assert_eq!((life.order.remaining, life.order.excess), (0, 0));
        if payer == Payer::Own(v(1)) {
            assert_eq!(life.money(), (39_800, 39_800, 0));
        }
    }
}

#[test]
fn a_cheaper_replacement_refunds_the_line_that_balances_it() {
    for (payer, mut life) in both() {
        bought(&payer, &mut life);
        life.appends(&[reversal(2, 1, -39_800), line(3, 38_800), line(4, 1_000)]);
        for entries in [&[(2, -39_800)][..], &[(3, 38_800), (4, 1_000)]] {
            assert_eq!(life.allocates(Authorise, &payer, entries), []);
            assert_eq!(life.allocates(Capture, &payer, entries), []);
        }
        let moved = life.allocates(Refund, &payer, &[(4, 1_000)]);
        assert_eq!(life.books(4), (1_000, 1_000, 1_000));
        assert_eq!(life.order.cart.as_ref().unwrap().payer(&payer).net(), 38_800);
        // What was refunded is let off: nobody is asked to pay it again.
        assert_eq!((life.order.amount, life.order.remaining, life.order.excess), (eur(39_800), 0, 0));
        if payer == Payer::Own(v(1)) {
            assert_eq!(moved, [(Action::Refund, 1_000)]);
            assert_eq!(life.money(), (39_800, 38_800, 1_000));
        }
        // It cannot be refunded twice.
        let again = life.allocation(Refund, payer.clone(), &[(4, 1)]);
        let exceeds = Fault::Exceeds { line: "4".into(), done: "refunded", left: 0, actual: 1 };
        assert_eq!(life.refuses(&again), Refusal::Lines(exceeds.at(0)));
    }
}

#[test]
fn a_cheaper_replacement_without_such_a_line_gives_back_the_difference() {
    for (payer, mut life) in both() {
        bought(&payer, &mut life);
        life.appends(&[reversal(2, 1, -39_800), line(3, 38_800)]);
        assert_eq!((life.order.amount, life.order.remaining, life.order.excess), (eur(38_800), 0, 1_000));
        assert_eq!(life.allocates(Authorise, &payer, &[(2, -39_800)]), []);
        let moved = life.allocates(Capture, &payer, &[(2, -39_800)]);
        assert_eq!(life.allocates(Authorise, &payer, &[(3, 38_800)]), []);
        assert_eq!(life.allocates(Capture, &payer, &[(3, 38_800)]), []);
        assert_eq!((life.order.remaining, life.order.excess), (0, 0));
        if payer == Payer::Own(v(1)) {
            assert_eq!(moved, [(Action::Refund, 1_000)]);
            assert_eq!(life.money(), (39_800, 38_800, 1_000));
            // What is dearer after that is paid anew, to the cent.
            life.appends(&[line(4, 500)]);
            assert_eq!(life.order.remaining, 500);
        }
    }
}

#[test]
fn a_dearer_replacement_is_paid_by_a_second_payment_on_the_same_line() {
    for (payer, mut life) in both() {
        bought(&payer, &mut life);
        life.appends(&[reversal(2, 1, -39_800), line(3, 40_800)]);
        assert_eq!((life.order.amount, life.order.remaining), (eur(40_800), 1_000));
        life.allocates(Authorise, &payer, &[(2, -39_800)]);
        life.allocates(Capture, &payer, &[(2, -39_800)]);
        life.allocates(Authorise, &payer, &[(3, 39_800)]);
        life.allocates(Capture, &payer, &[(3, 39_800)]);
        let second = match payer {
            Payer::Own(_) => Payer::Own(life.pays(1_000)),
            Payer::Foreign(_) => foreign("PID_321"),
        };
        assert_eq!(life.allocates(Authorise, &second, &[(3, 1_000)]), []);
        let moved = life.allocates(Capture, &second, &[(3, 1_000)]);
        assert_eq!(life.books(3), (40_800, 40_800, 0));
        assert_eq!((life.order.remaining, life.order.excess), (0, 0));
        let more = life.allocation(Authorise, second.clone(), &[(3, 1)]);
        let exceeds = Fault::Exceeds { line: "3".into(), done: "authorised", left: 0, actual: 1 };
        assert_eq!(life.refuses(&more), Refusal::Lines(exceeds.at(0)));
        if let Payer::Own(_) = payer {
            assert_eq!(moved, [(Action::Capture, 1_000)]);
            assert_eq!(life.money(), (40_800, 40_800, 0));
        }
    }
}

#[test]
fn lines_are_captured_in_parts_with_their_tax() {
    let lines = [Line { tax: 20, taxes: vec![], ..line(1, 100) }, line(2, 50)];
    for payer in [Payer::Own(v(1)), foreign("PID")] {
        let mut life = Life::running(&lines);
        if let Payer::Own(_) = payer {
            life.pays(150);
        }
        life.allocates(Authorise, &payer, &[(1, 100), (2, 50)]);
        for part in [33, 33, 34] {
            life.allocates(Capture, &payer, &[(1, part)]);
        }
        let books = life.order.cart.as_ref().unwrap().line(1);
        assert_eq!((books.captured, books.captured_tax), (100, 20));
        for part in [33, 33, 34] {
            life.allocates(Refund, &payer, &[(1, part)]);
        }
        let books = life.order.cart.as_ref().unwrap().line(1);
        assert_eq!((books.refunded, books.refunded_tax), (100, 20));
        let moved = life.allocates(GiveUp, &payer, &[(2, 50)]);
        assert_eq!(life.books(2), (0, 0, 0));
        // What was given up can be paid anew.
        assert_eq!(life.order.remaining, 50);
        if let Payer::Own(_) = payer {
            assert_eq!(moved, [(Action::Void, 50)]);
        }
    }
}

#[test]
fn a_return_gives_everything_back() {
    let mut life = Life::running(&[line(1, 60), line(2, 40)]);
    let first = Payer::Own(life.pays(70));
    let second = Payer::Own(life.pays(30));
    life.allocates(Authorise, &first, &[(1, 60), (2, 10)]);
    life.allocates(Authorise, &second, &[(2, 30)]);
    life.allocates(Capture, &first, &[(1, 60), (2, 10)]);
    life.allocates(Capture, &second, &[(2, 30)]);
    life.appends(&[reversal(3, 2, -40)]);
    assert_eq!(life.order.excess, 40);
    life.allocates(Authorise, &second, &[(3, -30)]);
    life.allocates(Authorise, &first, &[(3, -10)]);
    assert_eq!(life.allocates(Capture, &second, &[(3, -30)]), [(Action::Refund, 30)]);
    assert_eq!(life.allocates(Capture, &first, &[(3, -10)]), [(Action::Refund, 10)]);
    assert_eq!((life.order.amount, life.order.remaining, life.order.excess), (eur(60), 0, 0));
    life.appends(&[reversal(4, 1, -60)]);
    life.allocates(Authorise, &first, &[(4, -60)]);
    assert_eq!(life.allocates(Capture, &first, &[(4, -60)]), [(Action::Refund, 60)]);
    assert_eq!((life.order.amount.minor(), life.order.remaining, life.order.excess), (0, 0, 0));
    assert_eq!(life.money().1, 0);
}

#[test]
fn nothing_of_a_line_is_given_back_twice() {
    for (payer, mut life) in both() {
        bought(&payer, &mut life);
        life.allocates(Refund, &payer, &[(1, 9_800)]);
        // What was refunded is not there to be taken back.
        let left = Fault::ReversalExceeds { line: 1, left: -30_000, actual: -39_800 };
        assert_eq!(life.refuses(&life.appending(&[reversal(2, 1, -39_800)])), Refusal::Lines(left.at(0)));
        life.appends(&[reversal(2, 1, -30_000)]);
        // What is taken back is not there to be refunded.
        let exceeds = Fault::Exceeds { line: "1".into(), done: "refunded", left: 0, actual: 1 };
        let again = life.allocation(Refund, payer.clone(), &[(1, 1)]);
        assert_eq!(life.refuses(&again), Refusal::Lines(exceeds.at(0)));
        assert_eq!((life.order.amount, life.order.excess), (eur(9_800), 30_000));
        life.allocates(Authorise, &payer, &[(2, -30_000)]);
        life.allocates(Capture, &payer, &[(2, -30_000)]);
        assert_eq!((life.order.remaining, life.order.excess), (0, 0));
        if let Payer::Own(_) = payer {
            assert_eq!(life.money(), (39_800, 0, 39_800));
        }
    }
}

#[test]
fn a_refund_without_a_word_of_lines_gives_back_what_is_beyond_the_amount_first() {
    let mut life = Life::running(&[line(1, 60), line(2, 40)]);
    let payment = life.pays(100);
    let payer = Payer::Own(payment);
    life.allocates(Authorise, &payer, &[(1, 60), (2, 40)]);
    life.allocates(Capture, &payer, &[(1, 60), (2, 40)]);
    life.appends(&[reversal(3, 1, -60)]);
    life.does(&refund(payment.get(), 50));
    life.settles(LegResult::Done);
    assert_eq!(life.order.excess, 10);
    life.allocates(Authorise, &payer, &[(3, -60)]);
    assert_eq!(life.allocates(Capture, &payer, &[(3, -60)]), [(Action::Refund, 10)]);
    assert_eq!((life.order.remaining, life.order.excess, life.money().1), (0, 0, 40));
    // Of a line that stays it is let off: whoever lets off something still gives back the rest.
    life.allocates(Refund, &payer, &[(2, 5)]);
    life.appends(&[reversal(4, 2, -35)]);
    assert_eq!(life.order.excess, 35);
}

#[test]
fn what_others_paid_stays_paid_while_its_lines_are_exchanged() {
    let payer = foreign("PID");
    let mut life = Life::running(&[line(1, 100)]);
    bought_elsewhere(&mut life, &payer);
    life.appends(&[reversal(2, 1, -100), line(3, 100)]);
    life.allocates(Authorise, &payer, &[(2, -100)]);
    // No shopper is asked for what the same payment is about to cover.
    assert_eq!((life.order.remaining, life.order.excess), (0, 0));
    life.allocates(Authorise, &payer, &[(3, 100)]);
    assert_eq!((life.order.remaining, life.order.excess), (0, 0));
}

fn bought_elsewhere(life: &mut Life, payer: &Payer) {
    life.allocates(Authorise, payer, &[(1, 100)]);
    life.allocates(Capture, payer, &[(1, 100)]);
}

#[test]
fn what_is_held_for_other_lines_is_not_given_back_for_one() {
    let mut life = Life::running(&[line(1, 60), line(2, 40)]);
    let payer = Payer::Own(life.pays(100));
    life.allocates(Authorise, &payer, &[(1, 60), (2, 40)]);
    life.allocates(Capture, &payer, &[(1, 60)]);
    life.appends(&[reversal(3, 1, -60)]);
    life.allocates(Authorise, &payer, &[(3, -60)]);
    assert_eq!(life.allocates(Capture, &payer, &[(3, -60)]), [(Action::Refund, 60)]);
    assert_eq!(life.allocates(Capture, &payer, &[(2, 40)]), [(Action::Capture, 40)]);
}

#[test]
fn an_order_that_was_paid_goes_on_when_lines_are_added() {
    let mut life = Life::parts(&[line(1, 100)]);
    life.pays(100);
    assert!(life.order.closed.is_some());
    let expiry = life.order.expires_at;
    life.appends(&[line(2, 30)]);
    assert_eq!((life.order.kind, life.order.closed.clone()), (OrderKind::Running, None));
    assert_eq!((life.order.remaining, life.order.expires_at > expiry), (30, true));
    life.pays(30);
    // It is not closed by being paid, nor ended by time: what was captured would be lost to the merchant.
    assert_eq!((life.order.closed.clone(), life.order.remaining), (None, 0));
    assert!(!life.order.has_lapsed(expiry));
}

#[test]
fn a_line_whose_capture_is_declined_is_as_it_was() {
    let mut life = Life::running(&[line(1, 60), line(2, 40)]);
    let payer = Payer::Own(life.pays(100));
    life.allocates(Authorise, &payer, &[(1, 60), (2, 40)]);
    let command = life.allocation(Capture, payer.clone(), &[(1, 60), (2, 40)]);
    life.does(&command);
    // As long as it is not known, nobody else may have it.
    assert_eq!((life.books(1), life.books(2)), ((60, 60, 0), (40, 40, 0)));
    assert!(matches!(life.refuses(&life.allocation(Capture, payer.clone(), &[(2, 1)])), Refusal::Lines(_)));
    life.settles(declined_leg());
    assert_eq!((life.books(1), life.books(2)), ((60, 0, 0), (40, 0, 0)));
    assert_eq!(life.order.cart.as_ref().unwrap().line(1).captured_tax, 0);
    assert_eq!(life.order.cart.as_ref().unwrap().payer(&payer).net(), 0);
    assert_eq!(life.allocates(Capture, &payer, &[(1, 60)]), [(Action::Capture, 60)]);
}

#[test]
fn what_is_in_flight_on_a_line_is_nobody_elses() {
    let mut life = Life::running(&[line(1, 60), line(2, 40)]);
    let (payer, other) = (Payer::Own(life.pays(100)), foreign("PID"));
    let exceeds = |done, actual| Fault::Exceeds { line: "1".into(), done, left: 0, actual }.at(0);
    life.allocates(Authorise, &payer, &[(1, 60), (2, 40)]);
    life.allocates(Capture, &payer, &[(2, 40)]);
    // What may yet be captured is not there to be refunded: the partner may decline it.
    let command = life.allocation(Capture, payer.clone(), &[(1, 60)]);
    life.does(&command);
    let refund = life.allocation(Refund, payer.clone(), &[(1, 1)]);
    assert_eq!(life.refuses(&refund), Refusal::Lines(exceeds("refunded", 1)));
    life.settles(declined_leg());
    // What may yet be given up is not there to be authorised anew, nor captured by its reference.
    let command = life.allocation(GiveUp, payer.clone(), &[(1, 60)]);
    life.does(&command);
    assert_eq!(life.refuses(&life.allocation(Authorise, other, &[(1, 1)])), Refusal::Lines(exceeds("authorised", 1)));
    life.settles(declined_leg());
    assert_eq!(life.books(1), (60, 0, 0));
}

#[test]
fn what_may_yet_be_captured_is_not_there_to_be_given_back() {
    let mut life = Life::running(&[line(1, 100)]);
    let payer = Payer::Own(life.pays(100));
    life.allocates(Authorise, &payer, &[(1, 100)]);
    let command = life.allocation(Capture, payer.clone(), &[(1, 100)]);
    life.does(&command);
    let capture = life.order.version.get();
    // Another line takes the place of the first: no money is to move, so nothing waits for the partner.
    life.appends(&[reversal(2, 1, -60), line(3, 60)]);
    life.allocates(Authorise, &payer, &[(2, -60)]);
    let taking_back = life.allocation(Capture, payer.clone(), &[(2, -60)]);
    let exceeds = Fault::PaymentExceeds { done: "captured", left: 0, actual: -60 };
    assert_eq!(life.refuses(&taking_back), Refusal::Lines(exceeds.of_all()));
    life.does(&record([on_leg(capture, 0, LegResult::Done)]));
    assert_eq!(life.allocates(Capture, &payer, &[(2, -60)]), []);
    assert_eq!(life.order.cart.as_ref().unwrap().payer(&payer).net(), 40);
}

/// What is on its way back is not asked for again, whatever is added meanwhile: it was not asked for when it was asked.
#[test]
fn what_is_added_while_money_goes_back_is_asked_for() {
    let mut life = Life::running(&[line(1, 100)]);
    let payer = Payer::Own(life.pays(100));
    life.allocates(Authorise, &payer, &[(1, 100)]);
    life.allocates(Capture, &payer, &[(1, 100)]);
    life.appends(&[reversal(2, 1, -100), line(3, 75)]);
    life.allocates(Authorise, &payer, &[(2, -100)]);
    let taking_back = life.allocation(Capture, payer.clone(), &[(2, -100)]);
    life.does(&taking_back);
    let operation = life.order.version.get();
    life.appends(&[line(4, 25)]);
    assert_eq!((life.order.remaining, life.order.excess), (0, 0));
    life.does(&record([on_leg(operation, 0, LegResult::Done)]));
    assert_eq!((life.money(), life.order.remaining), ((100, 75, 25), 25));
    // So it is of a refund without a word of lines.
    let mut life = Life::running(&[line(1, 100)]);
    let payment = life.pays(100);
    let payer = Payer::Own(payment);
    life.allocates(Authorise, &payer, &[(1, 100)]);
    life.allocates(Capture, &payer, &[(1, 100)]);
    life.appends(&[reversal(2, 1, -100), line(3, 75)]);
    life.does(&refund(payment.get(), 40));
    let operation = life.order.version.get();
    life.appends(&[line(4, 25)]);
    life.does(&record([on_leg(operation, 0, LegResult::Done)]));
    assert_eq!((life.order.remaining, life.order.excess), (25, 0), "and 15 are let off");
}

#[test]
fn a_refund_of_a_line_that_stays_leaves_others_what_goes_back() {
    let mut life = Life::running(&[line(1, 100), line(2, 50)]);
    let payer = Payer::Own(life.pays(150));
    life.allocates(Authorise, &payer, &[(1, 100), (2, 50)]);
    life.allocates(Capture, &payer, &[(1, 100), (2, 50)]);
    let refund = life.allocation(Refund, payer.clone(), &[(2, 50)]);
    life.does(&refund);
    let operation = life.order.version.get();
    life.appends(&[reversal(3, 1, -100), line(4, 75)]);
    life.allocates(Authorise, &payer, &[(3, -100)]);
    assert_eq!(life.allocates(Capture, &payer, &[(3, -100)]), [(Action::Refund, 25)]);
    life.does(&record([on_leg(operation, 0, LegResult::Done)]));
    assert_eq!((life.money(), life.order.remaining, life.order.excess), ((150, 75, 75), 0, 0));
}

/// Less moves than the lines come to: what is declined leaves lines and payment as they were.
#[test]
fn what_moves_in_part_and_is_declined_leaves_all_as_it_was() {
    let mut life = Life::running(&[line(1, 100)]);
    let payment = life.pays(100);
    let payer = Payer::Own(payment);
    life.allocates(Authorise, &payer, &[(1, 100)]);
    life.does(&capture(payment.get(), 70));
    life.settles(LegResult::Done);
    let net = |life: &Life| life.order.cart.as_ref().unwrap().payer(&payer).net();
    let capturing = life.allocation(Capture, payer.clone(), &[(1, 100)]);
    life.does(&capturing);
    assert_eq!(life.settles(declined_leg()), [(Action::Capture, 30)]);
    assert_eq!((net(&life), life.books(1)), (0, (100, 0, 0)));
    assert_eq!(life.allocates(Capture, &payer, &[(1, 100)]), [(Action::Capture, 30)]);
    life.appends(&[reversal(2, 1, -100), line(3, 75)]);
    life.allocates(Authorise, &payer, &[(2, -100)]);
    let taking_back = life.allocation(Capture, payer.clone(), &[(2, -100)]);
    life.does(&taking_back);
    assert_eq!(life.settles(declined_leg()), [(Action::Refund, 25)]);
    assert_eq!((net(&life), life.books(2)), (100, (-100, 0, 0)));
    assert_eq!(life.allocates(Capture, &payer, &[(2, -100)]), [(Action::Refund, 25)]);
    assert_eq!(net(&life), 0);
}

#[test]
fn a_discount_is_authorised_and_captured_with_what_it_is_given_on() {
    let discount = Line { kind: LineKind::Discount, tax: 0, taxes: Vec::new(), ..line(2, -20) };
    for (payer, mut life) in
        [Payer::Own(v(1)), foreign("PID")].map(|payer| (payer, Life::running(&[line(1, 120), discount.clone()])))
    {
        if let Payer::Own(_) = payer {
            life.pays(100);
        }
        life.allocates(Authorise, &payer, &[(1, 120), (2, -20)]);
        let moved = life.allocates(Capture, &payer, &[(1, 120), (2, -20)]);
        assert_eq!(moved.is_empty(), payer != Payer::Own(v(1)), "{moved:?}");
        assert_eq!((life.books(1), life.books(2)), ((120, 120, 0), (-20, -20, 0)));
        assert_eq!((life.order.remaining, life.order.excess), (0, 0));
    }
    // What comes to nothing, or to less, is no purchase.
    let mut life = Life::running(&[line(1, 120), discount]);
    let payer = Payer::Own(life.pays(100));
    let mixed = life.allocation(Authorise, payer, &[(1, 20), (2, -20)]);
    assert_eq!(life.refuses(&mixed), Refusal::Lines(Fault::MixedSigns.of_all()));
}

#[test]
fn a_payment_gives_up_no_more_than_it_did_not_capture() {
    let mut life = Life::running(&[line(1, 100)]);
    let [first, second] = [50, 50].map(|part| Payer::Own(life.pays(part)));
    for payer in [&first, &second] {
        life.allocates(Authorise, payer, &[(1, 50)]);
    }
    life.allocates(Capture, &first, &[(1, 50)]);
    let exceeds = Fault::PaymentExceeds { done: "cancelled", left: 0, actual: 50 };
    assert_eq!(life.refuses(&life.allocation(GiveUp, first, &[(1, 50)])), Refusal::Lines(exceeds.of_all()));
    assert_eq!(life.allocates(GiveUp, &second, &[(1, 50)]), [(Action::Void, 50)]);
}

#[test]
fn money_that_was_captured_without_a_word_of_lines_is_there_for_them() {
    let mut life = Life::running(&[line(1, 100)]);
    let payment = life.pays(100);
    let payer = Payer::Own(payment);
    life.does(&capture(payment.get(), 70));
    life.settles(LegResult::Done);
    life.allocates(Authorise, &payer, &[(1, 100)]);
    assert_eq!(life.allocates(Capture, &payer, &[(1, 60)]), []);
    assert_eq!(life.allocates(Capture, &payer, &[(1, 40)]), [(Action::Capture, 30)]);
}

#[test]
fn what_failed_elsewhere_is_on_record_and_moves_nothing() {
    let mut life = Life::running(&[line(1, 100)]);
    let Command::Allocate(allocate) = life.allocation(Authorise, foreign("PID"), &[(1, 100)]) else { unreachable!() };
    let failed = Command::Allocate(Allocate { is_success: false, ..allocate });
    let before = life.order.clone();
    life.does(&failed);
    assert_eq!((life.order.remaining, &life.order.cart), (100, &before.cart));
    assert_eq!(life.order.position, before.position);
}

#[test]
fn what_is_asked_of_lines_is_refused_for_what_is_wrong_with_it() {
    let mut life = Life::running(&[line(1, 100), Line { tax: 0, taxes: vec![], ..line(2, -20) }]);
    let payment = life.pays(80);
    let own = Payer::Own(payment);
    let (pid, other) = (foreign("PID"), foreign("OTHER"));
    life.allocates(Authorise, &own, &[(1, 50)]);
    life.allocates(Authorise, &pid, &[(1, 40)]);
    life.allocates(Capture, &pid, &[(1, 15)]);
    let exceeds = |line: &str, done, left, actual| Fault::Exceeds { line: line.into(), done, left, actual };
    let payment_exceeds = |done, left, actual| Fault::PaymentExceeds { done, left, actual };
    let sign = |actual| Fault::Sign { line: "1".into(), actual };
    type Case<'a> = (LineAction, &'a Payer, Vec<(u32, i64)>, Option<usize>, Fault);
    let cases: Vec<Case<'_>> = vec![
        (Authorise, &own, vec![], None, Fault::Missing),
        (Authorise, &own, vec![(1, 0)], Some(0), Fault::Zero),
        (Authorise, &own, vec![(1, 1), (9, 1)], Some(1), Fault::Unknown { line: "9".into() }),
        (Authorise, &own, vec![(1, 1), (2, -1)], None, Fault::MixedSigns),
        (Authorise, &own, vec![(1, -1)], Some(0), sign(-1)),
        (Authorise, &own, vec![(1, 11)], Some(0), exceeds("1", "authorised", 10, 11)),
        (Authorise, &own, vec![(1, 6), (1, 5)], Some(1), exceeds("1", "authorised", 4, 5)),
        (Capture, &own, vec![(1, 76)], Some(0), exceeds("1", "captured", 75, 76)),
        (Capture, &pid, vec![(1, 26)], None, payment_exceeds("captured", 25, 26)),
        (Refund, &own, vec![(1, 16)], Some(0), exceeds("1", "refunded", 15, 16)),
        (Refund, &own, vec![(1, 1)], None, payment_exceeds("refunded", 0, 1)),
        (Refund, &pid, vec![(2, -1)], Some(0), Fault::NotPositive { line: "2".into() }),
        (GiveUp, &pid, vec![(1, 76)], Some(0), exceeds("1", "cancelled", 75, 76)),
        (GiveUp, &pid, vec![(1, 26)], None, payment_exceeds("cancelled", 25, 26)),
        (GiveUp, &own, vec![(2, -1)], Some(0), Fault::NotPositive { line: "2".into() }),
        (Capture, &own, vec![(2, -1)], Some(0), exceeds("2", "captured", 0, -1)),
        (Authorise, &other, vec![(2, -20)], None, payment_exceeds("authorised", 0, -20)),
    ];
    for (action, payer, entries, at, what) in cases {
        let command = life.allocation(action, payer.clone(), &entries);
        assert_eq!(life.refuses(&command), Refusal::Lines(LineFault { at, what: what.clone() }), "{what}");
    }
    let unknown = life.allocation(Authorise, Payer::Own(v(30)), &[(1, 1)]);
    assert_eq!(life.refuses(&unknown), Refusal::UnknownPayment);
    let long = life.allocation(Authorise, foreign(&"P".repeat(65)), &[(1, 1)]);
    assert_eq!(life.refuses(&long), Refusal::ForeignPaymentLength { actual: 65 });
    // Only an order that goes on after it is paid keeps facts of other payments: they would cover it.
    let parts = Life::parts(&[line(1, 100)]);
    assert_eq!(parts.refuses(&parts.allocation(Authorise, pid, &[(1, 1)])), Refusal::UnknownPayment);
    let plain = Life::begin(&open(eur(100)));
    assert_eq!(plain.refuses(&plain.allocation(Authorise, foreign("PID"), &[(1, 1)])), Refusal::NoLines);
}

#[test]
fn facts_of_other_payments_cover_the_order() {
    let mut life = Life::running(&[line(1, 100)]);
    let token = life.order.version.get();
    life.allocates(Authorise, &foreign("PID"), &[(1, 70)]);
    assert_eq!(life.order.remaining, 30);
    assert!(matches!(life.refuses(&pay(token, 30)), Refusal::Stale { .. }));
    let asked = Refusal::ExceedsRemaining { asked: eur(31), remaining: eur(30) };
    assert_eq!(life.refuses(&pay(life.order.version.get(), 31)), asked);
    life.pays(30);
    life.allocates(GiveUp, &foreign("PID"), &[(1, 20)]);
    assert_eq!(life.order.remaining, 20);
}

// -- ends

#[test]
fn an_order_that_goes_on_is_closed_and_opened_by_its_merchant() {
    let close = Command::Close { key: None };
    let reopen = Command::Reopen { key: None };
    let mut life = Life::running(&[line(1, 100)]);
    let payer = foreign("PID");
    life.allocates(Authorise, &payer, &[(1, 50)]);
    life.allocates(Capture, &payer, &[(1, 50)]);
    life.does(&close);
    assert_eq!(life.order.closed.as_ref().map(|closed| closed.reason), Some(CloseReason::Concluded));
    assert_eq!(life.order.decide(&close, NOW), Ok(Decision::Already(life.order.version)));
    assert_eq!(life.refuses(&life.allocation(Authorise, payer.clone(), &[(1, 1)])), Refusal::Closed);
    assert_eq!(life.refuses(&life.appending(&[line(2, 1)])), Refusal::Closed);
    assert_eq!(life.refuses(&pay(life.order.version.get(), 1)), Refusal::Closed);
    // What was captured can still be given back.
    life.allocates(Refund, &payer, &[(1, 10)]);
    life.does(&reopen);
    assert_eq!(life.order.closed, None);
    life.allocates(Authorise, &payer, &[(1, 1)]);

    // One that ends by itself does.
    let mut parts = Life::parts(&[line(1, 100)]);
    assert_eq!(parts.refuses(&close), Refusal::EndsByItself);
    parts.pays(100);
    parts.does(&reopen);
    assert_eq!(parts.order.kind, OrderKind::Running);
    // Nothing is closed while money moves.
    let payer = Payer::Own(v(1));
    parts.allocates(Authorise, &payer, &[(1, 100)]);
    let command = parts.allocation(Capture, payer, &[(1, 100)]);
    parts.does(&command);
    assert_eq!(parts.refuses(&close), Refusal::InFlight);
}

#[test]
fn an_order_that_goes_on_is_cancelled_only_while_nothing_is_captured() {
    let mut life = Life::running(&[line(1, 100)]);
    let payer = Payer::Own(life.pays(60));
    life.allocates(Authorise, &payer, &[(1, 60)]);
    life.allocates(Capture, &payer, &[(1, 25)]);
    assert_eq!(life.refuses(&cancel()), Refusal::Captured { captured: eur(25) });
    life.allocates(Refund, &payer, &[(1, 25)]);
    life.does(&cancel());
    assert_eq!(life.settles(LegResult::Done), [(Action::Void, 35)]);
    assert_eq!(life.order.closed.as_ref().map(|closed| closed.reason), Some(CloseReason::Cancelled));
    assert_eq!(life.refuses(&Command::Reopen { key: None }), Refusal::Cancelled);

    let mut foreign_only = Life::running(&[line(1, 100)]);
    foreign_only.allocates(Authorise, &foreign("PID"), &[(1, 60)]);
    foreign_only.allocates(Capture, &foreign("PID"), &[(1, 20)]);
    assert_eq!(foreign_only.refuses(&cancel()), Refusal::Captured { captured: eur(20) });
}

// -- a whole order by the merchant's references

fn on_references(life: &Life, kind: OperationKind, minor: u64, wanted: &[(&str, i64)]) -> Command {
    let wanted = wanted.iter().map(|(reference, amount)| ((*reference).to_owned(), *amount)).collect();
    let items = Some(Items { lines: lines_of(&life.order), wanted });
    let operate = Operate::new(kind, Target::Order, Some(eur(minor)));
    Command::Operate(Operate { items, is_recorded: true, ..operate })
}

#[test]
fn lines_of_one_reference_are_taken_in_their_order_and_never_beyond_what_they_come_to() {
    let named = |id, reference: &str, amount| Line { reference: reference.into(), ..line(id, amount) };
    let discount = Line { kind: LineKind::Discount, tax: 0, taxes: vec![], ..named(4, "D", -10) };
    let mut life = Life::purchase(&[named(1, "P", 30), named(2, "Q", 40), named(3, "P", 30), discount]);
    life.pays(50);
    life.pays(40);
    let events = {
        let command = on_references(&life, OperationKind::Capture, 35, &[("P", 45), ("D", -10)]);
        life.does(&command)
    };
    let Some(OrderEvent::OperationRequested { lines, legs, .. }) = events.first() else { unreachable!() };
    let entry = |line, amount, tax| Entry { line, amount, tax };
    assert_eq!(*lines, [entry(1, 30, 6), entry(3, 15, 3), entry(4, -10, 0)]);
    assert_eq!(legs.iter().map(|leg| leg.amount).sum::<u64>(), 35);
    life.settles(LegResult::Done);
    let exceeds = |left, actual| Fault::Exceeds { line: "'P'".into(), done: "captured", left, actual }.at(0);
    let over = on_references(&life, OperationKind::Capture, 16, &[("P", 16)]);
    let Ok(Decision::Commit(events)) = life.order.decide(&over, NOW) else { unreachable!() };
    let [OrderEvent::OperationRefused { explanation, .. }] = events.as_slice() else { unreachable!() };
    assert_eq!(*explanation, Some(exceeds(15, 16).to_string()));
    // What is wrong with the request itself is refused, and does not count.
    for (wanted, fault) in [
        (&[("X", 10)][..], Fault::Unknown { line: "'X'".into() }.at(0)),
        (&[("Q", 20), ("Q", -10)], Fault::Sign { line: "'Q'".into(), actual: -10 }.at(1)),
        (&[("Q", 9)], Fault::Sum { expected: 10, actual: 9 }.of_all()),
        (&[("Q", 0)], Fault::Zero.at(0)),
    ] {
        let command = on_references(&life, OperationKind::Capture, 10, wanted);
        assert_eq!(life.refuses(&command), Refusal::Lines(fault));
    }
    let back = on_references(&life, OperationKind::Refund, 40, &[("P", 40)]);
    assert!(matches!(
        life.order.decide(&back, NOW),
        Ok(Decision::Commit(events)) if matches!(events[..], [OrderEvent::OperationRefused { .. }])
    ));
    let back = on_references(&life, OperationKind::Refund, 20, &[("P", 20)]);
    life.does(&back);
    life.settles(LegResult::Done);
    assert_eq!((life.books(1).2, life.books(3).2), (20, 0));
}

#[test]
fn lines_are_refunded_with_the_payments_that_were_captured_for_them() {
    let mut life = Life::parts(&[line(1, 150)]);
    let [first, second] = [50, 100].map(|part| life.pays(part));
    life.does(&operate(OperationKind::Capture, Target::Order, Some(eur(30))));
    life.settles(LegResult::Done);
    let capture = on_references(&life, OperationKind::Capture, 70, &[("sku", 70)]);
    life.does(&capture);
    assert_eq!(life.settles(LegResult::Done), [(Action::Capture, 20), (Action::Capture, 50)]);
    let refund = on_references(&life, OperationKind::Refund, 70, &[("sku", 70)]);
    life.does(&refund);
    let shared = life.order.operations.last().unwrap().legs.iter().map(|leg| (leg.payment, leg.amount));
    assert_eq!(shared.collect::<Vec<_>>(), [(first, 20), (second, 50)]);
}

#[test]
fn five_failures_in_a_row_lock_a_purchase_and_a_success_counts_anew() {
    let mut life = Life::purchase(&[line(1, 100)]);
    life.pays(100);
    let over = || {
        let operate = Operate::new(OperationKind::Capture, Target::Order, Some(eur(101)));
        Command::Operate(Operate { is_recorded: true, ..operate })
    };
    let right = |minor| operate(OperationKind::Capture, Target::Order, Some(eur(minor)));
    for _ in 1..FAILURES_IN_A_ROW_MAX {
        life.does(&over());
    }
    life.does(&right(10));
    // What is under way is neither.
    assert!(!life.order.is_locked());
    life.does(&over());
    let asked = life.order.operations.iter().find(|operation| operation.refused.is_none()).unwrap().version;
    life.does(&record([on_leg(asked.get(), 0, LegResult::Done)]));
    for _ in 2..FAILURES_IN_A_ROW_MAX {
        life.does(&over());
    }
    assert!(!life.order.is_locked());
    life.does(&right(10));
    life.settles(declined_leg());
    assert!(life.order.is_locked());
    assert_eq!(life.refuses(&right(10)), Refusal::Locked);
    assert_eq!(life.refuses(&void(1, 1)), Refusal::Locked);
    assert_eq!(life.refuses(&refund(1, 1)), Refusal::Locked);
    assert_eq!(life.refuses(&life.allocation(Capture, Payer::Own(v(1)), &[(1, 1)])), Refusal::Locked);
    // Other orders do not count.
    let mut plain = Life::parts(&[line(1, 100)]);
    plain.pays(100);
    for _ in 0..=FAILURES_IN_A_ROW_MAX {
        plain.does(&over());
    }
    assert!(!plain.order.is_locked());
}

// -- keys

#[test]
fn what_is_asked_twice_with_a_key_is_done_once() {
    let mut life = Life::running(&[line(1, 100)]);
    let key = Some(print(1, 1));
    let other = Some(print(1, 2));
    let append = |life: &Life, key| {
        let (known, lines) = (lines_of(&life.order), vec![line(2, 10)]);
        Command::Append(Append { known, sheet: sheet(&lines), lines, details: None, key })
    };
    let command = append(&life, key);
    life.does(&command);
    assert_eq!(life.order.decide(&append(&life, key), NOW), Ok(Decision::Already(v(1))));
    assert_eq!(life.refuses(&append(&life, other)), Refusal::KeyReused);
    let close = Command::Close { key: Some(print(2, 1)) };
    life.does(&close);
    assert_eq!(life.order.decide(&close, NOW), Ok(Decision::Already(v(2))));
    let reopen = Command::Reopen { key: Some(print(3, 1)) };
    life.does(&reopen);
    assert_eq!(life.order.decide(&reopen, NOW), Ok(Decision::Already(v(3))));
    // The answer to the first is told again, whatever has happened since.
    assert_eq!(life.order.decide(&close, NOW), Ok(Decision::Already(v(2))));
    let cancelled = Command::Cancel(Cancel { reason: CancelReason::Merchant, key: other });
    assert_eq!(life.refuses(&cancelled), Refusal::KeyReused);
}
