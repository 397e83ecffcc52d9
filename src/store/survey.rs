//! What stands in a data directory, and whether it is as it should be.
//!
//! The end of the journal may be torn: a process that was killed had begun to write what it had
//! promised to nobody. Anything else that cannot be read is damage.

use std::fs;
use std::io;

use super::base::Base;
use super::directory::Directory;
use super::header::{Read, SegmentHeader, TITLE_OCTETS};
use super::overlay::Overlay;
use super::segment::Segment;
use super::walk::Damage;
use crate::shard::Fault;

/// Base and journal, read as far as they can be.
#[derive(Debug)]
pub struct Survey {
    /// The base, if there is one.
    pub base: Option<Base>,
    /// The segments that are not in the base, in order, as far as they count.
    pub segments: Vec<Segment>,
    /// Their headers, if they can be read.
    pub headers: Vec<Option<SegmentHeader>>,
    /// What the segments say.
    pub overlay: Overlay,
    /// What cannot be read of the segments, and segments that are missing.
    pub damages: Vec<Damage>,
    /// Octets at the end of the journal that were never said to be kept.
    pub torn: u64,
    /// Whether the journal was closed in order by the process that wrote it last.
    pub is_closed: bool,
    /// Numbers of segments whose changes are in the base.
    pub stale: Vec<u64>,
}

/// Tries to see all files of one time while another process goes on working.
const TRIES: usize = 5;

