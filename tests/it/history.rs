//! An order's age does not show.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use app::{
    CommitLog, Fut, StoreError, StreamId,
    ports::{Commit, Page},
};
use domain::{Action, Money, Version};
use serde_json::Value;
use tests::shop::{On, Shop, operate, order_key};

/// Counts the commits that loads return.
struct Counting {
    inner: Arc<dyn CommitLog>,
    most_loaded: AtomicUsize,
}

impl CommitLog for Counting {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(async move {
            let commits = self.inner.load(stream, up_to).await?;
            self.most_loaded.fetch_max(commits.len(), Ordering::SeqCst);
            Ok(commits)
        })
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        self.inner.append(commit)
    }

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.list(list, page)
    }
}

/// An order of `commits` commits and more: paid, captured, and then refunded cent by cent.
async fn old_order(shop: &Shop, commits: u16) -> Value {
    let opened = shop.open_order(100_000).await;
    let paid = shop.pay_card(&opened.order(), 50_000, "4111111111111111").await;
    assert_eq!(paid.status, 200);
    let key = order_key(&opened.order());
    let payment = Version::try_new(1).unwrap();
    let cents = |cents| Money::try_new("EUR".parse().unwrap(), cents).unwrap();
    let mut next = operate(payment, Action::Capture, cents(50_000));
    loop {
        let order = shop.engine.app.operate(&key, None, next).await.unwrap().order;
        if order.version.get() >= commits {
            return opened.order();
        }
        next = operate(payment, Action::Refund, cents(1));
    }
}

#[tokio::test]
async fn an_order_of_a_thousand_commits_is_read_by_32() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap());
    let log = Arc::new(Counting { inner: sqlite, most_loaded: AtomicUsize::new(0) });
    let shop = Shop::over(log.clone()).await;
    let old = old_order(&shop, 1_000).await;
    assert!(shop.order(&old).await["version"].as_u64() >= Some(1_000));
    assert!(log.most_loaded.load(Ordering::SeqCst) <= 32);
}

/// How long a payment takes that is refused, with the token of the newest answer, which it replaces.
async fn timed(shop: &Shop, token: &mut Value) -> Duration {
    let order = serde_json::json!({ "pspReference": token["pspReference"], "orderData": token["orderData"] });
    let start = Instant::now();
    let answer = shop.pay_card(&order, 1, "4000000000000002").await;
    let took = start.elapsed();
    assert_eq!(answer.text_at("/refusalReason"), "Refused", "{}", answer.text);
    *token = answer.at("/order");
    took
}

#[tokio::test]
async fn an_old_order_is_answered_as_fast_as_a_new_one() {
    let shop = Shop::open(On::Embedded).await;
    let old = old_order(&shop, 1_000).await;
    let new = shop.open_order(100_000).await.order();
    let (mut new_token, mut old_token) = (shop.order(&new).await, shop.order(&old).await);
    // The least of several tries is what the work takes, without what the machine did beside it; by turns, so that what
    // it did is the same for both.
    let (mut new, mut old) = (Duration::MAX, Duration::MAX);
    for _ in 0..40 {
        new = new.min(timed(&shop, &mut new_token).await);
        old = old.min(timed(&shop, &mut old_token).await);
    }
    assert!(old <= 2 * new, "a new order's payment takes {new:?}, an old one's {old:?}");
}
