//! The jobs of the embedded store, and its relay's cursor.

use std::path::Path;

use app::{
    CommitLog, OrderKey, StreamId,
    ports::{Commit, Deliver, Job, Queue, Scheduled, Timers, Work},
};
use domain::{MerchantAccount, OrderId, Time, Version};
use embedded::{Line, SqliteLog, Taken};

fn at(second: u64) -> Time {
    Time::from_unix_s(second)
}

fn order(n: u8) -> OrderKey {
    OrderKey { merchant: MerchantAccount::try_new("Shop").unwrap(), id: OrderId::from_entropy([n; 16]) }
}

fn work(n: u8, tries: u16, due: u64) -> Scheduled {
    let OrderKey { merchant, id } = order(n);
    Scheduled { job: Job::Work(Work { merchant, order: id.reference(), tries }), due: at(due) }
}

fn deliver(endpoint: &str, n: u8, due: u64) -> Scheduled {
    let OrderKey { merchant, id } = order(n);
    let deliver = Deliver { merchant, endpoint: endpoint.to_owned(), order: Some(id.reference()) };
    Scheduled { job: Job::Deliver(deliver), due: at(due) }
}

fn open(folder: &Path) -> SqliteLog {
    SqliteLog::open(&folder.join("tender.db")).unwrap()
}

fn due(log: &SqliteLog, line: Line, now: u64) -> Vec<Taken> {
    log.due(line, at(now), "", &|_| usize::MAX, &|_| false).unwrap().jobs
}

fn jobs(taken: &[Taken]) -> Vec<Job> {
    taken.iter().map(|taken| taken.job.clone()).collect()
}

#[tokio::test]
async fn a_job_is_done_from_its_time_on_and_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.send(&[work(1, 0, 20), work(2, 0, 10)]).await.unwrap();
    assert_eq!(jobs(&due(&log, Line::Work, 9)), []);
    assert_eq!(jobs(&due(&log, Line::Work, 10)), [work(2, 0, 10).job]);
    drop(log);
    let log = open(folder.path());
    assert_eq!(jobs(&due(&log, Line::Work, 20)), [work(2, 0, 10).job, work(1, 0, 20).job], "the longest due first");
    assert_eq!(log.next_due(at(10)).unwrap(), Some(at(20)));
    assert_eq!(log.next_due(at(20)).unwrap(), None);
}

#[tokio::test]
async fn a_job_sent_twice_is_one_job_at_the_earlier_time() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.send(&[work(1, 7, 10)]).await.unwrap();
    log.send(&[work(1, 0, 30)]).await.unwrap();
    let taken = due(&log, Line::Work, 10);
    assert_eq!(jobs(&taken), [work(1, 0, 0).job], "as it was sent last");
}

#[tokio::test]
async fn a_job_sent_while_it_is_done_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    for again in [None, Some(work(1, 1, 1_000))] {
        log.send(&[work(1, 0, 10)]).await.unwrap();
        let [taken] = <[Taken; 1]>::try_from(due(&log, Line::Work, 10)).unwrap();
        log.send(&[work(1, 0, 12)]).await.unwrap();
        log.finish(taken, again.as_ref()).await.unwrap();
        let [taken] = <[Taken; 1]>::try_from(due(&log, Line::Work, 12)).unwrap();
        log.finish(taken, None).await.unwrap();
        assert_eq!(jobs(&due(&log, Line::Work, 9_999)), []);
    }
}

#[tokio::test]
async fn a_job_that_leaves_something_comes_back_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.send(&[work(1, 0, 10)]).await.unwrap();
    let [taken] = <[Taken; 1]>::try_from(due(&log, Line::Work, 10)).unwrap();
    log.finish(taken, Some(&work(1, 1, 40))).await.unwrap();
    assert_eq!(jobs(&due(&log, Line::Work, 39)), []);
    assert_eq!(jobs(&due(&log, Line::Work, 40)), [work(1, 1, 40).job]);
}

#[tokio::test]
async fn a_timer_goes_off_at_the_time_it_was_set_to_last() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.set(&order(1), at(10)).await.unwrap();
    log.set(&order(1), at(30)).await.unwrap();
    log.set(&order(2), at(10)).await.unwrap();
    log.clear(&order(2)).await.unwrap();
    log.clear(&order(3)).await.unwrap();
    assert_eq!(jobs(&due(&log, Line::Expire, 29)), []);
    assert_eq!(jobs(&due(&log, Line::Expire, 30)), [work(1, 0, 30).job]);
    assert_eq!(jobs(&due(&log, Line::Work, 30)), [], "a timer is no work yet");
}

