//! The life of an installation, through the binaries alone: everything that the tests look at is what this leaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use app::{Clock, ports::Job, system::SystemClock};
use serde_json::{Value, json};
use tests::{
    hook::Keys,
    receiver::{Behaviour, Receiver},
    shop::{Answer, euro},
};

use crate::cloud::{Cloud, Event, Line, MERCHANT, OPERATOR_KEY, Outcome, RECEIVES_MAX, SEED};

/// The gift card of the golden events, and its code.
pub(crate) const GIFT_CARD: (&str, &str) = ("6036280000000000417", "915304767");
/// The security code of every card.
pub(crate) const CODE: &str = "918273645";
/// The customer of the golden events, as the merchant calls them.
pub(crate) const CUSTOMER: &str = "customer-1";
/// Cards, by what they do.
pub(crate) const APPROVED: &str = "4111111111111111";
pub(crate) const REFUSED: &str = "4000000000000002";
pub(crate) const PENDING: &str = "4000000000000077";
pub(crate) const TIMES_OUT: &str = "4000000000000119";
pub(crate) const AUTHENTICATED: &str = "4000000000003220";
/// A key that nobody has.
pub(crate) const WRONG_KEY: &str = "a-wrong-key-0123456789";
/// An idempotency key that is told apart from others.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key-5be1f0c9";

/// What an installation's life leaves.
pub(crate) struct Life {
    /// Who called what.
    pub(crate) calls: BTreeMap<String, BTreeSet<String>>,
    /// What golden events were answered.
    pub(crate) golden: BTreeMap<String, Outcome>,
    /// Everything that was written to logs.
    pub(crate) lines: Vec<Line>,
    /// The events on the bus.
    pub(crate) events: Vec<Value>,
    /// What no log may have: what it is, and the text.
    pub(crate) private: Vec<(&'static str, String)>,
}

static LIFE: LazyLock<Result<Life, String>> = LazyLock::new(|| {
    std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(live())
    })
    .map_err(|_| "it has ended early: see the test that came first".to_owned())
});

/// The one life that all tests look at.
pub(crate) fn life() -> &'static Life {
    LIFE.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Texts that no log may have, as they come up.
