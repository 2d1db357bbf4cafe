//! The journey of the family, from what can be spent to what comes back: every identity in its place, and what is left
//! right at every step.

use std::time::Duration;

use serde_json::json;
use tests::{
    lender::{CUSTOMER, Lender, amount, in_parts, of, spend, trusting},
    shop::Shop,
};

use super::problem;

const DAY: Duration = Duration::from_secs(86_400);

async fn a_customer_who_is_exempt_spends_settles_reverses_and_is_refunded(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let options = lender.get(&format!("/{CUSTOMER}/spend-options?basketAmount=40&spendType=Instalment")).await;
    let option = options.text_at("/spendOptions/0/spendOptionId");

    let begun = lender.initiate(&json!({ "amount": amount(4_000), "spendOptionId": option })).await;
    assert_eq!(begun.text_at("/authenticationStatus"), "Exempt");
    assert!(begun.json().get("widgetUrl").is_none(), "{}", begun.text);
    assert_eq!(lender.books().await, (100_000, 0, 0), "nothing is held yet");

    let body = json!({ "amount": amount(4_000), "orderReference": "order-1", "description": "A lamp",
        "verificationId": "check-1", "spendOptionId": option });
    let answer = lender.authorise_with(1, &begun.text_at("/scaToken"), &body).await;
    assert_eq!((answer.text_at("/result"), answer.at("/declineReason")), ("Authorised".to_owned(), json!(null)));
    let authorisation = answer.text_at("/authorisationId");
    assert_eq!(lender.books().await, (96_000, 4_000, 0));
    let hold = lender.account(CUSTOMER).await.holds[0].clone();
    let terms = hold.spend.unwrap();
    assert_eq!((terms.offer.as_deref(), terms.months), (Some("twelve"), 12), "the terms are fixed");

    let settled = lender.of(&authorisation, "settle", 2, 1_500).await;
    assert_eq!(settled.status, 200, "{}", settled.text);
    let first = settled.text_at("/transactionId");
    assert_eq!(lender.books().await, (96_000, 2_500, 1_500));

    let reversed = lender.of(&authorisation, "reverse", 3, 1_000).await;
    assert_eq!(reversed.status, 200, "{}", reversed.text);
    assert_eq!(reversed.at("/remainingFloat"), json!({ "value": 15.0, "currencyCode": "EUR" }));
    assert!(reversed.text.contains("\"value\":15.00,"), "{}", reversed.text);
    assert_ne!(reversed.text_at("/authorisationReversalId"), first);
    assert_eq!(lender.books().await, (97_000, 1_500, 1_500));

    let beyond = lender.of(&authorisation, "settle", 4, 1_501).await;
    assert_eq!(problem(&beyond), (422, "amount_not_available".to_owned()));
    assert!(beyond.text_at("/detail").contains("'amount.value'"), "{}", beyond.text);
    let second = lender.of(&authorisation, "settle", 5, 1_500).await.text_at("/transactionId");
    assert_eq!(lender.books().await, (97_000, 0, 3_000));
    for what in ["settle", "reverse"] {
        let closed = lender.of(&authorisation, what, 6, 1).await;
        assert_eq!(problem(&closed), (422, "nothing_available".to_owned()), "nothing is left of it");
    }

    let refunded = lender.refund(&first, 7, 500).await;
    assert_eq!(refunded.status, 200, "{}", refunded.text);
    assert_ne!(refunded.text_at("/refundTransactionId"), first);
    assert_eq!(lender.books().await, (97_500, 0, 2_500));
    // More than is left of that transaction, though not more than is left of the authorisation.
    assert_eq!(problem(&lender.refund(&first, 8, 1_001).await), (422, "amount_not_available".to_owned()));
    assert_eq!(lender.refund(&first, 9, 1_000).await.status, 200);
    assert_eq!(problem(&lender.refund(&first, 10, 1).await), (422, "nothing_available".to_owned()));
    assert_eq!(lender.refund(&second, 11, 1_500).await.status, 200);
    assert_eq!(lender.books().await, (100_000, 0, 0), "all of it is there again");
}

