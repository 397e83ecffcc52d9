//! The base: every record that was there at some time, sorted by key, checked by its end.
//!
//! It is never changed. A new one is written beside it and takes its place in one step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::codec::Kind;
use super::directory::{Directory, create_private};
use super::frame::{self, Found, Frames};
use super::header::{BASE, BaseHeader, Read, TITLE_OCTETS, payload};
use super::octets::{In, Out};
use super::walk::{Damage, EachFrame, Walked, walk};
use crate::base::limits::STORE_BASE_FRAME_OCTETS;
use crate::shard::Fault;

/// Takes the key and the value of a record.
pub type EachRow<'e> = dyn FnMut(&[u8], &[u8]) -> Result<(), Fault> + 'e;

/// A base that is there.
#[derive(Debug)]
pub struct Base {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub octets: u64,
    /// Its header; `None` if neither the one at the beginning nor the one at the end can be read.
    pub header: Option<BaseHeader>,
    /// The format of a later version of this program, if it is of one.
    pub newer: Option<u8>,
    file: File,
}

/// What was seen of a base.
#[derive(Debug, Default)]
pub struct Rows {
    /// What of it cannot be read.
    pub damages: Vec<Damage>,
    /// How many records were read.
    pub records: u64,
    /// How many its end says there were.
    pub expected: Option<u64>,
}

impl Base {
    /// Opens one; `None` if there is none.
    pub fn open(path: &Path) -> Result<Option<Base>, Fault> {
        let unreadable = |fault: io::Error| Directory::fault(path, "read", &fault);
        let file = match File::open(path) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(unreadable)?,
        };
        let octets = file.metadata().map_err(unreadable)?.len();
        let path = path.to_owned();
        let mut base = Base { path, octets, header: None, newer: None, file };
        base.find_header()?;
        Ok(Some(base))
    }

    fn find_header(&mut self) -> Result<(), Fault> {
        let unreadable = |fault: io::Error| Directory::fault(&self.path, "read", &fault);
        let mut frames = Frames::new(&self.file, TITLE_OCTETS, self.octets);
        if let Found::Frame { payload, .. } = frames.next().map_err(unreadable)? {
            match BaseHeader::read(payload) {
                Read::Ours(header) => self.header = Some(header),
                Read::Newer(format) => self.newer = Some(format),
                Read::Foreign => {}
            }
        }
        if self.header.is_none() && self.newer.is_none() {
            let mut found = None;
            self.walk(&mut |_, payload| {
                if let Read::Ours((header, _)) = BaseHeader::read_end(payload) {
                    found = Some(header);
                }
                Ok(Some(()))
            })?;
            self.header = found;
        }
        Ok(())
    }

    /// Every record in order, over damage if there is any.
    pub fn rows(&self, each: &mut EachRow<'_>) -> Result<Rows, Fault> {
        let (mut records, mut expected, mut first) = (0, None, true);
        let mut has_header = false;
        let walked = self.walk(&mut |_, octets| {
            let is_first = std::mem::take(&mut first);
            let Some((kind, content)) = octets.split_first() else { return Ok(None) };
            match *kind {
                payload::HEADER if is_first => {
                    has_header = true;
                    Ok(Some(()))
                }
                payload::CONTENT => {
                    let mut from = In::new(content);
                    while from.left() > 0 {
                        let Some((key, value)) = from.octets().zip(from.octets()) else {
                            return Ok(None);
                        };
                        records += 1;
                        each(key, value)?;
                    }
                    Ok(Some(()))
                }
                payload::END => match BaseHeader::read_end(octets) {
                    Read::Ours((_, count)) => {
                        expected = Some(count);
                        Ok(Some(()))
                    }
                    _ => Ok(None),
                },
                _ => Ok(None),
            }
        })?;
        let Walked { mut damages, sound_end, torn, .. } = walked;
        let mut note = |at, octets, what| {
            damages.push(Damage { file: self.path.clone(), at, octets, what });
        };
        match (torn, expected) {
            (1.., _) => note(sound_end, torn, "the rest is damaged"),
            (0, None) => note(sound_end, 0, "the end is missing"),
            (0, Some(_)) => {}
        }
        if damages.is_empty() && (!has_header || expected != Some(records)) {
            let (file, what) = (self.path.clone(), "frames are missing");
            damages.push(Damage { file, at: TITLE_OCTETS, octets: 0, what });
        }
        Ok(Rows { damages, records, expected })
    }

    fn walk(&self, each: &mut EachFrame<'_>) -> Result<Walked, Fault> {
        walk(&self.path, &self.file, BASE, self.octets, each)
    }
}

/// A base being written.
pub struct NewBase<'a> {
    directory: &'a Directory,
    header: BaseHeader,
    path: PathBuf,
    file: File,
    /// Records of the frame that is begun.
    rows: Out,
    frames: Out,
    records: u64,
    octets: u64,
    unsynced: u64,
    is_finished: bool,
}

/// Octets after which what was written is brought to the disk, so that it is never much at once.
const SYNC_OCTETS: u64 = 8 * 1024 * 1024;

impl<'a> NewBase<'a> {
    /// Begins one. Until it is finished, nothing has changed.
    pub fn begin(directory: &'a Directory, header: BaseHeader) -> Result<NewBase<'a>, Fault> {
        let path = directory.new_base();
        let file = create_private(&path);
        let file = file.map_err(|fault| Directory::fault(&path, "written", &fault))?;
        let mut frames = Out::default();
        frames.raw(BASE);
        frame::write(&mut frames, |out| header.write(out));
        Ok(NewBase {
            directory,
            header,
            path,
            file,
            rows: Out::default(),
            frames,
            records: 0,
            octets: 0,
            unsynced: 0,
            is_finished: false,
        })
    }

    /// Adds a record; its key is above all before it.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        debug_assert!(Kind::of(key).is_some());
        self.rows.octets(key).octets(value);
        self.records += 1;
        if self.rows.len() < STORE_BASE_FRAME_OCTETS {
            return Ok(());
        }
        self.write().map_err(|fault| Directory::fault(&self.path, "written", &fault))
    }

    /// Puts it in the place of the old one; it survives a loss of power from then on. Its length.
    pub fn finish(mut self) -> Result<u64, Fault> {
        let done = self.end().and_then(|()| {
            fs::rename(&self.path, self.directory.base())?;
            self.is_finished = true;
            self.directory.sync()
        });
        done.map_err(|fault| Directory::fault(&self.path, "written", &fault))?;
        Ok(self.octets)
    }

    fn end(&mut self) -> io::Result<()> {
        self.write()?;
        frame::write(&mut self.frames, |out| self.header.write_end(out, self.records));
        self.write()?;
        self.file.sync_all()
    }

    fn write(&mut self) -> io::Result<()> {
        if self.rows.len() > 0 {
            frame::write(&mut self.frames, |out| {
                out.u8(payload::CONTENT).raw(self.rows.as_slice());
            });
            self.rows.clear();
        }
        self.file.write_all(self.frames.as_slice())?;
        self.octets += self.frames.len() as u64;
        self.unsynced += self.frames.len() as u64;
        self.frames.clear();
        if self.unsynced >= SYNC_OCTETS {
            self.unsynced = 0;
            self.file.sync_data()?;
        }
        Ok(())
    }
}

impl Drop for NewBase<'_> {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // Emptied first: removed alone, it would keep its room for as long as a process that is
        // just being started holds it open.
        let _ = self.file.set_len(0);
        let _ = fs::remove_file(&self.path);
    }
}
