//! The store that keeps files: a journal in front, where a change is one append, and a base
//! behind it, into which the journal is folded now and then.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use tracing::{debug, error, info, warn};

use super::base::NewBase;
use super::codec::{self, Kind};
use super::config::Durability;
use super::directory::{Directory, Lock, boot};
use super::fold::{Fold, Folding, sound};
use super::header::{BaseHeader, SegmentHeader, payload};
use super::memory::fresh_secret;
use super::merge::merge;
use super::octets::Out;
use super::segment::Active;
use super::survey::Survey;
use super::{entry, former, frame, repair};
use crate::base::limits::{
    STORE_FOLD_OCTETS, STORE_FOLD_OCTETS_MAX, STORE_FOLD_RETRY, STORE_FOLD_SEGMENTS,
};
use crate::base::mint::Secret;
use crate::shard::{Change, Fault, Record, Store};

/// A store in a data directory.
#[derive(Debug)]
pub struct Embedded {
    directory: Directory,
    _lock: Lock,
    secret: [u8; 16],
    boot: String,
    /// Whether what is appended survives a loss of power.
    is_synced: bool,
    /// What was found at opening, until it is loaded or something is appended.
    found: Option<Survey>,
    /// Segments that are not in the base and not appended to, and how much of each counts.
    closed: Vec<(u64, u64)>,
    /// The segment that is appended to; made with the first batch.
    active: Option<Active>,
    /// The number of the segment that was made last.
    last: u64,
    base_octets: u64,
    folding: Option<Folding>,
    fold_after: Instant,
    scratch: Out,
}

impl Embedded {
    /// Opens a data directory; makes it if it is not there. What is appended survives the end of
    /// the process.
    pub fn open(directory: &Path) -> Result<Embedded, Fault> {
        Embedded::open_with(directory, Durability::Acked)
    }

    /// Opens a data directory for a durability.
    pub fn open_with(directory: &Path, durability: Durability) -> Result<Embedded, Fault> {
        let directory = Directory::at(directory);
        directory.make()?;
        let lock = directory.lock()?;
        found_base(&directory)?;
        directory
            .keep_private()
            .map_err(|fault| Directory::fault(directory.path(), "made private", &fault))?;
        let survey = sound_survey(&directory)?;
        let secret = survey.secret().expect("a sound store has a base");
        let base_octets = survey.base.as_ref().map_or(0, |base| base.octets);
        let closed: Vec<(u64, u64)> =
            survey.segments.iter().map(|segment| (segment.number, segment.end)).collect();
        let last = closed.last().map_or(survey.folded(), |(number, _)| *number);
        Ok(Embedded {
            directory,
            _lock: lock,
            secret,
            boot: boot(),
            is_synced: durability == Durability::Synced,
            found: Some(survey),
            closed,
            active: None,
            last,
            base_octets,
            folding: None,
            fold_after: Instant::now(),
            scratch: Out::default(),
        })
    }

