//! Credit: plans, offers, who has to authenticate, and what a limit allows.

use std::time::Duration;

use bigdecimal::{BigDecimal, RoundingMode};
use domain::{
    Account, Action, Aggregate, Decimal, Money, OrderId, Reference, Time, Version,
    account::{AccountCommand, AccountEvent, LimitFault, SpendFault, Spending},
    credit::{
        Exemption, Offer, OfferSource, OfferStatus, Plan, Product, ProductFault, Proof, ProofFault, Settings,
        SettingsFault, Spend, SpendType, Standing, Unavailable,
    },
    limits::{
        CHALLENGE_TIME, CHALLENGES_REMEMBERED, CODE_LOCK, EXEMPTIONS_MAX, OFFERS_PER_PRODUCT_MAX, PLAN_MONTHS_MAX,
        PURCHASE_MEMORY, WRONG_ONE_TIME_CODES_IN_A_ROW_MAX, WRONG_ONE_TIME_CODES_MAX,
    },
    order::Decline,
    reference::LegReference,
};
use proptest::prelude::*;

use crate::support::{NOW, eur};

// -- plans

/// A hundredth of a percent of an annual rate, a month: computed in decimals, and not as a fraction.
fn decimal_plan(amount: u64, hundredths: u64, months: u16) -> (u64, u64) {
    const DIGITS: u64 = 60;
    let whole = |number: u64| BigDecimal::from(number);
    let n = whole(u64::from(months));
    let exact = if hundredths == 0 {
        (whole(amount) / n.clone()).with_prec(DIGITS)
    } else {
        let i = (whole(hundredths) / whole(120_000)).with_prec(DIGITS);
        // The present value of a payment of one at the end of each month.
        let (mut factor, mut annuity) = (whole(1), whole(0));
        for _ in 0..months {
            factor = (factor / (whole(1) + i.clone())).with_prec(DIGITS);
            annuity += factor.clone();
        }
        (whole(amount) / annuity).with_prec(DIGITS)
    };
    let round = |number: &BigDecimal, mode| number.with_scale_round(0, mode).to_string().parse::<u64>().unwrap();
    // What is off in the last of sixty digits is no cent.
    let monthly = round(&exact.with_scale_round(20, RoundingMode::HalfUp), RoundingMode::Up);
    let total = round(&(exact * n).with_scale_round(20, RoundingMode::HalfUp), RoundingMode::HalfUp);
    (monthly, total)
}

fn rate(hundredths: u64) -> Decimal {
    Decimal::from_hundredths(hundredths).unwrap()
}

#[test]
fn plans_that_can_be_looked_up() {
    let plan = |amount, hundredths, months| Plan::try_new(amount, rate(hundredths), months);
    let of = |amount, months, monthly, last, total| Some(Plan { amount, months, monthly, last, total });
    // 1,000.00 at 12 percent over a year is 88.85 a month (1,066.19 in all) in every textbook.
    assert_eq!(plan(100_000, 1_200, 12), of(100_000, 12, 8_885, 8_884, 106_619));
    assert_eq!(plan(100_000, 1_200, 12).unwrap().interest(), 6_619);
    assert_eq!(plan(10_000, 0, 3), of(10_000, 3, 3_334, 3_332, 10_000));
    assert_eq!(plan(9_000, 0, 3), of(9_000, 3, 3_000, 3_000, 9_000));
    assert_eq!(plan(10_000, 1_200, 1), of(10_000, 1, 10_100, 10_100, 10_100));
    assert_eq!(plan(12, 0, 12), of(12, 12, 1, 1, 12));
    assert_eq!(
        plan(100_000, 1_200, 12).unwrap().instalments().collect::<Vec<_>>(),
        [8_885, 8_885, 8_885, 8_885, 8_885, 8_885, 8_885, 8_885, 8_885, 8_885, 8_885, 8_884]
    );
    // Nothing, no months or too many, and what cannot be shared out.
    for (amount, months) in [(0, 3), (100, 0), (100_000, PLAN_MONTHS_MAX + 1), (5, 12), (11, 12)] {
        assert_eq!(plan(amount, 0, months), None, "{amount} in {months}");
    }
    assert_eq!(plan(999_999_999_999_999, 10_000, 120), None, "more than an amount can be");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn instalments_come_to_what_is_repaid(
        amount in 1_u64..=100_000_000,
        hundredths in 0_u64..=10_000,
        months in 1_u16..=PLAN_MONTHS_MAX,
    ) {
        let Some(plan) = Plan::try_new(amount, rate(hundredths), months) else {
            // Only where an instalment is so small that rounding it up each month takes all.
            prop_assert!(amount < u64::from(months) * u64::from(months));
            return Ok(());
        };
        let (monthly, total) = decimal_plan(amount, hundredths, months);
        prop_assert_eq!(plan.total, total);
        prop_assert_eq!(plan.monthly, if months == 1 { total } else { monthly });
        let instalments = plan.instalments().collect::<Vec<_>>();
        prop_assert_eq!(instalments.len(), usize::from(months));
        prop_assert_eq!(instalments.iter().sum::<u64>(), plan.total);
        let (last, others) = instalments.split_last().unwrap();
        prop_assert!(others.iter().all(|instalment| *instalment == plan.monthly));
        // Each of the others was rounded up by less than one, and the last makes up for it.
        prop_assert!(*last <= plan.monthly + 1 && plan.monthly - *last.min(&plan.monthly) <= u64::from(months));
        prop_assert!(plan.monthly * u64::from(months) + 1 > plan.total, "so many instalments are less than the total");
        prop_assert_eq!(plan.interest() == 0, total == amount);
        prop_assert!(plan.total >= amount);
    }
}

