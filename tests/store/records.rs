//! Directories, records and changes to try stores with.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

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
use fanal::store::{Embedded, JOURNAL};

/// A data directory of its own, gone with the test.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Directory {
        // In memory where there is such a place: nothing here depends on a disk but its time.
        let memory = PathBuf::from("/dev/shm");
        let top = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let path = top.join(format!("fanal-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Directory(path)
    }

    pub fn open(&self) -> Embedded {
        Embedded::open(&self.0).expect("a store")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn aor(user: &str) -> Aor {
    Aor::from_parts(user, "example.com")
}

pub fn publication(user: &str, number: u32) -> PublicationRecord {
    PublicationRecord {
        aor: aor(user),
        number,
        package: "presence".to_owned(),
        tag: EntityTag(u128::from(number)),
        until: Wall::from_unix_millis(1000),
        updated: Wall::from_unix_millis(1_000),
        publisher: user.to_owned(),
        media: MediaType::Pidf,
        charset: None,
        body: Bytes::from(format!("body {number}")),
    }
}

pub fn subscription(user: &str, tag: u64) -> SubscriptionRecord {
    SubscriptionRecord {
        aor: aor(user),
        package: "dialog".to_owned(),
        event: "dialog".to_owned(),
        media: MediaType::DialogInfo,
        profile: Profile::default(),
        entity: format!("sip:{user}@example.com"),
        watcher: Identity::Unasked,
        dialog: DialogParts {
            tag: LocalTag { home: HomeHash(1), unique: tag },
            cseq: 100,
            remote_cseq: 1,
            target: "sip:w@192.0.2.1".to_owned(),
            route: Vec::new(),
            call_id: "c".to_owned(),
            local: b"<sip:101@example.com>".to_vec(),
            remote: b"<sip:w@example.com>;tag=t".to_vec(),
            remote_tag: "t".to_owned(),
        },
        version: 100,
        until: Wall::from_unix_millis(1000),
        flow: FlowRecord {
            transport: Transport::Udp,
            local: ([192, 0, 2, 9], 5060).into(),
            peer: ([192, 0, 2, 1], 5060).into(),
        },
        origin: [192, 0, 2, 77].into(),
    }
}

pub fn put_publication(record: &PublicationRecord) -> Change {
    Change::Put(Record::Publication(record.clone()))
}

pub fn put_subscription(record: &SubscriptionRecord) -> Change {
    Change::Put(Record::Subscription(Box::new(record.clone())))
}

pub fn all(store: &mut dyn Store) -> Vec<Record> {
    let mut records = Vec::new();
    store.load(&mut |record| records.push(record)).expect("loaded");
    records.sort_by_key(Record::key);
    records
}

impl Directory {
    /// The files of the journal, in order.
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).expect("a directory");
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| name(path).starts_with(JOURNAL));
        paths.sort();
        paths
    }

    /// What is kept in it.
    pub fn content(&self) -> BTreeMap<RecordKey, Record> {
        all(&mut self.open()).into_iter().map(|record| (record.key(), record)).collect()
    }
}

/// The name of a file.
pub fn name(path: &std::path::Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

/// What changes make of what was kept.
pub fn apply(records: &mut BTreeMap<RecordKey, Record>, change: &Change) {
    match change {
        Change::Put(record) => {
            records.insert(record.key(), record.clone());
        }
        Change::Remove(key) => {
            records.remove(key);
        }
        Change::Lease { key, tag, until } => {
            if let Some(Record::Publication(record)) = records.get_mut(key) {
                (record.tag, record.until) = (*tag, *until);
            }
        }
        Change::Reserve { key, cseq, version } => {
            if let Some(Record::Subscription(record)) = records.get_mut(key) {
                record.dialog.cseq = record.dialog.cseq.max(*cseq);
                record.version = record.version.max(*version);
            }
        }
        Change::Renew { key, until, remote } => {
            if let Some(Record::Subscription(record)) = records.get_mut(key) {
                (record.until, record.dialog.remote_cseq) = (*until, *remote);
            }
        }
    }
}

/// Numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    /// The next, below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Xorshift, by Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// A change of any kind to one of a few records.
    pub fn change(&mut self) -> Change {
        let user = format!("{}", 100 + self.below(4));
        let number = u32::try_from(self.below(3)).expect("small");
        let publication_key = RecordKey::Publication(aor(&user), number);
        let subscription_key = RecordKey::Subscription(aor(&user), u64::from(number));
        let until = Wall::from_unix_millis(1_000_000 + self.below(1_000_000));
        let small = |dice: &mut Dice| u32::try_from(dice.below(100_000)).expect("small");
        match self.below(10) {
            0 | 1 => {
                let mut record = publication(&user, number);
                record.tag = EntityTag(self.below(u64::MAX).into());
                record.body = vec![b'x'; small(self) as usize % 300].into();
                put_publication(&record)
            }
            2 | 3 => {
                let mut record = subscription(&user, number.into());
                record.dialog.cseq = small(self);
                put_subscription(&record)
            }
            4 => Change::Put(Record::Bindings { aor: aor(&user), bindings: Vec::new() }),
            5 => Change::Lease { key: publication_key, tag: EntityTag(small(self).into()), until },
            6 => {
                let (cseq, version) = (small(self), small(self));
                Change::Reserve { key: subscription_key, cseq, version }
            }
            7 => Change::Renew { key: subscription_key, until, remote: small(self) },
            8 => Change::Remove(publication_key),
            _ => Change::Remove(subscription_key),
        }
    }
}
