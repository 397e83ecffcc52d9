//! Rules of persons and the policy of the organisation, read from where the settings say they
//! stand.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{Place as Named, SettingsError};
use crate::base::limits::POLICY_OCTETS_MAX;
use crate::policy::rules::place::Place;
use crate::policy::{Book, Config, Rules, book};

/// Folders below that of all documents, down to a document: application, tree, person.
const DEPTH: usize = 3;

/// What was read.
#[derive(Debug)]
pub struct Found {
    /// What decisions are made by; `None` where the settings name neither rules nor a policy.
    pub book: Option<Arc<Book>>,
    /// Documents of persons that cannot be read. A running agent keeps what it has if there are
    /// any; one that begins shows nothing of these persons.
    pub faults: Vec<SettingsError>,
}

/// Reads everything the settings name, now. A policy that cannot be read is an error in any case.
pub fn read(config: &Config) -> Result<Found, SettingsError> {
    let (file, folder) = (&config.organisation_file, &config.documents);
    if file.as_os_str().is_empty() && folder.as_os_str().is_empty() {
        return Ok(Found { book: None, faults: Vec::new() });
    }
    let policy = match file.as_os_str().is_empty() {
        true => None,
        false => Some(text_of(file)?),
    };
    let (mut octets, mut paths, mut faults) = (Vec::new(), HashMap::new(), Vec::new());
    if !folder.as_os_str().is_empty() {
        for (path, place) in documents(folder).map_err(|error| unread(folder, &error))? {
            let Some(place) = place else { continue };
            // What cannot be read is no rules at all, and so hides its person.
            let read = octets_of(&path);
            faults.extend(read.as_ref().err().map(|error| unread(&path, error)));
            octets.push((place.clone(), read.unwrap_or_default()));
            if let Some(other) = paths.insert(place, path.clone()) {
                let what = format!("the same document as {}; take one away", other.display());
                faults.push(SettingsError { place: Named::File(path), what });
            }
        }
    }
    let each = octets.iter().map(|(place, octets)| (place.clone(), octets.as_slice()));
    let (book, wrong) = Book::read(Rules::new(config), policy.as_deref(), each);
    for fault in wrong {
        let book::Fault { place, line, what } = fault;
        let Some(place) = place else {
            return Err(SettingsError { place: Named::Line(file.clone(), line), what });
        };
        let path = paths.get(&place).cloned().unwrap_or_else(|| folder.join(place.path()));
        if !faults.iter().any(|known| known.place == Named::File(path.clone())) {
            faults.push(SettingsError { place: Named::Line(path, line), what });
        }
    }
    Ok(Found { book: Some(Arc::new(book)), faults })
}

/// Every file below the folder of rules and its place, in order; `None` for one that is never
/// read.
pub fn documents(root: &Path) -> io::Result<Vec<(PathBuf, Option<Place>)>> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                // A link may lead back up; no document stands deeper.
                folders.extend((depth < DEPTH).then(|| (path, depth + 1)));
                continue;
            }
            let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.push((path, Place::of(&inside)));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// The octets of a file, no more than are ever read of one.
pub(super) fn octets_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(POLICY_OCTETS_MAX as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

fn text_of(path: &Path) -> Result<String, SettingsError> {
    let octets = octets_of(path).map_err(|error| unread(path, &error))?;
    let fault = |_| SettingsError { place: Named::File(path.to_owned()), what: "no UTF-8".into() };
    String::from_utf8(octets).map_err(fault)
}

fn unread(path: &Path, error: &io::Error) -> SettingsError {
    SettingsError { place: Named::File(path.to_owned()), what: format!("cannot be read: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::identity::{Aor, Identity};
    use crate::base::time::Wall;
    use crate::policy::{Asking, SubHandling};

    const ALLOW: &str = "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy' \
        xmlns:pr='urn:ietf:params:xml:ns:pres-rules'><rule id='a'><actions>\
        <pr:sub-handling>allow</pr:sub-handling></actions></rule></ruleset>";

    /// A folder of its own with these files in it.
    fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("fanal-rules-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        folder
    }

    fn handling(found: &Found, person: &str) -> SubHandling {
        let (person, bob) = (Aor::from_canonical(person), Aor::from_canonical("bob@a.test"));
        let bob = Identity::User(bob);
        let book = found.book.as_ref().expect("a book");
        book.decide(&Asking::new(&person, &bob, Wall::default())).handling
    }

    #[test]
    fn without_either_there_is_no_book() {
        assert!(read(&Config::default()).expect("nothing to read").book.is_none());
    }

    #[test]
    fn a_folder_of_documents_is_read_and_a_bad_one_is_told_with_file_and_line() {
        let folder = folder(
            "documents",
            &[
                ("pres-rules/users/sip:alice@a.test/index", ALLOW),
                ("pres-rules/users/carol@a.test/index.xml", "<ruleset>\n<\n"),
                ("pres-rules/users/carol@a.test/.index.tmp", "half"),
                ("README", "nothing"),
            ],
        );
        let config = Config { documents: folder.clone(), ..Config::default() };
        let found = read(&config).expect("a book");
        assert_eq!(handling(&found, "alice@a.test"), SubHandling::Allow);
        assert_eq!(handling(&found, "carol@a.test"), SubHandling::Confirm);
        assert_eq!(found.faults.len(), 1, "{:?}", found.faults);
        let told = found.faults[0].to_string();
        assert!(told.contains("carol@a.test/index.xml:2: "), "{told}");
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_an_error_with_file_and_line() {
        let folder = folder("policy", &[("policy.toml", "[policy]\nwhat = 1\n")]);
        let file = folder.join("policy.toml");
        let config = Config { organisation_file: file, ..Config::default() };
        let told = read(&config).expect_err("a fault").to_string();
        assert!(told.contains("policy.toml:2: "), "{told}");
        let config = Config { organisation_file: folder.join("none"), ..Config::default() };
        let told = read(&config).expect_err("no file").to_string();
        assert!(told.contains("none: cannot be read: "), "{told}");
        fs::remove_dir_all(folder).expect("removed");
    }
}
