//! What keeping costs, in CPU over all threads: run when asked for, with a release build.
//!
//! `cargo test --release --test store_cost -- --ignored --nocapture --test-threads 1`
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanal::base::flow::Transport;
use fanal::base::identity::{Aor, EntityTag, Identity};
use fanal::base::media::MediaType;
use fanal::base::mint::{HomeHash, LocalTag};
use fanal::base::time::Wall;
use fanal::dialog::DialogParts;
use fanal::event::profile::Profile;
use fanal::shard::record::{FlowRecord, PublicationRecord, SubscriptionRecord};
use fanal::shard::{Change, Record, RecordKey, Store};
use fanal::store::{self, Config, Durability, Embedded, Kind, keeper};
use fanal::transaction::Ticket;

const UNTIL: Wall = Wall::from_unix_millis(4_000_000_000_000);

fn publication(number: usize) -> Change {
    Change::Put(Record::Publication(PublicationRecord {
        aor: Aor::from_parts(&format!("user{}", number % 5000), "pbx.example.com"),
        number: 1,
        package: "dialog".to_owned(),
        tag: EntityTag(number as u128),
        until: UNTIL,
        updated: UNTIL,
        publisher: "sip:pbx.example.com".to_owned(),
        media: MediaType::DialogInfo,
        charset: None,
        body: Bytes::from(vec![b'x'; 520]),
    }))
}

fn aor(number: usize) -> Aor {
    Aor::from_parts(&format!("user{}", number / 10), "pbx.example.com")
}

fn subscription(number: usize) -> [Change; 2] {
    let put = Change::Put(Record::Subscription(Box::new(SubscriptionRecord {
        aor: aor(number),
        package: "dialog".to_owned(),
        event: "dialog".to_owned(),
        media: MediaType::DialogInfo,
        profile: Profile::default(),
        entity: format!("sip:user{}@pbx.example.com", number / 10),
        watcher: Identity::User(aor(number + 17)),
        dialog: DialogParts {
            tag: LocalTag { home: HomeHash(number as u32), unique: number as u64 * 7919 },
            cseq: 100,
            remote_cseq: 1,
            target: format!("sip:watcher{number}@192.0.2.1:5060;transport=udp"),
            route: Vec::new(),
            call_id: format!("{number:032x}@192.0.2.1"),
            local: b"<sip:user10@pbx.example.com>".to_vec(),
            remote: b"\"A Watcher\" <sip:watcher10@pbx.example.com>;tag=1928301774".to_vec(),
            remote_tag: "1928301774".to_owned(),
        },
        version: 100,
        until: UNTIL,
        flow: FlowRecord {
            transport: Transport::Udp,
            local: ([192, 0, 2, 9], 5060).into(),
            peer: ([192, 0, 2, 1], 5060).into(),
        },
        origin: [192, 0, 2, 77].into(),
    })));
    let key = RecordKey::Subscription(aor(number), number as u64 * 7919);
    [put, Change::Reserve { key, cseq: 200, version: 200 }]
}

/// CPU of the process so far, over all threads, those that ended too.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("ticks");
    Duration::from_millis((ticks(12) + ticks(13)) * 10)
}

/// A data directory to measure in: `BENCH_DIR` names the disk.
struct Bench {
    path: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Bench {
        let top = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = top.join(format!("fanal-cost-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Bench { path }
    }

    /// Hands batches over as a shard would, one a turn; tells the CPU per change without the
    /// cost of making the changes, and how long one turn in a hundred waited.
    fn run(
        &self,
        durability: Durability,
        turns: usize,
        every: Duration,
        batch: impl Fn(usize) -> Vec<Change>,
    ) {
        let before = cpu();
        let mut changes = 0;
        for turn in 0..turns {
            changes += std::hint::black_box(batch(turn)).len();
        }
        let making = cpu() - before;

        let config = Config { kind: Kind::Embedded, path: self.path.clone(), durability };
        let opened = store::open(&config).expect("a store");
        let (wake, woken) = channel();
        let tell = move |_| wake.send(()).expect("heard");
        let (mut keepers, writing) = keeper::start(&config, opened, 1, tell).expect("a thread");
        let (before, started) = (cpu(), Instant::now());
        let mut waits = Vec::new();
        for turn in 0..turns {
            let due = every * u32::try_from(turn).expect("few");
            if let Some(left) = due.checked_sub(started.elapsed()) {
                std::thread::sleep(left);
            }
            let ticket = Ticket(turn as u64 + 1);
            keepers[0].keep(ticket, batch(turn));
            if turn % 97 == 0 {
                let at = Instant::now();
                while keepers[0].must_wait(ticket) {
                    woken.recv().expect("told");
                }
                waits.push(at.elapsed());
            }
        }
        drop(keepers);
        writing.finish();
        let spent = (cpu() - before).saturating_sub(making);
        waits.sort();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        println!(
            "  {durability:?}, {:>3} a turn: {:.2} us CPU a change, {:.0} changes/s, wait p50 \
             {:?} p99 {:?}",
            changes / turns,
            spent.as_secs_f64() * 1e6 / changes as f64,
            changes as f64 / started.elapsed().as_secs_f64(),
            at(50),
            at(99)
        );
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[test]
#[ignore = "measures; run it alone"]
fn publications_in_a_storm() {
    for durability in [Durability::Acked, Durability::Relaxed, Durability::Synced] {
        for size in [1, 8, 32, 128] {
            let bench = Bench::new("storm");
            bench.run(durability, 300_000 / size, Duration::ZERO, |turn| {
                (0..size).map(|n| publication(turn * size + n)).collect()
            });
        }
    }
}

#[test]
#[ignore = "measures; run it alone"]
fn publications_at_a_rate() {
    for rate in [1000, 5000, 20_000] {
        println!(" {rate} a second, one a turn");
        for durability in [Durability::Acked, Durability::Relaxed, Durability::Synced] {
            let bench = Bench::new("rate");
            let every = Duration::from_secs(1) / rate;
            bench.run(durability, rate as usize * 3, every, |turn| vec![publication(turn)]);
        }
    }
}

#[test]
#[ignore = "measures; run it alone"]
fn subscriptions_and_a_fold() {
    const COUNT: usize = 50_000;
    let bench = Bench::new("subscriptions");
    bench.run(Durability::Acked, COUNT / 25, Duration::ZERO, |turn| {
        (0..25).flat_map(|n| subscription(turn * 25 + n)).collect()
    });
    let mut store = Embedded::open(&bench.path).expect("a store");
    let (before, started) = (cpu(), Instant::now());
    let octets = store.compact().expect("folded");
    let (spent, took) = (cpu() - before, started.elapsed());
    let each = spent.as_secs_f64() * 1e6 / COUNT as f64;
    println!("  folded to {octets} octets: {each:.2} us CPU a record, {took:?}");
    drop(store);
    let (before, started) = (cpu(), Instant::now());
    let mut store = Embedded::open(&bench.path).expect("a store");
    let mut records = 0;
    store.load(&mut |_| records += 1).expect("loaded");
    println!("  read {records} records: {:?} CPU, {:?}", cpu() - before, started.elapsed());
}