async fn a_customer_authenticates_and_spends_once_with_it(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let body = json!({ "amount": amount(12_000), "returnUrl": "https://shop.example/return?cart=1" });
    let begun = lender.initiate(&body).await;
    assert_eq!(begun.text_at("/authenticationStatus"), "Required");
    let token = begun.text_at("/scaToken");
    let page = format!("{}/cl/merchant-gateway-service/sca/{token}", shop.url);
    assert_eq!(begun.text_at("/widgetUrl"), page);

    let path = format!("/{CUSTOMER}/authorisation");
    let without = lender.keyed(&path, 1, &spend(12_000)).await;
    assert_eq!(problem(&without), (403, "authentication_required".to_owned()));
    let before = lender.authorise_with(2, &token, &spend(12_000)).await;
    assert_eq!(problem(&before), (403, "authentication_invalid".to_owned()));
    assert!(before.text_at("/detail").contains("did not authenticate"), "{}", before.text);
    lender.authenticate(&token).await;
    let other = lender.authorise_with(3, &token, &spend(12_001)).await;
    assert_eq!(problem(&other), (403, "authentication_invalid".to_owned()));
    assert!(other.text_at("/detail").contains("EUR 120.00, not for EUR 120.01"), "{}", other.text);
    assert_eq!(lender.books().await, (100_000, 0, 0));

    let authorised = lender.authorise_with(4, &token, &spend(12_000)).await;
    assert_eq!(authorised.text_at("/result"), "Authorised", "{}", authorised.text);
    let again = lender.authorise_with(5, &token, &spend(12_000)).await;
    assert_eq!(problem(&again), (403, "authentication_invalid".to_owned()));
    assert!(again.text_at("/detail").contains("used before"), "{}", again.text);
    // The request that used it is answered as it was.
    let repeated = lender.authorise_with(4, &token, &spend(12_000)).await;
    assert_eq!(repeated.text, authorised.text);
    assert_eq!(lender.books().await, (88_000, 12_000, 0));
}

async fn an_authentication_is_good_for_a_quarter_of_an_hour(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let begun = lender.initiate(&of(12_000)).await;
    let token = begun.text_at("/scaToken");
    lender.authenticate(&token).await;
    shop.clock.advance(Duration::from_secs(15 * 60));
    let late = lender.authorise_with(1, &token, &spend(12_000)).await;
    assert_eq!(problem(&late), (403, "authentication_invalid".to_owned()));
    assert!(late.text_at("/detail").contains("expired"), "{}", late.text);
}

async fn small_spends_are_exempt_so_often_in_a_row(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let status = async || lender.initiate(&of(4_999)).await.text_at("/authenticationStatus");
    assert_eq!(status().await, "Exempt");
    lender.authorised(1, 4_999).await;
    assert_eq!(status().await, "Exempt");
    // A token that was exempt when it was made, and is not any more.
    let early = lender.initiate(&of(4_999)).await.text_at("/scaToken");
    lender.authorised(2, 4_999).await;
    assert_eq!(status().await, "Required", "two in a row");
    let late = lender.authorise_with(3, &early, &spend(4_999)).await;
    assert_eq!(problem(&late), (403, "authentication_invalid".to_owned()));
    let path = format!("/{CUSTOMER}/authorisation");
    assert_eq!(problem(&lender.keyed(&path, 4, &spend(4_999)).await).1, "authentication_required");
    let token = lender.initiate(&of(4_999)).await.text_at("/scaToken");
    lender.authenticate(&token).await;
    assert_eq!(lender.authorise_with(5, &token, &spend(4_999)).await.text_at("/result"), "Authorised");
    assert_eq!(status().await, "Exempt", "it is counted from the last authentication");
    // The merchant may have the customer authenticate all the same.
    let asked = lender.initiate(&json!({ "amount": amount(1), "overrideExemption": true })).await;
    assert_eq!(asked.text_at("/authenticationStatus"), "Required");
    let exempt = lender.initiate(&json!({ "amount": amount(1), "overrideExemption": false })).await;
    assert_eq!(exempt.text_at("/authenticationStatus"), "Exempt");
    // As small in another currency is not exempt, and not this customer's either.
    let pounds = json!({ "amount": { "value": 1, "currencyCode": "GBP" } });
    let other = lender.post(&format!("/{CUSTOMER}/initiate"), &pounds).await;
    assert_eq!(problem(&other), (422, "currency_mismatch".to_owned()));
}

async fn without_an_option_credit_is_revolving(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    lender.authorised(1, 4_000).await;
    let spent = lender.account(CUSTOMER).await.holds[0].spend.clone().unwrap();
    assert_eq!((spent.offer, spent.months), (None, 0));
}

