//! What every commit log keeps, run against each; and what only one of them can break.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use app::{
    CommitLog, StoreError, StreamId, Streams,
    ports::{Commit, SNAPSHOT_EVERY},
    system::{OsRandom, SystemClock},
};
use aws::DynamoLog;
use domain::{
    MerchantAccount, Time, Version,
    access::{Directory, DirectoryEvent},
};
use embedded::{GROUP_COMMITS_MAX, OpenError, QUEUED_COMMITS_MAX, SqliteLog};
use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use tests::{dynamo, faults::LandsButTimesOut};
use tokio::sync::Barrier;

/// Runs each rule against each commit log. Four threads, so that races are real.
macro_rules! every_commit_log_keeps {
    ($($rule:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let folder = tempfile::tempdir().unwrap();
                    let log = super::SqliteLog::open(&folder.path().join("tender.db")).unwrap();
                    super::$rule(super::Arc::new(log)).await;
                }
            )*
        }

        mod on_dynamo {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let dynamo = super::dynamo::start().await;
                    super::$rule(super::Arc::new(super::DynamoLog::new(dynamo.client.clone(), &dynamo.table))).await;
                }
            )*
        }
    };
}

every_commit_log_keeps! {
    a_stream_that_was_never_written_is_empty
    who_wrote_reads_what_was_written
    a_stale_version_is_refused
    a_version_is_written_once_and_whole
    of_many_writers_of_one_version_exactly_one_succeeds
    a_write_thought_lost_is_recognised
    the_same_commit_sent_twice_at_once_is_written_once
    newest_come_first_and_at_most_as_many_as_needed
    loading_stops_at_a_snapshot
    loading_can_end_at_an_earlier_version
    streams_do_not_see_one_another
    large_snapshots_survive
    many_large_commits_are_all_loaded
    an_append_whose_answer_is_lost_is_done_once
}

async fn a_stream_that_was_never_written_is_empty(log: Arc<dyn CommitLog>) {
    assert_eq!(log.load(&stream("a"), None).await.unwrap(), []);
    assert_eq!(log.load(&stream("a"), Some(version(7))).await.unwrap(), []);
}

async fn who_wrote_reads_what_was_written(log: Arc<dyn CommitLog>) {
    for v in 0..20 {
        let written = commit("a", v);
        log.append(&written).await.unwrap();
        assert_eq!(log.load(&written.stream, None).await.unwrap().first(), Some(&written));
    }
}

async fn a_stale_version_is_refused(log: Arc<dyn CommitLog>) {
    append_all(&*log, (0..3).map(|v| commit("a", v))).await;
    let before = log.load(&stream("a"), None).await.unwrap();
    for stale in 0..3 {
        assert_conflict(log.append(&commit("a", stale)).await);
    }
    assert_eq!(log.load(&stream("a"), None).await.unwrap(), before);
}

