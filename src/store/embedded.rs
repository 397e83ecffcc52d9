//! The store that keeps a file, by redb.
//!
//! What is large and changes seldom stands in one table; what is small and changes often, the
//! lease of a publication and the numbers of a subscription, in two others, and is laid over it
//! when everything is read.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, Table, TableDefinition,
    TableError, WriteTransaction,
};
use tracing::warn;

use super::codec::{self, Lease, Reserve};
use super::memory::fresh_secret;
use crate::base::identity::EntityTag;
use crate::base::limits::STORE_CACHE_OCTETS;
use crate::base::mint::Secret;
use crate::shard::{Change, Fault, Record, Store};

/// The name of the file in the data directory.
pub const FILE: &str = "fanal.redb";

/// How the file is laid out. Another number is another program's.
const LAYOUT: u8 = 1;

type Octets = TableDefinition<'static, &'static [u8], &'static [u8]>;

const RECORDS: Octets = TableDefinition::new("records");
const LEASES: Octets = TableDefinition::new("leases");
const RESERVES: Octets = TableDefinition::new("reserves");
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// A store in a file.
pub struct Embedded {
    file: PathBuf,
    /// `None` after a failure: then it is opened anew, since it does not trust itself any more.
    database: Option<Database>,
    secret: Secret,
}

impl Embedded {
    /// Opens the file in a data directory; makes both if they are not there.
    pub fn open(directory: &Path) -> Result<Embedded, Fault> {
        make_directory(directory)?;
        let file = directory.join(FILE);
        let database = open(&file)?;
        let secret = settle_meta(&database).map_err(|fault| unreadable(&file, &fault))?;
        let secret = secret.ok_or_else(|| Fault {
            what: format!("{} was written by another version of this program", file.display()),
        })?;
        Ok(Embedded { file, database: Some(database), secret })
    }

    fn database(&mut self) -> Result<&Database, Fault> {
        if self.database.is_none() {
            self.database = Some(open(&self.file)?);
        }
        Ok(self.database.as_ref().expect("opened just now"))
    }
}

impl Store for Embedded {
    fn secret(&self) -> Secret {
        self.secret
    }

    fn load(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Fault> {
        let file = self.file.clone();
        load(self.database()?, each).map_err(|fault| unreadable(&file, &fault))
    }

    fn commit(&mut self, batch: &[Change]) -> Result<(), Fault> {
        let file = self.file.clone();
        let done = commit(self.database()?, batch);
        done.map_err(|fault| {
            self.database = None;
            Fault { what: format!("{} cannot be written: {fault}", file.display()) }
        })
    }
}

/// Owner only: what is kept says who watches whom.
fn make_directory(directory: &Path) -> Result<(), Fault> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|fault| Fault {
        what: format!(
            "the data directory {} cannot be made: {fault}; make it, or name another in store.path",
            directory.display()
        ),
    })
}

fn open(file: &Path) -> Result<Database, Fault> {
    let handle = open_file(file).map_err(|fault| Fault {
        what: format!(
            "{} cannot be opened: {fault}; its owner must be who this program runs as",
            file.display()
        ),
    })?;
    let mut builder = Builder::new();
    builder.set_cache_size(STORE_CACHE_OCTETS);
    builder.create_file(handle).map_err(|fault| match fault {
        DatabaseError::DatabaseAlreadyOpen => Fault {
            what: format!(
                "{} is in use by another process; stop it, or name another directory in store.path",
                file.display()
            ),
        },
        fault => unreadable(file, &fault.into()),
    })
}

fn open_file(file: &Path) -> io::Result<File> {
    let handle = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file)?;
    if handle.metadata()?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    Ok(handle)
}

fn unreadable(file: &Path, fault: &redb::Error) -> Fault {
    Fault {
        what: format!(
            "{} cannot be read: {fault}; put it aside to start empty, phones publish and subscribe \
             anew",
            file.display()
        ),
    }
}

