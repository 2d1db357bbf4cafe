//! The orderprocessing family as a merchant's system calls it, and what has to be there before: products, customers and
//! what was agreed on.

use domain::{
    Account, Decimal, MerchantAccount, Money, Reference, Time,
    credit::{Exemption, Offer, OfferSource, OfferStatus, Settings, SpendType, Standing},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    payments::entity_id,
    shop::{API_KEY, Answer, Shop, test_merchant},
};

/// Where the family is found.
pub const BASE: &str = "/cl/merchant-gateway-service/merchant";
/// A customer with a limit of 1,000.00 EUR.
pub const CUSTOMER: &str = "customer-1";
/// Another one.
pub const OTHER: &str = "customer-2";
/// The product that their credit is of.
pub const PRODUCT: &str = "flex";

/// Its offers: what each is called, the rate, and the months.
const OFFERS: [(&str, &str, u16); 6] = [
    ("twelve", "9.9", 12),
    ("zero", "0", 6),
    ("revolving", "24.9", 0),
    ("old", "1", 3),
    ("off", "1", 3),
    ("large", "4.9", 24),
];

/// A merchant's system.
pub struct Lender<'s> {
    /// The shop.
    pub shop: &'s Shop,
    /// The merchant account.
    pub merchant: MerchantAccount,
}

/// What a limit is made of, in minor units: available, held, outstanding.
pub type Books = (u64, u64, u64);

/// Everything in parts, and everybody exempt below 50.00 EUR, twice in a row.
#[must_use]
pub fn in_parts() -> Settings {
    Settings {
        is_settled_in_part: true,
        is_reversed_in_part: true,
        is_refunded_in_part: true,
        exemptions: vec![Exemption { below: euros(5_000), in_a_row: 2 }],
        ..Settings::default()
    }
}

/// Nobody authenticates.
#[must_use]
pub fn trusting() -> Settings {
    Settings { is_authenticated: false, ..in_parts() }
}

/// Minor units of euro.
#[must_use]
pub fn euros(minor: u64) -> Money {
    Money::try_new("EUR".parse().expect("a currency"), minor).expect("an amount")
}

/// An offer of so many months; revolving with none.
#[must_use]
pub fn offer(code: &str, rate: &str, months: u16) -> Offer {
    Offer {
        code: code.to_owned(),
        name: format!("The offer {code}"),
        description: String::new(),
        status: OfferStatus::Active,
        source: OfferSource::Product,
        spend_type: if months == 0 { SpendType::Purchase } else { SpendType::Instalment },
        interest_rate: rate.parse().expect("a rate"),
        months,
        ends_at: None,
        least: 0,
        most: None,
        settlement_percentage: "1.5".parse().expect("a percentage"),
        refund_percentage: Decimal::default(),
        chargeback_percentage: Decimal::default(),
    }
}

