//! What an operator does with a store: looks whether it is sound, compacts it, takes it elsewhere.

use std::io::BufRead;
use std::path::Path;

use super::base::NewBase;
use super::codec;
use super::directory::Directory;
use super::embedded::Embedded;
use super::fold::sound;
use super::header::BaseHeader;
use super::json::{self, Said};
use super::memory::fresh_secret;
use super::merge::merge;
use super::octets::Out;
use super::survey::Survey;
use super::walk::Damage;
use crate::shard::{Fault, Record};

/// What was seen of a store.
#[derive(Debug, Default)]
pub struct Report {
    /// Publications in it.
    pub publications: u64,
    /// Subscriptions in it.
    pub subscriptions: u64,
    /// Addresses with contacts in it.
    pub bindings: u64,
    /// Records that are whole and still not understood.
    pub not_understood: u64,
    /// Channels that say something of somebody.
    pub said: u64,
    /// The length of the base, in octets.
    pub base_octets: u64,
    /// How many segments the journal has.
    pub segments: usize,
    /// Their length together, in octets.
    pub journal_octets: u64,
    /// Octets at the end of the journal that were begun and never promised to anybody.
    pub torn_octets: u64,
    /// Whether the agent that used it last closed it in order.
    pub is_closed: bool,
    /// Whether an agent uses it now.
    pub is_in_use: bool,
    /// What cannot be read.
    pub damages: Vec<Damage>,
}

/// Reads everything and says what it saw. Changes nothing; the store may be in use.
pub fn check(path: &Path) -> Result<Report, Fault> {
    let directory = existing(path)?;
    let survey = Survey::take(&directory)?;
    let mut report = Report {
        base_octets: survey.base.as_ref().map_or(0, |base| base.octets),
        segments: survey.segments.len(),
        journal_octets: survey.segments.iter().map(|segment| segment.end).sum(),
        torn_octets: survey.torn,
        is_closed: survey.is_closed || survey.segments.is_empty(),
        is_in_use: directory.is_locked(),
        ..Report::default()
    };
    let Survey { base, segments, overlay, damages, .. } = survey;
    let rows = merge(base.as_ref(), &segments, overlay, &mut |key, value| {
        match codec::record(key, value) {
            Some(Record::Publication(_)) => report.publications += 1,
            Some(Record::Subscription(_)) => report.subscriptions += 1,
            Some(Record::Bindings { .. }) => report.bindings += 1,
            Some(Record::Said { .. }) => report.said += 1,
            None => report.not_understood += 1,
        }
        Ok(())
    })?;
    report.damages = damages;
    report.damages.extend(rows.damages);
    Ok(report)
}

/// Folds the journal into the base. How long the base is then, in octets.
pub fn compact(path: &Path) -> Result<u64, Fault> {
    existing(path)?;
    Embedded::open(path)?.compact()
}

/// Gives every record as a line of JSON, the secret of the installation first. Changes nothing;
/// the store may be in use. How many records there were.
pub fn export(path: &Path, each: &mut dyn FnMut(&str) -> Result<(), Fault>) -> Result<u64, Fault> {
    let directory = existing(path)?;
    let survey = Survey::take(&directory)?;
    sound(&directory, &survey.damages)?;
    if let Some(secret) = survey.secret() {
        each(&json::first_line(&secret))?;
    }
    let Survey { base, segments, overlay, .. } = survey;
    let (mut count, mut not_understood) = (0, 0);
    let rows = merge(base.as_ref(), &segments, overlay, &mut |key, value| match codec::record(
        key, value,
    ) {
        Some(record) => {
            count += 1;
            each(&json::line(&record))
        }
        None => {
            not_understood += 1;
            Ok(())
        }
    })?;
    sound(&directory, &rows.damages)?;
    match not_understood {
        0 => Ok(count),
        n => Err(Fault { what: format!("{n} records are not understood and were left out") }),
    }
}

/// Makes a store from lines of JSON. How many records there were.
pub fn import(path: &Path, lines: impl BufRead) -> Result<u64, Fault> {
    let directory = Directory::at(path);
    directory.make()?;
    let _lock = directory.lock()?;
    if directory.has_store()? {
        let path = path.display();
        return Err(Fault {
            what: format!("{path} holds a store already; import into another directory"),
        });
    }
    let (secret, mut rows) = read_lines(lines)?;
    let secret = secret.map_or_else(|| fresh_secret().map(|secret| *secret.octets()), Ok)?;
    rows.sort();
    rows.dedup_by(|later, earlier| later.0 == earlier.0);
    let mut base = NewBase::begin(&directory, BaseHeader { secret, folded: 0 })?;
    for (key, value) in &rows {
        base.put(key, value)?;
    }
    base.finish()?;
    Ok(rows.len() as u64)
}

type Row = (Vec<u8>, Vec<u8>);

fn read_lines(lines: impl BufRead) -> Result<(Option<[u8; 16]>, Vec<Row>), Fault> {
    let (mut secret, mut rows) = (None, Vec::new());
    for (number, line) in (1..).zip(lines.lines()) {
        let fault = |what: String| Fault { what: format!("line {number}: {what}") };
        let line = line.map_err(|error| fault(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        match json::read(&line).map_err(fault)? {
            Said::Secret(said) => secret = Some(said),
            Said::Record(record) => {
                let (mut key, mut value) = (Out::default(), Out::default());
                codec::write_key_of(&mut key, &record);
                codec::write(&mut value, &record);
                rows.push((key.finish(), value.finish()));
            }
        }
    }
    Ok((secret, rows))
}

/// The directory, if there is a store in it.
pub(super) fn existing(path: &Path) -> Result<Directory, Fault> {
    let directory = Directory::at(path);
    if !path.is_dir() || !directory.has_store()? {
        return Err(Fault { what: format!("there is no store in {}", path.display()) });
    }
    if !directory.base().exists() && directory.former().exists() {
        let former = directory.former();
        return Err(Fault {
            what: format!(
                "{} is of version 0.1; `fanal serve` takes it over when it starts",
                former.display()
            ),
        });
    }
    Ok(directory)
}
