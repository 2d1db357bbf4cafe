//! A card's token: made at the sandbox, good for one payment soon, and nowhere is the number.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    page::Page,
    shop::{Answer, Shop},
};

const NUMBER: &str = "4111111111111111";

fn card() -> Value {
    json!({ "number": NUMBER, "expiryMonth": "03", "expiryYear": "2030", "cvc": "737" })
}

async fn tokenise(shop: &Shop, card: &Value) -> Answer {
    shop.send(shop.bare(Method::POST, "/sandbox/cards").json(card)).await
}

async fn a_token_pays_as_its_card_would(shop: &Shop) {
    let page = Page::of(&shop.open_order(3_000).await);
    let made = tokenise(shop, &card()).await;
    assert_eq!((made.status, made.text_at("/brand"), made.text_at("/lastFour")), (201, "visa".into(), "1111".into()));
    assert_eq!(made.text_at("/expiresAt"), api::clock::render(page.now(shop).plus(Duration::from_secs(900))));
    assert!(!made.text.contains(NUMBER), "{}", made.text);
    let paid = page.pay_with_token(shop, 1_000, &made.text_at("/token")).await;
    assert_eq!((paid.status, paid.text_at("/payment/status")), (200, "authorised".into()), "{}", paid.text);
    assert_eq!(paid.text_at("/payment/lastFour"), "1111");
    let refusing = tokenise(shop, &json!({ "number": "4000 0000 0000 0002" })).await;
    let refused = page.pay_with_token(shop, 1_000, &refusing.text_at("/token")).await;
    assert_eq!(
        (refused.text_at("/payment/status"), refused.text_at("/payment/reason")),
        ("refused".into(), "Refused".into())
    );
}

async fn two_tokens_of_one_card_are_not_alike(shop: &Shop) {
    let first = tokenise(shop, &card()).await.text_at("/token");
    let second = tokenise(shop, &card()).await.text_at("/token");
    assert_ne!(first[7..], second[7..], "the second one tells that it is the same card");
    let longest = tokenise(shop, &json!({ "number": "4000000000000000006" })).await.text_at("/token");
    assert_eq!(longest.len(), first.len(), "its length does not tell that of the number");
}

async fn what_is_no_card_gets_no_token(shop: &Shop) {
    for (field, value, status, code) in [
        ("number", json!("4111111111111112"), 422, "card_number_invalid"),
        ("number", json!("411111"), 422, "card_number_invalid"),
        ("number", json!("four"), 422, "card_number_invalid"),
        ("number", json!(4_111_111_111_111_112_u64), 400, "body_invalid"),
        ("number", Value::Null, 422, "field_missing"),
        ("expiryMonth", json!("13"), 422, "field_invalid"),
        ("expiryMonth", json!("+1"), 422, "field_invalid"),
        ("expiryMonth", json!(3), 400, "body_invalid"),
        ("expiryYear", json!("203"), 422, "field_invalid"),
        ("cvc", json!("73"), 422, "field_invalid"),
        ("cvc", json!(737), 400, "body_invalid"),
    ] {
        let mut wrong = card();
        wrong[field] = value.clone();
        let refused = tokenise(shop, &wrong).await;
        assert_eq!((refused.status, refused.text_at("/code")), (status, code.to_owned()), "{field}: {}", refused.text);
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        assert!(refused.text_at("/detail").contains(field), "{}", refused.text);
        let told = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(value.is_null() || !refused.text_at("/detail").contains(&told), "{}", refused.text);
    }
    let form = shop.bare(Method::POST, "/sandbox/cards").body("number=4111111111111111");
    assert_eq!(shop.send(form).await.status, 400);
    let nothing = shop.bare(Method::POST, "/sandbox/cards");
    assert_eq!(shop.send(nothing).await.status, 400);
    let broken = shop.bare(Method::POST, "/sandbox/cards").header("content-type", "application/json").body("{");
    assert_eq!(shop.send(broken).await.status, 400);
}

async fn a_token_that_is_old_or_none_pays_nothing(shop: &Shop) {
    let page = Page::of(&shop.open_order(3_000).await);
    let token = tokenise(shop, &card()).await.text_at("/token");
    let altered = {
        let (start, end) = token.split_at(token.len() - 1);
        format!("{start}{}", if end == "A" { "Q" } else { "A" })
    };
    let return_token = page.token(shop);
    for (token, says) in
        [(altered.as_str(), "altered"), ("", "cut short"), (NUMBER, "cut short"), (&return_token, "not made")]
    {
        let refused = page.pay_with_token(shop, 1_000, token).await;
        assert_eq!(
            (refused.status, refused.text_at("/code")),
            (400, "payment_method_invalid".into()),
            "{}",
            refused.text
        );
        let detail = refused.text_at("/problems/0/description");
        assert!(detail.contains("'method.token'") && detail.contains(says), "{detail}");
    }
    shop.clock.advance(Duration::from_secs(899));
    assert_eq!(page.pay_with_token(shop, 1_000, &token).await.text_at("/payment/status"), "authorised");
    shop.clock.advance(Duration::from_secs(1));
    let expired = page.pay_with_token(shop, 1_000, &token).await;
    assert_eq!((expired.status, expired.text_at("/code")), (400, "payment_method_invalid".into()));
    assert!(expired.text_at("/problems/0/description").contains("expired"), "{}", expired.text);
}

super::on_both_stores!(
    a_token_pays_as_its_card_would,
    two_tokens_of_one_card_are_not_alike,
    what_is_no_card_gets_no_token,
    a_token_that_is_old_or_none_pays_nothing,
);
