//! The collection of requests is true, and leaves no endpoint out.

use std::{collections::BTreeSet, fs};

use tests::{
    conformance, repository,
    requests::Collection,
    shop::{API_KEY, OPERATOR_KEY, On, Shop},
};

/// What a collection cannot have, and the tests that do: a redirect result comes back to a shop in its own URL, work
/// needs attention only after it has failed for long, a page that is not there is told on a page of its own, and a
/// partner that does not answer is not on this machine.
const ELSEWHERE: &[(&str, &str)] = &[
    ("submit-payment-details", "tests/it/redirects.rs"),
    ("retry-work", "tests/it/worker.rs"),
    ("show-checkout-page", "tests/it/checkout_page.rs"),
    ("cancel-payment-order", "tests/it/paymentorders/operations.rs"),
    ("reverse-payment-order", "tests/it/paymentorders/operations.rs"),
    ("authorise-spend", "tests/it/orderprocessing/outcomes.rs"),
    ("adjust-authorisation", "tests/it/orderprocessing/outcomes.rs"),
    ("settle-authorisation", "tests/it/orderprocessing/outcomes.rs"),
    ("reverse-authorisation", "tests/it/orderprocessing/outcomes.rs"),
    ("refund-transaction", "tests/it/orderprocessing/outcomes.rs"),
];

fn collection() -> Collection {
    Collection::read(&fs::read_to_string(repository().join("infra/requests/tender.http")).unwrap())
}

#[tokio::test]
async fn every_request_of_the_collection_works_and_every_endpoint_is_among_them() {
    let shop = Shop::open(On::Embedded).await;
    let mut collection = collection();
    for (name, value) in [("host", shop.url.as_str()), ("key", API_KEY), ("operatorKey", OPERATOR_KEY)] {
        assert!(collection.variables.insert(name.to_owned(), value.to_owned()).is_some(), "@{name} is a variable");
    }
    let mut seen = BTreeSet::new();
    for (written, method, path, answer) in collection.send(&shop).await {
        assert!(answer.status < 400, "{}: {} {}", written.title, answer.status, answer.text);
        let operation = conformance::operation(method.as_str(), path.split('?').next().unwrap());
        seen.insert((operation.expect("an operation of a document"), answer.status));
    }
    let is_elsewhere = |name: &str| ELSEWHERE.iter().any(|(known, _)| *known == name);
    let missing = conformance::successes().into_iter().filter(|(name, _)| !is_elsewhere(name));
    let missing = missing.filter(|success| !seen.contains(success)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "infra/requests/tender.http has no request that is answered so: {missing:?}");
    for (name, file) in ELSEWHERE {
        let route = functions::CATALOGUE.iter().map(|mounted| mounted.route).find(|route| route.name == *name).unwrap();
        let last = route.paths[0].rsplit('/').next().unwrap();
        assert!(fs::read_to_string(repository().join(file)).unwrap().contains(last), "{file} does not ask for {name}");
    }
}

#[test]
fn the_collection_asks_for_what_the_first_order_of_the_readme_does() {
    let collection = collection();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for variable in ["host", "key", "merchant"] {
        assert!(readme.contains(&collection.variables[variable]), "@{variable} is not that of the README");
    }
}
