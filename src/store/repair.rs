//! Mends a damaged store: keeps what is sound, sets the old files aside, says what is lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::base::{NewBase, Rows};
use super::codec::{self, Kind};
use super::directory::Directory;
use super::header::BaseHeader;
use super::memory::fresh_secret;
use super::merge::merge;
use super::patch::{Numbers, Patch};
use super::survey::Survey;
use super::walk::Damage;
use crate::base::limits::STORE_REPAIR_AHEAD;
use crate::shard::Fault;

/// What a repair came to.
#[derive(Debug)]
pub struct Repaired {
    /// Records that were kept.
    pub records: u64,
    /// What could not be read.
    pub damages: Vec<Damage>,
    /// How many records of the base were lost, if its end still says how many there were.
    pub lost_of_base: Option<u64>,
    /// Whether the secret was lost: what was handed out before means nothing any more.
    pub is_secret_new: bool,
    /// Where the old files are.
    pub aside: PathBuf,
}

/// Mends the store of a data directory, damaged or not.
pub fn mend(path: &Path) -> Result<Repaired, Fault> {
    let directory = Directory::at(path);
    let _lock = directory.lock()?;
    let survey = Survey::take(&directory)?;
    repair(&directory, survey)
}

/// Whether damage is what a loss of power explains: it is in the journal alone, in segments that
/// were written in an earlier run of the machine.
pub(super) fn is_lost_with_the_power(survey: &Survey, boot: &str) -> bool {
    let is_of_then = |damage: &Damage| {
        let position = survey.segments.iter().position(|segment| segment.path == damage.file);
        let header = position.and_then(|position| survey.headers.get(position)?.as_ref());
        header.is_some_and(|header| header.boot != boot)
    };
    !survey.damages.is_empty() && survey.damages.iter().all(is_of_then)
}

/// Writes a new base from what is sound and sets everything else aside. The directory is locked.
pub(super) fn repair(directory: &Directory, survey: Survey) -> Result<Repaired, Fault> {
    let secret = survey.secret();
    let last = survey.segments.last().map_or(0, |segment| segment.number).max(survey.folded());
    let aside = aside(directory)?;
    let header = BaseHeader {
        secret: secret.map_or_else(|| fresh_secret().map(|secret| *secret.octets()), Ok)?,
        folded: last,
    };
    let Survey { base, segments, overlay, mut damages, stale, .. } = survey;
    let mut new = NewBase::begin(directory, header)?;
    let (mut records, mut lifted) = (0, Vec::new());
    let rows = merge(base.as_ref(), &segments, overlay, &mut |key, value| {
        records += 1;
        lifted.clear();
        lifted.extend_from_slice(value);
        lift(key, &mut lifted);
        new.put(key, &lifted)
    })?;
    let Rows { damages: of_base, records: read, expected } = rows;
    damages.extend(of_base);
    // The old base is linked, not moved: there is one at every moment.
    set_aside(&directory.base(), &aside, |from, to| {
        fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()))
    })?;
    new.finish()?;
    let numbers = segments.iter().map(|segment| segment.number).chain(stale);
    for number in numbers {
        set_aside(&directory.segment(number), &aside, |from, to| fs::rename(from, to))?;
    }
    Ok(Repaired {
        records,
        damages,
        lost_of_base: expected.map(|expected| expected.saturating_sub(read)),
        is_secret_new: secret.is_none(),
        aside,
    })
}

/// The numbers of a subscription go on above everything that may have been used.
fn lift(key: &[u8], value: &mut [u8]) {
    if Kind::of(key) != Some(Kind::Subscription) {
        return;
    }
    let Some((cseq, version)) = codec::numbers(value) else { return };
    let numbers = Numbers {
        cseq: cseq.saturating_add(STORE_REPAIR_AHEAD),
        version: version.saturating_add(STORE_REPAIR_AHEAD),
        renewed: None,
    };
    codec::lay(&Patch::Numbers(numbers), key, value);
}

/// A new folder for what is set aside.
fn aside(directory: &Directory) -> Result<PathBuf, Fault> {
    for number in 1.. {
        let path = directory.path().join(format!("damaged.{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(fault) if fault.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(Directory::fault(&path, "made", &fault)),
        }
    }
    unreachable!("there are more numbers than folders")
}

fn set_aside(
    file: &Path,
    folder: &Path,
    put: impl FnOnce(&Path, &Path) -> std::io::Result<()>,
) -> Result<(), Fault> {
    let Some(name) = file.file_name() else { return Ok(()) };
    match put(file, &folder.join(name)) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            Err(Directory::fault(file, "set aside", &fault))
        }
        _ => Ok(()),
    }
}
