//! An office in virtual time over a faulty network, on real shards: whatever happens, the lamps
//! are right in the end, and nothing happens on the way that must not.
//!
//! A seed decides everything. One that fails is printed, and replays with
//! `WORLD_SEED=123 cargo test --test world`; `WORLD_TRACE=1` shows its traffic.
//! `WORLD_SEEDS=2000` lives through more of them than usual (`make world`), `WORLD_MINUTES=60`
//! through as many as there is time for (`make soak`), and `WORLD_FROM=5000` begins with another.

mod agenda;
mod agent;
mod calls;
mod chance;
mod client;
mod inspector;
mod lamp;
mod ledger;
mod letter;
mod network;
mod office;
mod phone;
mod publisher;
mod shown;
mod told;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use office::Office;

/// Seeds lived through by default.
const SEEDS: u64 = 100;

#[test]
#[allow(clippy::disallowed_methods, reason = "a soak ends by the clock of people")]
fn the_lamps_are_right_whatever_happens() {
    if let Some(seed) = number("WORLD_SEED") {
        return Office::new(seed, number("WORLD_TRACE").is_some()).live();
    }
    let first = number("WORLD_FROM").unwrap_or(0);
    let minutes = number("WORLD_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let count = number("WORLD_SEEDS").or(minutes.map(|_| u64::MAX)).unwrap_or(SEEDS);
    let over = minutes.map(|minutes| Instant::now() + minutes);
    let (next, end) = (AtomicU64::new(first), first.saturating_add(count));
    let goes_on = |seed| seed < end && over.is_none_or(|over| Instant::now() < over);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| worker(&next, goes_on))).collect();
        let found = workers.into_iter().flat_map(|w| w.join().expect("it catches panics"));
        found.collect::<Vec<u64>>()
    });
    for seed in &failed {
        eprintln!("seed {seed} failed: WORLD_SEED={seed} cargo test --test world");
    }
    let lived = next.into_inner().saturating_sub(first).saturating_sub(threads as u64);
    println!("{lived} offices, from seed {first} on");
    assert!(failed.is_empty(), "{} of {lived} offices failed: {failed:?}", failed.len());
}

#[test]
fn a_seed_replays() {
    let lives = [3, 3].map(|seed| {
        let mut office = Office::new(seed, false);
        let _ = catch_unwind(AssertUnwindSafe(|| office.live()));
        office.mark()
    });
    assert_eq!(lives[0], lives[1], "the same seed, the same octets");
}

/// Lives through seeds while it goes on; returns those that failed.
fn worker(next: &AtomicU64, goes_on: impl Fn(u64) -> bool) -> Vec<u64> {
    let mut failed = Vec::new();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if !goes_on(seed) {
            return failed;
        }
        let life = AssertUnwindSafe(|| Office::new(seed, false).live());
        if catch_unwind(life).is_err() {
            eprintln!("in the office of seed {seed}: WORLD_SEED={seed} cargo test --test world");
            failed.push(seed);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