async fn a_decline_is_an_answer_with_its_reason(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let path = format!("/{CUSTOMER}/authorisation");
    let declined = lender.keyed(&path, 1, &spend(100_001)).await;
    assert_eq!((declined.status, declined.text_at("/result")), (200, "Declined".to_owned()), "{}", declined.text);
    assert_eq!(declined.text_at("/declineReason"), "NotEnoughCredit");
    // It can be looked at, and nothing can be done with it.
    let none = lender.of(&declined.text_at("/authorisationId"), "settle", 2, 100_001).await;
    assert_eq!(problem(&none), (422, "payment_not_authorised".to_owned()));
    assert_eq!(lender.books().await, (100_000, 0, 0));
}

async fn an_authorisation_is_raised_on_the_terms_it_has(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let body = json!({ "amount": amount(60_000), "orderReference": "order-1",
        "spendOptionId": lender.option(CUSTOMER, "large") });
    let answer = lender.keyed(&format!("/{CUSTOMER}/authorisation"), 1, &body).await;
    let authorisation = answer.text_at("/authorisationId");
    let raised = lender.of(&authorisation, "upward-adjustment", 2, 80_000).await;
    assert_eq!((raised.status, raised.text_at("/result")), (200, "Authorised".to_owned()), "{}", raised.text);
    assert_eq!(raised.text_at("/authorisationId"), authorisation);
    assert_eq!(lender.books().await, (20_000, 80_000, 0));
    // More than the offer took is not authorised on its terms.
    let declined = lender.of(&authorisation, "upward-adjustment", 3, 90_001).await;
    assert_eq!((declined.status, declined.text_at("/declineReason")), (200, "NotPermitted".to_owned()));
    let other = lender.authorised(6, 10_000).await;
    let declined = lender.of(&authorisation, "upward-adjustment", 7, 90_001 - 1).await;
    assert_eq!(declined.text_at("/result"), "Authorised", "{}", declined.text);
    let declined = lender.of(&other, "upward-adjustment", 8, 10_001).await;
    assert_eq!((declined.status, declined.text_at("/declineReason")), (200, "NotEnoughCredit".to_owned()));
    assert_eq!(declined.text_at("/result"), "Declined");
    assert_eq!(lender.books().await, (0, 100_000, 0), "it is as it was");
    lender.of(&other, "reverse", 9, 10_000).await;
    lender.of(&authorisation, "reverse", 10, 10_000).await;
    assert_eq!(lender.books().await, (20_000, 80_000, 0));
    for less in [80_000, 79_999] {
        let refused = lender.of(&authorisation, "upward-adjustment", 4, less).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(
            ["amount_not_more", "amount_unchanged"].contains(&refused.text_at("/code").as_str()),
            "{}",
            refused.text
        );
    }
    assert_eq!(lender.of(&authorisation, "settle", 5, 80_000).await.status, 200);
    assert_eq!(lender.books().await, (20_000, 0, 80_000));
    // Whatever becomes of the offer.
    assert_eq!(lender.account(CUSTOMER).await.holds[0].spend.clone().unwrap().months, 24);
}

/// What was not authenticated for does not grow into what would have been.
async fn what_was_exempt_is_raised_as_long_as_it_is_small(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let authorisation = lender.authorised(1, 1_000).await;
    let raised = lender.of(&authorisation, "upward-adjustment", 2, 4_999).await;
    assert_eq!(raised.text_at("/result"), "Authorised", "{}", raised.text);
    let declined = lender.of(&authorisation, "upward-adjustment", 3, 5_000).await;
    assert_eq!((declined.status, declined.text_at("/declineReason")), (200, "NotAuthenticated".to_owned()));
    // Nor by another family.
    let reference = tests::lender::reference(&authorisation).to_string();
    let update = json!({ "merchantAccount": local::TEST_MERCHANT, "reference": "more",
        "amount": { "currency": "EUR", "value": 5_000 } });
    assert_eq!(shop.post(&format!("/v72/payments/{reference}/amountUpdates"), &update).await.status, 201);
    shop.settle().await;
    assert_eq!(lender.books().await, (95_001, 4_999, 0));
    // Whoever authenticated may be asked for more later.
    let token = lender.initiate(&of(10_000)).await.text_at("/scaToken");
    lender.authenticate(&token).await;
    let answer = lender.authorise_with(4, &token, &spend(10_000)).await;
    let raised = lender.of(&answer.text_at("/authorisationId"), "upward-adjustment", 5, 20_000).await;
    assert_eq!(raised.text_at("/result"), "Authorised", "{}", raised.text);
}