#[tokio::test]
async fn a_lane_gives_what_there_is_room_for_however_much_waits_in_others() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let slow = (0..200).map(|n| deliver("we_slow", n, 1)).collect::<Vec<_>>();
    log.send(&slow).await.unwrap();
    log.send(&[deliver("we_quick", 1, 5)]).await.unwrap();
    let room = |lane: &str| if lane == "we_slow" { 2 } else { 8 };
    let taken = log.due(Line::Deliver, at(9), "", &room, &|_| false).unwrap().jobs;
    let lanes = taken.iter().map(|taken| taken.lane.as_str()).collect::<Vec<_>>();
    assert_eq!(lanes, ["we_quick", "we_slow", "we_slow"]);
    let names = taken.iter().map(|taken| taken.name.clone()).collect::<Vec<_>>();
    let others =
        log.due(Line::Deliver, at(9), "", &room, &|name| names.iter().any(|known| known == name)).unwrap().jobs;
    assert_eq!(others.len(), 2, "those being done are passed over");
    assert!(others.iter().all(|taken| !names.contains(&taken.name)));
}

#[tokio::test]
async fn every_lane_is_looked_into_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let jobs = ["we_a", "we_b", "we_c"].map(|endpoint| deliver(endpoint, 1, 1));
    log.send(&jobs).await.unwrap();
    for (after, expected) in [
        ("", ["we_a", "we_b", "we_c"]),
        ("we_a", ["we_b", "we_c", "we_a"]),
        ("we_b", ["we_c", "we_a", "we_b"]),
        ("we_bb", ["we_c", "we_a", "we_b"]),
        ("we_c", ["we_a", "we_b", "we_c"]),
        ("we_d", ["we_a", "we_b", "we_c"]),
    ] {
        let due = log.due(Line::Deliver, at(9), after, &|_| 1, &|_| false).unwrap();
        assert_eq!(due.jobs.iter().map(|taken| taken.lane.as_str()).collect::<Vec<_>>(), expected, "after {after:?}");
        assert_eq!(due.left_off, None);
    }
}

/// However many lanes wait for later, those behind them are found.
#[tokio::test]
async fn where_the_lanes_were_left_off_is_where_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let many = usize::from(embedded::LANES_AT_ONCE_MAX);
    let later = (0..many).map(|n| deliver(&format!("we_{n:05}"), 1, 1_000)).collect::<Vec<_>>();
    log.send(&later).await.unwrap();
    log.send(&[deliver("we_last", 1, 1)]).await.unwrap();
    let first = log.due(Line::Deliver, at(9), "", &|_| 1, &|_| false).unwrap();
    assert_eq!((first.jobs.len(), first.left_off.as_deref()), (0, Some(format!("we_{:05}", many - 1).as_str())));
    let then = log.due(Line::Deliver, at(9), &first.left_off.unwrap(), &|_| 1, &|_| false).unwrap();
    assert_eq!(then.jobs.iter().map(|taken| taken.lane.as_str()).collect::<Vec<_>>(), ["we_last"]);
}

fn commit(n: u16) -> Commit {
    Commit {
        stream: StreamId::shared("test", "cursor"),
        version: Version::try_new(n).unwrap(),
        id: [u8::try_from(n).unwrap(); 16],
        at: at(u64::from(n)),
        events: "[]".to_owned(),
        snapshot: None,
        list: None,
    }
}

#[tokio::test]
async fn the_relay_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    for n in 0..5 {
        log.append(&commit(n)).await.unwrap();
    }
    let commits = log.unrelayed(3).unwrap();
    assert_eq!(commits.iter().map(|(_, commit)| commit.version.get()).collect::<Vec<_>>(), [0, 1, 2]);
    let seen = commits[1].0;
    log.move_cursor(seen).await.unwrap();
    drop(log);
    let log = open(folder.path());
    let commits = log.unrelayed(9).unwrap();
    assert_eq!(commits.iter().map(|(_, commit)| commit.version.get()).collect::<Vec<_>>(), [2, 3, 4]);
    log.move_cursor(seen - 1).await.unwrap();
    assert_eq!(log.unrelayed(9).unwrap().len(), 3, "it never goes back");
}

/// The tables of the first version, as it made them.
const VERSION_1: &str = "
    CREATE TABLE commits(
        seq      INTEGER PRIMARY KEY AUTOINCREMENT,
        stream   TEXT    NOT NULL,
        version  INTEGER NOT NULL,
        id       BLOB    NOT NULL,
        at       INTEGER NOT NULL,
        events   TEXT    NOT NULL,
        snapshot TEXT,
        UNIQUE(stream, version)
    ) STRICT;
    PRAGMA application_id = 0x546e6472;
    PRAGMA user_version = 1;
    INSERT INTO commits(stream, version, id, at, events) VALUES
        ('@test/cursor', 0, x'00000000000000000000000000000000', 0, '[]');
";

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(folder.path().join("tender.db")).unwrap().execute_batch(VERSION_1).unwrap();
    for _ in 0..2 {
        let log = open(folder.path());
        assert_eq!(log.unrelayed(9).unwrap(), [(1, commit(0))], "nothing of it was relayed yet");
        log.send(&[work(1, 0, 10)]).await.unwrap();
        assert_eq!(jobs(&due(&log, Line::Work, 10)), [work(1, 0, 10).job]);
    }
}
