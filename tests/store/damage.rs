//! Damage is told, never passed over, and what is sound is kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fanal::shard::{Change, Record, RecordKey, Store};
use fanal::store::{BASE, Embedded, care, repair};

use crate::records::*;

/// A store with a base of several frames and two segments, and its files.
struct Sound {
    directory: Directory,
    content: BTreeMap<RecordKey, Record>,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Sound {
    fn new(name: &str) -> Sound {
        let directory = Directory::new(name);
        let mut store = directory.open();
        for n in 0..60 {
            let mut publication = publication(&format!("{n}"), 1);
            publication.body = vec![b'b'; 700].into();
            let changes = [put_publication(&publication), put_subscription(&subscription("7", n))];
            store.commit(&changes).expect("room");
        }
        store.compact().expect("folded");
        let mut dice = Dice(77);
        for _ in 0..2 {
            for _ in 0..8 {
                let batch: Vec<Change> = (0..3).map(|_| dice.change()).collect();
                store.commit(&batch).expect("room");
            }
            store.close();
            drop(store);
            store = directory.open();
        }
        drop(store);
        let mut paths = directory.segments();
        paths.push(directory.0.join(BASE));
        let read = |path: PathBuf| (path.clone(), fs::read(path).expect("readable"));
        let files = paths.into_iter().map(read).collect();
        Sound { content: directory.content(), directory, files }
    }

    /// Everything as it was.
    fn restore(&self) {
        let _ = fs::remove_dir_all(&self.directory.0);
        fs::create_dir(&self.directory.0).expect("made");
        self.files.iter().for_each(|(path, octets)| fs::write(path, octets).expect("written"));
    }

    /// What is found, or why nothing is.
    fn found(&self) -> Result<BTreeMap<RecordKey, Record>, String> {
        let mut store = Embedded::open(&self.directory.0).map_err(|fault| fault.what)?;
        let mut records = BTreeMap::new();
        let loaded = store.load(&mut |record| {
            records.insert(record.key(), record);
        });
        loaded.map(|()| records).map_err(|fault| fault.what)
    }

    /// A damaged store is refused with a word that helps, and a check says what is damaged.
    fn is_told(&self, file: &Path, what: &str) {
        let fault = self.found().expect_err(what);
        assert!(fault.contains("fanal store repair --path"), "{what}: {fault}");
        assert!(fault.contains(&name(file)), "{what}: {fault}");
        let report = care::check(&self.directory.0).expect("readable");
        assert!(!report.damages.is_empty(), "{what}");
    }

    /// Repaired it has all but a few of its records, with numbers above all that were used.
    fn is_told_and_mended(&self, file: &Path, what: &str, lost_max: usize) {
        self.is_told(file, what);
        let was_there = file.exists();
        let repaired = repair::mend(&self.directory.0).expect("mended");
        assert!(!repaired.damages.is_empty(), "{what}");
        assert_eq!(repaired.aside.join(name(file)).exists(), was_there, "{what}");
        let kept = self.found().expect("mended");
        let report = care::check(&self.directory.0).expect("readable");
        assert_eq!(report.damages, [], "{what}");
        let lost = self.content.keys().filter(|key| !kept.contains_key(*key)).count();
        assert!(lost <= lost_max, "{what}: {lost} records lost");
        for (key, record) in &kept {
            if let (Record::Subscription(now), Some(Record::Subscription(was))) =
                (record, self.content.get(key))
            {
                assert!(now.dialog.cseq > was.dialog.cseq, "{what}: numbers go on far above");
                assert!(now.version > was.version, "{what}: numbers go on far above");
            }
        }
    }
}

/// Records of the base that stand in one frame, at most.
const FRAME_RECORDS: usize = 60;

#[test]
fn a_flipped_bit_anywhere_is_told_and_costs_a_frame_at_most() {
    let sound = Sound::new("flip");
    for (file, octets) in &sound.files {
        let is_base = name(file) == BASE;
        let step = if is_base { 499 } else { 41 };
        let edges = |place: &usize| *place < 80 || octets.len() - *place < 80;
        let places = (0..octets.len()).filter(|place| place % step == 0 || edges(place));
        for place in places {
            sound.restore();
            let mut flipped = octets.clone();
            flipped[place] ^= 1 << (place % 8);
            fs::write(file, flipped).expect("written");
            let what = format!("{} flipped at {place}", name(file));
            let lost_max = if is_base { FRAME_RECORDS } else { 3 };
            // Mending brings everything to the disk each time.
            match place % 5 {
                0 => sound.is_told_and_mended(file, &what, lost_max),
                _ => sound.is_told(file, &what),
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_told() {
    let sound = Sound::new("cut");
    let (last, _) = &sound.files[sound.files.len() - 2];
    for (file, octets) in &sound.files {
        for place in (0..octets.len()).step_by(251) {
            sound.restore();
            fs::write(file, &octets[..place]).expect("written");
            let what = format!("{} cut at {place}", name(file));
            if file != last {
                let all = if name(file) == BASE { usize::MAX } else { 24 };
                sound.is_told_and_mended(file, &what, all);
                continue;
            }
            // So looks what a process leaves that is killed: no more is known than that.
            let report = care::check(&sound.directory.0).expect("readable");
            assert!(!report.is_closed, "{what}");
            assert!(sound.found().is_ok(), "{what}");
        }
    }
}

#[test]
fn a_file_that_is_missing_is_told() {
    let sound = Sound::new("missing");
    for (file, _) in &sound.files[..sound.files.len() - 2] {
        sound.restore();
        fs::remove_file(file).expect("removed");
        sound.is_told_and_mended(file, &format!("{} missing", name(file)), 24);
    }
    sound.restore();
    let secret = *sound.directory.open().secret().octets();
    let base = sound.directory.0.join(BASE);
    fs::remove_file(&base).expect("removed");
    sound.is_told_and_mended(&base, "the base missing", usize::MAX);
    let found = *sound.directory.open().secret().octets();
    assert_eq!(found, secret, "every file says whose it is");
}

#[test]
fn a_segment_of_another_store_is_told() {
    let (sound, other) = (Sound::new("own"), Sound::new("other"));
    let (file, _) = &sound.files[0];
    sound.restore();
    fs::write(file, &other.files[0].1).expect("written");
    sound.is_told_and_mended(file, "another store's", 24);
}

#[test]
fn a_repair_of_a_sound_store_changes_only_the_numbers() {
    let sound = Sound::new("sound");
    let report = care::check(&sound.directory.0).expect("readable");
    assert!(report.damages.is_empty() && report.is_closed && !report.is_in_use);
    let counted = report.publications + report.subscriptions + report.bindings;
    assert_eq!(counted, sound.content.len() as u64);
    let repaired = repair::mend(&sound.directory.0).expect("mended");
    assert_eq!((repaired.records, repaired.lost_of_base), (counted, Some(0)));
    assert!(sound.found().expect("sound").keys().eq(sound.content.keys()));
}

#[test]
fn a_store_in_use_is_not_repaired() {
    let sound = Sound::new("busy");
    let _open = sound.directory.open();
    let fault = repair::mend(&sound.directory.0).expect_err("in use").what;
    assert!(fault.contains("in use by another process"), "{fault}");
    assert!(care::check(&sound.directory.0).expect("readable").is_in_use);
}

/// Writes another format into the header of a file, as a later version would.
fn of_a_later_version(octets: &[u8]) -> Vec<u8> {
    const TITLE: usize = 16;
    const HEAD: usize = 16;
    let mut later = octets.to_vec();
    let (head, payload) = (TITLE, TITLE + HEAD);
    let length = u32::from_be_bytes(later[head + 4..head + 8].try_into().expect("four")) as usize;
    later[payload + 1] += 1;
    let sum = crc32fast::hash(&later[payload..payload + length]);
    later[head + 8..head + 12].copy_from_slice(&sum.to_be_bytes());
    let sum = crc32fast::hash(&later[head..head + 12]);
    later[head + 12..head + 16].copy_from_slice(&sum.to_be_bytes());
    later
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_alone() {
    let sound = Sound::new("later");
    for (file, octets) in &sound.files {
        sound.restore();
        let later = of_a_later_version(octets);
        fs::write(file, &later).expect("written");
        let fault = sound.found().expect_err("newer");
        assert!(fault.contains("newer version of this program (format 2)"), "{fault}");
        assert!(fault.contains(&name(file)), "{fault}");
        assert!(repair::mend(&sound.directory.0).is_err(), "a repair would lose everything");
        assert_eq!(fs::read(file).expect("readable"), later);
    }
}
