//! What version 0.1 kept is taken over. It wrote a file of redb; here is how.

use std::fs;
use std::net::SocketAddr;

use fanal::base::identity::EntityTag;
use fanal::base::time::Wall;
use fanal::shard::record::{PublicationRecord, SubscriptionRecord};
use fanal::shard::{Record, RecordKey, Store};
use fanal::store::{BASE, Embedded, FORMER};
use redb::{Database, TableDefinition, WriteTransaction};

use crate::records::*;

const SECRET: [u8; 16] = [5; 16];

/// Numbers and texts one after the other.
#[derive(Default)]
struct Octets(Vec<u8>);

impl Octets {
    fn raw(mut self, octets: &[u8]) -> Octets {
        self.0.extend_from_slice(octets);
        self
    }

    fn u8(self, value: u8) -> Octets {
        self.raw(&[value])
    }

    fn u32(self, value: u32) -> Octets {
        self.raw(&value.to_be_bytes())
    }

    fn u64(self, value: u64) -> Octets {
        self.raw(&value.to_be_bytes())
    }

    fn sized(self, octets: &[u8]) -> Octets {
        self.u32(u32::try_from(octets.len()).expect("short")).raw(octets)
    }

    fn text(self, text: &str) -> Octets {
        self.sized(text.as_bytes())
    }

    fn address(self, address: SocketAddr) -> Octets {
        let SocketAddr::V4(address) = address else { panic!("an IPv4 address") };
        self.u8(4).raw(&address.ip().octets()).raw(&address.port().to_be_bytes()).u32(0)
    }
}

fn key(key: &RecordKey) -> Vec<u8> {
    match key {
        RecordKey::Publication(aor, n) => Octets::default().u8(1).text(aor.as_str()).u32(*n).0,
        RecordKey::Subscription(aor, n) => Octets::default().u8(2).text(aor.as_str()).u64(*n).0,
        RecordKey::Bindings(aor) => Octets::default().u8(3).text(aor.as_str()).0,
        RecordKey::Said(..) => panic!("former stores knew of none"),
    }
}

fn publication_value(record: &PublicationRecord) -> Vec<u8> {
    Octets::default()
        .u8(1)
        .u8(1)
        .text(record.aor.as_str())
        .u32(record.number)
        .text(&record.package)
        .raw(&record.tag.0.to_be_bytes())
        .u64(record.until.as_unix_millis())
        .u64(record.updated.as_unix_millis())
        .text(&record.publisher)
        .text(&record.media.as_text())
        .u8(0)
        .sized(&record.body)
        .0
}

fn subscription_value(record: &SubscriptionRecord) -> Vec<u8> {
    let dialog = &record.dialog;
    Octets::default()
        .u8(1)
        .u8(2)
        .text(record.aor.as_str())
        .text(&record.package)
        .text(&record.event)
        .text(&record.media.as_text())
        .text(&record.entity)
        .u8(0)
        .u32(dialog.tag.home.0)
        .u64(dialog.tag.unique)
        .u32(dialog.cseq)
        .u32(dialog.remote_cseq)
        .text(&dialog.target)
        .u32(0)
        .text(&dialog.call_id)
        .sized(&dialog.local)
        .sized(&dialog.remote)
        .text(&dialog.remote_tag)
        .u32(record.version)
        .u64(record.until.as_unix_millis())
        .u8(1)
        .address(record.flow.local)
        .address(record.flow.peer)
        .u8(4)
        .raw(&[192, 0, 2, 77])
        .0
}

fn put(transaction: &WriteTransaction, table: &str, key: &[u8], value: &[u8]) {
    let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(table);
    let mut table = transaction.open_table(table).expect("a table");
    table.insert(key, value).expect("a row");
}

/// A directory as version 0.1 left it: a publication with a lease, a subscription with numbers
/// used up and a refresh, and a record that cannot be read.
fn former(name: &str) -> Directory {
    let directory = Directory::new(name);
    fs::create_dir_all(&directory.0).expect("made");
    let database = Database::create(directory.0.join(FORMER)).expect("a file");
    let transaction = database.begin_write().expect("begun");
    {
        let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
        let mut meta = transaction.open_table(meta).expect("a table");
        meta.insert("layout", &[1u8][..]).expect("a row");
        meta.insert("secret", &SECRET[..]).expect("a row");
    }
    let p = RecordKey::Publication(aor("101"), 3);
    let s = RecordKey::Subscription(aor("101"), 9);
    put(&transaction, "records", &key(&p), &publication_value(&publication("101", 3)));
    put(&transaction, "records", &key(&s), &subscription_value(&subscription("101", 9)));
    put(&transaction, "records", &key(&RecordKey::Bindings(aor("1"))), b"\xff\xff");
    let lease = |tag: u128, until| Octets::default().u8(1).raw(&tag.to_be_bytes()).u64(until).0;
    put(&transaction, "leases", &key(&p), &lease(77, 5000));
    put(&transaction, "leases", &key(&s), &lease(12, 6000));
    put(&transaction, "reserves", &key(&s), &Octets::default().u8(1).u32(300).u32(400).0);
    transaction.commit().expect("committed");
    directory
}

#[test]
fn what_an_older_version_kept_is_taken_over_once_and_set_aside() {
    let directory = former("former");
    let found = all(&mut directory.open());
    let mut p = publication("101", 3);
    (p.tag, p.until) = (EntityTag(77), Wall::from_unix_millis(5000));
    let mut s = subscription("101", 9);
    (s.dialog.cseq, s.version) = (300, 400);
    (s.dialog.remote_cseq, s.until) = (12, Wall::from_unix_millis(6000));
    let expected = [Record::Publication(p), Record::Subscription(Box::new(s))];
    assert_eq!(found, expected);
    assert_eq!(*directory.open().secret().octets(), SECRET);
    assert!(!directory.0.join(FORMER).exists());
    assert!(directory.0.join("fanal.redb.old").exists());
    assert_eq!(all(&mut directory.open()), expected);
}

#[test]
fn a_file_of_an_older_version_in_use_is_refused() {
    let directory = former("former-used");
    let _database = Database::open(directory.0.join(FORMER)).expect("a file");
    let fault = Embedded::open(&directory.0).expect_err("locked").what;
    assert!(fault.contains("in use by another process"), "{fault}");
    assert!(!directory.0.join(BASE).exists());
}

#[test]
fn a_damaged_file_of_an_older_version_is_told_and_no_panic_ends_the_process() {
    let directory = former("former-damaged");
    let path = directory.0.join(FORMER);
    let octets = fs::read(&path).expect("readable");
    let step = octets.len() / 60;
    for place in (0..octets.len()).step_by(step) {
        let mut damaged = octets.clone();
        damaged[place..(place + 64).min(octets.len())].fill(0xee);
        let _ = fs::remove_dir_all(&directory.0);
        fs::create_dir(&directory.0).expect("made");
        fs::write(&path, &damaged).expect("written");
        if let Err(fault) = Embedded::open(&directory.0) {
            let fault = fault.what;
            assert!(fault.contains(FORMER), "{fault}");
            assert_eq!(fs::read(&path).map(|now| now.len()).ok(), Some(octets.len()));
        }
    }
}