impl Survey {
    /// Looks at a directory; it may be in use by another process.
    pub fn take(directory: &Directory) -> Result<Survey, Fault> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut survey = Survey::open(directory)?;
            match survey {
                // The journal was folded between two looks; what is gone is in the new base.
                None if tries < TRIES => continue,
                None => {
                    let what = format!("{} changes all the time", directory.path().display());
                    return Err(Fault { what });
                }
                Some(ref mut survey) => survey.check_formats()?,
            }
            let mut survey = survey.expect("seen above");
            survey.read(directory)?;
            return Ok(survey);
        }
    }

    /// The secret of the installation, from wherever it can be read.
    pub fn secret(&self) -> Option<[u8; 16]> {
        let of_base = self.base.as_ref().and_then(|base| base.header.as_ref());
        let of_segment = || self.headers.iter().flatten().next().map(|header| header.secret);
        of_base.map(|header| header.secret).or_else(of_segment)
    }

    /// The number of the last segment in the base.
    pub fn folded(&self) -> u64 {
        let of_base = self.base.as_ref().and_then(|base| base.header.as_ref());
        of_base.map_or(0, |header| header.folded)
    }

    /// Removes segments that were only begun: the next one begun takes their number.
    pub fn drop_blank(&mut self, directory: &Directory) {
        while let (Some(segment), Some(None)) = (self.segments.last(), self.headers.last()) {
            if fs::remove_file(directory.segment(segment.number)).is_err() {
                return;
            }
            self.segments.pop();
            self.headers.pop();
        }
    }

    /// Opens everything; `None` if something disappeared meanwhile.
    fn open(directory: &Directory) -> Result<Option<Survey>, Fault> {
        let numbers = directory.segments();
        let numbers =
            numbers.map_err(|fault| Directory::fault(directory.path(), "read", &fault))?;
        let base = Base::open(&directory.base())?;
        let folded = base.as_ref().and_then(|base| base.header.as_ref()).map_or(0, |h| h.folded);
        let (stale, numbers): (Vec<u64>, Vec<u64>) =
            numbers.into_iter().partition(|number| *number <= folded);
        let mut segments = Vec::new();
        for number in numbers {
            match Segment::open(directory, number) {
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(fault) => {
                    return Err(Directory::fault(&directory.segment(number), "read", &fault));
                }
                Ok(segment) => segments.push(segment),
            }
        }
        Ok(Some(Survey {
            base,
            segments,
            headers: Vec::new(),
            overlay: Overlay::default(),
            damages: Vec::new(),
            torn: 0,
            is_closed: false,
            stale,
        }))
    }

    /// Refuses what a later version of this program wrote.
    fn check_formats(&mut self) -> Result<(), Fault> {
        if let Some(base) = &self.base
            && let Some(format) = base.newer
        {
            return Err(newer(&base.path, format));
        }
        for segment in &self.segments {
            let header = segment.header();
            match header.map_err(|fault| Directory::fault(&segment.path, "read", &fault))? {
                Some(Read::Newer(format)) => return Err(newer(&segment.path, format)),
                Some(Read::Ours(header)) => self.headers.push(Some(header)),
                Some(Read::Foreign) | None => self.headers.push(None),
            }
        }
        Ok(())
    }

    fn read(&mut self, directory: &Directory) -> Result<(), Fault> {
        self.note_missing(directory);
        let blank_from = self.blank_from()?;
        for position in 0..self.segments.len() {
            self.read_segment(position, blank_from)?;
        }
        Ok(())
    }

    /// From which position on segments were only begun, and by how many processes.
    fn blank_from(&self) -> Result<usize, Fault> {
        let mut from = self.segments.len();
        for segment in self.segments.iter().rev() {
            let is_blank = segment.is_blank();
            if !is_blank.map_err(|fault| Directory::fault(&segment.path, "read", &fault))? {
                break;
            }
            from -= 1;
        }
        Ok(from)
    }

    fn note_missing(&mut self, directory: &Directory) {
        let mut note = |file, what| self.damages.push(Damage { file, at: 0, octets: 0, what });
        if self.base.is_none() && !self.segments.is_empty() {
            note(directory.base(), "the file is missing");
        }
        if self.base.as_ref().is_some_and(|base| base.header.is_none()) {
            note(directory.base(), "both headers are damaged");
        }
        // Without a header of the base nobody knows where the journal begins.
        let is_known = self.base.as_ref().is_some_and(|base| base.header.is_some());
        let folded = self.base.as_ref().and_then(|base| base.header.as_ref());
        let mut expected = folded.map_or(0, |header| header.folded) + 1;
        for segment in &self.segments {
            if segment.number != expected && (is_known || expected > 1) {
                note(directory.segment(expected), "the file is missing");
            }
            expected = segment.number + 1;
        }
    }

    fn read_segment(&mut self, position: usize, blank_from: usize) -> Result<(), Fault> {
        let secret = self.secret();
        // What the next process found to be kept; of the last segment that is whatever is sound.
        let counts = self.headers.get(position + 1).and_then(Option::as_ref);
        let counts = counts.map(|header| header.previous_end);
        let Some(segment) = self.segments.get_mut(position) else { return Ok(()) };
        let octets = segment.end;
        let damage = |at, octets, what| Damage { file: segment.path.clone(), at, octets, what };
        if let Some(counts) = counts {
            if counts > octets {
                self.damages.push(damage(octets, counts - octets, "the file is cut off"));
            }
            segment.end = counts.min(octets);
        }
        if let Some(Some(header)) = self.headers.get(position) {
            let is_other = header.number != segment.number || Some(header.secret) != secret;
            if is_other {
                self.damages.push(damage(0, octets, "the file is of another store"));
                segment.end = 0;
                return Ok(());
            }
        }
        let walked = self.overlay.read(position, segment, &mut self.is_closed)?;
        let is_last = counts.is_none() && position + 1 >= blank_from;
        let damage = |at, octets, what| Damage { file: segment.path.clone(), at, octets, what };
        if self.headers.get(position) == Some(&None) && walked.frames > 0 {
            let none_yet = walked.damages.is_empty();
            self.damages.extend(none_yet.then(|| damage(TITLE_OCTETS, 0, "the header is missing")));
        }
        self.damages.extend(walked.damages);
        if walked.torn > 0 {
            match is_last {
                true => self.torn += walked.torn,
                false => {
                    let torn = damage(walked.sound_end, walked.torn, "the rest is damaged");
                    self.damages.push(torn);
                }
            }
        }
        segment.end = walked.sound_end;
        Ok(())
    }
}

fn newer(file: &std::path::Path, format: u8) -> Fault {
    Fault {
        what: format!(
            "{} was written by a newer version of this program (format {format}); run that version, \
             or let it `fanal store export` and import that here",
            file.display()
        ),
    }
}