/// The secret, made at the first start; `None` if the layout is not ours.
fn settle_meta(database: &Database) -> Result<Option<Secret>, redb::Error> {
    let transaction = database.begin_write()?;
    let secret = {
        let mut meta = transaction.open_table(META)?;
        let layout = meta.get("layout")?.map(|layout| layout.value().to_vec());
        if layout.is_some_and(|layout| layout != [LAYOUT]) {
            return Ok(None);
        }
        let kept = meta.get("secret")?.and_then(|secret| secret.value().try_into().ok());
        match kept {
            Some(octets) => Secret::new(octets),
            None => {
                let secret = fresh_secret().map_err(|fault| io::Error::other(fault.what))?;
                meta.insert("layout", &[LAYOUT][..])?;
                meta.insert("secret", &secret.octets()[..])?;
                secret
            }
        }
    };
    transaction.commit()?;
    Ok(Some(secret))
}

fn load(database: &Database, each: &mut dyn FnMut(Record)) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    let records = match transaction.open_table(RECORDS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        records => records?,
    };
    let (leases, reserves) = (transaction.open_table(LEASES)?, transaction.open_table(RESERVES)?);
    for entry in records.iter()? {
        let (key, value) = entry?;
        let key = key.value();
        let Some(mut record) = codec::record(value.value()) else {
            warn!(event = "record_unreadable", kind = codec::kind(key), "a kept record is skipped");
            continue;
        };
        match &mut record {
            Record::Publication(publication) => {
                if let Some(lease) = leases.get(key)?.and_then(|l| codec::lease(l.value())) {
                    publication.tag = lease.tag;
                    publication.until = lease.until;
                }
            }
            Record::Subscription(subscription) => {
                if let Some(lease) = leases.get(key)?.and_then(|lease| codec::lease(lease.value()))
                {
                    subscription.until = lease.until;
                    subscription.dialog.remote_cseq = lease.tag.0 as u32;
                }
                if let Some(reserve) = reserves.get(key)?.and_then(|r| codec::reserve(r.value())) {
                    subscription.dialog.cseq = subscription.dialog.cseq.max(reserve.cseq);
                    subscription.version = subscription.version.max(reserve.version);
                }
            }
            Record::Bindings { .. } => {}
        }
        each(record);
    }
    Ok(())
}

fn commit(database: &Database, batch: &[Change]) -> Result<(), redb::Error> {
    // Durable when it returns: that is the default of the library.
    let transaction = database.begin_write()?;
    Tables::open(&transaction)?.apply(batch)?;
    transaction.commit()?;
    Ok(())
}

struct Tables<'a> {
    records: Table<'a, &'static [u8], &'static [u8]>,
    leases: Table<'a, &'static [u8], &'static [u8]>,
    reserves: Table<'a, &'static [u8], &'static [u8]>,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a WriteTransaction) -> Result<Tables<'a>, TableError> {
        Ok(Tables {
            records: transaction.open_table(RECORDS)?,
            leases: transaction.open_table(LEASES)?,
            reserves: transaction.open_table(RESERVES)?,
        })
    }

    fn apply(&mut self, batch: &[Change]) -> Result<(), redb::Error> {
        for change in batch {
            match change {
                Change::Put(record) => {
                    let key = codec::write_key(&record.key());
                    self.forget_small(&key)?;
                    self.records.insert(&key[..], &codec::write(record)[..])?;
                }
                Change::Lease { key, tag, until } => {
                    let lease = codec::write_lease(Lease { tag: *tag, until: *until });
                    self.leases.insert(&codec::write_key(key)[..], &lease[..])?;
                }
                Change::Renew { key, until, remote } => {
                    // A subscription has no tag; its place holds the peer's number.
                    let lease = Lease { tag: EntityTag(u128::from(*remote)), until: *until };
                    let lease = codec::write_lease(lease);
                    self.leases.insert(&codec::write_key(key)[..], &lease[..])?;
                }
                Change::Reserve { key, cseq, version } => {
                    let reserve = Reserve { cseq: *cseq, version: *version };
                    let reserve = codec::write_reserve(reserve);
                    self.reserves.insert(&codec::write_key(key)[..], &reserve[..])?;
                }
                Change::Remove(key) => {
                    let key = codec::write_key(key);
                    self.forget_small(&key)?;
                    self.records.remove(&key[..])?;
                }
            }
        }
        Ok(())
    }

    /// A record put anew says everything itself.
    fn forget_small(&mut self, key: &[u8]) -> Result<(), redb::Error> {
        self.leases.remove(key)?;
        self.reserves.remove(key)?;
        Ok(())
    }
}
