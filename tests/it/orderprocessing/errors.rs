//! What is refused: each with its status, its code, the field, and what was expected and what came. Nothing is held,
//! and nothing moves by any of it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    lender::{BASE, CUSTOMER, Lender, OTHER, amount, in_parts, key, of, spend},
    payments::entity_id,
    shop::{API_KEY, Shop},
};

use super::problem;

/// A request, and how it is refused: status, code, and what the message says.
struct Case(&'static str, Ask, u16, &'static str, &'static str);

/// How a request is made.
#[derive(Default)]
struct Ask {
    path: String,
    body: Option<Value>,
    /// Headers, beside the key and the merchant account.
    headers: Vec<(&'static str, String)>,
    /// Headers that are left out.
    without: Vec<&'static str>,
}

impl Ask {
    fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    fn post(path: impl Into<String>, body: Value) -> Self {
        Self { path: path.into(), body: Some(body), headers: vec![("idempotency-key", key(99))], without: Vec::new() }
    }

    fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self.headers.push((header, value.into()));
        self.without.push(header);
        self
    }

    fn without(mut self, header: &'static str) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self.without.push(header);
        self
    }
}

fn with(mut body: Value, pointer: &str, new: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    if new.is_null() {
        parent.as_object_mut().unwrap().remove(name);
    } else {
        parent[name] = new;
    }
    body
}

fn authorise(body: Value) -> Ask {
    Ask::post(format!("/{CUSTOMER}/authorisation"), body)
}

/// Who calls, for whom, and whether it can be told from a repetition.
fn of_callers() -> Vec<Case> {
    let options = || Ask::get(format!("/{CUSTOMER}/spend-options"));
    let strange = "00000000-0000-4000-8000-000000000000";
    vec![
        Case("no key", options().without("ocp-apim-subscription-key"), 401, "unauthorised", "Unauthorized"),
        Case("a wrong key", options().with("ocp-apim-subscription-key", "x"), 401, "unauthorised", "Unauthorized"),
        Case(
            "a merchant account that is no UUID",
            options().with("context-merchantId", "TestMerchant"),
            422,
            "field_invalid",
            "'context-merchantId' is not valid: expected a UUID",
        ),
        Case(
            "another's merchant account",
            options().with("context-merchantId", strange),
            403,
            "merchant_forbidden",
            "'context-merchantId'",
        ),
        Case(
            "too long a session",
            options().with("client-session-id", "s".repeat(65)),
            422,
            "field_invalid",
            "'client-session-id' is not valid: expected 1 to 64 ASCII characters, got 65 bytes",
        ),
        Case(
            "no idempotency key",
            authorise(spend(100)).without("idempotency-key"),
            422,
            "field_missing",
            "'idempotency-key'",
        ),
        Case(
            "an idempotency key that is no UUID",
            authorise(spend(100)).with("idempotency-key", "key-1"),
            422,
            "field_invalid",
            "'idempotency-key' is not valid: expected a UUID",
        ),
        Case(
            "too long a name",
            Ask::get(format!("/{}/spend-options", "c".repeat(65))),
            422,
            "field_invalid",
            "'customerRef'",
        ),
        Case("nobody", Ask::get("/nobody/spend-options"), 404, "not_found", "no such customer"),
        Case("a path that is none", Ask::get(format!("/{CUSTOMER}/spend")), 404, "route_not_found", "no endpoint"),
    ]
}

/// Of spend options.
fn of_options() -> Vec<Case> {
    let query = |query: &str| Ask::get(format!("/spend-options?productCode=flex&{query}"));
    vec![
        Case("no product", Ask::get("/spend-options"), 422, "field_missing", "'productCode'"),
        Case("a product that is none", Ask::get("/spend-options?productCode=x"), 404, "not_found", "no such product"),
        Case("a basket that is no number", query("basketAmount=ten"), 422, "amount_invalid", "'basketAmount'"),
        Case("a basket of nothing", query("basketAmount=0"), 422, "amount_invalid", "expected more than 0, got 0"),
        Case("a basket of less", query("basketAmount=-5"), 422, "amount_invalid", "got -5"),
        Case(
            "too many decimals",
            query("basketAmount=10.005"),
            422,
            "amount_invalid",
            "expected at most 2 decimals, as EUR has, got 10.005",
        ),
        Case(
            "neither yes nor no",
            query("promoOnly=maybe"),
            422,
            "field_invalid",
            "'promoOnly' is not valid: expected 'true'",
        ),
        Case("neither yes nor no", query("zeroPercentOnly=1"), 422, "field_invalid", "'zeroPercentOnly'"),
        Case("a type that is none", query("spendType=Gift"), 422, "field_invalid", "'Purchase' or 'Instalment'"),
        Case("an order that is none", query("orderBy=Name"), 422, "field_invalid", "'InstalmentPaymentAmount'"),
        Case(
            "an order of what is not there",
            query("orderBy=InstalmentPaymentAmount"),
            422,
            "field_missing",
            "'basketAmount'",
        ),
    ]
}

/// Of amounts, and of what else a body has.
fn of_bodies() -> Vec<Case> {
    let amount = |pointer: &str, new: Value| authorise(with(spend(100), &format!("/amount{pointer}"), new));
    let field = |name: &str, new: Value| authorise(with(spend(100), &format!("/{name}"), new));
    vec![
        Case("no amount", field("amount", Value::Null), 422, "object_missing", "'amount'"),
        Case("an amount that is a number", field("amount", json!(10)), 400, "body_invalid", "field 'amount'"),
        Case("no value", amount("/value", Value::Null), 422, "field_missing", "'amount.value'"),
        Case(
            "a value that is a text",
            amount("/value", json!("10")),
            400,
            "body_invalid",
            "expected a number, got string",
        ),
        Case("no currency", amount("/currencyCode", Value::Null), 422, "field_missing", "'amount.currencyCode'"),
        Case(
            "a currency that is none",
            amount("/currencyCode", json!("XYZ")),
            422,
            "currency_unknown",
            "'amount.currencyCode'",
        ),
        Case("another currency", amount("/currencyCode", json!("GBP")), 422, "currency_mismatch", "in EUR, got GBP"),
        Case("nothing", amount("/value", json!(0)), 422, "amount_invalid", "expected more than 0, got 0"),
        Case("less than nothing", amount("/value", json!(-1)), 422, "amount_invalid", "'amount.value'"),
        Case(
            "too many decimals",
            amount("/value", json!(1.005)),
            422,
            "amount_invalid",
            "'amount.value' is not valid: expected at most 2 decimals, as EUR has, got 1.005",
        ),
        Case("too much", amount("/value", json!(99_999_999_999_999_u64)), 422, "amount_invalid", "'amount.value'"),
        Case("no reference", field("orderReference", Value::Null), 422, "field_missing", "'orderReference'"),
        Case(
            "an empty reference",
            field("orderReference", json!("")),
            422,
            "field_invalid",
            "1 to 80 characters, got 0",
        ),
        Case("a long reference", field("orderReference", json!("r".repeat(81))), 422, "field_invalid", "got 81"),
        Case("control characters", field("description", json!("a\u{7}")), 422, "field_invalid", "'description'"),
        Case(
            "a long verification",
            field("verificationId", json!("v".repeat(81))),
            422,
            "field_invalid",
            "'verificationId'",
        ),
        Case(
            "an option that is no UUID",
            field("spendOptionId", json!("twelve")),
            422,
            "field_invalid",
            "'spendOptionId'",
        ),
        Case(
            "no JSON",
            Ask::post(format!("/{CUSTOMER}/authorisation"), json!([])),
            400,
            "body_invalid",
            "expected an object",
        ),
    ]
}

/// Of offers, and of authentication.
async fn of_spends(lender: &Lender<'_>) -> Vec<Case> {
    let taking = |offer: &str, minor: u64| {
        authorise(with(spend(minor), "/spendOptionId", json!(lender.option(CUSTOMER, offer))))
    };
    let theirs = json!(lender.option(OTHER, "twelve"));
    let initiate = |body: Value| Ask::post(format!("/{CUSTOMER}/initiate"), body);
    let token = lender.initiate(&of(12_000)).await.text_at("/scaToken");
    let other = lender.post(&format!("/{OTHER}/initiate"), &of(12_000)).await.text_at("/scaToken");
    let used = lender.initiate(&of(10_000)).await.text_at("/scaToken");
    lender.authenticate(&used).await;
    lender.authorise_with(1, &used, &spend(10_000)).await;
    let other_letter = if token.as_bytes()[60] == b'A' { "B" } else { "A" };
    let optioned = with(of(12_000), "/spendOptionId", json!(lender.option(CUSTOMER, "twelve")));
    let optioned = lender.initiate(&optioned).await.text_at("/scaToken");
    lender.authenticate(&optioned).await;
    let altered = format!("{}{other_letter}{}", &token[..60], &token[61..]);
    let bring = |token: &str, minor: u64| authorise(spend(minor)).with("sca-token", token);
    vec![
        Case(
            "an expired offer",
            taking("old", 100),
            422,
            "spend_option_unavailable",
            "'spendOptionId' is not valid: the offer has expired",
        ),
        Case("an inactive offer", taking("off", 100), 422, "spend_option_unavailable", "the offer is inactive"),
        Case(
            "too little",
            taking("large", 49_999),
            422,
            "spend_option_unavailable",
            "takes EUR 500.00 or more, got EUR 499.99",
        ),
        Case(
            "too much",
            taking("large", 90_001),
            422,
            "spend_option_unavailable",
            "at most EUR 900.00, got EUR 900.01",
        ),
        Case("too little for its instalments", taking("twelve", 3), 422, "spend_option_unavailable", "12 instalments"),
        Case(
            "another customer's option",
            authorise(with(spend(100), "/spendOptionId", theirs.clone())),
            422,
            "spend_option_unknown",
            "'spendOptionId'",
        ),
        Case(
            "another customer's option, early",
            initiate(with(of(100), "/spendOptionId", theirs)),
            422,
            "spend_option_unknown",
            "'spendOptionId'",
        ),
        Case(
            "no authentication",
            authorise(spend(12_000)),
            403,
            "authentication_required",
            "has to authenticate first",
        ),
        Case("not authenticated", bring(&token, 12_000), 403, "authentication_invalid", "did not authenticate"),
        Case("no token", bring("token", 12_000), 403, "authentication_invalid", "'sca-token' is not valid"),
        Case("an altered token", bring(&altered, 12_000), 403, "authentication_invalid", "was altered"),
        Case("another customer's token", bring(&other, 12_000), 403, "authentication_invalid", "another customer's"),
        Case(
            "a token of another option",
            authorise(with(spend(12_000), "/spendOptionId", json!(lender.option(CUSTOMER, "zero"))))
                .with("sca-token", &optioned),
            403,
            "authentication_invalid",
            "'sca-token' is not valid: it was initiated for another spend option",
        ),
        Case("a used token", bring(&used, 10_000), 403, "authentication_invalid", "used before"),
        Case(
            "a token of another amount",
            bring(&token, 12_100),
            403,
            "authentication_invalid",
            "for EUR 120.00, not for EUR 121.00",
        ),
        Case(
            "a way back that is none",
            initiate(with(of(100), "/returnUrl", json!("javascript:alert(1)"))),
            422,
            "field_invalid",
            "'returnUrl'",
        ),
        Case(
            "too long a way back",
            initiate(with(of(100), "/returnUrl", json!(format!("https://shop.example/{}", "r".repeat(500))))),
            422,
            "field_invalid",
            "'returnUrl' is not valid: expected 1 to 512 characters, got 521",
        ),
    ]
}

/// Of what was authorised.
async fn of_operations(lender: &Lender<'_>) -> Vec<Case> {
    let id = lender.authorised(2, 4_000).await;
    let settled = lender.of(&id, "settle", 3, 1_000).await.text_at("/transactionId");
    let ask = |customer: &str, id: &str, what: &str, minor: u64| {
        Ask::post(format!("/{customer}/authorisation/{id}/{what}"), of(minor))
    };
    let refund =
        |customer: &str, id: &str, minor: u64| Ask::post(format!("/{customer}/transaction/{id}/refund"), of(minor));
    let strange = "00000000-0000-8000-8000-000000000000";
    let beyond = "'amount.value' is not valid: expected at most";
    vec![
        Case("no such authorisation", ask(CUSTOMER, strange, "settle", 1), 404, "not_found", "no such authorisation"),
        Case("no authorisation at all", ask(CUSTOMER, "x", "reverse", 1), 404, "not_found", "no such authorisation"),
        Case("another customer's", ask(OTHER, &id, "settle", 1), 404, "not_found", "no such authorisation"),
        Case(
            "another customer's",
            ask(OTHER, &id, "upward-adjustment", 9_000),
            404,
            "not_found",
            "no such authorisation",
        ),
        Case("nobody's", ask("nobody", &id, "reverse", 1), 404, "not_found", "no such authorisation"),
        Case("a transaction's", ask(CUSTOMER, &settled, "settle", 1), 404, "not_found", "no such authorisation"),
        Case("an authorisation's", refund(CUSTOMER, &id, 1), 404, "not_found", "no such transaction"),
        Case("another customer's", refund(OTHER, &settled, 1), 404, "not_found", "no such transaction"),
        Case("beyond what is left", ask(CUSTOMER, &id, "settle", 3_001), 422, "amount_not_available", beyond),
        Case("beyond what is left", ask(CUSTOMER, &id, "reverse", 3_001), 422, "amount_not_available", beyond),
        Case("beyond what was settled", refund(CUSTOMER, &settled, 1_001), 422, "amount_not_available", beyond),
        Case("no more", ask(CUSTOMER, &id, "upward-adjustment", 3_999), 422, "amount_not_more", "'amount.value'"),
        Case(
            "another currency",
            Ask::post(
                format!("/{CUSTOMER}/authorisation/{id}/settle"),
                json!({ "amount": { "value": 1, "currencyCode": "GBP" } }),
            ),
            422,
            "currency_mismatch",
            "'amount.currencyCode' is not valid: the authorisation is in EUR, got GBP",
        ),
        Case(
            "too many decimals",
            Ask::post(
                format!("/{CUSTOMER}/authorisation/{id}/settle"),
                json!({ "amount": { "value": 1.001, "currencyCode": "EUR" } }),
            ),
            422,
            "amount_invalid",
            "at most 2 decimals",
        ),
        Case(
            "no idempotency key",
            ask(CUSTOMER, &id, "settle", 1).without("idempotency-key"),
            422,
            "field_missing",
            "'idempotency-key'",
        ),
        Case(
            "too long a description",
            Ask::post(
                format!("/{CUSTOMER}/authorisation/{id}/reverse"),
                json!({ "amount": amount(1), "description": "d".repeat(5_000) }),
            ),
            422,
            "field_invalid",
            "'description'",
        ),
    ]
}

async fn whatever_is_wrong_is_refused_and_changes_nothing(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let mut cases = of_callers();
    cases.extend(of_options());
    cases.extend(of_bodies());
    cases.extend(of_spends(&lender).await);
    cases.extend(of_operations(&lender).await);
    assert!(cases.len() >= 40, "{}", cases.len());
    let before = (lender.books().await, lender.account(OTHER).await);
    for Case(name, ask, status, code, said) in cases {
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let mut request = shop.bare(method, &format!("{BASE}{}", ask.path));
        for (header, value) in [("ocp-apim-subscription-key", API_KEY.to_owned()), ("context-merchantId", entity_id())]
        {
            if !ask.without.contains(&header) {
                request = request.header(header, value);
            }
        }
        for (header, value) in &ask.headers {
            request = request.header(*header, value);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let answer = shop.send(request).await;
        assert_eq!(problem(&answer), (status, code.to_owned()), "{name}: {}", answer.text);
        assert!(answer.text_at("/detail").contains(said), "{name}: {}", answer.text);
        assert!(answer.text_at("/instance").starts_with(BASE), "{name}: {}", answer.text);
    }
    assert_eq!((lender.books().await, lender.account(OTHER).await), before, "nothing has moved");
}

/// Amounts as clients write them: none is guessed at.
async fn amounts_are_read_as_they_are_written(shop: &Shop) {
    let lender = Lender::open(shop, &tests::lender::trusting()).await;
    let ask = async |number: u64, value: &str| {
        let amount = format!("{{\"value\":{value},\"currencyCode\":\"EUR\"}}");
        let body = format!("{{\"orderReference\":\"order-1\",\"amount\":{amount}}}");
        let request = lender.request(Method::POST, &format!("/{CUSTOMER}/authorisation")).body(body);
        let request = request.header("content-type", "application/json").header("idempotency-key", key(number));
        shop.send(request).await
    };
    let refused = [
        ("1e2", 422, "without an exponent, got 1e2"),
        ("1E2", 422, "without an exponent, got 1E2"),
        ("-0", 422, "expected more than 0, got -0"),
        ("-5.00", 422, "expected more than 0, got -5.00"),
        ("0.00", 422, "expected more than 0, got 0.00"),
        ("10.005", 422, "at most 2 decimals, as EUR has, got 10.005"),
        ("111111111111111111111111111111", 422, "'amount.value'"),
        ("01", 400, "not JSON"),
        ("NaN", 400, "not JSON"),
        ("10,\"value\":20", 400, "duplicate field"),
        ("null", 422, "'amount.value'"),
    ];
    for (value, status, said) in refused {
        let answer = ask(1, value).await;
        assert_eq!(answer.status, status, "{value}: {}", answer.text);
        assert!(answer.text_at("/detail").contains(said), "{value}: {}", answer.text);
    }
    assert_eq!(lender.books().await, (100_000, 0, 0));
    let taken = [("10", 1_000), ("10.5", 1_050), ("10.50", 1_050), ("10.000", 1_000), ("0.010", 1), ("100", 10_000)];
    let mut held = 0;
    for (number, (value, minor)) in (10..).zip(taken) {
        let answer = ask(number, value).await;
        assert_eq!(answer.text_at("/result"), "Authorised", "{value}: {}", answer.text);
        held += minor;
        assert_eq!(lender.books().await, (100_000 - held, held, 0), "{value}");
    }
}

/// Yen have no decimals, and dinars of Kuwait three.
async fn each_currency_has_its_own_decimals(shop: &Shop) {
    let lender = Lender::open(shop, &tests::lender::trusting()).await;
    let (credits, merchant) = (&shop.engine.credits, &lender.merchant);
    for (currency, one, written, too_precise, hold) in
        [("JPY", "1", "1", "1.5", 1_u64), ("KWD", "1.005", "1.005", "1.0005", 1_005)]
    {
        let limit = domain::Money::try_new(currency.parse().unwrap(), 50_000).unwrap();
        credits.set_product(merchant, currency, "Flex", "", limit.currency()).await.unwrap();
        let customer = format!("customer-{currency}");
        credits.set_limit(merchant, &customer, currency, limit).await.unwrap();
        let path = format!("/{customer}/authorisation");
        let body = |value: &str| {
            let value = value.parse::<serde_json::Number>().unwrap();
            json!({ "amount": { "value": value, "currencyCode": currency }, "orderReference": "order-1" })
        };
        let refused = lender.keyed(&path, 1, &body(too_precise)).await;
        assert_eq!(problem(&refused), (422, "amount_invalid".to_owned()), "{currency}");
        let answer = lender.keyed(&path, hold, &body(one)).await;
        let authorisation = answer.text_at("/authorisationId");
        assert_eq!(lender.account(&customer).await.held(), hold, "{currency}");
        let raised = json!({ "amount": { "value": 3, "currencyCode": currency } });
        let path = format!("/{customer}/authorisation/{authorisation}");
        lender.keyed(&format!("{path}/upward-adjustment"), hold + 1, &raised).await;
        let part = json!({ "amount": body(one)["amount"] });
        lender.keyed(&format!("{path}/settle"), hold + 2, &part).await;
        let rest = lender.keyed(&format!("{path}/reverse"), hold + 3, &part).await;
        let left = if currency == "JPY" { "\"value\":1," } else { "\"value\":0.990," };
        assert!(rest.text.contains(left), "{currency} {written}: {}", rest.text);
    }
}

async fn a_key_of_several_merchant_accounts_says_which(shop: &Shop) {
    Lender::open(shop, &in_parts()).await;
    let second = shop.second(&["payments"]).await;
    let request = shop.bare(Method::GET, &format!("{BASE}/{CUSTOMER}/spend-options"));
    let answer = shop.send(request.header("Ocp-Apim-Subscription-Key", &second)).await;
    assert_eq!(problem(&answer), (404, "not_found".to_owned()), "its own has no such customer");
    let body = json!({ "merchantAccounts": [local::TEST_MERCHANT, "Second"], "roles": ["payments"] });
    let made = shop.as_key(tests::shop::OPERATOR_KEY, Method::POST, "/admin/v1/apiKeys", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let both = made.text_at("/apiKey");
    let options = || shop.bare(Method::GET, &format!("{BASE}/{CUSTOMER}/spend-options"));
    let answer = shop.send(options().header("Ocp-Apim-Subscription-Key", &both)).await;
    assert_eq!(problem(&answer), (422, "field_missing".to_owned()));
    assert!(answer.text_at("/detail").contains("'context-merchantId'"), "{}", answer.text);
    let request = options().header("Ocp-Apim-Subscription-Key", &both).header("context-merchantId", entity_id());
    assert_eq!(shop.send(request).await.status, 200);
    // The key may also come as it does in the other families.
    let request = options().header("X-API-Key", API_KEY);
    assert_eq!(shop.send(request).await.status, 200);
}

crate::on_both_stores!(
    whatever_is_wrong_is_refused_and_changes_nothing,
    amounts_are_read_as_they_are_written,
    each_currency_has_its_own_decimals,
    a_key_of_several_merchant_accounts_says_which,
);
