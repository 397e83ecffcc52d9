//! Whatever the moment a process dies at, what was promised is there and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use fanal::shard::{Change, Record, RecordKey, Store};

use crate::records::*;

type Content = BTreeMap<RecordKey, Record>;

/// A life of a store, and what was promised when.
struct Life {
    directory: Directory,
    content: Content,
    /// The segment written last, and what was promised at each length of it.
    segment: PathBuf,
    promised: Vec<(usize, Content)>,
}

/// Commits at random, with folds, orderly ends and deaths between.
fn live(seed: u64) -> Life {
    let directory = Directory::new(&format!("crash-{seed}"));
    let mut dice = Dice(seed * 0x9e37_79b9 + 1);
    let mut store = directory.open();
    let mut content = Content::new();
    let (mut segment, mut promised) = (PathBuf::new(), Vec::new());
    for _ in 0..40 + dice.below(20) {
        match dice.below(12) {
            0 => {
                store.compact().expect("folded");
            }
            1 => {
                store.close();
                drop(store);
                store = directory.open();
            }
            2 => {
                drop(store);
                store = directory.open();
            }
            _ => {
                let before = content.clone();
                let batch: Vec<Change> = (0..1 + dice.below(6)).map(|_| dice.change()).collect();
                store.commit(&batch).expect("room");
                batch.iter().for_each(|change| apply(&mut content, change));
                let last = directory.segments().pop().expect("a segment");
                if last != segment {
                    promised = vec![(0, before)];
                    segment = last;
                }
                let octets = fs::read(&segment).expect("readable").len();
                promised.push((octets, content.clone()));
            }
        }
    }
    drop(store);
    Life { directory, content, segment, promised }
}

#[test]
fn at_whatever_octet_a_process_dies_exactly_what_was_promised_is_found() {
    for seed in 1..12 {
        let Life { directory, content, segment, promised } = live(seed);
        assert_eq!(directory.content(), content, "seed {seed}");
        let Ok(octets) = fs::read(&segment) else { continue }; // Folded at the end.
        let from = promised[promised.len().saturating_sub(4)].0;
        for cut in (from..octets.len()).rev() {
            fs::write(&segment, &octets[..cut]).expect("cut");
            let (_, expected) =
                promised.iter().rfind(|(length, _)| *length <= cut).expect("0 at least");
            assert_eq!(directory.content(), *expected, "seed {seed}, cut at {cut}");
        }
    }
}

#[test]
fn after_a_death_life_goes_on_and_may_end_again() {
    for seed in 20..26 {
        let Life { directory, segment, promised, .. } = live(seed);
        let Ok(octets) = fs::read(&segment) else { continue };
        let others = directory.segments();
        for cut in (1..octets.len()).rev().step_by(41) {
            fs::write(&segment, &octets[..cut]).expect("cut");
            let expected = promised.iter().rfind(|(length, _)| *length <= cut);
            let mut expected = expected.expect("0 at least").1.clone();
            for life in 0..3 {
                let mut dice = Dice(seed * 100 + cut as u64 + life);
                let batch: Vec<Change> = (0..4).map(|_| dice.change()).collect();
                let mut store = directory.open();
                store.commit(&batch).expect("room");
                batch.iter().for_each(|change| apply(&mut expected, change));
                drop(store);
                // Something was begun that nobody was promised.
                let last = directory.segments().pop().expect("a segment");
                let mut begun = fs::read(&last).expect("readable");
                begun.extend_from_slice(&octets[16..16 + 7 * life as usize]);
                fs::write(&last, begun).expect("written");
                let begun = directory.segments().pop().expect("a segment");
                let next: u64 =
                    begun.extension().expect("a number").to_string_lossy().parse().expect("one");
                let next = begun.with_extension(format!("{:06}", next + 1));
                fs::write(next, &octets[..9 * life as usize]).expect("written");
                assert_eq!(directory.content(), expected, "seed {seed}, cut {cut}, life {life}");
            }
            for path in directory.segments() {
                if !others.contains(&path) || path == segment {
                    fs::remove_file(path).expect("removed");
                }
            }
        }
    }
}

#[test]
fn a_fold_that_dies_at_any_moment_changes_nothing() {
    let Life { directory, content, .. } = live(40);
    let mut store = directory.open();
    store.commit(&[put_publication(&publication("900", 1))]).expect("room");
    drop(store);
    let mut content = content;
    apply(&mut content, &put_publication(&publication("900", 1)));
    let before: Vec<(PathBuf, Vec<u8>)> = directory
        .segments()
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).expect("readable")))
        .collect();
    let base = directory.0.join(fanal::store::BASE);
    let old = fs::read(&base).expect("readable");
    directory.open().compact().expect("folded");
    let new = fs::read(&base).expect("readable");
    assert!(directory.segments().is_empty());
    // A new base beside the old one, as far as it had come.
    for part in [0, 10, new.len() / 2, new.len()] {
        fs::write(&base, &old).expect("written");
        before.iter().for_each(|(path, octets)| fs::write(path, octets).expect("written"));
        fs::write(base.with_extension("base.new"), &new[..part]).expect("written");
        assert_eq!(directory.content(), content, "died at {part}");
        assert!(!base.with_extension("base.new").exists());
    }
    // The new base is in its place, and not all segments are gone.
    for left in 0..=before.len() {
        fs::write(&base, &new).expect("written");
        for (path, octets) in before.iter().skip(left) {
            fs::write(path, octets).expect("written");
        }
        assert_eq!(directory.content(), content, "{left} segments were removed");
        assert!(directory.segments().is_empty(), "they are in the base");
    }
}
