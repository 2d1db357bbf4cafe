//! The background of one machine, when things are slow or cannot be written.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{
    CommitLog, Fut, OrderTerms,
    ports::{Courier, Parcel},
    system::{OsRandom, SystemClock},
    webhooks::NewEndpoint,
};
use domain::{MerchantAccount, Money, feed::Report, order::Format};
use embedded::SqliteLog;
use local::background::Source;
use tests::shop::SECRETS;
use tokio::sync::Notify;

/// Counts what it is to carry; endpoints whose URL says so hang.
#[derive(Default)]
struct Counting {
    carried: Mutex<BTreeMap<String, usize>>,
    has_carried: Notify,
}

impl Counting {
    fn carried(&self) -> BTreeMap<String, usize> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn wait_for(&self, enough: impl Fn(&BTreeMap<String, usize>) -> bool) {
        loop {
            let carried = self.has_carried.notified();
            if enough(&self.carried()) {
                return;
            }
            carried.await;
        }
    }
}

impl Courier for Counting {
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Fut<'a, Report> {
        *self.carried.lock().unwrap_or_else(PoisonError::into_inner).entry(parcel.endpoint.id.clone()).or_default() +=
            1;
        self.has_carried.notify_waiters();
        let hangs = parcel.endpoint.url.contains("hang");
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Report { status: Some(200), error: None, duration: Duration::ZERO, retry_after: None }
        })
    }
}

struct Machine {
    folder: tempfile::TempDir,
    engine: api::Engine,
    background: Arc<local::Background>,
    courier: Arc<Counting>,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(SqliteLog::open(&folder.path().join("tender.db")).unwrap());
        let secrets = api::Secrets::from_json(SECRETS).unwrap();
        let (commits, clock, random) =
            (Arc::clone(&log) as Arc<dyn CommitLog>, Arc::new(SystemClock), Arc::new(OsRandom));
        let engine = api::Engine::wire(commits, clock, random, &secrets, Some("http://tender.example")).unwrap();
        let courier = Arc::new(Counting::default());
        let source = Arc::clone(&log) as Arc<dyn Source>;
        let background = local::background(&engine, source, log, Arc::clone(&courier) as Arc<dyn Courier>);
        Self { folder, engine, background, courier }
    }

    async fn endpoint(&self, merchant: &MerchantAccount, url: &str) -> String {
        let new = NewEndpoint { url: url.to_owned(), format: Format::Tender, events: Vec::new(), key: None };
        self.engine.webhooks.create(merchant, new).await.unwrap().0.id
    }

    async fn open(&self, merchant: &MerchantAccount) {
        let amount = Money::try_new("EUR".parse().unwrap(), 100).unwrap();
        let terms = OrderTerms::new(merchant.clone(), "order-1".to_owned(), amount, 1);
        self.engine.app.open(terms).await.unwrap();
    }
}

fn merchant(name: &str) -> MerchantAccount {
    MerchantAccount::try_new(name).unwrap()
}

/// Forty endpoints hang with sixty orders each: far more than there are deliveries at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_endpoints_that_hang_do_not_keep_the_others_waiting() {
    let machine = Machine::new();
    let (hanging, well) = ([merchant("HangsA"), merchant("HangsB")], merchant("Well"));
    for merchant in &hanging {
        for _ in 0..20 {
            machine.endpoint(merchant, "https://hangs.example/").await;
        }
    }
    let mut answering = Vec::new();
    for _ in 0..20 {
        answering.push(machine.endpoint(&well, "https://shop.example/").await);
    }
    for merchant in &hanging {
        for _ in 0..60 {
            machine.open(merchant).await;
        }
    }
    tokio::spawn(Arc::clone(&machine.background).run(std::future::pending()));
    machine.courier.wait_for(|carried| carried.len() == 40).await;
    for _ in 0..5 {
        machine.open(&well).await;
    }
    let all_told = machine.courier.wait_for(|carried| answering.iter().all(|id| carried.get(id) == Some(&5)));
    tokio::time::timeout(Duration::from_secs(5), all_told).await.unwrap();
    let hang = machine.courier.carried().iter().filter(|(id, _)| !answering.contains(id)).map(|(_, many)| many).sum();
    assert!((40..local::background::DELIVERIES_AT_ONCE_MAX).contains(&hang), "{hang} at once");
}

/// What is told cannot be put on record; without a wait it would be told again at once, for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_is_not_done_again_at_once() {
    let machine = Machine::new();
    let (full, well) = (merchant("Full"), merchant("Well"));
    let told = machine.endpoint(&full, "https://shop.example/").await;
    machine.endpoint(&well, "https://other.example/").await;
    machine.open(&full).await;
    while machine.background.relay_once().await.unwrap() > 0 {}
    let file = rusqlite::Connection::open(machine.folder.path().join("tender.db")).unwrap();
    file.execute_batch(
        "CREATE TRIGGER no_commits BEFORE INSERT ON commits WHEN NEW.stream LIKE 'Full/%'
         BEGIN SELECT RAISE(ABORT, 'planned'); END;
         CREATE TRIGGER no_updates BEFORE UPDATE ON jobs WHEN OLD.name LIKE 'Full/%'
         BEGIN SELECT RAISE(ABORT, 'planned'); END;
         CREATE TRIGGER no_deletes BEFORE DELETE ON jobs WHEN OLD.name LIKE 'Full/%'
         BEGIN SELECT RAISE(ABORT, 'planned'); END;",
    )
    .unwrap();
    tokio::spawn(Arc::clone(&machine.background).run(std::future::pending()));
    machine.courier.wait_for(|carried| carried.contains_key(&told)).await;
    // Meanwhile others are served: their jobs make the background look at all jobs, again and again.
    for _ in 0..20 {
        machine.open(&well).await;
        tokio::task::yield_now().await;
    }
    machine.courier.wait_for(|carried| carried.values().sum::<usize>() >= 21).await;
    assert_eq!(machine.courier.carried()[&told], 1);
}
