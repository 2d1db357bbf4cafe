//! Lists of commits by time: what every commit log keeps, run against each.

use std::{collections::BTreeSet, sync::Arc};

use app::{
    CommitLog, StreamId,
    ports::{Commit, Page, Place},
};
use aws::DynamoLog;
use domain::{Time, Version};
use embedded::SqliteLog;
use tests::dynamo;

macro_rules! every_commit_log_keeps {
    ($($rule:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $rule() {
                    let folder = tempfile::tempdir().unwrap();
                    let log = super::SqliteLog::open(&folder.path().join("tender.db")).unwrap();
                    super::$rule(super::Arc::new(log)).await;
                }
            )*
        }

        mod on_dynamo {
            $(
                #[tokio::test]
                async fn $rule() {
                    let dynamo = super::dynamo::start().await;
                    super::$rule(super::Arc::new(super::DynamoLog::new(dynamo.client.clone(), &dynamo.table))).await;
                }
            )*
        }
    };
}

every_commit_log_keeps! {
    a_list_has_its_commits_by_time
    what_is_listed_is_the_whole_commit
    a_list_goes_on_behind_any_commit
    commits_of_one_time_are_all_listed
    a_list_goes_on_from_outside_of_what_is_asked_for
    a_list_of_much_is_listed_whole
}

fn commit(stream: &str, version: u16, seconds: u64, list: Option<&str>) -> Commit {
    Commit {
        stream: StreamId::shared("test", stream),
        version: Version::try_new(version).unwrap(),
        id: [7; 16],
        at: Time::from_unix_s(seconds),
        events: "[]".to_owned(),
        snapshot: None,
        list: list.map(str::to_owned),
    }
}

fn page(since: u64, newest_first: bool, after: Option<&Commit>, limit: u16) -> Page {
    Page { since: Time::from_unix_s(since), newest_first, after: after.map(Place::of), limit }
}

async fn append_all(log: &dyn CommitLog, commits: &[Commit]) {
    for commit in commits {
        log.append(commit).await.unwrap();
    }
}

/// The seconds of what is listed.
async fn seconds(log: &dyn CommitLog, list: &str, page: &Page) -> Vec<u64> {
    log.list(list, page).await.unwrap().iter().map(|commit| commit.at.unix_s()).collect()
}

async fn a_list_has_its_commits_by_time(log: Arc<dyn CommitLog>) {
    let commits = [
        commit("a", 0, 30, Some("one")),
        commit("a", 1, 10, Some("one")),
        commit("a", 2, 15, None),
        commit("b", 0, 20, Some("one")),
        commit("b", 1, 25, Some("another")),
    ];
    append_all(&*log, &commits).await;
    assert_eq!(seconds(&*log, "one", &page(0, false, None, 9)).await, [10, 20, 30]);
    assert_eq!(seconds(&*log, "one", &page(0, true, None, 9)).await, [30, 20, 10]);
    assert_eq!(seconds(&*log, "one", &page(20, false, None, 9)).await, [20, 30]);
    assert_eq!(seconds(&*log, "one", &page(20, true, None, 9)).await, [30, 20]);
    assert_eq!(seconds(&*log, "one", &page(0, true, None, 2)).await, [30, 20]);
    assert_eq!(seconds(&*log, "one", &page(31, true, None, 9)).await, [0; 0]);
    assert_eq!(seconds(&*log, "another", &page(0, true, None, 9)).await, [25]);
    assert_eq!(seconds(&*log, "none", &page(0, true, None, 9)).await, [0; 0]);
    assert_eq!(seconds(&*log, "one", &page(0, true, None, 0)).await, [0; 0]);
}

async fn what_is_listed_is_the_whole_commit(log: Arc<dyn CommitLog>) {
    let listed = Commit {
        at: Time::from_unix_ms(1_769_860_800_123),
        events: r#"[{"by":"Zoë"}]"#.to_owned(),
        snapshot: Some("{}".to_owned()),
        ..commit("a", 0, 0, Some("one"))
    };
    let unlisted = commit("a", 1, 0, None);
    append_all(&*log, &[listed.clone(), unlisted.clone()]).await;
    let found = log.list("one", &page(0, true, None, 9)).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&listed));
    assert_eq!(log.load(&listed.stream, None).await.unwrap(), [unlisted, listed], "its list is loaded with it");
}

async fn a_list_goes_on_behind_any_commit(log: Arc<dyn CommitLog>) {
    let commits = (0..7).map(|v| commit("a", v, u64::from(v), Some("one"))).collect::<Vec<_>>();
    append_all(&*log, &commits).await;
    for newest_first in [false, true] {
        let mut expected = commits.clone();
        if newest_first {
            expected.reverse();
        }
        let mut listed = Vec::<Commit>::new();
        loop {
            let next = log.list("one", &page(0, newest_first, listed.last(), 3)).await.unwrap();
            if next.is_empty() {
                break;
            }
            listed.extend(next);
        }
        assert_eq!(listed, expected);
    }
    let never_written = commit("a", 9, 3, Some("one"));
    assert_eq!(seconds(&*log, "one", &page(0, true, Some(&never_written), 9)).await.last(), Some(&0));
}

async fn commits_of_one_time_are_all_listed(log: Arc<dyn CommitLog>) {
    let streams = ["a", "b", "c"];
    let commits = streams.iter().flat_map(|stream| (0..4).map(|v| commit(stream, v, 5, Some("one"))));
    append_all(&*log, &commits.collect::<Vec<_>>()).await;
    for newest_first in [false, true] {
        let mut listed = Vec::<Commit>::new();
        loop {
            let next = log.list("one", &page(5, newest_first, listed.last(), 5)).await.unwrap();
            if next.is_empty() {
                break;
            }
            listed.extend(next);
        }
        let places = listed.iter().map(|commit| (commit.stream.to_string(), commit.version)).collect::<BTreeSet<_>>();
        assert_eq!((listed.len(), places.len()), (12, 12), "each once");
    }
}

async fn a_list_goes_on_from_outside_of_what_is_asked_for(log: Arc<dyn CommitLog>) {
    let commits = (0..4).map(|v| commit("a", v, u64::from(v), Some("one"))).collect::<Vec<_>>();
    append_all(&*log, &commits).await;
    assert_eq!(seconds(&*log, "one", &page(2, false, commits.first(), 9)).await, [2, 3]);
    assert_eq!(seconds(&*log, "one", &page(2, true, commits.first(), 9)).await, [0; 0]);
    assert_eq!(seconds(&*log, "one", &page(2, true, commits.get(2), 9)).await, [0; 0], "the last of them");
    assert_eq!(seconds(&*log, "one", &page(2, false, commits.get(2), 9)).await, [3]);
}

async fn a_list_of_much_is_listed_whole(log: Arc<dyn CommitLog>) {
    // More than the megabyte that DynamoDB answers at once.
    let large = |v| Commit { events: "x".repeat(300_000), ..commit("a", v, u64::from(v), Some("one")) };
    append_all(&*log, &(0..8).map(large).collect::<Vec<_>>()).await;
    assert_eq!(seconds(&*log, "one", &page(0, true, None, 7)).await, [7, 6, 5, 4, 3, 2, 1]);
}