#[derive(Default)]
pub(crate) struct Private(Mutex<Vec<(&'static str, String)>>);

impl Private {
    fn add(&self, what: &'static str, text: &str) {
        assert!(text.len() >= 7, "{what} is too short to be looked for: {text}");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((what, text.to_owned()));
    }
}

async fn live() -> Life {
    let cloud = Cloud::start().await;
    let private = Private::default();
    for (what, text) in [
        ("the seed", SEED),
        ("the operator's key", OPERATOR_KEY),
        ("a gift card's number", GIFT_CARD.0),
        ("a gift card's code", GIFT_CARD.1),
        ("a security code", CODE),
        ("a customer", CUSTOMER),
        ("a card's number", APPROVED),
        ("a card's number", REFUSED),
        ("a card's number", PENDING),
        ("a card's number", TIMES_OUT),
        ("a card's number", AUTHENTICATED),
        ("an idempotency key", "golden-"),
        ("an idempotency key", IDEMPOTENCY_KEY),
        ("a wrong key", WRONG_KEY),
    ] {
        private.add(what, text);
    }

    let hooks = administration(&cloud, &private).await;
    an_order_is_paid_in_parts(&cloud, &private, &hooks).await;
    payments_are_modified(&cloud).await;
    an_order_is_cancelled(&cloud).await;
    a_shopper_is_redirected(&cloud, &private).await;
    a_shopper_pays_on_the_page(&cloud, &private).await;
    a_session_is_paid_and_captured(&cloud, &private).await;
    an_order_is_exchanged(&cloud, &private).await;
    a_payment_order_is_sold(&cloud).await;
    credit_is_offered(&cloud).await;
    a_customer_authenticates(&cloud, &private).await;
    credit_is_spent(&cloud, &private).await;
    what_is_pending_is_looked_at(&cloud).await;
    orders_expire(&cloud).await;
    endpoints_are_in_trouble(&cloud, &private).await;
    what_cannot_be_read_is_set_aside(&cloud).await;
    stores_fail(&cloud).await;
    requests_are_malformed(&cloud, &private).await;
    an_endpoint_and_a_key_are_taken_away(&cloud).await;
    cloud.end_all().await;

    Life {
        calls: cloud.services.calls(),
        golden: cloud.golden_outcomes(),
        lines: cloud.lines(),
        events: cloud.services.events(),
        private: private.0.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// A merchant's endpoint: what arrives there, and the keys that its owner was told.
struct Hook {
    receiver: Receiver,
    id: String,
    keys: Keys,
}

impl Hook {
    async fn create(cloud: &Cloud, private: &Private, format: &str) -> Self {
        let receiver = Receiver::start().await;
        cloud.know("receiver", &receiver.url);
        let created = cloud.send(cloud.event("create-webhook").keyless().with(&json!({ "format": format }))).await;
        assert_eq!(created.status, 201, "{}", created.text);
        Self::told_in(receiver, private, &created)
    }

    fn told_in(receiver: Receiver, private: &Private, answer: &Answer) -> Self {
        private.add("a webhook's secret", &answer.text_at("/secret"));
        private.add("a webhook's key", &answer.text_at("/hmacKey"));
        Self { receiver, id: answer.text_at("/id"), keys: Keys::told_in(answer) }
    }

    /// Waits until an event has arrived; all of them, whose signatures are right.
    async fn wait_for(&self, cloud: &Cloud, event: &str) -> Vec<String> {
        let arrived = || self.receiver.received().iter().any(|received| received.event() == event);
        cloud.until(&format!("{event} is told"), async || arrived()).await;
        let received = self.receiver.take();
        for one in &received {
            assert!(self.keys.have_signed(one) && self.keys.have_signed_body(one), "{one:?}");
        }
        received.iter().map(tests::receiver::Received::event).collect()
    }
}

/// What pays with a card.
pub(crate) fn card(number: &str) -> Value {
    json!({ "type": "scheme", "number": number, "expiryMonth": "03", "expiryYear": "2030", "cvc": CODE })
}

/// What pays with the gift card.
pub(crate) fn gift_card() -> Value {
    json!({ "type": "giftcard", "brand": "givex", "number": GIFT_CARD.0, "cvc": GIFT_CARD.1 })
}

/// Opens an order.
pub(crate) async fn open(cloud: &Cloud, value: u64) -> Answer {
    open_with(cloud, &json!({ "amount": euro(value) })).await
}

/// Opens an order whose expiry is so far ahead.
async fn open_for(cloud: &Cloud, value: u64, time: Duration) -> Answer {
    let expires_at = api::clock::render(SystemClock.now().plus(time));
    open_with(cloud, &json!({ "amount": euro(value), "expiresAt": expires_at })).await
}

async fn open_with(cloud: &Cloud, fields: &Value) -> Answer {
    let opened = cloud.send(cloud.event("create-order").keyless().with(fields)).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    remember(cloud, &opened);
    opened
}

/// What the next request says of the order.
pub(crate) fn remember(cloud: &Cloud, answer: &Answer) {
    let order = answer.order();
    if let (Some(reference), Some(data)) = (order["pspReference"].as_str(), order["orderData"].as_str()) {
        cloud.know("order", reference);
        cloud.know("orderData", data);
    }
}

/// Pays a part of the order that is remembered.
pub(crate) async fn pay(cloud: &Cloud, value: u64, method: Value) -> Answer {
    let paid = cloud.send(payment(cloud, value, method)).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    remember(cloud, &paid);
    paid
}

fn payment(cloud: &Cloud, value: u64, method: Value) -> Event {
    cloud.event("create-payment").keyless().with(&json!({ "amount": euro(value), "paymentMethod": method }))
}

/// Pays without an order; the payment's reference.
async fn pay_single(cloud: &Cloud, value: u64, reference: &str) -> String {
    let order = json!({ "order": null, "reference": reference });
    let paid = cloud.send(payment(cloud, value, card(APPROVED)).with(&order)).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised", "{}", paid.text);
    cloud.know("payment", &paid.text_at("/pspReference"));
    paid.text_at("/pspReference")
}

/// The order that is remembered.
async fn order(cloud: &Cloud) -> Value {
    let shown = cloud.send(cloud.event("get-order")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.json()
}

async fn gift_card_balance(cloud: &Cloud) -> u64 {
    let shown = cloud.send(cloud.event("get-gift-card")).await;
    shown.at("/balance/value").as_u64().expect("a gift card")
}

/// Sends a golden event, which is answered so.
async fn golden(cloud: &Cloud, function: &str, status: u16) -> Answer {
    let answer = cloud.golden(function).await;
    assert_eq!(answer.status, status, "{function}: {}", answer.text);
    answer
}

/// The name of the timer of the order that is remembered, if it has one.
fn timer(cloud: &Cloud) -> Option<String> {
    let key = tests::shop::order_key(&json!({ "pspReference": cloud.known("order") }));
    let name = format!("{}.{}", key.merchant, key.id);
    let schedule = cloud.services.schedules().remove(&name)?;
    assert!(schedule.target.ends_with(":function:tender-expire-order:live"), "{schedule:?}");
    assert!(schedule.expression.starts_with("at(20"), "{schedule:?}");
    Some(name)
}

/// How many schedules send to a queue.
fn jobs_for_later(cloud: &Cloud, queue: &str) -> usize {
    cloud.services.schedules().values().filter(|schedule| schedule.target.ends_with(&format!("tender-{queue}"))).count()
}

async fn administration(cloud: &Cloud, private: &Private) -> Vec<Hook> {
    let created = golden(cloud, "create-merchant", 201).await;
    cloud.know("entityId", &created.text_at("/entityId"));
    assert_eq!(golden(cloud, "list-merchants", 200).await.at("/merchants/0/merchantAccount"), MERCHANT);
    let made = golden(cloud, "create-api-key", 201).await;
    cloud.know("apiKey", &made.text_at("/apiKey"));
    private.add("an API key", &made.text_at("/apiKey"));
    let other = cloud.send(cloud.event("create-api-key")).await;
    private.add("an API key", &other.text_at("/apiKey"));
    cloud.know("key", &other.text_at("/id"));
    golden(cloud, "list-api-keys", 200).await;
    let issued = golden(cloud, "issue-gift-card", 201).await;
    assert_eq!(issued.text_at("/number"), GIFT_CARD.0);
    assert_eq!(gift_card_balance(cloud).await, 50_000);
    golden(cloud, "get-gift-card", 200).await;
    credit_is_given(cloud).await;

    let receiver = Receiver::start().await;
    cloud.know("receiver", &receiver.url);
    let created = golden(cloud, "create-webhook", 201).await;
    cloud.know("webhook", &created.text_at("/id"));
    let tender = Hook::told_in(receiver, private, &created);
    let checkout = Hook::create(cloud, private, "checkout").await;
    golden(cloud, "list-webhooks", 200).await;
    golden(cloud, "get-webhook", 200).await;
    vec![tender, checkout]
}

async fn credit_is_given(cloud: &Cloud) {
    golden(cloud, "set-credit-settings", 200).await;
    assert_eq!(golden(cloud, "get-credit-settings", 200).await.at("/partialSettle"), true);
    golden(cloud, "set-credit-product", 200).await;
    golden(cloud, "set-credit-offer", 200).await;
    assert_eq!(golden(cloud, "get-credit-product", 200).await.at("/offers/0/offerCode"), "twelve-months");
    golden(cloud, "set-credit-customer", 200).await;
    assert_eq!(golden(cloud, "get-credit-customer", 200).await.at("/available"), euro(500_000));
}

async fn an_order_is_paid_in_parts(cloud: &Cloud, private: &Private, hooks: &[Hook]) {
    let opened = golden(cloud, "create-order", 200).await;
    remember(cloud, &opened);
    private.add("a token", &opened.text_at("/orderData"));
    assert_eq!(cloud.golden("create-order").await.text, opened.text, "the same event again");
    cloud.settle().await;
    assert!(timer(cloud).is_some(), "a timer for its expiry: {:?}", cloud.services.schedules());

    golden(cloud, "list-payment-methods", 200).await;
    assert_eq!(golden(cloud, "get-balance", 200).await.text_at("/resultCode"), "Success");
    let wrong =
        json!({ "paymentMethod": { "type": "giftcard", "brand": "givex", "number": GIFT_CARD.0, "cvc": "000000000" } });
    let wrong = cloud.send(cloud.event("get-balance").with(&wrong)).await;
    assert_eq!((wrong.status, wrong.text_at("/resultCode")), (200, "Failed".to_owned()));

    let part = pay(cloud, 2_000, gift_card()).await;
    assert_eq!(part.text_at("/resultCode"), "Authorised", "{}", part.text);
    assert_eq!(gift_card_balance(cloud).await, 48_000);
    let rest = golden(cloud, "create-payment", 200).await;
    assert_eq!((rest.text_at("/resultCode"), rest.at("/order/remainingAmount")), ("Authorised".to_owned(), euro(0)));
    cloud.know("payment", &rest.text_at("/pspReference"));
    let shown = golden(cloud, "get-order", 200).await;
    assert_eq!((shown.at("/status"), shown.at("/success")), (json!("closed"), json!(true)));

    cloud.settle().await;
    assert_eq!(timer(cloud), None, "its timer is cleared");
    let told = hooks[0].wait_for(cloud, "order.closed").await;
    let expected = [
        "order.opened",
        "payment.reserved",
        "payment.authorised",
        "payment.reserved",
        "payment.authorised",
        "order.closed",
    ];
    assert_eq!(told, expected);
    let told = hooks[1].wait_for(cloud, "ORDER_CLOSED").await;
    assert_eq!(told, ["ORDER_OPENED", "AUTHORISATION", "AUTHORISATION", "ORDER_CLOSED"]);
    let on_bus = cloud.services.on_bus();
    assert_eq!(
        on_bus,
        ["opened", "payment_reserved", "payment_resolved", "payment_reserved", "payment_resolved", "closed"]
    );

    // What the queue and the stream hand over, once more by hand: nothing is told twice.
    assert_eq!(cloud.golden_outcome("deliver-webhook").await, Ok(json!({ "batchItemFailures": [] })));
    assert_eq!(cloud.golden_outcome("work").await, Ok(json!({ "batchItemFailures": [] })));
    assert_eq!(cloud.golden_outcome("relay").await, Ok(json!({ "batchItemFailures": [] })));
    cloud.settle().await;
    assert!(hooks[0].receiver.take().is_empty());
}

async fn payments_are_modified(cloud: &Cloud) {
    let operations = async || order(cloud).await["operations"].as_array().cloned().unwrap_or_default();
    golden(cloud, "capture-payment", 201).await;
    cloud.settle().await;
    golden(cloud, "refund-payment", 201).await;
    cloud.settle().await;
    let done = operations().await;
    assert_eq!(done.len(), 2, "{done:?}");
    assert!(done.iter().all(|operation| operation["status"] == "success"), "{done:?}");

    let single = pay_single(cloud, 3_000, "payment-2").await;
    cloud.know("order", &single);
    golden(cloud, "update-payment-amount", 201).await;
    cloud.settle().await;
    golden(cloud, "cancel-payment", 201).await;
    cloud.settle().await;

    pay_single(cloud, 3_000, "payment-3").await;
    golden(cloud, "reverse-payment", 201).await;
    pay_single(cloud, 3_000, "lost-1").await;
    cloud.settle().await;
    golden(cloud, "cancel-by-reference", 201).await;
    cloud.settle().await;
    let kinds = cloud.services.on_bus().iter().filter(|kind| *kind == "operation_requested").count();
    assert_eq!(kinds, 6, "{:?}", cloud.services.on_bus());
}

async fn an_order_is_cancelled(cloud: &Cloud) {
    let before = gift_card_balance(cloud).await;
    open(cloud, 10_000).await;
    pay(cloud, 1_000, gift_card()).await;
    pay(cloud, 2_000, card(REFUSED)).await;
    assert_eq!(gift_card_balance(cloud).await, before - 1_000);
    assert_eq!(golden(cloud, "cancel-order", 200).await.text_at("/resultCode"), "Received");
    cloud.settle().await;
    let cancelled = order(cloud).await;
    assert_eq!((&cancelled["status"], &cancelled["reason"]), (&json!("closed"), &json!("cancelled")), "{cancelled}");
    assert_eq!(gift_card_balance(cloud).await, before, "what was held is free");
    assert_eq!(timer(cloud), None);
}

async fn a_shopper_is_redirected(cloud: &Cloud, private: &Private) {
    open(cloud, 1_000).await;
    let started = pay(cloud, 1_000, card(AUTHENTICATED)).await;
    let url = started.text_at("/action/url");
    let path =
        url.strip_prefix("https://abc123def4.execute-api.eu-west-1.amazonaws.com").expect("the API's own address");
    cloud.know("payment", path.rsplit('/').next().expect("a reference"));
    assert!(golden(cloud, "show-sandbox-page", 200).await.text.contains("EUR 10.00"));
    let chosen = golden(cloud, "choose-on-sandbox-page", 303).await;
    let location = chosen.headers["location"].to_str().expect("text").to_owned();
    let (_, result) = location.split_once("redirectResult=").expect("the way back");
    cloud.know("redirectResult", result);
    private.add("a redirect's result", result);
    assert_eq!(golden(cloud, "submit-payment-details", 200).await.text_at("/resultCode"), "Authorised");
    assert_eq!(order(cloud).await["reason"], "paid");
    cloud.settle().await;
}

async fn a_shopper_pays_on_the_page(cloud: &Cloud, private: &Private) {
    let opened = open(cloud, 1_000).await;
    let secrets = api::Secrets::from_json(&json!({ "seed": SEED }).to_string()).expect("the stack's secrets");
    let key = tests::shop::order_key(&opened.order());
    let tokens = secrets.tokens().expect("keys");
    let page = tokens.seal_page(&key.merchant, key.id, tokens.current());
    cloud.know("pageToken", &page);
    private.add("a page's token", &page);
    assert!(golden(cloud, "show-checkout-page", 200).await.text.contains(MERCHANT));
    assert!(golden(cloud, "get-checkout-script", 200).await.text.starts_with("//"));
    let wrong = json!({ "code": "519304767" });
    let wrong = cloud.send(cloud.event("get-checkout-balance").with(&wrong)).await;
    assert_eq!(wrong.text_at("/reason"), "CVC Declined", "{}", wrong.text);
    assert_eq!(golden(cloud, "get-checkout-balance", 200).await.at("/payable"), json!(1_000));
    let token = golden(cloud, "tokenise-card", 201).await.text_at("/token");
    cloud.know("cardToken", &token);
    private.add("a card's token", &token);
    let paid = golden(cloud, "pay-on-checkout", 200).await;
    assert_eq!(paid.text_at("/order/status"), "paid", "{}", paid.text);
    assert_eq!(golden(cloud, "get-checkout-order", 200).await.text_at("/status"), "paid");
    cloud.settle().await;

    // Who comes back from elsewhere has looked up what became of it.
    let opened = open(cloud, 1_000).await;
    let key = tests::shop::order_key(&opened.order());
    cloud.know("pageToken", &tokens.seal_page(&key.merchant, key.id, tokens.current()));
    let ideal = json!({ "method": { "type": "ideal" } });
    let started = cloud.send(cloud.event("pay-on-checkout").keyless().with(&ideal)).await;
    let url = started.text_at("/redirect");
    let (_, payment) = url.rsplit_once('/').expect("the sandbox's page");
    cloud.know("payment", payment);
    let chosen = cloud.send(cloud.event("choose-on-sandbox-page")).await;
    let location = chosen.headers["location"].to_str().expect("text").to_owned();
    let (_, result) = location.split_once('?').expect("the way back");
    private.add("a redirect's result", result);
    let back = cloud.send(cloud.event("get-checkout-order").query(result)).await;
    assert_eq!(back.text_at("/status"), "paid", "{}", back.text);
    cloud.settle().await;
}

/// The orderprocessing family: what a customer can spend, and whether an authentication is needed for it.
async fn credit_is_offered(cloud: &Cloud) {
    let offered = golden(cloud, "list-product-spend-options", 200).await;
    assert_eq!(offered.at("/spendOptions/0/illustration/monthlyPayment"), json!(10.55), "{}", offered.text);
    let offered = golden(cloud, "list-customer-spend-options", 200).await;
    cloud.know("spendOption", &offered.text_at("/spendOptions/0/spendOptionId"));
    let begun = golden(cloud, "initiate-spend", 200).await;
    assert_eq!(begun.text_at("/authenticationStatus"), "Required", "{}", begun.text);
    cloud.know("scaToken", &begun.text_at("/scaToken"));
}

/// After the customer has authenticated: authorised, raised, settled, reversed and refunded.
async fn credit_is_spent(cloud: &Cloud, private: &Private) {
    private.add("an idempotency key", "0b2f1c3a-9d5e-4f60-8a71");
    let authorised = golden(cloud, "authorise-spend", 200).await;
    assert_eq!(authorised.text_at("/result"), "Authorised", "{}", authorised.text);
    cloud.know("authorisation", &authorised.text_at("/authorisationId"));
    assert_eq!(cloud.golden("authorise-spend").await.text, authorised.text, "the same event again");
    let raised = golden(cloud, "adjust-authorisation", 200).await;
    assert_eq!(raised.text_at("/result"), "Authorised", "{}", raised.text);
    let settled = golden(cloud, "settle-authorisation", 200).await;
    cloud.know("transaction", &settled.text_at("/transactionId"));
    let reversed = golden(cloud, "reverse-authorisation", 200).await;
    assert_eq!(reversed.at("/remainingFloat/value"), json!(0.0), "{}", reversed.text);
    golden(cloud, "refund-transaction", 200).await;
    let left = cloud.send(cloud.event("get-credit-customer")).await;
    assert_eq!((left.at("/held/value"), left.at("/outstanding/value")), (json!(0), json!(5_950)), "{}", left.text);
    cloud.settle().await;
}

/// Between an initiation, whose `scaToken` is known, and the authorisation.
async fn a_customer_authenticates(cloud: &Cloud, private: &Private) {
    private.add("a scaToken", &cloud.known("scaToken"));
    let page = golden(cloud, "show-sca-page", 200).await;
    assert!(page.text.contains(MERCHANT), "{}", page.text);
    let (_, code) = page.text.split_once("id=\"sent\">").expect("the code, instead of a text message");
    let code = code.get(..6).expect("six digits");
    cloud.know("oneTimeCode", code);
    // As it stands in a body: six digits alone are also in times.
    private.add("a one-time code", &format!("\"{code}\""));
    assert!(golden(cloud, "get-sca-script", 200).await.text.starts_with("//"));
    let wrong = code.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect::<String>();
    let wrong = cloud.send(cloud.event("give-sca-code").with(&json!({ "code": wrong }))).await;
    assert_eq!(wrong.at("/attemptsLeft"), json!(2), "{}", wrong.text);
    let given = golden(cloud, "give-sca-code", 200).await;
    assert_eq!(given.text_at("/status"), "authenticated", "{}", given.text);
}

async fn a_session_is_paid_and_captured(cloud: &Cloud, private: &Private) {
    let issued = golden(cloud, "issue-token", 200).await;
    cloud.know("accessToken", &issued.text_at("/access_token"));
    private.add("an access token", &issued.text_at("/access_token"));
    let own = Receiver::start().await;
    cloud.know("receiver", &own.url);
    let session = golden(cloud, "create-client-session", 200).await;
    private.add("a webhook's secret", &session.text_at("/webhook_keys/secret"));
    private.add("a webhook's key", &session.text_at("/webhook_keys/hmac_key"));
    cloud.know("paymentId", &session.text_at("/id"));
    golden(cloud, "get-client-session", 200).await;
    remember_session(cloud, &session);
    pay(cloud, 2_000, gift_card()).await;
    pay(cloud, 8_000, card(APPROVED)).await;
    golden(cloud, "get-payment", 200).await;
    golden(cloud, "create-capture", 200).await;
    golden(cloud, "create-void", 200).await;
    let refunded = golden(cloud, "create-refund", 200).await;
    assert_eq!(tests::payments::amounts(&refunded.json()), [0, 10_000, 6_000, 3_000, 500, 5_500, 1_000, 3_000]);
    cloud.settle().await;
    let keys = Keys::told_in_session(&session);
    let received = own.received();
    assert!(!received.is_empty() && received.iter().all(|one| keys.have_signed(one)), "{received:?}");

    // Paid by what is pending at first: it is the worker that finds it paid, and when it is to be captured.
    let later = json!({ "capture_mode": "AUTOMATIC", "capture_delay": "PT24H", "webhook": null });
    let session = cloud.send(cloud.event("create-client-session").keyless().with(&later)).await;
    assert_eq!(session.status, 200, "{}", session.text);
    remember_session(cloud, &session);
    assert_eq!(pay(cloud, 10_000, card(PENDING)).await.text_at("/resultCode"), "Pending");
    cloud.until("the worker leaves the capture for later", async || jobs_for_later(cloud, "work") > 0).await;
    assert_eq!(order(cloud).await["reason"], "paid");
}

async fn a_payment_order_is_sold(cloud: &Cloud) {
    let opened = golden(cloud, "create-payment-order", 200).await;
    let id = opened.text_at("/paymentorder/id");
    let id = id.rsplit('/').next().expect("a path").to_owned();
    cloud.know("paymentOrderId", &id);
    assert_eq!(golden(cloud, "update-payment-order", 200).await.at("/paymentorder/amount"), 10_000);
    cloud.know("order", &id);
    remember(cloud, &cloud.send(cloud.event("get-order")).await);
    pay(cloud, 10_000, card(APPROVED)).await;
    assert_eq!(golden(cloud, "capture-payment-order", 200).await.text_at("/paymentOrder/status"), "Paid");
    golden(cloud, "reverse-payment-order", 200).await;
    golden(cloud, "cancel-payment-order", 200).await;
    let shown = golden(cloud, "get-payment-order", 200).await;
    assert_eq!(shown.at("/paymentorder/remainingReversalAmount"), 5_000);
    let parts = golden(cloud, "get-payment-order-part", 200).await;
    let list = parts.at("/financialTransactions/financialTransactionsList");
    assert_eq!(list.as_array().map(Vec::len), Some(4), "{list}");
    // Aborted, so that something is given back and refused: all that its roles allow is used.
    let body = json!({ "paymentorder": { "operation": "Abort", "abortReason": "CancelledByCustomer" } });
    let refused = cloud.send(cloud.event("update-payment-order").raw(&body.to_string())).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    cloud.settle().await;
}

fn remember_session(cloud: &Cloud, session: &Answer) {
    cloud.know("order", &session.text_at("/checkout/pspReference"));
    cloud.know("orderData", &session.text_at("/checkout/orderData"));
}

/// Pending, or not known: whoever looks at it, finds out.
/// The shopping family: a draft becomes an order, whose items are captured, refunded and given up.
async fn an_order_is_exchanged(cloud: &Cloud, private: &Private) {
    private.add("an access token", &golden(cloud, "issue-shopping-token", 200).await.text_at("/access_token"));
    let draft = golden(cloud, "create-draft", 201).await;
    cloud.know("shopDraft", &draft.text_at("/id"));
    for (function, status) in [
        ("get-draft", 200),
        ("update-draft", 200),
        ("add-draft-item", 201),
        ("update-draft-item", 200),
        ("delete-draft-item", 200),
    ] {
        golden(cloud, function, status).await;
    }
    let completed = golden(cloud, "complete-draft", 200).await;
    cloud.know("shopOrder", &completed.text_at("/orders/0/order_id"));
    golden(cloud, "replace-order", 200).await;
    golden(cloud, "create-authorization", 201).await;
    let captured = golden(cloud, "create-line-capture", 201).await;
    cloud.know("shopOperation", &captured.text_at("/id"));
    golden(cloud, "create-line-refund", 201).await;
    golden(cloud, "create-cancellation", 201).await;
    for function in ["list-operations", "get-operation", "list-events", "list-orders"] {
        golden(cloud, function, 200).await;
    }
    let shown = golden(cloud, "get-shopping-order", 200).await;
    assert_eq!((shown.at("/captured_amount"), shown.at("/status")), (json!(29_000), json!("open")), "{}", shown.text);
    assert_eq!(golden(cloud, "close-order", 200).await.at("/status"), "closed");

    // Another one, of which nothing is captured.
    let draft = cloud.send(cloud.event("create-draft").keyless()).await;
    cloud.know("shopDraft", &draft.text_at("/id"));
    let completed = cloud.send(cloud.event("complete-draft").keyless()).await;
    cloud.know("shopOrder", &completed.text_at("/orders/0/order_id"));
    assert_eq!(golden(cloud, "cancel-shopping-order", 200).await.at("/status"), "cancelled");
    cloud.settle().await;
}

async fn what_is_pending_is_looked_at(cloud: &Cloud) {
    open(cloud, 2_000).await;
    assert_eq!(pay(cloud, 2_000, card(TIMES_OUT)).await.text_at("/resultCode"), "Pending");
    cloud
        .until("the worker finds it paid", async || cloud.services.on_bus().last().is_some_and(|kind| kind == "closed"))
        .await;

    cloud.services.pause("work", true);
    let session = cloud.send(cloud.event("create-client-session").keyless().with(&json!({ "webhook": null }))).await;
    remember_session(cloud, &session);
    cloud.know("paymentId", &session.text_at("/id"));
    pay(cloud, 1_000, card(PENDING)).await;
    let pending = async || cloud.send(cloud.event("get-payment")).await.at("/amounts/authorize_pending");
    assert_eq!(pending().await, 1_000);
    cloud.until("who looks at the payment finds it authorised", async || pending().await == 0).await;
    for (function, sign) in
        [("get-payment-order", r#""rel":"abort""#), ("get-payment-order-part", r#""Authorization""#)]
    {
        let opened = open(cloud, 2_000).await;
        cloud.know("paymentOrderId", &opened.text_at("/pspReference"));
        pay(cloud, 1_000, card(PENDING)).await;
        let is_known = async || cloud.send(cloud.event(function)).await.text.contains(sign);
        assert!(!is_known().await);
        cloud.until("who looks at the payment order finds it authorised", is_known).await;
    }
    open(cloud, 2_000).await;
    pay(cloud, 1_000, card(PENDING)).await;
    let status = async || order(cloud).await["payments"][0]["status"].clone();
    cloud.until("who looks at the order finds it authorised", async || status().await == "authorised").await;
    cloud.services.pause("work", false);
    cloud.settle().await;
}

async fn orders_expire(cloud: &Cloud) {
    let before = gift_card_balance(cloud).await;
    // Far ahead: a schedule. Should it go off early, it is left to another.
    let far = open_for(cloud, 5_000, Duration::from_secs(40 * 60)).await;
    cloud.settle().await;
    let jobs = jobs_for_later(cloud, "work");
    assert_eq!(cloud.go_off(&timer(cloud).expect("a timer")).await, Ok(Value::Null));
    assert_eq!(jobs_for_later(cloud, "work"), jobs + 1);
    remember(cloud, &far);
    golden(cloud, "cancel-order", 200).await;
    cloud.settle().await;

    // Soon: work that is delayed. A timer that goes off early is delayed likewise.
    cloud.services.pause("work", true);
    open_for(cloud, 5_000, Duration::from_secs(4)).await;
    pay(cloud, 500, gift_card()).await;
    assert_eq!(gift_card_balance(cloud).await, before - 500);
    cloud.settle().await;
    assert_eq!(timer(cloud), None);
    assert_eq!(cloud.golden_outcome("expire-order").await, Ok(Value::Null));
    assert_eq!(gift_card_balance(cloud).await, before - 500, "the order is still open");
    let event = cloud.event("expire-order").event;
    cloud
        .until("the order's timer finds it expired", async || {
            cloud.invoke("expire-order", &event).await.expect("an answer");
            gift_card_balance(cloud).await == before
        })
        .await;
    let expired = order(cloud).await;
    assert_eq!((&expired["status"], &expired["reason"]), (&json!("closed"), &json!("expired")), "{expired}");

    // Nothing but the delayed work: without it, nobody would find out.
    cloud.services.pause("work", false);
    open_for(cloud, 5_000, Duration::from_secs(2)).await;
    pay(cloud, 500, gift_card()).await;
    cloud.until("the worker finds the order expired", async || gift_card_balance(cloud).await == before).await;
    assert_eq!(order(cloud).await["reason"], "expired");
    cloud.settle().await;
}

async fn endpoints_are_in_trouble(cloud: &Cloud, private: &Private) {
    // The endpoint of the golden events: tested, given new keys, told again what it was told.
    let tested = golden(cloud, "test-webhook", 202).await;
    assert!(tested.text_at("/eventId").starts_with("evt_test_"));
    cloud.settle().await;
    let rotated = golden(cloud, "rotate-webhook-keys", 200).await;
    private.add("a webhook's secret", &rotated.text_at("/secret"));
    private.add("a webhook's key", &rotated.text_at("/hmacKey"));
    assert!(
        golden(cloud, "list-deliveries", 200).await.at("/deliveries").as_array().is_some_and(|all| !all.is_empty())
    );
    assert!(golden(cloud, "redeliver", 202).await.at("/events").as_u64().is_some_and(|events| events > 0));
    cloud.settle().await;

    // One that fails at first is told again two seconds later, and one that asks for an hour gets it.
    let slow = Hook::create(cloud, private, "checkout").await;
    let busy = Hook::create(cloud, private, "checkout").await;
    let gone = Hook::create(cloud, private, "checkout").await;
    slow.receiver.next([Behaviour::Status(500, None)]);
    busy.receiver.answer(Behaviour::Status(503, Some("3600")));
    gone.receiver.answer(Behaviour::Status(410, None));
    open(cloud, 1_000).await;
    let told = async || slow.receiver.received().len();
    cloud.until("an endpoint that failed is told again", async || told().await == 2).await;
    cloud.settle().await;
    assert_eq!(jobs_for_later(cloud, "webhooks"), 1, "in an hour");
    let shown = cloud.send(cloud.event("get-webhook").path(&format!("/admin/v1/webhooks/{}", gone.id))).await;
    assert_eq!(
        (shown.at("/status"), shown.at("/disabledReason")),
        (json!("disabled"), json!("gone")),
        "{}",
        shown.text
    );
    let known = cloud.known("webhook");
    cloud.know("webhook", &gone.id);
    assert_eq!(golden(cloud, "enable-webhook", 200).await.at("/status"), "active");
    cloud.know("webhook", &known);
    for hook in [&slow, &busy, &gone] {
        let path = format!("/admin/v1/webhooks/{}", hook.id);
        assert_eq!(cloud.send(cloud.event("delete-webhook").path(&path)).await.status, 204);
    }
    golden(cloud, "cancel-order", 200).await;
    cloud.settle().await;
}

/// A commit and messages that nobody can read, among others.
async fn what_cannot_be_read_is_set_aside(cloud: &Cloud) {
    let services = &cloud.services;
    let set_aside = || services.set_aside().len();
    assert_eq!(set_aside(), 0);
    open(cloud, 1_000).await;
    pay(cloud, 400, card(PENDING)).await;
    cloud.settle().await;
    let (order, before) = (cloud.known("order"), services.on_bus().len());
    services.pause_stream(true);
    open(cloud, 2_000).await;
    services.damage(&order, 7).await;
    open(cloud, 2_000).await;
    services.pause_stream(false);
    cloud.settle().await;
    assert_eq!(set_aside(), 1, "the damaged commit, alone");
    assert_eq!(services.on_bus().len(), before + 2, "what came before and behind it was relayed, once");
    let healthy = cloud.known("order");

    cloud.know("order", &order);
    assert_eq!(cloud.send(cloud.event("get-order")).await.status, 500);
    let listed = async || cloud.send(cloud.event("list-work")).await.at("/work/0/orderPspReference");
    cloud.until("the worker has put it on the list", async || listed().await == json!(order)).await;
    golden(cloud, "list-work", 200).await;
    services.repair(&order, 7).await;
    assert_eq!(golden(cloud, "retry-work", 202).await.text_at("/orderPspReference"), order);
    cloud.until("nothing needs attention", async || listed().await.is_null()).await;

    // Poison for the worker: no job at all, and one of the other queue.
    let job = |job: &Value| serde_json::from_value::<Job>(job.clone()).map(|_| job.to_string()).expect("a job");
    let other = job(&json!({ "job": "deliver", "merchant": MERCHANT, "endpoint": "we_1", "order": healthy }));
    let good = job(&json!({ "job": "work", "merchant": MERCHANT, "order": healthy, "tries": 0 }));
    services.pause("work", true);
    for body in [format!("no job: {APPROVED}"), good, other.clone()] {
        services.send("work", &body, Some(MERCHANT), Duration::ZERO);
    }
    services.pause("work", false);
    cloud.until("the poison is with the dead letters", async || services.dead_letters("work").len() == 2).await;
    let dead = services.dead_letters("work");
    assert!(dead.contains(&format!("no job: {APPROVED}")) && dead.contains(&other), "{dead:?}");
    assert!(services.receives("work").iter().all(|receives| *receives <= RECEIVES_MAX));
    assert_eq!(services.dead_letters("webhooks"), [""; 0]);
    cloud.settle().await;
}

async fn stores_fail(cloud: &Cloud) {
    use crate::cloud::Fault;
    // A write is tried again; a read is not.
    let tries = |action| if action == "dynamodb:PutItem" { usize::from(app::streams::APPEND_TRIES_MAX) } else { 1 };
    let fault =
        |function, action, about| Fault { function, action, about, after: 0, times: tries(action), status: 400 };
    let services: &Arc<_> = &cloud.services;

    // The bus: the whole batch is given again, and the timer that was set before is set anew.
    services.fail(Fault { status: 500, times: 3, ..fault("relay", "events:PutEvents", "") });
    open(cloud, 1_000).await;
    cloud.settle().await;
    assert!(timer(cloud).is_some(), "{:?}", services.schedules());
    assert!(services.calls()["relay"].contains("scheduler:UpdateSchedule"));

    // The store, at each place where it is not the order's own.
    services.fail(fault("create-order", "dynamodb:PutItem", ""));
    let refused = cloud.send(cloud.event("create-order").keyless()).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    services.fail(fault("create-payment", "dynamodb:Query", "/giftcard-"));
    assert_eq!(pay(cloud, 100, gift_card()).await.text_at("/resultCode"), "Pending");
    services.fail(fault("create-payment", "dynamodb:PutItem", "/sandbox-"));
    assert_eq!(pay(cloud, 100, card(APPROVED)).await.text_at("/resultCode"), "Pending");
    services.fail(Fault { times: 2, ..fault("work", "dynamodb:Query", "/giftcard-") });
    services.fail(Fault { times: 2, ..fault("work", "dynamodb:Query", "/sandbox-") });
    services.fail(fault("create-payment", "dynamodb:PutItem", "payment_resolved"));
    let begun = cloud.send(payment(cloud, 100, gift_card())).await;
    assert_eq!(begun.status, 503, "{}", begun.text);
    cloud.until("the worker has met its failures", async || services.faults_left() == 0).await;
    let found_out = async || {
        let payments = order(cloud).await["payments"].as_array().cloned().unwrap_or_default();
        // The third has no outcome at all: it is asked for when its caller must have died.
        payments.iter().take(2).all(|payment| payment["status"] == "authorised" || payment["status"] == "error")
    };
    cloud.until("what was left is found out", found_out).await;
    cloud.settle().await;

    // Operations: of a gift card, of a card, and one whose outcome cannot be recorded.
    let session = cloud.send(cloud.event("create-client-session").keyless().with(&json!({ "webhook": null }))).await;
    remember_session(cloud, &session);
    cloud.know("paymentId", &session.text_at("/id"));
    pay(cloud, 2_000, gift_card()).await;
    pay(cloud, 8_000, card(APPROVED)).await;
    let capture = async || {
        let all = json!({ "amount": 100, "order": null, "priorities": null });
        cloud.send(cloud.event("create-capture").keyless().with(&all)).await
    };
    services.fail(fault("create-capture", "dynamodb:PutItem", "/giftcard-"));
    assert_eq!(capture().await.at("/captures/0/status"), "UNCERTAIN");
    services.fail(fault("create-capture", "dynamodb:PutItem", "leg_resolved"));
    assert_eq!(capture().await.status, 200);
    let by_card = json!({ "amount": 100, "order": null, "priorities": [{ "partner": "sandbox", "method": "*" }] });
    services.fail(fault("create-capture", "dynamodb:PutItem", "/sandbox-"));
    assert_eq!(cloud.send(cloud.event("create-capture").keyless().with(&by_card)).await.status, 200);
    cloud.settle().await;

    // While a function starts: the table for its warm-up, which does not matter.
    services.fail(Fault { status: 400, ..fault("list-merchants", "dynamodb:Query", "warm-up") });
    cloud.end("list-merchants");
    assert_eq!(cloud.send(cloud.event("list-merchants")).await.status, 200);

    // A merchant's endpoints that nobody can read: what is told others is told.
    services.damage_stream("Second/webhooks-endpoints", 0).await;
    let mut event = serde_json::from_str::<Value>(&crate::cloud::golden("relay")).expect("a JSON file");
    event["Records"][0]["dynamodb"]["NewImage"]["pk"]["S"] = json!("Second/0123456789abc");
    let relayed = cloud.invoke("relay", &event).await;
    assert_eq!(relayed, Ok(json!({ "batchItemFailures": [] })));
    cloud.settle().await;
}

/// Numbers and codes where none belong.
async fn requests_are_malformed(cloud: &Cloud, private: &Private) {
    open(cloud, 1_000).await;
    let bodies = [
        format!("{{\"paymentMethod\": {APPROVED}}}"),
        format!("{{\"paymentMethod\": \"{APPROVED}\"}}"),
        format!("{{\"paymentMethod\": {{\"type\": \"scheme\", \"number\": {APPROVED}, \"cvc\": {CODE}}}}}"),
        format!("{{\"paymentMethod\": {{\"type\": \"{APPROVED}\"}}}}"),
        format!("{{\"merchantAccount\": \"{APPROVED}\"}}"),
        format!("{{\"merchantAccount\": \"{MERCHANT}\", \"{APPROVED}\": \"{CODE}\"}}"),
        format!(
            "{{\"amount\": {{\"currency\": \"{APPROVED}\", \"value\": \"{CODE}\"}}, \"merchantAccount\": \"{MERCHANT}\"}}"
        ),
        format!("{{\"amount\": \"{APPROVED}\"}}"),
        format!("{{\"number\": \"{APPROVED}\""),
        format!("number={APPROVED}&cvc={CODE}"),
        format!("[\"{APPROVED}\", {CODE}]"),
        APPROVED.to_owned(),
        String::new(),
    ];
    let functions = [
        "create-order",
        "create-payment",
        "submit-payment-details",
        "get-balance",
        "list-payment-methods",
        "cancel-order",
        "capture-payment",
        "issue-gift-card",
        "create-webhook",
        "create-api-key",
        "create-client-session",
        "create-capture",
        "redeliver",
        "issue-token",
    ];
    for function in functions {
        for body in &bodies {
            let event = cloud.event(function).header("idempotency-key", Some(IDEMPOTENCY_KEY)).raw(body);
            let answer = cloud.send(event).await;
            assert!((200..500).contains(&answer.status), "{function} {body}: {}", answer.text);
        }
    }
    let encrypted = json!({ "type": "scheme", "encryptedCardNumber": format!("test_{APPROVED}") });
    cloud.send(payment(cloud, 100, encrypted)).await;
    cloud.send(payment(cloud, 100, card("4111111111111112"))).await;
    private.add("a card's number", "4111111111111112");

    // In paths, queries and headers.
    let shown = cloud.event("get-order");
    cloud.send(shown.clone().path(&format!("/v72/orders/{APPROVED}"))).await;
    cloud.send(shown.clone().query(&format!("merchantAccount={APPROVED}"))).await;
    cloud.send(shown.clone().query(&format!("number={APPROVED}"))).await;
    cloud.send(shown.clone().header("x-api-key", Some(WRONG_KEY))).await;
    cloud.send(shown.clone().header("x-api-key", Some(OPERATOR_KEY))).await;
    cloud.send(shown.header("authorization", Some(&format!("Bearer {WRONG_KEY}")))).await;
    cloud.send(cloud.event("get-gift-card").path("/admin/v1/giftCards/6036280000000000999")).await;
    private.add("a gift card's number", "6036280000000000999");
    let token = format!("grant_type=client_credentials&client_secret={WRONG_KEY}&client_id={APPROVED}");
    cloud.send(cloud.event("issue-token").raw(&token)).await;
    cloud.send(cloud.event("create-payment").keyless().header("idempotency-key", Some(APPROVED))).await;
    // What is no event of theirs at all.
    let strange = json!({ "number": APPROVED, "cvc": CODE });
    for function in ["create-payment", "work", "deliver-webhook", "expire-order", "relay"] {
        cloud.invoke(function, &strange).await.unwrap_err();
    }
    let wrong_types = json!({ "Records": [{ "messageId": APPROVED, "body": { "number": APPROVED } }] });
    cloud.invoke("work", &wrong_types).await.unwrap_err();
    cloud.settle().await;
}

async fn an_endpoint_and_a_key_are_taken_away(cloud: &Cloud) {
    golden(cloud, "delete-webhook", 204).await;
    golden(cloud, "revoke-api-key", 204).await;
    cloud.settle().await;
}
