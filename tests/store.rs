//! Every store passes the same tests; the one that keeps also those of keeping.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fanal::base::flow::Transport;
use fanal::base::identity::{Aor, EntityTag, Identity};
use fanal::base::media::MediaType;
use fanal::base::mint::{HomeHash, LocalTag};
use fanal::base::time::Wall;
use fanal::dialog::DialogParts;
use fanal::shard::record::{FlowRecord, PublicationRecord, SubscriptionRecord};
use fanal::shard::{Change, Record, RecordKey, Store};
use fanal::store::{BASE, Config, Durability, Embedded, Kind, Memory};

/// A data directory of its own, gone with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("fanal-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Directory(path)
    }

    fn open(&self) -> Embedded {
        Embedded::open(&self.0).expect("a store")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn aor(user: &str) -> Aor {
    Aor::from_parts(user, "example.com")
}

fn publication(user: &str, number: u32) -> PublicationRecord {
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

fn subscription(user: &str, tag: u64) -> SubscriptionRecord {
    SubscriptionRecord {
        aor: aor(user),
        package: "dialog".to_owned(),
        event: "dialog".to_owned(),
        media: MediaType::DialogInfo,
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

fn put_publication(record: &PublicationRecord) -> Change {
    Change::Put(Record::Publication(record.clone()))
}

fn put_subscription(record: &SubscriptionRecord) -> Change {
    Change::Put(Record::Subscription(Box::new(record.clone())))
}

fn all(store: &mut dyn Store) -> Vec<Record> {
    let mut records = Vec::new();
    store.load(&mut |record| records.push(record)).expect("loaded");
    records.sort_by_key(Record::key);
    records
}

/// Every kind of change, in one batch and in several.
fn changes() -> Vec<Change> {
    let (p, s) = (publication("101", 1), subscription("101", 5));
    let key = RecordKey::Publication(aor("101"), 1);
    let lease = Change::Lease { key, tag: EntityTag(9), until: Wall::from_unix_millis(5) };
    let key = RecordKey::Subscription(aor("101"), 5);
    let reserve = Change::Reserve { key: key.clone(), cseq: 300, version: 400 };
    let renew = Change::Renew { key, until: Wall::from_unix_millis(7), remote: 12 };
    vec![
        put_publication(&p),
        put_subscription(&s),
        Change::Put(Record::Bindings { aor: aor("101"), bindings: Vec::new() }),
        lease,
        reserve,
        renew,
        put_publication(&publication("102", 1)),
        Change::Remove(RecordKey::Publication(aor("102"), 1)),
        Change::Remove(RecordKey::Publication(aor("nobody"), 1)),
    ]
}

#[test]
fn every_store_takes_every_change_and_has_one_secret() {
    let directory = Directory::new("every");
    let stores: [Box<dyn Store>; 2] =
        [Box::new(Memory::new().expect("a store")), Box::new(directory.open())];
    for mut store in stores {
        let secret = *store.secret().octets();
        store.commit(&changes()).expect("all at once");
        for change in changes() {
            store.commit(&[change]).expect("one by one");
        }
        store.commit(&[]).expect("nothing");
        assert_eq!(*store.secret().octets(), secret);
        assert_ne!(secret, [0; 16]);
        let _ = all(&mut *store);
    }
}

#[test]
fn what_was_put_is_found_after_a_restart_with_leases_and_reserves_laid_over_it() {
    let directory = Directory::new("restart");
    let secret = {
        let mut store = directory.open();
        store.commit(&changes()).expect("committed");
        *store.secret().octets()
    };
    let mut store = directory.open();
    assert_eq!(*store.secret().octets(), secret);
    let found = all(&mut store);
    assert_eq!(found.len(), 3);
    let [Record::Publication(p), Record::Subscription(s), Record::Bindings { .. }] = &found[..]
    else {
        panic!("one of each: {found:?}")
    };
    assert_eq!((p.tag, p.until), (EntityTag(9), Wall::from_unix_millis(5)));
    assert_eq!(p.body, publication("101", 1).body);
    assert_eq!((s.dialog.cseq, s.version), (300, 400));
    assert_eq!((s.dialog.remote_cseq, s.until), (12, Wall::from_unix_millis(7)));
}

#[test]
fn a_record_put_anew_says_everything_itself() {
    let directory = Directory::new("anew");
    let mut store = directory.open();
    store.commit(&changes()).expect("committed");
    let mut p = publication("101", 1);
    p.tag = EntityTag(10);
    let mut s = subscription("101", 5);
    (s.dialog.cseq, s.version) = (250, 350);
    store.commit(&[put_publication(&p), put_subscription(&s)]).expect("committed");
    let found = all(&mut store);
    assert!(found.contains(&Record::Publication(p)));
    assert!(found.contains(&Record::Subscription(Box::new(s))));
}

#[test]
fn what_is_removed_takes_its_lease_along() {
    let directory = Directory::new("removed");
    let mut store = directory.open();
    store.commit(&changes()).expect("committed");
    let key = RecordKey::Publication(aor("101"), 1);
    store.commit(&[Change::Remove(key)]).expect("committed");
    let p = publication("101", 1);
    store.commit(&[put_publication(&p)]).expect("committed");
    assert!(all(&mut store).contains(&Record::Publication(p)));
}

#[test]
fn the_file_and_its_directory_are_their_owners_alone() {
    let directory = Directory::new("modes");
    drop(directory.open());
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let file = directory.0.join(BASE);
    assert_eq!((mode(&directory.0), mode(&file)), (0o700, 0o600));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    drop(directory.open());
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn a_file_in_use_is_an_error_that_says_so() {
    let directory = Directory::new("locked");
    let _first = directory.open();
    let fault = Embedded::open(&directory.0).expect_err("locked").to_string();
    assert!(fault.contains("in use by another process"), "{fault}");
}

#[test]
fn a_file_that_is_something_else_is_an_error_that_says_what_to_do() {
    let directory = Directory::new("foreign");
    fs::create_dir_all(&directory.0).expect("made");
    fs::write(directory.0.join(BASE), vec![b'x'; 10_000]).expect("written");
    let fault = Embedded::open(&directory.0).expect_err("no store").to_string();
    assert!(fault.contains("fanal store repair"), "{fault}");
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let directory = Directory::new("blocked");
    fs::write(&directory.0, "a file").expect("written");
    let fault = Embedded::open(&directory.0.join("data")).expect_err("no store").to_string();
    assert!(fault.contains("store.path") && fault.contains("blocked"), "{fault}");
    fs::remove_file(&directory.0).expect("removed");
}

#[test]
fn the_settings_of_the_store_are_read_and_checked() {
    let text = "kind = \"embedded\"\npath = \"/var/lib/fanal\"\ndurability = \"relaxed\"";
    let config: Config = toml::from_str(text).expect("settings");
    assert_eq!((config.kind, config.durability), (Kind::Embedded, Durability::Relaxed));
    assert_eq!(config.check(), Ok(()));
    let fault = Config::default().check().expect_err("no path");
    assert!(fault.contains("store.path"), "{fault}");
    assert!(toml::from_str::<Config>("kind = \"floppy\"").is_err());
}
