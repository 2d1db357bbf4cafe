//! The simulated world: see the crate `simulator`. A failing seed is run again with
//! `cargo run --release -p simulator -- --seed N`.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use simulator::{Bug, Fault, Summary, simulate, table};

/// Seeds of the default run.
const SEEDS: u64 = 2_000;

/// Runs seeds on all cores until all are run, or one `is_enough`.
fn run(seeds: u64, bug: Option<Bug>, is_enough: impl Fn(&Summary) -> bool + Sync) -> Summary {
    let next = AtomicU64::new(0);
    let all = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds || is_enough(&all.lock().unwrap()) {
                        break;
                    }
                    let summary = simulate(seed, bug);
                    all.lock().unwrap().add(summary);
                }
            });
        }
    });
    all.into_inner().unwrap()
}

#[test]
fn every_promise_holds_whatever_goes_wrong() {
    let summary = run(SEEDS, None, |_| false);
    let table = table(&summary);
    assert!(summary.violations.is_empty(), "{table}");
    assert_eq!(summary.seeds, SEEDS);
    for fault in Fault::ALL {
        assert!(summary.faults.get(fault).is_some_and(|count| *count >= 100), "{fault:?} hardly happened: {table}");
    }
    for ending in ["Paid", "Cancelled", "Expired"] {
        assert!(summary.endings.get(ending).is_some_and(|count| *count >= 500), "{ending}: {table}");
    }
    for kind in ["Capture", "Void", "Refund", "Reversal", "AmountUpdate", "TechnicalCancel"] {
        for (ending, least) in [("Success", 500), ("refused", 300)] {
            let count = summary.operations.get(&format!("{kind} {ending}"));
            assert!(count.is_some_and(|count| *count >= least), "{kind} {ending}: {table}");
        }
    }
    for ending in ["Capture Failure", "Capture Conflict", "Refund Failure", "Reversal Conflict"] {
        assert!(summary.operations.contains_key(ending), "{ending}: {table}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 17, 99] {
        assert_eq!(table(&simulate(seed, None)), table(&simulate(seed, None)), "seed {seed}");
    }
}

/// A simulator that finds nothing proves something only if it finds what is there.
#[test]
fn each_planted_bug_is_caught() {
    for bug in Bug::ALL {
        // Caught by the check that is there for it, and not by chance.
        let is_caught =
            |summary: &Summary| summary.violations.iter().any(|(_, violation)| violation.contains(bug.found_by()));
        let summary = run(SEEDS, Some(bug), is_caught);
        assert!(is_caught(&summary), "{bug:?} was not caught in {SEEDS} seeds: {:?}", summary.violations);
    }
}