// -- offers and products

fn offer(code: &str) -> Offer {
    Offer {
        code: code.into(),
        name: "12 months".into(),
        description: String::new(),
        status: OfferStatus::Active,
        source: OfferSource::Product,
        spend_type: SpendType::Instalment,
        interest_rate: rate(1_200),
        months: 12,
        ends_at: None,
        least: 1_000,
        most: Some(50_000),
        settlement_percentage: Decimal::default(),
        refund_percentage: Decimal::default(),
        chargeback_percentage: Decimal::default(),
    }
}

fn product() -> Product {
    let event = Product::set(None, "FLEX", "Flexible", "", "EUR".parse().unwrap()).unwrap().unwrap();
    Product::evolve(None, &event, Version::FIRST, NOW).unwrap()
}

#[test]
fn an_offer_is_taken_while_it_is_active_for_what_it_takes() {
    let good = offer("12M");
    assert_eq!(good.check(10_000, NOW), Ok(()));
    assert_eq!(good.check(999, NOW), Err(Unavailable::TooLittle { least: 1_000, actual: 999 }));
    assert_eq!(good.check(50_001, NOW), Err(Unavailable::TooMuch { most: 50_000, actual: 50_001 }));
    let tiny = Offer { least: 0, ..offer("12M") };
    assert_eq!(tiny.check(5, NOW), Err(Unavailable::NoPlan { months: 12, actual: 5 }));
    let revolving = Offer { spend_type: SpendType::Purchase, months: 0, least: 0, ..offer("R") };
    assert_eq!((revolving.check(5, NOW), revolving.plan(5)), (Ok(()), None));
    for (status, fault) in
        [(OfferStatus::Inactive, Unavailable::Inactive), (OfferStatus::Expired, Unavailable::Expired)]
    {
        assert_eq!(Offer { status, ..offer("12M") }.check(10_000, NOW), Err(fault));
    }
    let ending = Offer { ends_at: Some(NOW.plus(Duration::from_secs(1))), ..offer("12M") };
    assert_eq!((ending.check(10_000, NOW), ending.status_at(NOW)), (Ok(()), OfferStatus::Active));
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(
        (ending.check(10_000, later), ending.status_at(later)),
        (Err(Unavailable::Expired), OfferStatus::Expired)
    );
}