async fn what_is_closed_is_not_raised(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let authorisation = lender.authorised(1, 4_000).await;
    lender.of(&authorisation, "settle", 2, 3_000).await;
    let raised = lender.of(&authorisation, "upward-adjustment", 3, 5_000).await;
    assert_eq!(raised.text_at("/result"), "Authorised", "something is held still: {}", raised.text);
    assert_eq!(lender.books().await, (95_000, 2_000, 3_000), "the new amount counts what was settled");
    lender.of(&authorisation, "reverse", 4, 2_000).await;
    let closed = lender.of(&authorisation, "upward-adjustment", 5, 6_000).await;
    assert_eq!(problem(&closed), (422, "nothing_available".to_owned()));
    assert_eq!(lender.books().await, (97_000, 0, 3_000));
}

async fn without_an_agreement_nothing_goes_in_part(shop: &Shop) {
    let settings = domain::credit::Settings { is_authenticated: false, ..domain::credit::Settings::default() };
    let lender = Lender::open(shop, &settings).await;
    let authorisation = lender.authorised(1, 4_000).await;
    for (number, what) in [(2, "settle"), (3, "reverse")] {
        let part = lender.of(&authorisation, what, number, 3_999).await;
        assert_eq!(problem(&part), (422, "part_not_allowed".to_owned()));
        let said = "expected all that is left, EUR 40.00, got EUR 39.99";
        assert!(part.text_at("/detail").contains(said), "{}", part.text);
    }
    let settled = lender.of(&authorisation, "settle", 4, 4_000).await;
    let transaction = settled.text_at("/transactionId");
    assert_eq!(problem(&lender.refund(&transaction, 5, 1).await), (422, "part_not_allowed".to_owned()));
    assert_eq!(lender.refund(&transaction, 6, 4_000).await.status, 200);
    assert_eq!(lender.books().await, (100_000, 0, 0));
    // One setting each.
    for (index, what) in ["settle", "reverse", "refund"].into_iter().enumerate() {
        lender
            .agree(&domain::credit::Settings {
                is_settled_in_part: what == "settle",
                is_reversed_in_part: what == "reverse",
                is_refunded_in_part: what == "refund",
                ..settings.clone()
            })
            .await;
        let number = 100 * (index as u64 + 1);
        let authorisation = lender.authorised(number, 4_000).await;
        let (settled, reversed) = (
            lender.of(&authorisation, "settle", number + 1, 1_000).await.status,
            lender.of(&authorisation, "reverse", number + 2, 1_000).await.status,
        );
        let left = if what == "refund" { 4_000 } else { 3_000 };
        let rest = lender.of(&authorisation, "settle", number + 3, left).await;
        let refunded = lender.refund(&rest.text_at("/transactionId"), number + 4, 1_000).await.status;
        let expected = ["settle", "reverse", "refund"].map(|may| if may == what { 200 } else { 422 });
        assert_eq!([settled, reversed, refunded], expected, "{what}");
    }
}

async fn a_hold_stays_until_it_is_settled_or_reversed(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let authorisation = lender.authorised(1, 4_000).await;
    shop.pass(90 * DAY).await;
    assert_eq!(lender.books().await, (96_000, 4_000, 0));
    assert_eq!(lender.of(&authorisation, "reverse", 2, 4_000).await.at("/remainingFloat/value"), json!(0.0));
    assert_eq!(lender.books().await, (100_000, 0, 0));
}

crate::on_both_stores!(
    a_customer_who_is_exempt_spends_settles_reverses_and_is_refunded,
    a_customer_authenticates_and_spends_once_with_it,
    an_authentication_is_good_for_a_quarter_of_an_hour,
    small_spends_are_exempt_so_often_in_a_row,
    without_an_option_credit_is_revolving,
    a_decline_is_an_answer_with_its_reason,
    an_authorisation_is_raised_on_the_terms_it_has,
    what_was_exempt_is_raised_as_long_as_it_is_small,
    what_is_closed_is_not_raised,
    without_an_agreement_nothing_goes_in_part,
    a_hold_stays_until_it_is_settled_or_reversed,
);