async fn a_version_is_written_once_and_whole(log: Arc<dyn CommitLog>) {
    let first = Commit {
        at: Time::from_unix_ms(1_767_225_600_123),
        events: r#"[{"type":"opened","by":"Zoë \"Z\" O'Hara 🐎\n"}]"#.to_owned(),
        snapshot: Some(r#"{"remaining":1000}"#.to_owned()),
        ..commit("a", 0)
    };
    let second = Commit { at: Time::from_unix_ms(0), events: "[]".to_owned(), snapshot: None, ..commit("a", 0) };
    log.append(&first).await.unwrap();
    assert_conflict(log.append(&second).await);
    assert_eq!(log.load(&first.stream, None).await.unwrap(), [first]);
}

async fn of_many_writers_of_one_version_exactly_one_succeeds(log: Arc<dyn CommitLog>) {
    const WRITERS: usize = 32;
    for v in 0..8 {
        let start = Arc::new(Barrier::new(WRITERS));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (log, start, commit) = (Arc::clone(&log), Arc::clone(&start), commit("a", v));
                tokio::spawn(async move {
                    start.wait().await;
                    (log.append(&commit).await, commit)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                (Ok(()), commit) => winners.push(commit),
                (outcome, _) => assert_conflict(outcome),
            }
        }
        assert_eq!(winners.len(), 1, "version {v}");
        assert_eq!(log.load(&stream("a"), None).await.unwrap().first(), winners.first());
    }
}

async fn a_write_thought_lost_is_recognised(log: Arc<dyn CommitLog>) {
    let own = commit("a", 0);
    log.append(&own).await.unwrap();
    log.append(&own).await.unwrap();
    assert_conflict(log.append(&Commit { id: another_id(), ..own.clone() }).await);
    // However late.
    append_all(&*log, [commit("a", 1)]).await;
    log.append(&own).await.unwrap();
    assert_eq!(log.load(&own.stream, Some(Version::FIRST)).await.unwrap(), [own]);
}

async fn the_same_commit_sent_twice_at_once_is_written_once(log: Arc<dyn CommitLog>) {
    for v in 0..8 {
        let own = commit("a", v);
        let (one, other) = tokio::join!(log.append(&own), log.append(&own));
        one.and(other).unwrap();
        assert_eq!(log.load(&own.stream, None).await.unwrap().len(), usize::from(v) + 1);
    }
}

async fn newest_come_first_and_at_most_as_many_as_needed(log: Arc<dyn CommitLog>) {
    let mut written: Vec<_> = (0..SNAPSHOT_EVERY + 8).map(|v| commit("a", v)).collect();
    append_all(&*log, written.clone()).await;
    written.reverse();
    written.truncate(usize::from(SNAPSHOT_EVERY));
    assert_eq!(log.load(&stream("a"), None).await.unwrap(), written);
}

async fn loading_stops_at_a_snapshot(log: Arc<dyn CommitLog>) {
    append_all(&*log, (0..SNAPSHOT_EVERY).map(|v| commit("a", v))).await;
    append_all(&*log, [with_snapshot(SNAPSHOT_EVERY)]).await;
    assert_eq!(loaded(&log, None).await, [SNAPSHOT_EVERY]);
    append_all(&*log, [commit("a", SNAPSHOT_EVERY + 1), commit("a", SNAPSHOT_EVERY + 2)]).await;
    assert_eq!(loaded(&log, None).await, [SNAPSHOT_EVERY + 2, SNAPSHOT_EVERY + 1, SNAPSHOT_EVERY]);
}

async fn loading_can_end_at_an_earlier_version(log: Arc<dyn CommitLog>) {
    append_all(&*log, (0..SNAPSHOT_EVERY).map(|v| commit("a", v))).await;
    append_all(&*log, [with_snapshot(SNAPSHOT_EVERY), commit("a", SNAPSHOT_EVERY + 1)]).await;
    assert_eq!(loaded(&log, Some(0)).await, [0]);
    assert_eq!(loaded(&log, Some(2)).await, [2, 1, 0]);
    assert_eq!(loaded(&log, Some(SNAPSHOT_EVERY - 1)).await, (0..SNAPSHOT_EVERY).rev().collect::<Vec<_>>());
    assert_eq!(loaded(&log, Some(SNAPSHOT_EVERY)).await, [SNAPSHOT_EVERY]);
    assert_eq!(loaded(&log, Some(SNAPSHOT_EVERY + 500)).await, [SNAPSHOT_EVERY + 1, SNAPSHOT_EVERY]);
}

async fn streams_do_not_see_one_another(log: Arc<dyn CommitLog>) {
    let names = ["a", "A", "ab", "a/", "a%", "b"];
    for (v, name) in (0..).zip(names) {
        append_all(&*log, (0..=v).map(|v| commit(name, v))).await;
    }
    for (v, name) in (0..).zip(names) {
        let commits = log.load(&stream(name), None).await.unwrap();
        assert_eq!(versions(&commits), (0..=v).rev().collect::<Vec<_>>(), "{name}");
        assert!(commits.iter().all(|commit| commit.stream == stream(name)));
    }
}

async fn large_snapshots_survive(log: Arc<dyn CommitLog>) {
    let large = Commit { snapshot: Some(text_of(100_000)), ..commit("a", 0) };
    log.append(&large).await.unwrap();
    assert_eq!(log.load(&large.stream, None).await.unwrap(), [large]);
}

/// More than the megabyte that DynamoDB answers at once.
async fn many_large_commits_are_all_loaded(log: Arc<dyn CommitLog>) {
    let mut written: Vec<_> =
        (0..SNAPSHOT_EVERY + 1).map(|v| Commit { events: text_of(100_000), ..commit("a", v) }).collect();
    append_all(&*log, written.clone()).await;
    written.reverse();
    written.truncate(usize::from(SNAPSHOT_EVERY));
    assert!(log.load(&stream("a"), None).await.unwrap() == written);
}

async fn an_append_whose_answer_is_lost_is_done_once(log: Arc<dyn CommitLog>) {
    let flaky = Arc::new(LandsButTimesOut::new(Arc::clone(&log)));
    let streams = Streams::new(flaky.clone(), Arc::new(SystemClock), Arc::new(OsRandom));
    let merchant = MerchantAccount::try_new("shop").unwrap();
    let created = [DirectoryEvent::MerchantCreated { merchant }];
    let after = streams.append::<Directory>(&stream("a"), None, &created).await.unwrap();
    assert_eq!(flaky.appends(), 2);
    assert_eq!(log.load(&stream("a"), None).await.unwrap().len(), 1);
    assert_eq!(streams.load(&stream("a"), None).await.unwrap(), Some(after));
}

/// What only a file can break.
mod sqlite_file {
    use super::*;

    /// Where [`writes_until_it_is_killed`] writes.
    const FILE_VARIABLE: &str = "TENDER_TEST_FILE";

    #[tokio::test]
    async fn what_was_written_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let written = [with_snapshot(1), commit("a", 0)];
        let log = SqliteLog::open(&path).unwrap();
        append_all(&log, written.iter().rev().cloned()).await;
        drop(log);
        let log = SqliteLog::open(&path).unwrap();
        assert_eq!(log.load(&stream("a"), Some(version(0))).await.unwrap(), written[1..]);
        assert_eq!(log.load(&stream("a"), None).await.unwrap(), written[..1]);
        assert_conflict(log.append(&commit("a", 1)).await);
    }

    #[tokio::test]
    async fn what_was_handed_over_is_written_before_the_log_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let log = SqliteLog::open(&path).unwrap();
        for n in 0..QUEUED_COMMITS_MAX / 2 {
            // Nobody waits for the answer.
            let handed_over = Commit { events: text_of(10_000), ..commit(&n.to_string(), 0) };
            let _ = tokio::task::unconstrained(log.append(&handed_over)).now_or_never();
        }
        drop(log);
        assert!(!folder.path().join("tender.db-wal").exists(), "the write-ahead log was not copied");
        let written = rusqlite::Connection::open(&path).unwrap();
        let written = written.query_row("SELECT count(*) FROM commits", (), |row| row.get::<_, usize>(0)).unwrap();
        assert_eq!(written, QUEUED_COMMITS_MAX / 2);
    }

    #[tokio::test]
    async fn commits_that_arrive_together_are_one_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let log = SqliteLog::open(&path).unwrap();
        let commits: Vec<_> = (0..QUEUED_COMMITS_MAX).map(|n| commit(&n.to_string(), 0)).collect();
        let outcomes = append_while_locked(&path, &log, &commits).await;
        assert!(outcomes.iter().all(Result::is_ok));
        // One has taken what was there when it began, and had to wait for the lock.
        let at_most = 1 + QUEUED_COMMITS_MAX.div_ceil(GROUP_COMMITS_MAX);
        assert!(log.transactions() <= at_most as u64, "{} transactions", log.transactions());
    }

    #[tokio::test]
    async fn of_two_writers_in_one_transaction_the_first_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let log = SqliteLog::open(&path).unwrap();
        let [first, second] = [commit("a", 0), commit("a", 0)];
        let commits = [commit("b", 0), first.clone(), second, first.clone(), commit("a", 1)];
        let outcomes = append_while_locked(&path, &log, &commits).await;
        assert!(matches!(outcomes[..], [Ok(()), Ok(()), Err(StoreError::Conflict), Ok(()), Ok(())]), "{outcomes:?}");
        assert!(log.transactions() <= 2);
        assert_eq!(log.load(&first.stream, Some(Version::FIRST)).await.unwrap(), [first]);
    }

    #[tokio::test]
    async fn a_version_that_does_not_follow_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(&folder.path().join("tender.db")).unwrap();
        log.append(&commit("a", 0)).await.unwrap();
        for (name, version) in [("a", 2), ("b", 1)] {
            let outcome = log.append(&commit(name, version)).await;
            assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
        }
        log.append(&commit("a", 1)).await.unwrap();
    }

    #[tokio::test]
    async fn more_commits_than_the_queue_holds_are_written_too() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(&folder.path().join("tender.db")).unwrap();
        let commits: Vec<_> = (0..2 * QUEUED_COMMITS_MAX).map(|n| commit(&n.to_string(), 0)).collect();
        let outcomes = join_all(commits.iter().map(|commit| log.append(commit))).await;
        assert!(outcomes.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn two_logs_on_one_file_keep_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let [one, other] = [SqliteLog::open(&path).unwrap(), SqliteLog::open(&path).unwrap()];
        for v in 0..20 {
            let [ours, theirs] = [commit("a", v), commit("a", v)];
            let outcomes = tokio::join!(one.append(&ours), other.append(&theirs));
            assert!(
                matches!(outcomes, (Ok(()), Err(StoreError::Conflict)) | (Err(StoreError::Conflict), Ok(()))),
                "{outcomes:?}"
            );
            assert_eq!(one.load(&ours.stream, None).await.unwrap(), other.load(&ours.stream, None).await.unwrap());
        }
    }

    #[tokio::test]
    async fn what_was_acknowledged_survives_kill_9() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let mut writer = this_test("contract::sqlite_file::writes_until_it_is_killed")
            .env(FILE_VARIABLE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stderr.take().unwrap()).lines();
        let mut acknowledged: Vec<_> = lines.by_ref().take(500).map(Result::unwrap).collect();
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it has told since then counts as well, except for a line that was cut off.
        acknowledged
            .extend(lines.map_while(Result::ok).filter_map(|line| Some(line.strip_suffix('.')?.to_owned() + ".")));
        assert!(acknowledged.len() >= 500, "it ended by itself: {acknowledged:?}");
        let log = SqliteLog::open(&path).unwrap();
        for name in &acknowledged {
            let commits = log.load(&stream(name.strip_suffix('.').unwrap()), None).await.unwrap();
            assert_eq!(versions(&commits), [0], "{name}");
        }
    }

    /// Says on standard error which streams it has begun.
    #[tokio::test(flavor = "multi_thread")]
    async fn writes_until_it_is_killed() {
        let Ok(path) = std::env::var(FILE_VARIABLE) else { return };
        let log = SqliteLog::open(Path::new(&path)).unwrap();
        stream::iter(0_u64..)
            .map(|n| {
                let log = &log;
                async move {
                    log.append(&commit(&n.to_string(), 0)).await.unwrap();
                    n
                }
            })
            .buffer_unordered(8)
            .for_each(async |n| writeln!(std::io::stderr(), "{n}.").unwrap())
            .await;
    }

    #[test]
    fn an_empty_file_becomes_a_tender_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        std::fs::write(&path, []).unwrap();
        SqliteLog::open(&path).unwrap();
    }

    #[test]
    fn garbage_is_not_a_tender_file() {
        let folder = tempfile::tempdir().unwrap();
        for length in [1, 99, 100, 5_000, 100_000] {
            let path = folder.path().join(format!("{length}.db"));
            let garbage = text_of(length);
            std::fs::write(&path, &garbage).unwrap();
            assert_not_a_tender_file(&path);
            assert!(std::fs::read(&path).unwrap() == garbage.as_bytes(), "it was changed");
        }
    }

    #[test]
    fn the_database_of_another_program_is_not_a_tender_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE commits(id)").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_not_a_tender_file(&path);
        assert!(std::fs::read(&path).unwrap() == before, "it was changed");
    }

    #[tokio::test]
    async fn a_tender_file_that_was_cut_off_is_not_a_tender_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let log = SqliteLog::open(&path).unwrap();
        append_all(&log, (0..100).map(|v| Commit { events: text_of(1_000), ..commit("a", v) })).await;
        drop(log);
        let whole = std::fs::read(&path).unwrap();
        for length in [50, 512, 4_096, whole.len() / 2, whole.len() - 4_096] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_not_a_tender_file(&path);
        }
    }

    #[tokio::test]
    async fn a_tender_file_that_was_written_over_is_not_a_tender_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let log = SqliteLog::open(&path).unwrap();
        append_all(&log, (0..100).map(|v| Commit { events: text_of(1_000), ..commit("a", v) })).await;
        drop(log);
        let mut bytes = std::fs::read(&path).unwrap();
        // All but the first page, which says what the file is.
        bytes[4_096..].fill(b'x');
        std::fs::write(&path, &bytes).unwrap();
        assert_not_a_tender_file(&path);
    }

    #[test]
    fn a_file_of_a_newer_tender_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        drop(SqliteLog::open(&path).unwrap());
        rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = SqliteLog::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::NewerVersion { version: 99, .. }), "{error:?}");
        assert_told_in_one_line(&error, &path);
    }

    #[test]
    fn what_cannot_be_opened_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, []).unwrap();
        // Neither may be written by anyone, not even by root.
        let nowhere = Path::new("/proc/tender.db").to_owned();
        let no_folder = folder.path().join("missing").join("tender.db");
        for path in [no_folder, folder.path().to_owned(), file.join("tender.db"), nowhere] {
            let error = SqliteLog::open(&path).unwrap_err();
            assert!(matches!(error, OpenError::CannotOpen { .. }), "{error:?}");
            assert_told_in_one_line(&error, &path);
        }
    }

    #[tokio::test]
    async fn a_row_that_the_engine_did_not_write_is_corrupt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tender.db");
        let log = SqliteLog::open(&path).unwrap();
        let row = "INSERT INTO commits(stream, version, id, at, events) VALUES (?1, 0, x'00', 0, '[]')";
        rusqlite::Connection::open(&path).unwrap().execute(row, [stream("a").as_str()]).unwrap();
        assert!(matches!(log.load(&stream("a"), None).await, Err(StoreError::Corrupt(_))));
        assert_conflict(log.append(&commit("a", 0)).await);
    }

    /// Appends while somebody else holds the lock, so that all but the first few are in one queue.
    async fn append_while_locked(path: &Path, log: &SqliteLog, commits: &[Commit]) -> Vec<Result<(), StoreError>> {
        let lock = rusqlite::Connection::open(path).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        // Without tokio's budget, which would end the first poll before all of them are in the queue.
        let appends = tokio::task::unconstrained(join_all(commits.iter().map(|commit| log.append(commit))));
        let mut appends = std::pin::pin!(appends);
        assert!(appends.as_mut().now_or_never().is_none());
        drop(lock);
        appends.await
    }

    fn assert_not_a_tender_file(path: &Path) {
        let error = SqliteLog::open(path).unwrap_err();
        assert!(matches!(error, OpenError::NotATenderFile { .. }), "{error:?}");
        assert_told_in_one_line(&error, path);
    }

    fn assert_told_in_one_line(error: &OpenError, path: &Path) {
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()) && !text.contains('\n'), "{text}");
    }
}