#[test]
fn offers_are_refused_for_what_is_wrong_with_them() {
    let fields = |offer: Offer| match offer.check_fields() {
        Err(ProductFault::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(offer("12M").check_fields(), Ok(()));
    assert_eq!(fields(offer("")), "offerCode");
    assert_eq!(fields(offer("a/b")), "offerCode");
    assert_eq!(fields(offer(&"c".repeat(41))), "offerCode");
    assert_eq!(fields(Offer { name: String::new(), ..offer("O") }), "name");
    assert_eq!(fields(Offer { description: "d".repeat(201), ..offer("O") }), "description");
    assert_eq!(fields(Offer { description: "\u{7}".into(), ..offer("O") }), "description");
    assert_eq!(fields(Offer { interest_rate: rate(10_001), ..offer("O") }), "interestRate");
    assert_eq!(fields(Offer { refund_percentage: rate(10_001), ..offer("O") }), "refundPercentage");
    assert_eq!(fields(Offer { months: 0, ..offer("O") }), "duration");
    assert_eq!(fields(Offer { months: 121, ..offer("O") }), "duration");
    assert_eq!(fields(Offer { spend_type: SpendType::Purchase, ..offer("O") }), "duration");
    assert_eq!(fields(Offer { most: Some(999), ..offer("O") }), "maximumAmount");
}

#[test]
fn a_product_keeps_its_currency_and_has_so_many_offers() {
    let mut product = product();
    let other = Product::set(Some(&product), "FLEX", "Flexible", "", "GBP".parse().unwrap());
    assert!(matches!(other, Err(ProductFault::OtherCurrency { .. })), "{other:?}");
    assert_eq!(Product::set(Some(&product), "FLEX", "Flexible", "", product.currency), Ok(None));
    for number in 0..OFFERS_PER_PRODUCT_MAX {
        let event = product.set_offer(&offer(&format!("O{number}"))).unwrap().unwrap();
        let version = product.version.next().unwrap();
        product = Product::evolve(Some(product), &event, version, NOW).unwrap();
    }
    assert_eq!(product.set_offer(&offer("O0")), Ok(None), "it is so already");
    assert_eq!(product.set_offer(&offer("MORE")), Err(ProductFault::TooManyOffers));
    let changed = Offer { status: OfferStatus::Inactive, ..offer("O0") };
    let event = product.set_offer(&changed).unwrap().unwrap();
    let product = Product::evolve(Some(product.clone()), &event, product.version.next().unwrap(), NOW).unwrap();
    assert_eq!((product.offers.len(), product.offer("O0")), (OFFERS_PER_PRODUCT_MAX, Some(&changed)));
    // All of them, with the longest texts, fit into an item of the store twice over.
    let longest =
        Offer { name: "\u{1F6D2}".repeat(200), description: "\u{1F6D2}".repeat(200), ..offer(&"c".repeat(40)) };
    let size = serde_json::to_string(&longest).unwrap().len();
    assert!(size * OFFERS_PER_PRODUCT_MAX < 380 * 1_024, "{size}");
}

// -- who has to authenticate

fn reference(number: u64) -> Reference {
    let mut entropy = [0; 16];
    entropy[..8].copy_from_slice(&number.to_be_bytes());
    OrderId::from_entropy(entropy).reference()
}

fn credit(limit: u64) -> Account {
    let opened =
        AccountEvent::CreditOpened { customer: "C1".into(), product: "FLEX".into(), limit: eur(limit), key: None };
    Account::evolve(None, &opened, Version::FIRST, NOW).unwrap()
}

fn proof(challenge: u64, minor: u64, is_exempt: bool) -> Proof {
    Proof { challenge: reference(challenge), amount: eur(minor), is_exempt, expires_at: NOW.plus(CHALLENGE_TIME) }
}

fn spending(payment: u64, minor: u64, proof: Option<Proof>) -> Spending {
    Spending { payment: reference(1_000 + payment), amount: eur(minor), spend: Spend::revolving(), proof }
}

fn exempting(below: u64, in_a_row: u8) -> Settings {
    Settings { exemptions: vec![Exemption { below: eur(below), in_a_row }], ..Settings::default() }
}

#[track_caller]
fn after(account: Account, events: &[AccountEvent]) -> Account {
    let version = account.version.next().unwrap();
    let account = Account::evolve_all(Some(account), events, version, NOW).unwrap();
    assert!(account.is_balanced(), "{account:?}");
    account
}

#[track_caller]
fn spent(account: Account, spending: &Spending, settings: &Settings) -> Account {
    let events = account.decide_spend(spending, settings, NOW).unwrap();
    after(account, &events)
}

fn gives(account: Account, proof: &Proof, is_right: bool) -> Account {
    let events = account.decide_code(proof, is_right, NOW).unwrap();
    after(account, &events)
}

#[test]
fn whoever_did_not_authenticate_spends_nothing() {
    let (account, settings) = (credit(10_000), Settings::default());
    let refused = |account: &Account, spending: &Spending, settings: &Settings, now: Time| match account
        .decide_spend(spending, settings, now)
    {
        Err(SpendFault::Proof(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&account, &spending(1, 100, None), &settings, NOW), ProofFault::Missing);
    let given = proof(1, 100, false);
    let unproved = spending(1, 100, Some(given));
    assert_eq!(refused(&account, &unproved, &settings, NOW), ProofFault::NotAuthenticated);
    let passed = gives(account, &given, true);
    let other = spending(1, 101, Some(given));
    let fault = ProofFault::OtherAmount { expected: eur(100), actual: eur(101) };
    assert_eq!(refused(&passed, &other, &settings, NOW), fault);
    let late = NOW.plus(CHALLENGE_TIME);
    assert_eq!(refused(&passed, &unproved, &settings, late), ProofFault::Expired);
    let spent = spent(passed, &unproved, &settings);
    assert_eq!((spent.available(), spent.held()), (9_900, 100));
    // The same payment again is done already; another is not.
    assert_eq!(spent.decide_spend(&unproved, &settings, NOW), Ok(Vec::new()));
    assert_eq!(refused(&spent, &spending(2, 100, Some(given)), &settings, NOW), ProofFault::Used);
    assert_eq!(refused(&spent, &spending(2, 100, Some(given)), &settings, late), ProofFault::Used);
    // Where nobody has to authenticate, nobody does.
    let free = Settings { is_authenticated: false, ..Settings::default() };
    assert!(spent.decide_spend(&spending(2, 100, None), &free, NOW).is_ok());
}

#[test]
fn small_spends_are_exempt_so_many_times_in_a_row() {
    let settings = exempting(3_000, 2);
    let refused = |account: &Account, spending: &Spending| account.decide_spend(spending, &settings, NOW).unwrap_err();
    let account = credit(100_000);
    assert_eq!(refused(&account, &spending(1, 3_000, None)), SpendFault::Proof(ProofFault::Missing), "not below");
    let once = spent(account, &spending(1, 2_999, None), &settings);
    let exempt = proof(7, 2_999, true);
    let twice = spent(once.clone(), &spending(2, 2_999, Some(exempt)), &settings);
    assert_eq!(twice.credit.as_ref().unwrap().exempt_in_a_row, 2);
    assert_eq!(refused(&twice, &spending(3, 2_999, None)), SpendFault::Proof(ProofFault::Missing));
    assert_eq!(refused(&twice, &spending(3, 2_999, Some(exempt))), SpendFault::Proof(ProofFault::Used));
    let another = proof(8, 2_999, true);
    assert_eq!(refused(&twice, &spending(3, 2_999, Some(another))), SpendFault::Proof(ProofFault::NotExempt));
    // Whoever authenticates begins anew.
    let given = proof(9, 50_000, false);
    let anew = spent(gives(twice, &given, true), &spending(3, 50_000, Some(given)), &settings);
    assert_eq!(anew.credit.as_ref().unwrap().exempt_in_a_row, 0);
    spent(anew, &spending(4, 2_999, None), &settings);
    // Another currency has no exemption here.
    let pounds = Money::try_new("GBP".parse().unwrap(), 1).unwrap();
    assert!(!settings.exempts(pounds, 0));
}

#[test]
fn wrong_codes_end_an_authentication_and_a_right_one_is_enough_once() {
    let given = proof(1, 100, false);
    let mut account = credit(10_000);
    for _ in 1..WRONG_ONE_TIME_CODES_MAX {
        account = gives(account, &given, false);
    }
    let passed = gives(account.clone(), &given, true);
    assert_eq!(passed.decide_code(&given, false, NOW), Ok(Vec::new()), "the customer has authenticated");
    let failed = gives(account, &given, false);
    assert_eq!(failed.decide_code(&given, true, NOW), Err(ProofFault::NotAuthenticated));
    let late = NOW.plus(CHALLENGE_TIME);
    assert_eq!(credit(1).decide_code(&given, true, late), Err(ProofFault::Expired));
    // Another authentication is another matter, but for those who are wrong too often whatever for.
    gives(failed, &proof(2, 100, false), true);
}

#[test]
fn an_authentication_stands_somewhere() {
    let given = proof(1, 100, false);
    let late = NOW.plus(CHALLENGE_TIME);
    let standing = |account: &Account, now: Time| account.standing(&given, now);
    let mut account = credit(10_000);
    for tries_left in (1..=WRONG_ONE_TIME_CODES_MAX).rev() {
        assert_eq!(standing(&account, NOW), Standing::Open { tries_left });
        assert_eq!(standing(&account, late), Standing::Expired);
        account = gives(account, &given, false);
    }
    assert_eq!((standing(&account, NOW), standing(&account, late)), (Standing::Failed, Standing::Failed));
    let passed = gives(gives(credit(10_000), &given, false), &given, true);
    assert_eq!((standing(&passed, NOW), standing(&passed, late)), (Standing::Passed, Standing::Expired));
    let used = spent(passed, &spending(1, 100, Some(given)), &Settings::default());
    assert_eq!((standing(&used, NOW), standing(&used, late)), (Standing::Used, Standing::Used));
}

#[test]
fn so_many_authentications_are_remembered_until_they_do_not_matter() {
    let mut account = credit(10_000);
    let most = u64::try_from(CHALLENGES_REMEMBERED).unwrap();
    for number in 0..most {
        account = gives(account, &proof(number, 100, false), true);
    }
    assert_eq!(account.decide_code(&proof(most, 100, false), true, NOW), Err(ProofFault::TooMany));
    // What is exempt needs no room, and what is spent leaves room.
    let settings = exempting(3_000, 5);
    let account = spent(account, &spending(1, 100, Some(proof(most, 100, true))), &settings);
    let account = spent(account, &spending(2, 100, Some(proof(0, 100, false))), &settings);
    let account = gives(account, &proof(most + 1, 100, false), true);
    let again = account.decide_spend(&spending(3, 100, Some(proof(0, 100, false))), &settings, NOW);
    assert_eq!(again, Err(SpendFault::Proof(ProofFault::Used)), "that is told by what was spent");
    // Later there is room again, and what is forgotten has expired.
    let later = NOW.plus(Duration::from_secs(3_600));
    let fresh = Proof { expires_at: later.plus(CHALLENGE_TIME), ..proof(most + 2, 100, false) };
    let events = account.decide_code(&fresh, true, later).unwrap();
    let account = Account::evolve_all(Some(account.clone()), &events, account.version.next().unwrap(), later).unwrap();
    let credit = account.credit.as_ref().unwrap();
    assert!(credit.challenge(reference(1)).is_none() && credit.challenge(reference(most + 2)).unwrap().is_passed);
}

#[test]
fn settings_have_one_exemption_for_each_currency() {
    let exemption =
        |currency: &str| Exemption { below: Money::try_new(currency.parse().unwrap(), 1).unwrap(), in_a_row: 1 };
    let settings = |exemptions| Settings { exemptions, ..Settings::default() };
    assert_eq!(settings(vec![exemption("EUR"), exemption("GBP")]).check(), Ok(()));
    let twice = settings(vec![exemption("EUR"), exemption("GBP"), exemption("EUR")]).check();
    assert_eq!(twice, Err(SettingsFault::TwoOfCurrency { currency: "EUR".parse().unwrap() }));
    let many = EXEMPTIONS_MAX + 1;
    let fault = SettingsFault::TooManyExemptions { actual: many };
    assert_eq!(settings(vec![exemption("EUR"); many]).check(), Err(fault));
}

/// Whoever guesses has five tries, whatever for, and then waits.
#[test]
fn wrong_codes_in_a_row_lock_the_customer_for_a_while() {
    let mut account = credit(10_000);
    // Two of each, so that none has failed by itself.
    for number in 0..u64::from(WRONG_ONE_TIME_CODES_IN_A_ROW_MAX) {
        assert!(matches!(account.standing(&proof(number / 2, 100, false), NOW), Standing::Open { .. }), "{number}");
        account = gives(account, &proof(number / 2, 100, false), false);
    }
    let other = proof(50, 100, false);
    assert_eq!(account.decide_code(&other, true, NOW), Err(ProofFault::Locked));
    assert_eq!(account.standing(&other, NOW), Standing::Failed);
    // What was exempt before is still.
    assert!(account.decide_spend(&spending(9, 100, None), &exempting(3_000, 5), NOW).is_ok());
    // After that, one wrong code is enough for another lock, and a right one ends it.
    let later = NOW.plus(CODE_LOCK);
    let fresh = |number| Proof { expires_at: later.plus(CHALLENGE_TIME), ..proof(number, 100, false) };
    assert_eq!(account.standing(&fresh(51), later), Standing::Open { tries_left: 1 });
    let given = |account: &Account, is_right| {
        let events = account.decide_code(&fresh(51), is_right, later).unwrap();
        Account::evolve_all(Some(account.clone()), &events, account.version.next().unwrap(), later).unwrap()
    };
    assert_eq!(given(&account, false).standing(&fresh(52), later), Standing::Failed);
    let ended = given(&account, true);
    assert_eq!(ended.standing(&fresh(52), later), Standing::Open { tries_left: WRONG_ONE_TIME_CODES_MAX });
    // A spend that nobody authenticated for does not.
    let spent = spent(account, &spending(9, 100, None), &exempting(3_000, 5));
    assert_eq!(spent.standing(&other, NOW), Standing::Failed);
}

#[test]
fn what_was_exempt_for_being_small_stays_small() {
    let settings = exempting(3_000, 5);
    let offered = Spend { most: Some(5_000), ..Spend::revolving() };
    let given = proof(1, 2_000, false);
    let exempt = spent(credit(100_000), &spending(1, 2_000, None), &settings);
    let passed = gives(credit(100_000), &given, true);
    let passed = spent(passed, &Spending { spend: offered, ..spending(1, 2_000, Some(given)) }, &settings);
    let payment = spending(1, 0, None).payment;
    let free = Settings { is_authenticated: false, ..settings.clone() };
    let waived = spent(credit(100_000), &spending(1, 2_000, None), &free);
    let cases = [
        (&exempt, &settings, 999, Ok(())),
        (&exempt, &settings, 1_000, Err(Decline::NotAuthenticated)),
        // Where nobody is asked, it is no matter; until somebody is.
        (&exempt, &free, 50_000, Ok(())),
        (&waived, &settings, 999, Ok(())),
        (&waived, &settings, 1_000, Err(Decline::NotAuthenticated)),
        (&passed, &settings, 3_000, Ok(())),
        (&passed, &settings, 3_001, Err(Decline::NotPermitted)),
    ];
    for (account, settings, more, expected) in cases {
        assert_eq!(account.check_raise(payment, more, settings), expected, "{more} more");
    }
    // An amount that cannot be shared out among the instalments is no part of the offer.
    let twelve = Spend { months: 12, spend_type: SpendType::Instalment, ..Spend::revolving() };
    assert!(twelve.takes(1_200) && !twelve.takes(3));
}

#[test]
fn where_nobody_is_asked_nothing_is_counted() {
    let free = Settings { is_authenticated: false, ..exempting(3_000, 2) };
    let mut account = credit(100_000);
    for number in 0..4 {
        let token = (number % 2 == 0).then(|| proof(number, 2_000, true));
        account = spent(account, &spending(number, 2_000, token), &free);
    }
    assert_eq!(account.credit.as_ref().unwrap().exempt_in_a_row, 0);
    let again = account.decide_spend(&spending(9, 2_000, Some(proof(0, 2_000, true))), &free, NOW);
    assert_eq!(again, Err(SpendFault::Proof(ProofFault::Used)), "a token is of one spend all the same");
}

// -- room

/// The account after some purchases, one a day, each settled; and how many there were until one was declined.
fn bought(mut account: Account, days: u64, is_settled: bool) -> (Account, u64) {
    let free = Settings { is_authenticated: false, ..Settings::default() };
    let option = Spend { offer: Some("o".repeat(40)), most: Some(u64::MAX / 2), months: 12, ..Spend::revolving() };
    let option = Spend { spend_type: SpendType::Instalment, ..option };
    for day in 0..days {
        let now = NOW.plus(Duration::from_secs(86_400 * day));
        let wanted = Spending { spend: option.clone(), ..spending(day, 1_200, None) };
        let Ok(events) = account.decide_spend(&wanted, &free, now) else { return (account, day) };
        account = Account::evolve_all(Some(account.clone()), &events, account.version.next().unwrap(), now).unwrap();
        if is_settled {
            let settled = moved(account.clone(), day, Action::Capture, now);
            assert!(settled.is_some(), "what is held can be settled");
            account = settled.unwrap_or(account);
        }
        assert!(account.is_balanced(), "day {day}");
    }
    (account, days)
}

/// The account after all of a purchase was settled, released or refunded; none if it was declined.
fn moved(account: Account, payment: u64, action: Action, now: Time) -> Option<Account> {
    let leg = LegReference { operation: reference(100_000 + payment), index: u16::from(action == Action::Refund) };
    let command = AccountCommand::Move { payment: spending(payment, 0, None).payment, leg, action, amount: 1_200 };
    let events = account.decide(&command).ok()?;
    let version = account.version.next().unwrap();
    Account::evolve_all(Some(account), &events, version, now)
}

/// What is held can be settled, and given back, however much is held.
#[test]
fn there_is_room_to_settle_and_refund_everything_that_is_held() {
    let (mut account, holds) = bought(credit(10_000_000), 2_000, false);
    assert!((300..2_000).contains(&holds), "{holds}");
    let late = NOW.plus(Duration::from_secs(86_400 * holds));
    for action in [Action::Capture, Action::Refund] {
        for payment in 0..holds {
            account = moved(account, payment, action, late).unwrap_or_else(|| panic!("{action:?} of {payment}"));
        }
    }
    assert_eq!((account.available(), account.held(), account.outstanding()), (10_000_000, 0, 0));
    let bytes = serde_json::to_string(&account).unwrap().len();
    assert!(bytes < 380 * 1_024, "{bytes} bytes, and an item of DynamoDB has 400 KB");
}

/// In parts, too: the last step of each hold has its room, whatever the others took.
#[test]
fn parts_leave_room_for_the_last_step_of_each_hold() {
    let (mut account, holds) = bought(credit(10_000_000), 2_000, false);
    let late = NOW.plus(Duration::from_secs(86_400 * holds));
    let mut number = 0;
    let mut step = |account: &Account, payment: u64, action: Action, amount: u64| {
        number += 1;
        let leg = LegReference { operation: reference(200_000 + number), index: 0 };
        let payment = spending(payment, 0, None).payment;
        let events = account.decide(&AccountCommand::Move { payment, leg, action, amount }).ok()?;
        Account::evolve_all(Some(account.clone()), &events, account.version.next().unwrap(), late)
    };
    // As many parts as are taken, of all holds in turn.
    for (action, part) in [(Action::Void, 1), (Action::Capture, 2), (Action::Refund, 1)] {
        for payment in (0..holds).cycle().take(2_000) {
            if let Some(after) = step(&account, payment, action, part) {
                account = after;
            }
        }
    }
    assert!(step(&account, 0, Action::Capture, 1).is_none(), "there is no room for parts any more");
    for payment in 0..holds {
        let left = |account: &Account| account.hold(spending(payment, 0, None).payment).unwrap().tally;
        account = step(&account, payment, Action::Capture, left(&account).capturable()).expect("to be settled");
        account = step(&account, payment, Action::Refund, left(&account).refundable()).expect("to be given back");
    }
    assert!(account.is_balanced());
    assert_eq!((account.held(), account.outstanding()), (0, 0));
}

/// A customer buys for years: purchases that are long over make room for others, and what is outstanding stays so.
#[test]
fn old_purchases_are_forgotten_where_there_is_little_room() {
    let (account, days) = bought(credit(100_000_000), 3_000, true);
    // One a day is too much for 400 days; then it is declined, and nothing else happens.
    assert!((300..400).contains(&days), "{days}");
    let free = Settings { is_authenticated: false, ..Settings::default() };
    let wanted = spending(5_000, 1_200, None);
    let declined = account.decide_spend(&wanted, &free, NOW.plus(Duration::from_secs(86_400 * 399)));
    assert_eq!(declined, Err(SpendFault::Declined(Decline::NotPermitted)));
    let later = NOW.plus(PURCHASE_MEMORY).plus(Duration::from_secs(86_400 * 10));
    let events = account.decide_spend(&wanted, &free, later).expect("some are over for long");
    let before = account.outstanding();
    let account = Account::evolve_all(Some(account.clone()), &events, account.version.next().unwrap(), later).unwrap();
    assert!(account.is_balanced() && account.forgotten == 11 * 1_200, "{}", account.forgotten);
    assert_eq!(account.outstanding(), before, "what is forgotten is outstanding still");
    assert!(moved(account.clone(), 10, Action::Refund, later).is_none(), "and is not refunded any more");
    assert!(moved(account, 11, Action::Refund, later).is_some());
}

/// Every other day, for eight years.
#[test]
fn who_buys_now_and_then_does_so_for_ever() {
    let free = Settings { is_authenticated: false, ..Settings::default() };
    let mut account = credit(100_000_000);
    for number in 0..1_460 {
        let now = NOW.plus(Duration::from_secs(2 * 86_400 * number));
        let events = account.decide_spend(&spending(number, 1_200, None), &free, now).expect("there is room");
        account = Account::evolve_all(Some(account.clone()), &events, account.version.next().unwrap(), now).unwrap();
        account = moved(account, number, Action::Capture, now).expect("what is held can be settled");
    }
    assert!(account.is_balanced());
    assert_eq!(account.outstanding(), 1_460 * 1_200);
}

// -- the limit

#[test]
fn a_limit_is_never_below_what_is_used_of_it() {
    let free = Settings { is_authenticated: false, ..Settings::default() };
    let account = spent(credit(10_000), &spending(1, 6_000, None), &free);
    let over = account.decide_spend(&spending(2, 4_001, None), &free, NOW);
    assert_eq!(over, Err(SpendFault::Declined(Decline::NotEnoughBalance)));
    let pounds = Money::try_new("GBP".parse().unwrap(), 1).unwrap();
    let other = account.decide_spend(&Spending { amount: pounds, ..spending(2, 1, None) }, &free, NOW);
    assert_eq!(other, Err(SpendFault::Declined(Decline::NotEnoughBalance)));
    let below = account.decide_limit(eur(5_999));
    assert_eq!(below, Err(LimitFault::BelowUsed { used: eur(6_000), actual: eur(5_999) }));
    assert!(matches!(account.decide_limit(pounds), Err(LimitFault::OtherCurrency { .. })));
    assert_eq!(account.decide_limit(eur(10_000)), Ok(Vec::new()));
    let lowered = account.decide_limit(eur(6_000)).unwrap();
    let account = after(account, &lowered);
    assert_eq!((account.available(), account.held(), account.outstanding()), (0, 6_000, 0));
    // A gift card takes no spend, and has no limit that somebody set.
    let issued = AccountEvent::Issued {
        brand: "givex".into(),
        last4: "0000".into(),
        balance: eur(100),
        code: [1; 8],
        key: None,
    };
    let card = Account::evolve(None, &issued, Version::FIRST, NOW).unwrap();
    let refused = card.decide_spend(&spending(1, 1, None), &free, NOW);
    assert_eq!(refused, Err(SpendFault::Declined(Decline::NotPermitted)));
}

#[derive(Debug, Clone)]
enum Use {
    Spend { payment: u64, minor: u64, months: u16, proof: Option<(u64, bool)> },
    Code { challenge: u64, minor: u64, is_right: bool },
    Limit { minor: u64 },
    Move { payment: u64, leg: u16, action: Action, minor: u64 },
    Bar { payment: u64 },
}

fn any_use() -> impl Strategy<Value = Use> {
    let action = prop_oneof![
        4 => Just(Action::Capture),
        2 => Just(Action::Void),
        2 => Just(Action::Refund),
        1 => Just(Action::Increase)
    ];
    prop_oneof![
        4 => (0..6_u64, 1..80_u64, 0..4_u16, prop::option::of((0..4_u64, any::<bool>())))
            .prop_map(|(payment, minor, months, proof)| Use::Spend { payment, minor, months, proof }),
        2 => (0..4_u64, 1..80_u64, prop::bool::weighted(0.7))
            .prop_map(|(challenge, minor, is_right)| Use::Code { challenge, minor, is_right }),
        1 => (0..300_u64).prop_map(|minor| Use::Limit { minor }),
        6 => (0..6_u64, 0..20_u16, action, 1..80_u64)
            .prop_map(|(payment, leg, action, minor)| Use::Move { payment, leg, action, minor }),
        1 => (0..6_u64).prop_map(|payment| Use::Bar { payment }),
    ]
}

proptest! {
    /// limit = available + held + outstanding, at every commit, whatever is asked; an authentication is used once.
    #[test]
    fn a_limit_is_what_is_available_held_and_outstanding(uses in prop::collection::vec(any_use(), 0..60)) {
        let settings = exempting(40, 2);
        let mut account = credit(200);
        for asked in uses {
            let events = match &asked {
                Use::Spend { payment, minor, months, proof: given } => {
                    let given = given.map(|(challenge, is_exempt)| proof(challenge, *minor, is_exempt));
                    let spend = match months {
                        0 => Spend::revolving(),
                        months => Spend { months: *months, spend_type: SpendType::Instalment, ..Spend::revolving() },
                    };
                    account.decide_spend(&Spending { spend, ..spending(*payment, *minor, given) }, &settings, NOW).ok()
                }
                Use::Code { challenge, minor, is_right } => {
                    account.decide_code(&proof(*challenge, *minor, false), *is_right, NOW).ok()
                }
                Use::Limit { minor } => account.decide_limit(eur(*minor)).ok(),
                Use::Move { payment, leg, action, minor } => {
                    let leg = LegReference { operation: reference(5_000), index: *leg };
                    let payment = reference(1_000 + payment);
                    account.decide(&AccountCommand::Move { payment, leg, action: *action, amount: *minor }).ok()
                }
                Use::Bar { payment } => {
                    account.decide(&AccountCommand::Lookup { payment: reference(1_000 + payment) }).ok()
                }
            };
            let Some(events) = events.filter(|events| !events.is_empty()) else { continue };
            let version = account.version.next().unwrap();
            account = Account::evolve_all(Some(account), &events, version, NOW).unwrap();
            prop_assert!(account.is_balanced(), "{:?} after {:?}", account, asked);
            let through = serde_json::from_str::<Account>(&serde_json::to_string(&account).unwrap()).unwrap();
            prop_assert_eq!(&through, &account);
        }
        let credit = account.credit.as_ref().unwrap();
        let used = account.holds.iter().filter_map(|hold| hold.challenge).collect::<Vec<_>>();
        let distinct = used.iter().collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(distinct.len(), used.len(), "an authentication was used twice");
        prop_assert!(credit.exempt_in_a_row <= 2);
    }
}
