//! What version 0.1 kept, in a file of redb: taken over once, then set aside.
//!
//! What is large stood in one table; what changed often, the lease of a publication and the
//! numbers of a subscription, in two others.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Builder, Database, DatabaseError, ReadableDatabase, ReadableTable};
use redb::{TableDefinition, TableError};
use tracing::{info, warn};

use super::base::NewBase;
use super::codec::{self, Kind, first};
use super::directory::{Directory, open_private};
use super::header::BaseHeader;
use super::octets::Out;
use super::patch::Patch;
use crate::shard::{Fault, Record};

/// How the file is laid out. Another number is another program's.
const LAYOUT: u8 = 1;

type Octets = TableDefinition<'static, &'static [u8], &'static [u8]>;

const RECORDS: Octets = TableDefinition::new("records");
const LEASES: Octets = TableDefinition::new("leases");
const RESERVES: Octets = TableDefinition::new("reserves");
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// Makes the base from the file, if there is one. True if there was.
pub fn take_over(directory: &Directory) -> Result<bool, Fault> {
    let file = directory.former();
    if !file.exists() {
        return Ok(false);
    }
    // What is damaged in ways the library did not think of makes it panic.
    let taken = catch_unwind(AssertUnwindSafe(|| {
        let database = open(&file)?;
        copy(directory, &database).map_err(|fault| match fault {
            Trouble::Former(fault) => unreadable(&file, &fault),
            Trouble::Layout => Fault {
                what: format!("{} was written by another version of this program", file.display()),
            },
            Trouble::New(fault) => fault,
        })
    }));
    let records = taken.unwrap_or_else(|_| Err(unreadable(&file, &"it is damaged")))?;
    info!(event = "store_taken_over", file = %file.display(), records);
    set_aside(directory);
    Ok(true)
}

/// Puts the file away; its content is in the base.
pub fn set_aside(directory: &Directory) {
    let file = directory.former();
    if file.exists()
        && let Err(fault) = fs::rename(&file, file.with_extension("redb.old"))
    {
        warn!(event = "store_not_set_aside", file = %file.display(), reason = %fault);
    }
}

enum Trouble {
    Former(Box<redb::Error>),
    Layout,
    New(Fault),
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(fault: E) -> Trouble {
        Trouble::Former(Box::new(fault.into()))
    }
}

fn open(file: &Path) -> Result<Database, Fault> {
    let handle: File =
        open_private(file).map_err(|fault| Directory::fault(file, "opened", &fault))?;
    Builder::new().create_file(handle).map_err(|fault| match fault {
        DatabaseError::DatabaseAlreadyOpen => Fault {
            what: format!("{} is in use by another process; stop it first", file.display()),
        },
        fault => unreadable(file, &fault),
    })
}

fn unreadable(file: &Path, fault: &dyn std::fmt::Display) -> Fault {
    Fault {
        what: format!(
            "{} cannot be read: {fault}; put it aside to start empty, phones publish and subscribe \
             anew",
            file.display()
        ),
    }
}

fn copy(directory: &Directory, database: &Database) -> Result<u64, Trouble> {
    let transaction = database.begin_read()?;
    let meta = transaction.open_table(META)?;
    let layout = meta.get("layout")?.map(|layout| layout.value().to_vec());
    let secret = meta.get("secret")?.and_then(|secret| secret.value().try_into().ok());
    let (Some(secret), true) = (secret, layout.is_some_and(|layout| layout == [LAYOUT])) else {
        return Err(Trouble::Layout);
    };
    let header = BaseHeader { secret, folded: 0 };
    let mut base = NewBase::begin(directory, header).map_err(Trouble::New)?;
    let mut count = 0;
    match transaction.open_table(RECORDS) {
        Err(TableError::TableDoesNotExist(_)) => {}
        records => {
            let leases = transaction.open_table(LEASES)?;
            let reserves = transaction.open_table(RESERVES)?;
            let mut value = Out::default();
            for row in records?.iter()? {
                let (key, old) = row?;
                let key = key.value();
                let Some(record) = codec::record(key, old.value()) else {
                    let kind = Kind::of(key).map_or("unknown", Kind::name);
                    warn!(event = "record_unreadable", kind, "a kept record is skipped");
                    continue;
                };
                value.clear();
                codec::write(&mut value, &record);
                let lease = leases.get(key)?.and_then(|lease| first::lease(lease.value()));
                let numbers = reserves.get(key)?.and_then(|row| first::numbers(row.value()));
                let patches = match record {
                    Record::Subscription(_) => [numbers, lease.map(first::renewed)]
                        .map(|numbers| numbers.map_or(Patch::Nothing, Patch::Numbers)),
                    _ => [lease.map_or(Patch::Nothing, Patch::Lease), Patch::Nothing],
                };
                let mut octets = std::mem::take(&mut value).finish();
                for patch in patches {
                    codec::lay(&patch, key, &mut octets);
                }
                base.put(key, &octets).map_err(Trouble::New)?;
                value = Out::over(octets);
                count += 1;
            }
        }
    }
    base.finish().map_err(Trouble::New)?;
    Ok(count)
}
