//! `simulator`: runs seeds and prints what came of them.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use simulator::{Bug, Summary, simulate, table};

/// Runs the engine in a simulated world, once for each seed.
#[derive(Parser)]
#[command(name = "simulator")]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// With a planted bug, to see it caught: outcome-before-call, refund-not-idempotent, cursor-before-send,
    /// version-check-removed, release-skipped-on-refusal, key-not-passed-on, landed-taken-for-lost,
    /// reversal-of-one, own-webhook-forgotten, event-renamed, late-work-dropped or lookup-does-not-bar.
    #[arg(long)]
    bug: Option<Bug>,
}

fn main() -> ExitCode {
    let Arguments { seed, seeds, bug } = Arguments::parse();
    let begun = Instant::now();
    let next = AtomicU64::new(seed);
    let end = seed.saturating_add(seeds);
    let all = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut mine = Summary::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    mine.add(simulate(seed, bug));
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).add(mine);
            });
        }
    });
    let summary = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let text = format!("{}{:>12} ms\n", table(&summary), begun.elapsed().as_millis());
    let _ = io::stdout().write_all(text.as_bytes());
    if summary.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