    /// Appends frames of changes, all or none.
    pub fn append(&mut self, frames: &[u8]) -> Result<(), Fault> {
        self.found = None;
        let number = self.active.as_ref().map_or(self.last + 1, |active| active.segment.number);
        self.write(frames)
            .map_err(|fault| Directory::fault(&self.directory.segment(number), "written", &fault))
    }

    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        match &mut self.active {
            Some(active) => {
                let end = active.segment.end;
                active.append(frames)?;
                if self.is_synced
                    && let Err(fault) = active.segment.file.sync_data()
                {
                    // What the system could not bring to the disk it may have forgotten: what
                    // was not said to be kept goes to another file, and counts there only.
                    active.segment.end = end;
                    self.close_segment();
                    return Err(fault);
                }
            }
            None => {
                let header = SegmentHeader {
                    number: self.last + 1,
                    previous_end: self.closed.last().map_or(0, |(_, end)| *end),
                    secret: self.secret,
                    boot: self.boot.clone(),
                };
                let active = Active::create(&self.directory, &header, frames)?;
                if self.is_synced {
                    active.segment.file.sync_data()?;
                    self.directory.sync()?;
                }
                self.last = header.number;
                self.active = Some(active);
            }
        }
        Ok(())
    }

    /// Folds the journal in the background when there is enough of it; takes note of a fold that
    /// is over.
    pub fn tend(&mut self) {
        if let Some(outcome) = self.folding.as_mut().and_then(Folding::outcome) {
            self.folding = None;
            match outcome {
                Ok(folded) => {
                    debug!(event = "store_folded", octets = folded.octets);
                    self.base_octets = folded.octets;
                    self.closed.retain(|(number, _)| *number > folded.folded);
                }
                Err(fault) => {
                    error!(event = "store_not_folded", reason = %fault, "the journal grows");
                    self.fold_after = Instant::now() + STORE_FOLD_RETRY;
                }
            }
        }
        if self.folding.is_some() || !self.is_fold_due() || Instant::now() < self.fold_after {
            return;
        }
        self.close_segment();
        match self.fold().start() {
            Ok(folding) => self.folding = Some(folding),
            Err(fault) => {
                warn!(event = "store_not_folded", reason = %fault);
                self.fold_after = Instant::now() + STORE_FOLD_RETRY;
            }
        }
    }

    fn is_fold_due(&self) -> bool {
        let closed: u64 = self.closed.iter().map(|(_, end)| end).sum();
        let active = self.active.as_ref().map_or(0, |active| active.segment.end);
        let bound = self.base_octets.clamp(STORE_FOLD_OCTETS, STORE_FOLD_OCTETS_MAX);
        closed + active >= bound || self.closed.len() >= STORE_FOLD_SEGMENTS
    }

    /// Folds the journal now. The length of the base.
    pub fn compact(&mut self) -> Result<u64, Fault> {
        self.folding = None;
        self.found = None;
        self.close_segment();
        // A fold that was cancelled may have come to its end all the same.
        let there = self.directory.segments();
        let there = there.map_err(|f| Directory::fault(self.directory.path(), "read", &f))?;
        self.closed.retain(|(number, _)| there.contains(number));
        if !self.closed.is_empty() {
            let folded = self.fold().run()?;
            self.base_octets = folded.octets;
            self.closed.clear();
        }
        Ok(self.base_octets)
    }

    fn fold(&self) -> Fold {
        let (directory, secret) = (self.directory.clone(), self.secret);
        Fold { directory, secret, segments: self.closed.clone() }
    }

    fn close_segment(&mut self) {
        if let Some(active) = self.active.take() {
            self.closed.push((active.segment.number, active.segment.end));
        }
    }

    /// Says in the journal that nothing follows, and brings it to the disk.
    pub fn close(&mut self) {
        self.folding = None;
        let Some(active) = &mut self.active else { return };
        let mut out = Out::default();
        frame::write(&mut out, |out| {
            out.u8(payload::END);
        });
        let closed = active.append(out.as_slice());
        if let Err(fault) = closed.and_then(|()| active.segment.file.sync_data()) {
            warn!(event = "store_not_closed", reason = %fault);
        }
    }
}

impl Store for Embedded {
    fn secret(&self) -> Secret {
        Secret::new(self.secret)
    }

    fn load(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Fault> {
        let survey = match self.found.take() {
            Some(found) => found,
            None => sound_survey(&self.directory)?,
        };
        let Survey { base, segments, overlay, .. } = survey;
        let rows = merge(base.as_ref(), &segments, overlay, &mut |key, value| {
            match codec::record(key, value) {
                Some(record) => each(record),
                None => {
                    let kind = Kind::of(key).map_or("unknown", Kind::name);
                    warn!(event = "record_unreadable", kind, "a kept record is skipped");
                }
            }
            Ok(())
        })?;
        sound(&self.directory, &rows.damages)
    }

    fn commit(&mut self, batch: &[Change]) -> Result<(), Fault> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        write_frame(&mut out, batch);
        let done = self.append(out.as_slice());
        self.scratch = out;
        done
    }
}

/// A batch as one frame.
pub fn write_frame(out: &mut Out, batch: &[Change]) {
    frame::write(out, |out| {
        out.u8(payload::CONTENT);
        batch.iter().for_each(|change| entry::write(out, change));
    });
}

/// There is a base: an empty one at the first start, one of what an older version kept.
fn found_base(directory: &Directory) -> Result<(), Fault> {
    let _ = fs::remove_file(directory.new_base()); // Of a fold that came to no end.
    if directory.base().exists() {
        former::set_aside(directory);
        return Ok(());
    }
    let segments = directory.segments();
    let segments = segments.map_err(|fault| Directory::fault(directory.path(), "read", &fault))?;
    if !segments.is_empty() || former::take_over(directory)? {
        return Ok(());
    }
    let header = BaseHeader { secret: *fresh_secret()?.octets(), folded: 0 };
    NewBase::begin(directory, header)?.finish()?;
    Ok(())
}

/// What is in the directory, if it is sound; a journal that suffered from a loss of power is
/// repaired.
fn sound_survey(directory: &Directory) -> Result<Survey, Fault> {
    let mut survey = Survey::take(directory)?;
    if repair::is_lost_with_the_power(&survey, &boot()) {
        let repaired = repair::repair(directory, survey)?;
        for damage in &repaired.damages {
            error!(event = "store_damage", %damage);
        }
        error!(
            event = "store_repaired",
            records = repaired.records,
            aside = %repaired.aside.display(),
            "the machine lost power while the journal was written; what is sound is kept"
        );
        survey = Survey::take(directory)?;
    }
    sound(directory, &survey.damages)?;
    if survey.torn > 0 {
        info!(
            event = "store_tail_cut",
            octets = survey.torn,
            "the end of the journal was begun and never promised to anybody"
        );
    }
    for number in &survey.stale {
        let _ = fs::remove_file(directory.segment(*number));
    }
    survey.drop_blank(directory);
    Ok(survey)
}
