//! The rules of persons while the agent runs: what a person puts in place is checked, kept on the
//! disk and in force before it is answered; or all is as it was.

use std::fs::{self, File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use siphasher::sip128::{Hasher128, SipHasher13};
use tracing::{error, info};

use super::rules;
use crate::base::identity::Aor;
use crate::http::papers::{Filed, Filing, Paper, Provided, Unfiled};
use crate::policy::rules::place::{APPLICATION, Place};
use crate::policy::{Book, Config};
use crate::shard::Input;
use crate::transport::{Inbox, Notice};

/// Who may read a document of rules: the agent and its group.
const MODE: u32 = 0o640;

/// The book in force, and where its documents stand.
pub struct Rulebook {
    /// Held by whoever replaces the book, from the first look at the disk to the end.
    turn: Mutex<()>,
    current: Mutex<Current>,
    inboxes: Vec<Arc<Inbox>>,
}

#[derive(Clone)]
struct Current {
    folder: PathBuf,
    /// `None` where the settings name neither rules nor a policy.
    book: Option<Arc<Book>>,
}

impl Rulebook {
    /// As the settings have it, for the shards behind these inboxes.
    pub(super) fn new(
        config: &Config,
        book: Option<Arc<Book>>,
        inboxes: Vec<Arc<Inbox>>,
    ) -> Rulebook {
        let current = Current { folder: config.documents.clone(), book };
        Rulebook { turn: Mutex::default(), current: Mutex::new(current), inboxes }
    }

    /// Nobody else replaces the book until this is dropped: for who reads all files anew.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another book was put in force, by who has the turn.
    pub(super) fn replaced(&self, config: &Config, book: Option<Arc<Book>>) {
        *self.current() = Current { folder: config.documents.clone(), book };
    }

    /// Does something with the documents of a person.
    pub(super) fn file(&self, person: &Aor, filing: Filing) -> Result<Filed, Unfiled> {
        let _turn = self.turn();
        let Current { folder, book } = self.current().clone();
        let Some(book) = book.filter(|_| !folder.as_os_str().is_empty()) else {
            return Err(Unfiled::Nowhere);
        };
        let papers = papers(&folder, person).map_err(|fault| unkept(person, &fault))?;
        match filing {
            Filing::Look => Ok(Filed::All(papers.into_iter().map(|(_, paper)| paper).collect())),
            Filing::Put { document, octets, provided } => {
                let place = Place { user: person.clone(), document };
                let old = one(&papers, &place.document, &provided)?;
                let mut book = Book::clone(&book);
                book.put(place.clone(), &octets)
                    .map_err(|fault| Unfiled::Wrong { line: fault.line, what: fault.what })?;
                let path = old.map_or_else(|| folder.join(place.path()), |(path, _)| path.clone());
                write(&path, &octets).map_err(|fault| unkept(person, &fault))?;
                self.put_in_force(folder, book, person);
                let tag = tag(&octets);
                info!(event = "rules_put", person = %person, document = place.document);
                let paper = Paper { document: place.document, octets, tag };
                Ok(Filed::Put { paper, is_new: old.is_none() })
            }
            Filing::Remove { document, provided } => {
                let (path, _) = one(&papers, &document, &provided)?.ok_or(Unfiled::NoSuch)?;
                let mut book = Book::clone(&book);
                remove(path).map_err(|fault| unkept(person, &fault))?;
                book.remove(&Place { user: person.clone(), document: document.clone() });
                self.put_in_force(folder, book, person);
                info!(event = "rules_removed", person = %person, document);
                Ok(Filed::Removed)
            }
        }
    }

    fn put_in_force(&self, folder: PathBuf, book: Book, of: &Aor) {
        let book = Arc::new(book);
        *self.current() = Current { folder, book: Some(Arc::clone(&book)) };
        for inbox in &self.inboxes {
            let (book, of) = (Arc::clone(&book), of.clone());
            inbox.tell(Notice::Input(Input::Rules { book, of }));
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one document of a name, if it is as it has to be.
fn one<'a>(
    papers: &'a [(PathBuf, Paper)],
    name: &str,
    provided: &Provided,
) -> Result<Option<&'a (PathBuf, Paper)>, Unfiled> {
    let mut of_name = papers.iter().filter(|(_, paper)| paper.document == name);
    let (found, other) = (of_name.next(), of_name.next());
    if other.is_some() {
        return Err(Unfiled::Twice);
    }
    match provided.holds(found.map(|(_, paper)| paper.tag.as_str())) {
        true => Ok(found),
        false => Err(Unfiled::Changed),
    }
}

/// All documents of one person, wherever they stand, in order.
fn papers(root: &Path, person: &Aor) -> io::Result<Vec<(PathBuf, Paper)>> {
    let users = root.join(APPLICATION).join("users");
    let mut found = Vec::new();
    for folder in entries(&users)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_theirs = Place::of(&format!("{APPLICATION}/users/{name}/index"))
            .is_some_and(|place| place.user == *person);
        if !is_theirs {
            continue;
        }
        for path in entries(&folder)? {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let place = Place::of(&format!("{APPLICATION}/users/{name}/{file}"));
            let Some(place) = place.filter(|_| path.is_file()) else { continue };
            let octets: Bytes = rules::octets_of(&path)?.into();
            let tag = tag(&octets);
            found.push((path, Paper { document: place.document, octets, tag }));
        }
    }
    found.sort_by(|(_, one), (_, other)| one.document.cmp(&other.document));
    Ok(found)
}

/// What stands in a folder; nothing if it is not there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(fault) if fault.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}

/// Puts a file in its place, whole or not at all; it is there after a power cut.
fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    let (folder, name) = (path.parent().unwrap_or(path), path.file_name().unwrap_or_default());
    make(folder)?;
    // A name that begins with a dot is no document.
    let draft = folder.join(format!(".{}.new", name.to_string_lossy()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(octets)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft); // What was there before is what counts.
    }
    written?;
    sync(folder)
}

/// Makes a folder and those above it, each of which stays.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(above) = folder.parent() else { return Ok(()) };
    make(above)?;
    fs::create_dir(folder)?;
    sync(above)
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync(path.parent().unwrap_or(path))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Another for every other text.
fn tag(octets: &[u8]) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(octets);
    format!("{:032x}", hasher.finish128().as_u128())
}

fn unkept(person: &Aor, fault: &io::Error) -> Unfiled {
    error!(event = "rules_not_kept", person = %person, reason = %fault);
    Unfiled::Unkept
}
