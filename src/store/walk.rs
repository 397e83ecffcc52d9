//! Reads a file of the store frame by frame, over damage if there is any, and says what it saw.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::frame::{Found, Frames};
use super::header::TITLE_OCTETS;
use crate::shard::Fault;

/// A part of a file that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Which file.
    pub file: PathBuf,
    /// Where it begins.
    pub at: u64,
    /// How long it is, in octets.
    pub octets: u64,
    /// What is wrong.
    pub what: &'static str,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Damage { file, at, octets, what } = self;
        write!(f, "{}: {what} at octet {at} ({octets} octets)", file.display())
    }
}

/// What was seen of a file.
#[derive(Debug, Default)]
pub struct Walked {
    /// Damage between sound frames, and a title that is none.
    pub damages: Vec<Damage>,
    /// How many frames were sound.
    pub frames: u64,
    /// Where the last sound frame ends, or the title.
    pub sound_end: u64,
    /// Octets behind that, up to the end that was given.
    pub torn: u64,
}

/// Takes a payload and its place; answers `None` if it is not what it should be.
pub type EachFrame<'e> = dyn FnMut(u64, &[u8]) -> Result<Option<()>, Fault> + 'e;

/// Walks a file that begins with `title` up to `end`, over every sound frame.
pub fn walk(
    path: &Path,
    file: &File,
    title: &[u8],
    end: u64,
    each: &mut EachFrame<'_>,
) -> Result<Walked, Fault> {
    let unreadable = |fault: io::Error| Directory::fault(path, "read", &fault);
    let damage = |at, octets, what| Damage { file: path.to_owned(), at, octets, what };
    let mut walked = Walked { sound_end: TITLE_OCTETS.min(end), ..Walked::default() };
    let is_titled = is_titled(file, title).map_err(unreadable)?;
    let mut frames = Frames::new(file, TITLE_OCTETS, end);
    let mut damaged = None;
    loop {
        let place = frames.place();
        match frames.next().map_err(unreadable)? {
            Found::End => break,
            Found::Damage => {
                let skipped = frames.skip().map_err(unreadable)?;
                let Some(octets) = skipped else { break };
                damaged = Some(damage(place, octets, "a frame is damaged"));
            }
            Found::Frame { at, payload } => {
                walked.damages.extend(damaged.take());
                let octets = payload.len() as u64;
                if each(at, payload)?.is_none() {
                    walked.damages.push(damage(at, octets, "a frame is not understood"));
                }
                walked.frames += 1;
                walked.sound_end = at + octets;
            }
        }
    }
    walked.torn = end.saturating_sub(walked.sound_end);
    if !is_titled && walked.frames > 0 {
        walked.damages.insert(0, damage(0, TITLE_OCTETS, "the title is damaged"));
    }
    Ok(walked)
}

fn is_titled(file: &File, title: &[u8]) -> io::Result<bool> {
    let mut octets = vec![0; title.len()];
    match file.read_exact_at(&mut octets, 0) {
        Ok(()) => Ok(octets == title),
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(fault) => Err(fault),
    }
}
