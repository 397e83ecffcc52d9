//! Folds the journal into the base: in the background, with one eye on everybody else's work.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::base::{Base, NewBase};
use super::directory::Directory;
use super::header::BaseHeader;
use super::merge::merge;
use super::overlay::Overlay;
use super::segment::Segment;
use super::walk::Damage;
use crate::shard::Fault;

/// What is to be folded: segments by number, and how much of each counts.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The directory they are in.
    pub directory: Directory,
    /// The secret of the installation.
    pub secret: [u8; 16],
    /// The segments in order.
    pub segments: Vec<(u64, u64)>,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Folded {
    /// The last segment in the base.
    pub folded: u64,
    /// The length of the base.
    pub octets: u64,
}

/// A fold under way in a thread of its own.
#[derive(Debug)]
pub struct Folding {
    thread: Option<JoinHandle<Result<Folded, Fault>>>,
    is_cancelled: Arc<AtomicBool>,
}

/// Octets between two rests of a fold in the background.
const STRETCH_OCTETS: usize = 256 * 1024;

impl Fold {
    /// Does it now, as fast as it goes.
    pub fn run(&self) -> Result<Folded, Fault> {
        self.work(&mut |_| Ok(()))
    }

    /// Does it in the background.
    pub fn start(self) -> Result<Folding, Fault> {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_cancelled);
        let work = move || {
            let mut pace = Pace { since: Instant::now(), octets: 0 };
            self.work(&mut |octets| match told.load(Ordering::Relaxed) {
                true => Err(Fault { what: "the agent stops".to_owned() }),
                false => {
                    pace.went(octets);
                    Ok(())
                }
            })
        };
        let thread = thread::Builder::new().name("store fold".to_owned()).spawn(work);
        let thread = thread.map_err(|fault| Fault { what: format!("no thread: {fault}") })?;
        Ok(Folding { thread: Some(thread), is_cancelled })
    }

    fn work(&self, went: &mut dyn FnMut(usize) -> Result<(), Fault>) -> Result<Folded, Fault> {
        let mut overlay = Overlay::default();
        let mut segments = Vec::new();
        for (position, (number, end)) in self.segments.iter().enumerate() {
            let mut segment = Segment::open(&self.directory, *number).map_err(|fault| {
                Directory::fault(&self.directory.segment(*number), "read", &fault)
            })?;
            segment.end = *end;
            let walked = overlay.read(position, &segment, &mut false)?;
            if walked.torn > 0 {
                let (file, what) = (segment.path.clone(), "the rest is damaged");
                let damage = Damage { file, at: walked.sound_end, octets: walked.torn, what };
                return Err(damaged(&self.directory, &[damage]));
            }
            sound(&self.directory, &walked.damages)?;
            went(usize::try_from(*end).unwrap_or(usize::MAX))?;
            segments.push(segment);
        }
        let base = Base::open(&self.directory.base())?;
        let folded = self.segments.last().map_or(0, |(number, _)| *number);
        let header = BaseHeader { secret: self.secret, folded };
        let mut new = NewBase::begin(&self.directory, header)?;
        let rows = merge(base.as_ref(), &segments, overlay, &mut |key, value| {
            went(key.len() + value.len())?;
            new.put(key, value)
        })?;
        sound(&self.directory, &rows.damages)?;
        let octets = new.finish()?;
        for (number, _) in &self.segments {
            // One that stays is passed over, and removed at the next start.
            let _ = fs::remove_file(self.directory.segment(*number));
        }
        Ok(Folded { folded, octets })
    }
}

impl Folding {
    /// What came of it, once it is over.
    pub fn outcome(&mut self) -> Option<Result<Folded, Fault>> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return None;
        }
        let thread = self.thread.take()?;
        let panicked = || Err(Fault { what: "folding the journal has a defect".to_owned() });
        Some(thread.join().unwrap_or_else(|_| panicked()))
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Rests as long as it worked: a fold takes at most half of one core.
struct Pace {
    since: Instant,
    octets: usize,
}

impl Pace {
    fn went(&mut self, octets: usize) {
        self.octets += octets;
        if self.octets < STRETCH_OCTETS {
            return;
        }
        self.octets = 0;
        const REST_MAX: Duration = Duration::from_millis(100);
        thread::sleep(self.since.elapsed().min(REST_MAX));
        self.since = Instant::now();
    }
}

/// Refuses damage.
pub fn sound(directory: &Directory, damages: &[Damage]) -> Result<(), Fault> {
    match damages.is_empty() {
        true => Ok(()),
        false => Err(damaged(directory, damages)),
    }
}

fn damaged(directory: &Directory, damages: &[Damage]) -> Fault {
    let (first, more) = match damages {
        [] => (String::new(), 0),
        [first, rest @ ..] => (first.to_string(), rest.len()),
    };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let path = directory.path().display();
    Fault {
        what: format!(
            "the store is damaged: {first}{more}; `fanal store check --path {path}` says what, \
             `fanal store repair --path {path}` keeps what is sound and sets the old files aside"
        ),
    }
}
