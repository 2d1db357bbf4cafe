//! The admin endpoints of credit: products, offers, customers and settings, and what is refused of them.

use app::StreamId;
use domain::credit::{Product, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Answer, OPERATOR_KEY, Shop, test_merchant};

on_both_stores!(
    products_and_offers_are_made_and_changed,
    customers_are_given_credit_and_other_limits,
    what_became_of_a_customers_credit_is_told,
    settings_are_set_as_a_whole,
    what_is_set_twice_is_set_once,
    what_is_read_can_be_set_as_it_is,
    what_cannot_be_is_refused,
    credit_is_for_those_who_may_administer_its_merchant_account,
    two_limits_at_once_are_one_after_the_other,
);

const PRODUCT: &str = "/admin/v1/creditProducts/newpay";
const OFFER: &str = "/admin/v1/creditProducts/newpay/offers/year";
const CUSTOMER: &str = "/admin/v1/creditCustomers/customer-1";
const SETTINGS: &str = "/admin/v1/creditSettings";

async fn put(shop: &Shop, path: &str, body: &Value) -> Answer {
    shop.send(shop.request(Method::PUT, path).json(body)).await
}

/// The same, of what has to be taken.
async fn set(shop: &Shop, path: &str, body: &Value) -> Answer {
    let answer = put(shop, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer
}

fn product() -> Value {
    json!({ "name": "NewPay", "description": "Credit for the shop", "currency": "GBP" })
}

/// An offer of twelve instalments.
fn offer() -> Value {
    json!({ "name": "Twelve months", "spendType": "Instalment", "interestRate": 9.9, "duration": 12 })
}

fn pounds(value: u64) -> Value {
    json!({ "currency": "GBP", "value": value })
}

fn customer(limit: u64) -> Value {
    json!({ "productCode": "newpay", "limit": pounds(limit) })
}

/// The same body, with some fields in place of its own; null leaves one out.
fn with(mut body: Value, fields: &Value) -> Value {
    let own = body.as_object_mut().unwrap();
    for (name, value) in fields.as_object().unwrap() {
        if value.is_null() {
            own.remove(name);
        } else {
            own.insert(name.clone(), value.clone());
        }
    }
    body
}

/// Asks for something of a customer's credit in the orderprocessing family.
async fn process(shop: &Shop, what: &str, body: &Value) -> Answer {
    let path = format!("/cl/merchant-gateway-service/merchant/customer-1/{what}");
    let key = domain::OrderId::from_entropy(shop.engine.app.streams.entropy()).reference().to_uuid();
    let request = shop.request(Method::POST, &path).header("idempotency-key", key.to_string());
    let answer = shop.send(request.json(body)).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer
}

/// An amount as the orderprocessing family writes it.
fn major(value: u64) -> Value {
    json!({ "amount": { "value": value, "currencyCode": "GBP" } })
}

async fn products_and_offers_are_made_and_changed(shop: &Shop) {
    let none = shop.get(PRODUCT).await;
    assert_eq!((none.status, none.text_at("/code")), (404, "not_found".to_owned()));
    let made = set(shop, PRODUCT, &product()).await;
    let expected = json!({
        "productCode": "newpay",
        "name": "NewPay",
        "description": "Credit for the shop",
        "currency": "GBP",
        "offers": [],
    });
    assert_eq!(made.json(), expected);
    assert_eq!(shop.get(PRODUCT).await.json(), expected);

    // What is left out of an offer is what it is by default.
    let year = set(shop, OFFER, &offer()).await;
    let id = year.text_at("/offerId");
    assert_eq!(id.len(), "00000000-0000-8000-8000-000000000000".len(), "{}", year.text);
    let expected = json!({
        "offerId": id,
        "offerCode": "year",
        "name": "Twelve months",
        "description": "",
        "offerStatus": "Active",
        "offerSource": "Product",
        "spendType": "Instalment",
        "interestRate": 9.9,
        "duration": 12,
        "minimumAmount": 0,
        "settlementPercentage": 0,
        "refundPercentage": 0,
        "chargebackPercentage": 0,
    });
    assert_eq!(year.json(), expected);
    let whole = json!({
        "name": "As you like",
        "description": "No plan",
        "offerStatus": "Inactive",
        "offerSource": "Promotional",
        "spendType": "Purchase",
        "interestRate": 100,
        "endDate": "2026-12-31T23:59:59+01:00",
        "minimumAmount": 1_000,
        "maximumAmount": 1_000,
        "settlementPercentage": 0.0001,
        "refundPercentage": 1.25,
        "chargebackPercentage": 99.9999,
    });
    let free = set(shop, "/admin/v1/creditProducts/newpay/offers/free", &whole).await;
    let told =
        with(whole, &json!({ "offerId": free.at("/offerId"), "offerCode": "free", "endDate": "2026-12-31T22:59:59Z" }));
    assert_eq!(free.json(), told);
    assert!(free.text.contains(r#""settlementPercentage":0.0001,"#), "exactly: {}", free.text);
    assert_ne!(free.text_at("/offerId"), id);

    // Both are told, in the order in which they were made; so is one that was changed.
    let changed = set(shop, OFFER, &with(offer(), &json!({ "interestRate": 0, "duration": 120 }))).await;
    assert_eq!((changed.text_at("/offerId"), changed.at("/duration")), (id.clone(), json!(120)));
    let shown = shop.get(PRODUCT).await;
    assert_eq!(shown.at("/offers"), json!([changed.json(), free.json()]));

    // What is named anew keeps its offers; a description that is left out is none.
    let renamed = set(shop, PRODUCT, &json!({ "name": "Later", "currency": "GBP" })).await;
    assert_eq!((renamed.text_at("/name"), renamed.at("/description")), ("Later".to_owned(), json!("")));
    assert_eq!(renamed.at("/offers").as_array().map(Vec::len), Some(2));

    // The orderprocessing family names an offer likewise.
    let options = "/cl/merchant-gateway-service/merchant/spend-options?productCode=newpay";
    let options = shop.get(options).await;
    assert_eq!(options.at("/spendOptions").as_array().map(Vec::len), Some(1), "{}", options.text);
    assert_eq!(options.text_at("/spendOptions/0/offerId"), id);
}

async fn customers_are_given_credit_and_other_limits(shop: &Shop) {
    let none = shop.get(CUSTOMER).await;
    assert_eq!((none.status, none.text_at("/code")), (404, "not_found".to_owned()));
    set(shop, PRODUCT, &product()).await;
    let given = set(shop, CUSTOMER, &customer(50_000)).await;
    let expected = json!({
        "customerRef": "customer-1",
        "productCode": "newpay",
        "limit": pounds(50_000),
        "available": pounds(50_000),
        "held": pounds(0),
        "outstanding": pounds(0),
        "openedAt": "2026-01-31T12:00:00Z",
        "authorisations": [],
        "movements": [],
    });
    assert_eq!(given.json(), expected);
    assert_eq!(shop.get(CUSTOMER).await.json(), expected);
    for limit in [60_000, 1, 0, 999_999_999_999_999] {
        let changed = set(shop, CUSTOMER, &customer(limit)).await;
        assert_eq!((changed.at("/limit"), changed.at("/available")), (pounds(limit), pounds(limit)));
    }
    // A customer is whom the merchant calls so, whatever it is that they are called.
    let longest = "x".repeat(64);
    for (written, name) in [
        ("anna%40shop.example", "anna@shop.example"),
        ("%C3%A5se%20%2F%20b", "åse / b"),
        (longest.as_str(), longest.as_str()),
    ] {
        let path = format!("/admin/v1/creditCustomers/{written}");
        assert_eq!(set(shop, &path, &customer(7)).await.text_at("/customerRef"), name);
        assert_eq!(shop.get(&path).await.at("/limit/value"), 7);
    }
    assert_eq!(shop.get(CUSTOMER).await.at("/limit/value"), 999_999_999_999_999_u64);
}

async fn what_became_of_a_customers_credit_is_told(shop: &Shop) {
    let agreed =
        json!({ "partialSettle": true, "partialReverse": true, "partialRefund": true, "authentication": false });
    set(shop, SETTINGS, &agreed).await;
    set(shop, PRODUCT, &product()).await;
    set(shop, OFFER, &offer()).await;
    set(shop, CUSTOMER, &customer(500_000)).await;
    let options = shop.get("/cl/merchant-gateway-service/merchant/customer-1/spend-options").await;
    let option = options.text_at("/spendOptions/0/spendOptionId");
    let order = with(major(1_500), &json!({ "orderReference": "order-1", "spendOptionId": option }));
    let id = process(shop, "authorisation", &order).await.text_at("/authorisationId");
    process(shop, &format!("authorisation/{id}/upward-adjustment"), &major(1_600)).await;
    let settled = process(shop, &format!("authorisation/{id}/settle"), &major(800)).await;
    process(shop, &format!("authorisation/{id}/reverse"), &major(400)).await;
    let transaction = settled.text_at("/transactionId");
    process(shop, &format!("transaction/{transaction}/refund"), &major(300)).await;
    let other = with(major(50), &json!({ "orderReference": "order-2" }));
    let other = process(shop, "authorisation", &other).await.text_at("/authorisationId");
    // What was agreed on before stays, whatever becomes of the offer.
    set(shop, OFFER, &with(offer(), &json!({ "interestRate": 50, "offerStatus": "Expired" }))).await;
    shop.settle().await;

    let shown = shop.get(CUSTOMER).await;
    let of = |name: &str| shown.at(&format!("/{name}/value")).as_u64().unwrap();
    assert_eq!((of("held"), of("outstanding"), of("limit")), (45_000, 50_000, 500_000), "{}", shown.text);
    assert_eq!(of("limit"), of("available") + of("held") + of("outstanding"));
    let reference = id.parse::<domain::Reference>().unwrap();
    let expected = json!({
        "authorisationId": id,
        "paymentPspReference": reference.to_string(),
        "authorised": pounds(160_000),
        "held": pounds(40_000),
        "settled": pounds(80_000),
        "reversed": pounds(40_000),
        "refunded": pounds(30_000),
        "terms": { "offerCode": "year", "spendType": "Instalment", "interestRate": 9.9, "duration": 12 },
        // Worked out by hand, of the 1,200 pounds that were not reversed.
        "instalmentPlan": {
            "amount": pounds(120_000),
            "monthlyPayment": pounds(10_545),
            "lastPayment": pounds(10_537),
            "interest": pounds(6_532),
            "total": pounds(126_532),
        },
    });
    assert_eq!(shown.at("/authorisations/0"), expected);
    assert_eq!(shown.at("/authorisations/1/terms"), json!({ "spendType": "Purchase", "interestRate": 0 }));
    assert_eq!(shown.at("/authorisations/1/instalmentPlan"), Value::Null, "what is revolving has no plan");
    assert_eq!(shown.at("/authorisations/2"), Value::Null);
    let movements = shown.at("/movements");
    let moved = movements.as_array().unwrap().iter().map(|movement| {
        let is_asked_for = movement["reference"].is_string();
        assert_eq!(is_asked_for, movement["type"] != "authorise", "{movement}");
        (movement["type"].clone(), movement["amount"]["value"].clone(), movement["authorisationId"].clone())
    });
    let expected = [
        ("authorise", 150_000, &id),
        ("adjust", 10_000, &id),
        ("settle", 80_000, &id),
        ("reverse", 40_000, &id),
        ("refund", 30_000, &id),
        ("authorise", 5_000, &other),
    ];
    let expected = expected.map(|(kind, amount, id)| (json!(kind), json!(amount), json!(id)));
    assert_eq!(moved.collect::<Vec<_>>(), expected);

    // A limit can be what is used, and no less.
    let below = put(shop, CUSTOMER, &customer(94_999)).await;
    assert_eq!((below.status, below.text_at("/code")), (422, "amount_invalid".to_owned()));
    let detail = "Field 'limit.value' is not valid: GBP 950.00 of it is used, got GBP 949.99.";
    assert_eq!(below.text_at("/detail"), detail);
    let least = set(shop, CUSTOMER, &customer(95_000)).await;
    assert_eq!((least.at("/available"), least.at("/movements")), (pounds(0), movements));
}

async fn settings_are_set_as_a_whole(shop: &Shop) {
    let default = json!({
        "partialSettle": false,
        "partialReverse": false,
        "partialRefund": false,
        "authentication": true,
        "exemptions": [],
    });
    assert_eq!(shop.get(SETTINGS).await.json(), default, "before anything is agreed on");
    let agreed = json!({
        "partialSettle": true,
        "partialReverse": true,
        "partialRefund": true,
        "authentication": false,
        "exemptions": [
            { "below": pounds(3_000), "inARow": 5 },
            { "below": { "currency": "EUR", "value": 1 }, "inARow": 255 },
        ],
    });
    assert_eq!(set(shop, SETTINGS, &agreed).await.json(), agreed);
    assert_eq!(shop.get(SETTINGS).await.json(), agreed);
    for (name, value) in agreed.as_object().unwrap() {
        let only = json!({ name: value });
        assert_eq!(
            set(shop, SETTINGS, &only).await.json(),
            with(default.clone(), &only),
            "what is left out is not kept"
        );
    }
    assert_eq!(set(shop, SETTINGS, &json!({})).await.json(), default);
    assert_eq!(shop.get(SETTINGS).await.json(), default);
}

/// How often a stream of the test merchant was changed.
async fn version<A: domain::Aggregate>(shop: &Shop, kind: &str, id: &str) -> u16 {
    let stream = StreamId::owned(&test_merchant(), kind, id);
    shop.engine.app.streams.load::<A>(&stream, None).await.unwrap().unwrap().version.get()
}

async fn what_is_set_twice_is_set_once(shop: &Shop) {
    let settings = json!({ "exemptions": [{ "below": pounds(3_000), "inARow": 5 }] });
    let requests = [(PRODUCT, product()), (OFFER, offer()), (CUSTOMER, customer(1)), (SETTINGS, settings)];
    for (path, body) in &requests {
        let first = set(shop, path, body).await;
        assert_eq!(set(shop, path, body).await.text, first.text);
    }
    assert_eq!(version::<Product>(shop, "creditproduct", "newpay").await, 1, "the product, and its offer");
    assert_eq!(version::<Settings>(shop, "creditsettings", "all").await, 0);
    // An idempotency key is no matter: what is set is what was asked for last.
    for limit in [2, 3, 2] {
        let request = shop.request(Method::PUT, CUSTOMER).header("Idempotency-Key", "same");
        assert_eq!(shop.send(request.json(&customer(limit))).await.at("/limit/value"), limit);
    }
}

async fn what_is_read_can_be_set_as_it_is(shop: &Shop) {
    set(shop, PRODUCT, &product()).await;
    let ended = json!({ "endDate": "2026-01-01T00:00:00Z", "maximumAmount": 5, "refundPercentage": 0.5 });
    set(shop, OFFER, &with(offer(), &ended)).await;
    set(shop, CUSTOMER, &customer(1)).await;
    set(shop, SETTINGS, &json!({ "exemptions": [{ "below": pounds(3_000), "inARow": 5 }] })).await;
    for path in [PRODUCT, CUSTOMER, SETTINGS] {
        let read = shop.get(path).await;
        assert_eq!(set(shop, path, &read.json()).await.text, read.text);
    }
    let read = shop.get(PRODUCT).await.at("/offers/0");
    assert_eq!(read["offerStatus"], "Active", "as it was set");
    assert_eq!(set(shop, OFFER, &read).await.json(), read);
    assert_eq!(version::<Product>(shop, "creditproduct", "newpay").await, 1);
}

/// A request that is refused: the path, the body, the status, the code, and what the detail names.
type Refused = (String, Value, u16, &'static str, &'static str);

/// What is refused of fields: of which request, with which of them changed, and what is told of it.
fn refused() -> Vec<Refused> {
    let code = |of: &str| {
        let of = of.to_owned();
        move |text: &str| of.replace("CODE", text)
    };
    let (to_product, to_offer) =
        (code("/admin/v1/creditProducts/CODE"), code("/admin/v1/creditProducts/newpay/offers/CODE"));
    let to_customer = code("/admin/v1/creditCustomers/CODE");
    let (long, far) = ("x".repeat(41), "x".repeat(5_000));
    let mut all: Vec<Refused> = Vec::new();
    // Codes, and what is not there.
    for bad in ["a%20b", "-a", "_a", "a.b", "%C3%A5", &long] {
        all.push((to_product(bad), product(), 422, "field_invalid", "'productCode'"));
        all.push((to_offer(bad), offer(), 422, "field_invalid", "'offerCode'"));
        let nowhere = format!("{}/offers/year", to_product(bad));
        all.push((nowhere, offer(), 404, "not_found", "no such product"));
    }
    all.push((to_product(&far), product(), 422, "field_invalid", "'productCode'"));
    all.push((to_product("oldpay/offers/year"), offer(), 404, "not_found", "no such product"));
    for unknown in ["oldpay", "", "NEWPAY", "a b", &far] {
        let body = json!({ "productCode": unknown, "limit": pounds(1) });
        all.push((CUSTOMER.to_owned(), body, 404, "not_found", "'productCode'"));
    }
    for bad in ["%0A", "a%00b", &"x".repeat(65)] {
        all.push((to_customer(bad), customer(1), 422, "field_invalid", "'customerRef'"));
    }
    // Fields.
    let rows = [
        (PRODUCT, product(), json!({ "name": null }), 422, "field_missing", "'name'"),
        (PRODUCT, product(), json!({ "name": "" }), 422, "field_invalid", "'name'"),
        (PRODUCT, product(), json!({ "name": "x".repeat(201) }), 422, "field_invalid", "'name'"),
        (PRODUCT, product(), json!({ "name": "a\nb" }), 422, "field_invalid", "'name'"),
        (PRODUCT, product(), json!({ "name": 1 }), 400, "body_invalid", "'name'"),
        (PRODUCT, product(), json!({ "description": "x".repeat(201) }), 422, "field_invalid", "'description'"),
        (PRODUCT, product(), json!({ "currency": null }), 422, "field_missing", "'currency'"),
        (PRODUCT, product(), json!({ "currency": "gbp" }), 422, "currency_unknown", "'currency'"),
        (PRODUCT, product(), json!({ "currency": "XAU" }), 422, "currency_unknown", "'currency'"),
        (PRODUCT, product(), json!({ "currency": "EUR" }), 422, "currency_mismatch", "'currency'"),
        (OFFER, offer(), json!({ "name": null }), 422, "field_missing", "'name'"),
        (OFFER, offer(), json!({ "name": "" }), 422, "field_invalid", "'name'"),
        (OFFER, offer(), json!({ "description": "a\tb" }), 422, "field_invalid", "'description'"),
        (OFFER, offer(), json!({ "offerStatus": "active" }), 422, "field_invalid", "'offerStatus'"),
        (OFFER, offer(), json!({ "offerSource": "" }), 422, "field_invalid", "'offerSource'"),
        (OFFER, offer(), json!({ "spendType": null }), 422, "field_missing", "'spendType'"),
        (OFFER, offer(), json!({ "spendType": "Loan" }), 422, "field_invalid", "'spendType'"),
        (OFFER, offer(), json!({ "interestRate": null }), 422, "field_missing", "'interestRate'"),
        (OFFER, offer(), json!({ "interestRate": "9.9" }), 400, "body_invalid", "'interestRate'"),
        (OFFER, offer(), json!({ "interestRate": 100.0001 }), 422, "field_invalid", "'interestRate'"),
        (OFFER, offer(), json!({ "interestRate": 9.90001 }), 422, "field_invalid", "'interestRate'"),
        (OFFER, offer(), json!({ "interestRate": -1 }), 422, "field_invalid", "'interestRate'"),
        (OFFER, offer(), json!({ "duration": null }), 422, "field_missing", "'duration'"),
        (OFFER, offer(), json!({ "duration": 0 }), 422, "field_invalid", "'duration'"),
        (OFFER, offer(), json!({ "duration": -12 }), 422, "field_invalid", "'duration'"),
        (OFFER, offer(), json!({ "duration": 121 }), 422, "field_invalid", "'duration'"),
        (OFFER, offer(), json!({ "duration": 65_548 }), 422, "field_invalid", "'duration'"),
        (OFFER, offer(), json!({ "duration": 1.5 }), 400, "body_invalid", "'duration'"),
        (OFFER, offer(), json!({ "spendType": "Purchase" }), 422, "field_invalid", "'duration'"),
        (OFFER, offer(), json!({ "spendType": "Purchase", "duration": 0 }), 422, "field_invalid", "'duration'"),
        (OFFER, offer(), json!({ "endDate": "tomorrow" }), 422, "field_invalid", "'endDate'"),
        (OFFER, offer(), json!({ "endDate": "1969-12-31T23:59:59Z" }), 422, "field_invalid", "'endDate'"),
        (OFFER, offer(), json!({ "endDate": 1_769_860_800 }), 400, "body_invalid", "'endDate'"),
        (OFFER, offer(), json!({ "minimumAmount": -1 }), 422, "amount_invalid", "'minimumAmount'"),
        (
            OFFER,
            offer(),
            json!({ "maximumAmount": 1_000_000_000_000_000_u64 }),
            422,
            "amount_invalid",
            "'maximumAmount'",
        ),
        (OFFER, offer(), json!({ "maximumAmount": pounds(1) }), 400, "body_invalid", "'maximumAmount'"),
        (OFFER, offer(), json!({ "minimumAmount": 2, "maximumAmount": 1 }), 422, "field_invalid", "'maximumAmount'"),
        (OFFER, offer(), json!({ "settlementPercentage": 101 }), 422, "field_invalid", "'settlementPercentage'"),
        (OFFER, offer(), json!({ "refundPercentage": 0.00001 }), 422, "field_invalid", "'refundPercentage'"),
        (OFFER, offer(), json!({ "chargebackPercentage": -0.1 }), 422, "field_invalid", "'chargebackPercentage'"),
        (CUSTOMER, customer(1), json!({ "productCode": null }), 422, "field_missing", "'productCode'"),
        (CUSTOMER, customer(1), json!({ "productCode": 1 }), 400, "body_invalid", "'productCode'"),
        (CUSTOMER, customer(1), json!({ "productCode": "other" }), 422, "field_invalid", "'productCode'"),
        (CUSTOMER, customer(1), json!({ "limit": null }), 422, "object_missing", "'limit'"),
        (CUSTOMER, customer(1), json!({ "limit": 1 }), 400, "body_invalid", "'limit'"),
        (CUSTOMER, customer(1), json!({ "limit": { "value": 1 } }), 422, "field_missing", "'limit.currency'"),
        (CUSTOMER, customer(1), json!({ "limit": { "currency": "GBP" } }), 422, "field_missing", "'limit.value'"),
        (
            CUSTOMER,
            customer(1),
            json!({ "limit": { "currency": "GBP", "value": -1 } }),
            422,
            "amount_invalid",
            "'limit.value'",
        ),
        (
            CUSTOMER,
            customer(1),
            json!({ "limit": { "currency": "GBP", "value": 1.5 } }),
            400,
            "body_invalid",
            "'limit.value'",
        ),
        (
            CUSTOMER,
            customer(1),
            json!({ "limit": { "currency": "EUR", "value": 1 } }),
            422,
            "currency_mismatch",
            "'limit.currency'",
        ),
        (SETTINGS, json!({}), json!({ "partialSettle": "true" }), 400, "body_invalid", "'partialSettle'"),
        (SETTINGS, json!({}), json!({ "authentication": 1 }), 400, "body_invalid", "'authentication'"),
        (SETTINGS, json!({}), json!({ "exemptions": {} }), 400, "body_invalid", "'exemptions'"),
        (
            SETTINGS,
            json!({}),
            json!({ "exemptions": [{ "inARow": 1 }] }),
            422,
            "object_missing",
            "'exemptions[0].below'",
        ),
        (
            SETTINGS,
            json!({}),
            json!({ "exemptions": [{ "below": pounds(1) }] }),
            422,
            "field_missing",
            "'exemptions[0].inARow'",
        ),
        (
            SETTINGS,
            json!({}),
            json!({ "exemptions": [{ "below": pounds(0), "inARow": 1 }] }),
            422,
            "amount_invalid",
            "'exemptions[0].below.value'",
        ),
        (
            SETTINGS,
            json!({}),
            json!({ "exemptions": [{ "below": pounds(1), "inARow": 0 }] }),
            422,
            "field_invalid",
            "'exemptions[0].inARow'",
        ),
        (
            SETTINGS,
            json!({}),
            json!({ "exemptions": [{ "below": pounds(1), "inARow": 256 }] }),
            422,
            "field_invalid",
            "'exemptions[0].inARow'",
        ),
        (
            SETTINGS,
            json!({}),
            json!({ "exemptions": [{ "below": pounds(1), "inARow": 1 }, { "below": pounds(2), "inARow": 2 }] }),
            422,
            "field_invalid",
            "'exemptions'",
        ),
        (SETTINGS, json!({}), json!({ "exemptions": exemptions(17) }), 422, "field_invalid", "'exemptions'"),
    ];
    let rows = rows
        .map(|(path, body, fields, status, code, names)| (path.to_owned(), with(body, &fields), status, code, names));
    all.extend(rows);
    // The body as a whole.
    for path in [PRODUCT, OFFER, CUSTOMER, SETTINGS] {
        for body in [json!(null), json!([]), json!("text")] {
            all.push((path.to_owned(), body, 400, "body_invalid", "expected"));
        }
    }
    all
}

/// So many exemptions, each of a currency of its own.
fn exemptions(count: usize) -> Vec<Value> {
    let currencies = [
        "EUR", "GBP", "USD", "SEK", "NOK", "DKK", "CHF", "PLN", "CZK", "HUF", "JPY", "CAD", "AUD", "NZD", "RON", "BGN",
        "TRY",
    ];
    let exemption = |currency: &&str| json!({ "below": { "currency": currency, "value": 1 }, "inARow": 1 });
    currencies.iter().take(count).map(exemption).collect()
}

async fn what_cannot_be_is_refused(shop: &Shop) {
    set(shop, PRODUCT, &product()).await;
    set(shop, OFFER, &offer()).await;
    set(shop, "/admin/v1/creditProducts/other", &product()).await;
    set(shop, CUSTOMER, &customer(100)).await;
    set(shop, SETTINGS, &json!({ "exemptions": exemptions(16) })).await;
    let paths = [PRODUCT, CUSTOMER, SETTINGS];
    let mut before = Vec::new();
    for path in paths {
        before.push(shop.get(path).await.text);
    }
    for (path, body, status, code, names) in refused() {
        let refused = put(shop, &path, &body).await;
        let what = format!("{path} {body}: {}", refused.text);
        assert_eq!((refused.status, refused.text_at("/code").as_str()), (status, code), "{what}");
        assert!(refused.text_at("/detail").contains(names), "the detail names {names}: {what}");
    }
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(shop.get(path).await.text, before, "nothing was changed");
    }

    // What is not there, or cannot be.
    let far = "x".repeat(5_000);
    for (path, status) in [
        ("creditProducts/oldpay".to_owned(), 404),
        ("creditProducts/a%20b".to_owned(), 404),
        (format!("creditProducts/{far}"), 404),
        ("creditCustomers/customer-2".to_owned(), 404),
        (format!("creditCustomers/{}", "x".repeat(65)), 422),
        ("creditCustomers/%0A".to_owned(), 422),
    ] {
        let none = shop.get(&format!("/admin/v1/{path}")).await;
        assert_eq!(none.status, status, "{path}: {}", none.text);
    }

    // There is room for so many offers; those that there are can still be changed.
    for index in 1..domain::limits::OFFERS_PER_PRODUCT_MAX {
        set(shop, &format!("/admin/v1/creditProducts/newpay/offers/offer-{index}"), &offer()).await;
    }
    let full = put(shop, "/admin/v1/creditProducts/newpay/offers/offer-0", &offer()).await;
    assert_eq!((full.status, full.text_at("/code")), (422, "list_full".to_owned()), "{}", full.text);
    assert_eq!(full.text_at("/detail"), "A product has at most 100 offers.");
    set(shop, OFFER, &with(offer(), &json!({ "name": "A year" }))).await;
}

async fn credit_is_for_those_who_may_administer_its_merchant_account(shop: &Shop) {
    let requests = [
        (Method::PUT, PRODUCT, Some(product())),
        (Method::GET, PRODUCT, None),
        (Method::PUT, OFFER, Some(offer())),
        (Method::PUT, CUSTOMER, Some(customer(1))),
        (Method::GET, CUSTOMER, None),
        (Method::PUT, SETTINGS, Some(json!({}))),
        (Method::GET, SETTINGS, None),
    ];
    let second = shop.second(&["admin"]).await;
    let body = json!({ "merchantAccounts": ["Second"], "roles": ["payments"] });
    let payments = shop.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/apiKeys", Some(&body)).await.text_at("/apiKey");
    for (method, path, body) in &requests {
        let ask = async |key: &str, merchant: &str| {
            let path = format!("{path}{merchant}");
            let answer = shop.as_key(key, method.clone(), &path, body.as_ref()).await;
            (answer.status, answer.text_at("/code"), answer.text)
        };
        let (status, code, text) = ask(&payments, "").await;
        assert_eq!((status, code.as_str()), (403, "role_missing"), "{method} {path}: {text}");
        for other in ["TestMerchant", "Nobody", "no%20name"] {
            let (status, code, text) = ask(&second, &format!("?merchantAccount={other}")).await;
            assert_eq!((status, code.as_str()), (403, "merchant_forbidden"), "{method} {path}: {text}");
        }
        // The operator says which, and it is one that there is.
        let (status, code, text) = ask(OPERATOR_KEY, "").await;
        assert_eq!((status, code.as_str()), (422, "field_missing"), "{method} {path}: {text}");
        let (status, code, text) = ask(OPERATOR_KEY, "?merchantAccount=Ghost").await;
        assert_eq!((status, code.as_str()), (404, "not_found"), "{method} {path}: {text}");
        assert_eq!(shop.send(shop.bare(method.clone(), path)).await.status, 401);
    }
    // Each has what is its own: what one has set, the other does not see.
    for (method, path, body) in &requests {
        let at = format!("{path}?merchantAccount=Second");
        let own = shop.as_key(OPERATOR_KEY, method.clone(), &at, body.as_ref()).await;
        assert_eq!(own.status, 200, "{method} {at}: {}", own.text);
    }
    set(shop, SETTINGS, &json!({ "partialSettle": true })).await;
    for (path, status) in [(PRODUCT, 404), (CUSTOMER, 404), (SETTINGS, 200)] {
        assert_eq!(shop.get(path).await.status, status, "{path}");
        let theirs = shop.as_key(&second, Method::GET, path, None).await;
        assert_eq!((theirs.status, theirs.at("/partialSettle") == true), (200, false), "{path}");
    }
    set(shop, PRODUCT, &product()).await;
    let mine = set(shop, OFFER, &offer()).await;
    let theirs = shop.as_key(&second, Method::GET, PRODUCT, None).await;
    assert_ne!(mine.text_at("/offerId"), theirs.text_at("/offers/0/offerId"));
}

async fn two_limits_at_once_are_one_after_the_other(shop: &Shop) {
    let there = shop.another().await;
    set(shop, PRODUCT, &product()).await;
    for path in ["/admin/v1/creditCustomers/new", CUSTOMER, CUSTOMER] {
        let (small, large) = (customer(10), customer(20));
        let (one, other) = tokio::join!(put(shop, path, &small), put(&there, path, &large));
        assert_eq!((one.status, other.status), (200, 200), "{} {}", one.text, other.text);
        assert_eq!((one.at("/limit/value"), other.at("/limit/value")), (json!(10), json!(20)));
        let last = shop.get(path).await.at("/limit/value");
        assert!(last == 10 || last == 20, "{last}");
    }
}
