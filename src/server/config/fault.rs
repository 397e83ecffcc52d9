//! What is wrong with the settings, where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys;
use crate::base::spelling::nearest;

/// Why settings cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingsError {
    /// Where it stands.
    pub place: Place,
    /// What is wrong and what to do.
    pub what: String,
}

/// Where a value stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nowhere: it is the default.
    Default,
    /// In a file, at a line counted from 1.
    Line(PathBuf, usize),
    /// In the file as a whole.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(String),
    /// On the command line.
    Argument(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => f.write_str("default"),
            Place::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Variable(name) => f.write_str(name),
            Place::Argument(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Default => f.write_str(&self.what),
            place => write!(f, "{place}: {}", self.what),
        }
    }
}

impl std::error::Error for SettingsError {}

/// The places of all keys in a file.
#[derive(Default)]
pub struct Outline<'a> {
    text: &'a str,
    entries: Vec<Entry<'a>>,
}

/// One key that stands in a file.
pub struct Entry<'a> {
    /// Its section; empty at the top.
    pub section: String,
    /// Its name; empty for the section itself.
    pub key: String,
    at: Range<usize>,
    value: Option<Spanned<DeValue<'a>>>,
}

impl<'a> Outline<'a> {
    /// Of a text. Whatever is no TOML is left out.
    pub fn of(text: &'a str) -> Outline<'a> {
        let (root, _) = DeTable::parse_recoverable(text);
        let mut entries = Vec::new();
        for (name, value) in root.into_inner() {
            let (at, section) = (name.span(), name.into_inner().into_owned());
            match value.get_ref() {
                DeValue::Table(_) => {
                    let DeValue::Table(table) = value.into_inner() else { continue };
                    let (key, value) = (String::new(), None);
                    entries.push(Entry { section: section.clone(), key, at, value });
                    entries.extend(table.into_iter().map(|(name, value)| Entry {
                        section: section.clone(),
                        at: name.span(),
                        key: name.into_inner().into_owned(),
                        value: Some(value),
                    }));
                }
                _ => {
                    let (key, value) = (String::new(), Some(value));
                    entries.push(Entry { section, key, at, value });
                }
            }
        }
        Outline { text, entries }
    }

    /// Every key with its line.
    pub fn lines(&self) -> impl Iterator<Item = (&Entry<'a>, usize)> {
        self.entries.iter().map(|entry| (entry, line(self.text, entry.at.start)))
    }

    /// The entry whose key or value stands at a place.
    fn at(&self, place: usize) -> Option<&Entry<'a>> {
        let is_there = |entry: &&Entry<'a>| {
            entry.at.contains(&place)
                || entry.value.as_ref().is_some_and(|value| covers(value, place))
        };
        // A key within a section says more than the section.
        self.entries.iter().rfind(is_there)
    }
}

impl SettingsError {
    /// What the reader of a file complains about, in words of our own.
    pub fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> SettingsError {
        let span = error.span().unwrap_or_default();
        let place = Place::Line(path.to_owned(), line(text, span.start));
        let outline = Outline::of(text);
        let source = text.get(span.clone()).unwrap_or_default();
        let entry = outline.at(span.start);
        let (section, key) = entry.map_or(("", ""), |entry| (&entry.section, &entry.key));
        SettingsError { place, what: explain(error.message(), section, key, source) }
    }

    /// What is wrong with one value that stands elsewhere.
    pub fn in_value(
        place: Place,
        section: &str,
        key: &str,
        source: &str,
        error: &toml::de::Error,
    ) -> SettingsError {
        SettingsError { place, what: explain(error.message(), section, key, source) }
    }

    /// There is no such section or key.
    pub fn unknown(place: Place, section: &str, key: Option<&str>) -> SettingsError {
        SettingsError { place, what: unknown(section, key) }
    }
}

/// What is wrong with the value or key at hand.
fn explain(message: &str, section: &str, key: &str, source: &str) -> String {
    let known = keys::section(section).and_then(|section| section.key(key));
    let name = match (section, key) {
        ("", _) => String::new(),
        (section, "") => section.to_owned(),
        (section, key) => format!("{section}.{key}"),
    };
    let mut words = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let wrong = words.next().unwrap_or_default();
        if keys::section(section).is_none() {
            return unknown(wrong, None);
        }
        if known.is_none() {
            return unknown(section, Some(wrong));
        }
        let allowed: Vec<&str> = words.collect();
        let guess = guess(wrong, allowed.iter().copied());
        return format!("unknown key \"{wrong}\" in {name}; {guess}");
    }
    if message.starts_with("missing field") {
        return format!("{name}: \"{}\" is missing", words.next().unwrap_or_default());
    }
    if message.starts_with("unknown variant") {
        let wrong = words.next().unwrap_or_default();
        let allowed: Vec<&str> = words.collect();
        return format!("{name} cannot be \"{wrong}\"; write {}", keys::either(&allowed));
    }
    let wrong_kind = ["invalid type", "invalid value", "wanted "];
    if wrong_kind.iter().any(|start| message.starts_with(start)) {
        // An address in it may be worth a password.
        let source = if section == "calendar" { "this".into() } else { shortened(source) };
        return match known {
            Some(key) => format!("{name} cannot be {source}; write {}", key.kind.allowed()),
            None if !name.is_empty() => {
                format!("{name} is a section; write [{name}] on a line of its own, keys below")
            }
            None => format!("{message}; {source} cannot stand here"),
        };
    }
    // What our own readers say, which names what to write.
    match known {
        Some(_) => format!("{name}: {message}"),
        None => message.to_owned(),
    }
}

fn unknown(section: &str, key: Option<&str>) -> String {
    let names = || keys::SECTIONS.iter().map(|section| section.name);
    let (Some(known), Some(key)) = (keys::section(section), key) else {
        let at_home = keys::SECTIONS.iter().find(|home| home.key(section).is_some());
        return match at_home {
            Some(home) => {
                format!("unknown section \"{section}\"; \"{section}\" is a key of [{}]", home.name)
            }
            None => format!("unknown section \"{section}\"; {}", guess(section, names())),
        };
    };
    let wrong = format!("unknown key \"{key}\" in [{section}]");
    let own = || known.keys.iter().map(|key| key.name);
    if let Some(near) = nearest(key, own()) {
        return format!("{wrong}; did you mean \"{near}\"?");
    }
    match keys::SECTIONS.iter().find(|section| section.key(key).is_some()) {
        Some(home) => format!("{wrong}; it belongs to [{}]", home.name),
        None => format!("{wrong}; {}", guess(key, own())),
    }
}

fn guess<'a>(wrong: &str, words: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, words.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are {}", words.collect::<Vec<_>>().join(", ")),
    }
}

/// The line of a place, counted from 1.
fn line(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|octet| *octet == b'\n').count() + 1
}

/// Whether a place stands within a value; headers of tables reach no further than their line,
/// so what they hold is asked too.
fn covers(value: &Spanned<DeValue<'_>>, place: usize) -> bool {
    let inside = match value.get_ref() {
        DeValue::Array(array) => array.iter().any(|value| covers(value, place)),
        DeValue::Table(table) => {
            table.iter().any(|(name, value)| name.span().contains(&place) || covers(value, place))
        }
        _ => false,
    };
    inside || value.span().contains(&place)
}

fn shortened(source: &str) -> String {
    const SHOWN: usize = 40;
    let line = source.lines().next().unwrap_or_default().trim();
    match line.chars().count() > SHOWN {
        true => format!("{}...", line.chars().take(SHOWN).collect::<String>()),
        false => line.to_owned(),
    }
}