/// What only DynamoDB, or the way to it, can break.
mod dynamo_table {
    use super::*;

    #[tokio::test]
    async fn a_store_out_of_reach_is_unavailable() {
        let log = DynamoLog::new(dynamo::client("http://127.0.0.1:1"), "tender");
        let outcomes = [log.append(&commit("a", 0)).await, log.load(&stream("a"), None).await.map(drop)];
        for outcome in outcomes {
            let Err(StoreError::Unavailable(text)) = outcome else { panic!("{outcome:?}") };
            assert!(text.contains("refused"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_unexpected_answer_is_unavailable() {
        let dynamo = dynamo::start().await;
        let log = DynamoLog::new(dynamo.client.clone(), "another-table");
        let outcome = log.append(&commit("a", 0)).await;
        let Err(StoreError::Unavailable(text)) = outcome else { panic!("{outcome:?}") };
        assert!(text.contains("ResourceNotFoundException"), "{text}");
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "no other writer writes it wrongly")]
    async fn an_item_that_the_engine_did_not_write_is_corrupt() {
        use aws_sdk_dynamodb::types::AttributeValue;

        let dynamo = dynamo::start().await;
        let put = dynamo.client.put_item().table_name(&dynamo.table);
        let put = put.item("pk", AttributeValue::S(stream("a").to_string()));
        put.item("sk", AttributeValue::N("0".to_owned())).send().await.unwrap();
        let log = DynamoLog::new(dynamo.client.clone(), &dynamo.table);
        let outcomes = [log.load(&stream("a"), None).await.map(drop), log.append(&commit("a", 0)).await];
        for outcome in outcomes {
            assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_client_is_made_from_environment_variables() {
        let dynamo = dynamo::start().await;
        let mut child = this_test("contract::dynamo_table::writes_with_a_client_from_environment_variables");
        child
            .env_clear()
            .env(CHILD_VARIABLE, "1")
            .env("AWS_ENDPOINT_URL", &dynamo.endpoint)
            .env("AWS_REGION", dynamo::REGION)
            .env("AWS_ACCESS_KEY_ID", dynamo::CREDENTIALS.0)
            .env("AWS_SECRET_ACCESS_KEY", dynamo::CREDENTIALS.1);
        let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{output:?}");
        let log = DynamoLog::new(dynamo.client.clone(), &dynamo.table);
        assert_eq!(log.load(&stream("a"), None).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn writes_with_a_client_from_environment_variables() {
        if std::env::var_os(CHILD_VARIABLE).is_some() {
            let log = DynamoLog::new(aws::Clients::from_env().unwrap().dynamo(), "tender");
            log.append(&commit("a", 0)).await.unwrap();
        }
    }
}

fn stream(name: &str) -> StreamId {
    StreamId::shared("test", name)
}

fn version(version: u16) -> Version {
    Version::try_new(version).unwrap()
}

fn another_id() -> [u8; 16] {
    let mut id = [0; 16];
    app::Random::fill(&OsRandom, &mut id);
    id
}

/// A commit unlike any other.
fn commit(name: &str, v: u16) -> Commit {
    let id = another_id();
    let events = format!("[{:?}]", u128::from_be_bytes(id));
    Commit {
        stream: stream(name),
        version: version(v),
        id,
        at: Time::from_unix_s(u64::from(v)),
        events,
        snapshot: None,
        list: None,
    }
}

fn with_snapshot(v: u16) -> Commit {
    Commit { snapshot: Some(format!("{{\"version\":{v}}}")), ..commit("a", v) }
}

/// Text that is not the same all over.
fn text_of(length: usize) -> String {
    ('!'..='~').cycle().take(length).collect()
}

fn versions(commits: &[Commit]) -> Vec<u16> {
    commits.iter().map(|commit| commit.version.get()).collect()
}

async fn loaded(log: &Arc<dyn CommitLog>, up_to: Option<u16>) -> Vec<u16> {
    versions(&log.load(&stream("a"), up_to.map(version)).await.unwrap())
}

async fn append_all(log: &dyn CommitLog, commits: impl IntoIterator<Item = Commit>) {
    for commit in commits {
        log.append(&commit).await.unwrap();
    }
}

#[track_caller]
fn assert_conflict(outcome: Result<(), StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Conflict)), "{outcome:?}");
}

/// Set in a process that a test started, so that a test which is that process's work does nothing in this one.
const CHILD_VARIABLE: &str = "TENDER_TEST_CHILD";

/// This program again, doing the work of one test.
fn this_test(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name]).env(CHILD_VARIABLE, "1");
    command
}