/// An idempotency key.
#[must_use]
pub fn key(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

impl<'s> Lender<'s> {
    /// The test merchant's: with offers, two customers, and what was agreed on.
    pub async fn open(shop: &'s Shop, settings: &Settings) -> Self {
        let lender = Self { shop, merchant: test_merchant() };
        let (credits, merchant) = (&shop.engine.credits, &lender.merchant);
        let euro = euros(0).currency();
        credits.set_product(merchant, PRODUCT, "Flex", "Pay as you like", euro).await.expect("a product");
        let soon = Time::plus(shop.engine.app.streams.now(), std::time::Duration::from_secs(86_400));
        for (code, rate, months) in OFFERS {
            let plain = offer(code, rate, months);
            let offer = match code {
                "zero" => Offer { source: OfferSource::Promotional, ends_at: Some(soon), ..plain },
                "old" => Offer { status: OfferStatus::Expired, ..plain },
                "off" => Offer { status: OfferStatus::Inactive, ..plain },
                "large" => Offer { least: 50_000, most: Some(90_000), ..plain },
                _ => plain,
            };
            credits.set_offer(merchant, PRODUCT, &offer).await.expect("an offer");
        }
        for customer in [CUSTOMER, OTHER] {
            credits.set_limit(merchant, customer, PRODUCT, euros(100_000)).await.expect("a customer");
        }
        lender.agree(settings).await;
        lender
    }

    /// Agrees on something else.
    pub async fn agree(&self, settings: &Settings) {
        self.shop.engine.credits.set_settings(&self.merchant, settings).await.expect("settings");
    }

    /// A request with the headers of the family.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.shop.bare(method, &format!("{BASE}{path}")).header("Ocp-Apim-Subscription-Key", API_KEY);
        request.header("context-merchantId", entity_id())
    }

    /// GETs.
    pub async fn get(&self, path: &str) -> Answer {
        self.shop.send(self.request(Method::GET, path)).await
    }

    /// POSTs without an idempotency key.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.shop.send(self.request(Method::POST, path).json(body)).await
    }

    /// POSTs with an idempotency key of that number.
    pub async fn keyed(&self, path: &str, number: u64, body: &Value) -> Answer {
        self.shop.send(self.request(Method::POST, path).header("idempotency-key", key(number)).json(body)).await
    }

    /// Authorises with a `scaToken`.
    pub async fn authorise_with(&self, number: u64, token: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, &format!("/{CUSTOMER}/authorisation"));
        self.shop.send(request.header("idempotency-key", key(number)).header("sca-token", token).json(body)).await
    }

    /// Has an amount in minor units authorised, without authentication; what identifies the authorisation.
    pub async fn authorised(&self, number: u64, minor: u64) -> String {
        let answer = self.keyed(&format!("/{CUSTOMER}/authorisation"), number, &spend(minor)).await;
        assert_eq!((answer.status, answer.text_at("/result")), (200, "Authorised".to_owned()), "{}", answer.text);
        answer.text_at("/authorisationId")
    }

    /// Asks for something of an authorisation.
    pub async fn of(&self, authorisation: &str, what: &str, number: u64, minor: u64) -> Answer {
        self.keyed(&format!("/{CUSTOMER}/authorisation/{authorisation}/{what}"), number, &of(minor)).await
    }

    /// Asks for a refund.
    pub async fn refund(&self, transaction: &str, number: u64, minor: u64) -> Answer {
        self.keyed(&format!("/{CUSTOMER}/transaction/{transaction}/refund"), number, &of(minor)).await
    }

    /// Initiates a spend.
    pub async fn initiate(&self, body: &Value) -> Answer {
        let answer = self.post(&format!("/{CUSTOMER}/initiate"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// The customer authenticates, as the page has it done.
    pub async fn authenticate(&self, token: &str) {
        let (merchant, sealed) = self.shop.engine.tokens.open_authentication(token).expect("a scaToken");
        let (credits, proof) = (&self.shop.engine.credits, sealed.proof());
        let code = credits.one_time_code(&merchant, &sealed.customer, sealed.challenge);
        let outcome = credits.give_code(&merchant, &sealed.customer, &proof, &code).await.expect("a code");
        assert_eq!(outcome, Standing::Passed);
    }

    /// What a customer's limit is made of. It always adds up.
    pub async fn books(&self) -> Books {
        let account = self.account(CUSTOMER).await;
        assert!(account.is_balanced(), "{account:?}");
        (account.available(), account.held(), account.outstanding())
    }

    /// A customer's credit.
    pub async fn account(&self, customer: &str) -> Account {
        self.shop.engine.credits.account(&self.merchant, customer).await.expect("a customer")
    }

    /// What takes an offer for a customer.
    #[must_use]
    pub fn option(&self, customer: &str, offer: &str) -> String {
        let (code, rate, months) = OFFERS.into_iter().find(|(code, ..)| *code == offer).expect("an offer");
        let offer = self::offer(code, rate, months);
        self.shop.engine.credits.option_id(&self.merchant, customer, PRODUCT, &offer).to_string()
    }
}

/// An amount of minor units, as the family writes it.
#[must_use]
pub fn amount(minor: u64) -> Value {
    let text = euros(minor).to_major();
    json!({ "value": text.parse::<serde_json::Number>().expect("a number"), "currencyCode": "EUR" })
}

/// A body with an amount alone.
#[must_use]
pub fn of(minor: u64) -> Value {
    json!({ "amount": amount(minor) })
}

/// The body of an authorisation.
#[must_use]
pub fn spend(minor: u64) -> Value {
    json!({ "amount": amount(minor), "orderReference": "order-1" })
}

/// The reference of what a UUID identifies.
#[must_use]
pub fn reference(uuid: &str) -> Reference {
    uuid.parse().expect("the UUID of a reference")
}
