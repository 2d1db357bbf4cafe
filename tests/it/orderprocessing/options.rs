//! What can be spent, and on what terms: by product, and by customer.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    lender::{CUSTOMER, Lender, in_parts},
    shop::Shop,
};

fn codes(options: &Value) -> Vec<&str> {
    options["spendOptions"].as_array().unwrap().iter().map(|option| option["offerCode"].as_str().unwrap()).collect()
}

async fn a_customer_who_is_not_known_sees_the_options_of_a_product(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let shown = lender.get("/spend-options?productCode=flex&basketAmount=120").await;
    assert_eq!((shown.status, shown.text_at("/productCode")), (200, "flex".to_owned()), "{}", shown.text);
    assert_eq!(codes(&shown.json()), ["twelve", "zero", "revolving"], "what can be taken for that amount now");
    for option in shown.json()["spendOptions"].as_array().unwrap() {
        assert!(option.get("spendOptionId").is_none(), "{option}");
        assert!(option["offerId"].is_string() && option["offerStatus"] == "Active", "{option}");
    }
    let first = &shown.json()["spendOptions"][0];
    // 120.00 EUR in 12 instalments at 0.825 percent a month: 10.55 each but the last.
    let illustration = json!({ "monthlyPayment": 10.55, "interestToPay": 6.53, "totalRepayable": 126.53 });
    assert_eq!(first["illustration"], illustration);
    assert_eq!((&first["duration"], &first["interestRate"]), (&json!(12), &json!(9.9)));
    assert_eq!(first["settlementPercentage"], json!(1.5));
    assert!(shown.text.contains("\"monthlyPayment\":10.55,"), "decimals are written as they are: {}", shown.text);
    let revolving = &shown.json()["spendOptions"][2];
    assert!(revolving.get("illustration").is_none() && revolving.get("duration").is_none(), "{revolving}");
    assert_eq!(revolving["spendType"], "Purchase");
    let without = lender.get("/spend-options?productCode=flex").await;
    assert_eq!(codes(&without.json()), ["twelve", "zero", "revolving", "large"]);
    assert!(without.json()["spendOptions"][0].get("illustration").is_none(), "there is nothing to be illustrated");
}

async fn options_are_filtered_and_ordered(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let cases: [(&str, &[&str]); 10] = [
        ("basketAmount=600", &["twelve", "zero", "revolving", "large"]),
        ("basketAmount=100&promoOnly=true", &["zero"]),
        ("basketAmount=100&promoOnly=false", &["twelve", "zero", "revolving"]),
        ("basketAmount=100&zeroPercentOnly=true", &["zero"]),
        ("basketAmount=100&spendType=Instalment", &["twelve", "zero"]),
        ("basketAmount=100&spendType=Purchase", &["revolving"]),
        // As the documents of the family show it: parameters without a value are not given.
        (
            "basketAmount=600&promoOnly=&zeroPercentOnly=&spendType=Instalment&orderBy=InstalmentPaymentAmount",
            &["large", "twelve", "zero"],
        ),
        ("basketAmount=600&orderBy=TotalRepayable", &["zero", "large", "twelve", "revolving"]),
        ("orderBy=InterestRate", &["zero", "large", "twelve", "revolving"]),
        ("orderBy=Duration", &["zero", "twelve", "large", "revolving"]),
    ];
    for (query, expected) in cases {
        for path in [format!("/{CUSTOMER}/spend-options?{query}"), format!("/spend-options?productCode=flex&{query}")] {
            let shown = lender.get(&path).await;
            assert_eq!(shown.status, 200, "{path}: {}", shown.text);
            assert_eq!(codes(&shown.json()), expected, "{path}");
        }
    }
}

async fn a_customer_sees_what_can_be_spent_by_an_identity_of_their_own(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let shown = lender.get(&format!("/{CUSTOMER}/spend-options?basketAmount=120")).await;
    assert_eq!(shown.at("/availableToSpend"), json!({ "value": 1000.0, "currencyCode": "EUR" }));
    let option = shown.text_at("/spendOptions/0/spendOptionId");
    let other = lender.get("/customer-2/spend-options?basketAmount=120").await;
    assert_eq!(other.at("/spendOptions/0/offerId"), shown.at("/spendOptions/0/offerId"), "the offer is the same");
    assert_ne!(other.text_at("/spendOptions/0/spendOptionId"), option, "and the option the customer's own");
    let again = lender.get(&format!("/{CUSTOMER}/spend-options?basketAmount=90")).await;
    assert_eq!(again.text_at("/spendOptions/0/spendOptionId"), option, "it stays");
    lender.authorised(1, 4_000).await;
    let shown = lender.get(&format!("/{CUSTOMER}/spend-options")).await;
    assert_eq!(shown.at("/availableToSpend/value"), json!(960.0), "what is held cannot be spent");
}

/// Who was shown other terms does not get these.
async fn an_option_is_of_the_terms_that_were_shown(shop: &Shop) {
    let lender = Lender::open(shop, &tests::lender::trusting()).await;
    let shown = lender.get(&format!("/{CUSTOMER}/spend-options?basketAmount=120")).await;
    let option = shown.text_at("/spendOptions/0/spendOptionId");
    let body = |option: &str| json!({ "amount": tests::lender::amount(12_000), "orderReference": "order-1", "spendOptionId": option });
    let dearer = tests::lender::offer("twelve", "19.9", 12);
    shop.engine.credits.set_offer(&lender.merchant, "flex", &dearer).await.unwrap();
    let path = format!("/{CUSTOMER}/authorisation");
    let refused = lender.keyed(&path, 1, &body(&option)).await;
    assert_eq!((refused.status, refused.text_at("/code")), (422, "spend_option_unknown".to_owned()));
    let shown = lender.get(&format!("/{CUSTOMER}/spend-options?basketAmount=120")).await;
    let taken = lender.keyed(&path, 2, &body(&shown.text_at("/spendOptions/0/spendOptionId"))).await;
    assert_eq!(taken.text_at("/result"), "Authorised", "{}", taken.text);
}

async fn an_offer_that_has_ended_is_not_shown(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let shown = lender.get("/spend-options?productCode=flex&promoOnly=true").await;
    assert_eq!(codes(&shown.json()), ["zero"]);
    assert!(shown.text_at("/spendOptions/0/endDate").ends_with('Z'), "{}", shown.text);
    shop.clock.advance(Duration::from_secs(86_400));
    assert_eq!(codes(&lender.get("/spend-options?productCode=flex&promoOnly=true").await.json()), [""; 0]);
}

crate::on_both_stores!(
    a_customer_who_is_not_known_sees_the_options_of_a_product,
    options_are_filtered_and_ordered,
    a_customer_sees_what_can_be_spent_by_an_identity_of_their_own,
    an_option_is_of_the_terms_that_were_shown,
    an_offer_that_has_ended_is_not_shown,
);
