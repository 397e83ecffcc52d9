//! One segment of the journal: a header, then what was appended, each batch a frame.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::directory::{Directory, create_private};
use super::frame::{self, Found, Frames};
use super::header::{Read, SEGMENT, SegmentHeader, TITLE_OCTETS};
use super::octets::Out;

/// A segment that is there.
#[derive(Debug)]
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// Where it is.
    pub path: PathBuf,
    /// The file.
    pub file: File,
    /// How much of it counts.
    pub end: u64,
}

impl Segment {
    /// Opens one to read it, all of it.
    pub fn open(directory: &Directory, number: u64) -> io::Result<Segment> {
        let path = directory.segment(number);
        let file = File::open(&path)?;
        let end = file.metadata()?.len();
        Ok(Segment { number, path, file, end })
    }

    /// Its header, if it is sound.
    pub fn header(&self) -> io::Result<Option<Read<SegmentHeader>>> {
        let mut frames = Frames::new(&self.file, TITLE_OCTETS, self.end);
        Ok(match frames.next()? {
            Found::Frame { payload, .. } => Some(SegmentHeader::read(payload)),
            Found::Damage | Found::End => None,
        })
    }

    /// Whether there is nothing sound in it: it was begun, and nothing was ever kept in it.
    pub fn is_blank(&self) -> io::Result<bool> {
        let mut frames = Frames::new(&self.file, TITLE_OCTETS, self.end);
        Ok(match frames.next()? {
            Found::Frame { .. } => false,
            Found::End => true,
            Found::Damage => frames.skip()?.is_none(),
        })
    }
}

/// The segment that is appended to.
#[derive(Debug)]
pub struct Active {
    /// The segment; its end is where the next batch goes.
    pub segment: Segment,
}

impl Active {
    /// Makes one, with these octets after its header.
    pub fn create(
        directory: &Directory,
        header: &SegmentHeader,
        octets: &[u8],
    ) -> io::Result<Active> {
        let path = directory.segment(header.number);
        let file = create_private(&path)?;
        let mut out = Out::default();
        out.raw(SEGMENT);
        frame::write(&mut out, |out| header.write(out));
        out.raw(octets);
        file.write_all_at(out.as_slice(), 0)?;
        let (number, end) = (header.number, out.len() as u64);
        Ok(Active { segment: Segment { number, path, file, end } })
    }

    /// Writes a batch behind what counts. If that fails, nothing has changed: the next batch goes
    /// to the same place.
    pub fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        self.segment.file.write_all_at(octets, self.segment.end)?;
        self.segment.end += octets.len() as u64;
        Ok(())
    }
}
