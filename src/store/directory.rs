//! The data directory: made for its owner alone, used by one process, its files by name.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::shard::Fault;

/// The base: everything that was kept up to some time, sorted.
pub const BASE: &str = "fanal.base";

/// Segments of the journal: everything since, in order. A number follows.
pub const JOURNAL: &str = "fanal.journal.";

/// What version 0.1 kept everything in.
pub const FORMER: &str = "fanal.redb";

const LOCK: &str = "fanal.lock";

/// A data directory.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

/// While this lives, no other process writes to the directory.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Directory {
    /// At a path, there or not.
    pub fn at(path: &Path) -> Directory {
        Directory { path: path.to_owned() }
    }

    /// Makes it if it is not there. Owner only: what is kept says who watches whom.
    pub fn make(&self) -> Result<(), Fault> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|fault| Fault {
            what: format!(
                "the data directory {} cannot be made: {fault}; make it, or name another in \
                 store.path",
                self.path.display()
            ),
        })
    }

    /// Takes it for this process.
    pub fn lock(&self) -> Result<Lock, Fault> {
        let path = self.path.join(LOCK);
        let mut file = open_private(&path).map_err(|fault| Fault {
            what: format!(
                "{} cannot be opened: {fault}; the data directory must be writable by who this \
                 program runs as, or name another in store.path",
                path.display()
            ),
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.in_use(&mut file)),
            Err(TryLockError::Error(fault)) => {
                return Err(Fault {
                    what: format!("{} cannot be locked: {fault}", path.display()),
                });
            }
        }
        // Who holds it is for the operator; a full disk has no room to say so.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }

    fn in_use(&self, lock: &mut File) -> Fault {
        let mut holder = String::new();
        let _ = lock.take(32).read_to_string(&mut holder);
        let holder = match holder.trim() {
            "" => "another process".to_owned(),
            id => format!("another process, {id}"),
        };
        Fault {
            what: format!(
                "{} is in use by {holder}; stop it, or name another directory in store.path",
                self.path.display()
            ),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The base.
    pub fn base(&self) -> PathBuf {
        self.path.join(BASE)
    }

    /// A base that is being written.
    pub fn new_base(&self) -> PathBuf {
        self.path.join(format!("{BASE}.new"))
    }

    /// What version 0.1 kept everything in.
    pub fn former(&self) -> PathBuf {
        self.path.join(FORMER)
    }

    /// A segment of the journal.
    pub fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("{JOURNAL}{number:06}"))
    }

    /// The numbers of all segments, in order.
    pub fn segments(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(JOURNAL));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Makes the base and the journal their owner's alone, whatever was done to them.
    pub fn keep_private(&self) -> io::Result<()> {
        for number in self.segments()? {
            make_private(&self.segment(number))?;
        }
        make_private(&self.base())
    }

    /// Makes sure that names of files survive a loss of power.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// A fault of one of its files.
    pub fn fault(path: &Path, what: &str, fault: &io::Error) -> Fault {
        Fault { what: format!("{} cannot be {what}: {fault}", path.display()) }
    }
}

/// Opens a file that is its owner's alone for reading and writing; makes it if it is not there.
pub fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    make_private(path)?;
    Ok(file)
}

fn make_private(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(about) if about.permissions().mode() & 0o077 == 0 => Ok(()),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => fs::set_permissions(path, Permissions::from_mode(0o600)),
    }
}

/// Opens a new file that is its owner's alone; what was there of the name is gone.
pub fn create_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Which start of the machine this is; empty where that is not told. What was written before
/// this start may have been lost with the power.
pub fn boot() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    told.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_used_by_one_and_told_who_that_is() {
        let path = std::env::temp_dir().join(format!("fanal-directory-{}", std::process::id()));
        let directory = Directory::at(&path);
        directory.make().expect("made");
        let lock = directory.lock().expect("free");
        let fault = directory.lock().expect_err("taken").what;
        assert!(fault.contains("in use by another process"), "{fault}");
        assert!(fault.contains(&std::process::id().to_string()), "{fault}");
        drop(lock);
        drop(directory.lock().expect("free again"));
        for number in [12, 3, 1_000_000] {
            create_private(&directory.segment(number)).expect("made");
        }
        assert_eq!(directory.segments().expect("readable"), [3, 12, 1_000_000]);
        fs::remove_dir_all(path).expect("removed");
    }
}
