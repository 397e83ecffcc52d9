//! Frames: octets with their length and a checksum around them, one after the other in a file.
//!
//! A frame is read whole or not at all. Where one is damaged, the next sound one is found by its
//! marker, so that a flipped bit costs one frame and not the rest of a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::octets::Out;

/// Marker, length and checksum, before every payload.
pub const HEAD_OCTETS: usize = 12;

/// Octets that no text begins with, so that they are rare in payloads.
const MARKER: [u8; 4] = [0xfa, 0x7a, 0x1e, 0x0a];

/// Octets read from a file at once.
const CHUNK: usize = 256 * 1024;

/// Appends a frame whose payload is written by `payload`.
pub fn write(out: &mut Out, payload: impl FnOnce(&mut Out)) {
    let head = out.len();
    out.raw(&MARKER).u32(0).u32(0);
    let body = out.len();
    payload(out);
    let octets = u32::try_from(out.len() - body).expect("a batch is far below 4 GiB");
    let sum = checksum(octets, &out.as_slice()[body..]);
    out.set_u32(head + 4, octets);
    out.set_u32(head + 8, sum);
}

fn checksum(octets: u32, payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&octets.to_be_bytes());
    sum.update(payload);
    sum.finalize()
}

/// What stands at a place of a file.
#[derive(PartialEq, Eq, Debug)]
pub enum Found<'a> {
    /// A sound frame.
    Frame {
        /// Where its payload begins in the file.
        at: u64,
        /// Its payload.
        payload: &'a [u8],
    },
    /// Octets that are no sound frame; [`Frames::skip`] goes on behind them.
    Damage,
    /// Nothing more.
    End,
}

/// Reads frames of a file, from a place to an end.
pub struct Frames<'f> {
    file: &'f File,
    /// Where the next frame begins in the file.
    place: u64,
    end: u64,
    /// Octets of the file, from `buffered_from` on.
    buffer: Vec<u8>,
    buffered_from: u64,
}

impl<'f> Frames<'f> {
    /// Of a file from `place` up to `end`.
    pub fn new(file: &'f File, place: u64, end: u64) -> Frames<'f> {
        Frames { file, place, end, buffer: Vec::new(), buffered_from: place }
    }

    /// Where the next frame begins, or the damage that was found.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// What stands next; goes behind it if it is a frame.
    pub fn next(&mut self) -> io::Result<Found<'_>> {
        if self.place >= self.end {
            return Ok(Found::End);
        }
        let Some(octets) = self.sound()? else { return Ok(Found::Damage) };
        let at = self.place + HEAD_OCTETS as u64;
        self.place = at + octets as u64;
        let from = usize::try_from(at - self.buffered_from).expect("buffered");
        Ok(Found::Frame { at, payload: &self.buffer[from..from + octets] })
    }

    /// Goes from damage to the next sound frame; how many octets are between. `None` if there is
    /// no sound frame any more; then all is read.
    pub fn skip(&mut self) -> io::Result<Option<u64>> {
        let damaged = self.place;
        self.place += 1;
        while self.place < self.end {
            let wanted = CHUNK.min(usize::try_from(self.end - self.place).unwrap_or(CHUNK));
            let window = self.window(wanted)?;
            match memchr::memmem::find(window, &MARKER) {
                Some(ahead) => {
                    self.place += ahead as u64;
                    if self.sound()?.is_some() {
                        return Ok(Some(self.place - damaged));
                    }
                    self.place += 1;
                }
                // A marker may lie across the border of two windows.
                None => self.place += (window.len().max(MARKER.len()) - MARKER.len() + 1) as u64,
            }
        }
        self.place = self.end;
        Ok(None)
    }

    /// The length of the payload of the frame that stands here, if it is sound.
    fn sound(&mut self) -> io::Result<Option<usize>> {
        let left = self.end - self.place;
        if left < HEAD_OCTETS as u64 {
            return Ok(None);
        }
        let head = self.window(HEAD_OCTETS)?;
        let Some((marker, rest)) = head.split_first_chunk() else { return Ok(None) };
        let Some((octets, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((sum, _)) = rest.split_first_chunk() else { return Ok(None) };
        let (octets, sum) = (u32::from_be_bytes(*octets), u32::from_be_bytes(*sum));
        if *marker != MARKER || u64::from(octets) > left - HEAD_OCTETS as u64 {
            return Ok(None);
        }
        let payload_octets = octets as usize;
        let whole = self.window(HEAD_OCTETS + payload_octets)?;
        let payload = whole.get(HEAD_OCTETS..).unwrap_or_default();
        let is_sound = payload.len() == payload_octets && checksum(octets, payload) == sum;
        Ok(is_sound.then_some(payload_octets))
    }

    /// So many octets from the place on, fewer if the file has become shorter.
    fn window(&mut self, octets: usize) -> io::Result<&[u8]> {
        let from = usize::try_from(self.place - self.buffered_from).unwrap_or(usize::MAX);
        if self.buffer.len().saturating_sub(from) < octets {
            let kept = self.buffer.len().saturating_sub(from);
            self.buffer.drain(..self.buffer.len() - kept);
            self.buffered_from = self.place;
            self.fill(octets.max(CHUNK))?;
            return Ok(self.buffer.get(..octets).unwrap_or(&self.buffer));
        }
        Ok(&self.buffer[from..from + octets])
    }

    fn fill(&mut self, octets: usize) -> io::Result<()> {
        let left = usize::try_from(self.end - self.buffered_from).unwrap_or(usize::MAX);
        let mut filled = self.buffer.len();
        self.buffer.resize(octets.min(left).max(filled), 0);
        while filled < self.buffer.len() {
            let at = self.buffered_from + filled as u64;
            match self.file.read_at(&mut self.buffer[filled..], at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file that is gone when it is closed.
    fn file(octets: &[u8]) -> File {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fanal-frame-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut file = File::create_new(&path).expect("a file");
        file.write_all(octets).expect("written");
        let file = File::open(&path).expect("readable");
        std::fs::remove_file(&path).expect("removed");
        file
    }

    fn payloads() -> Vec<Vec<u8>> {
        vec![b"one".to_vec(), Vec::new(), vec![7; 300_000], MARKER.repeat(3), b"last".to_vec()]
    }

    fn written() -> (Vec<u8>, Vec<usize>) {
        let (mut out, mut ends) = (Out::default(), Vec::new());
        for payload in payloads() {
            write(&mut out, |out| {
                out.raw(&payload);
            });
            ends.push(out.len());
        }
        (out.finish(), ends)
    }

    /// Sound payloads, and how often there was damage.
    fn read(octets: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let file = file(octets);
        let mut frames = Frames::new(&file, 0, octets.len() as u64);
        let (mut found, mut damages) = (Vec::new(), 0);
        loop {
            match frames.next().expect("readable") {
                Found::Frame { at, payload } => {
                    let at = usize::try_from(at).expect("small");
                    assert_eq!(octets[at..at + payload.len()], *payload);
                    found.push(payload.to_vec());
                }
                Found::End => return (found, damages),
                Found::Damage => {
                    damages += 1;
                    if frames.skip().expect("readable").is_none() {
                        return (found, damages);
                    }
                }
            }
        }
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        assert_eq!(read(&written().0), (payloads(), 0));
        assert_eq!(read(b""), (Vec::new(), 0));
    }

    #[test]
    fn a_file_cut_anywhere_has_the_frames_that_are_whole() {
        let (octets, ends) = written();
        let near = |place: &usize| ends.iter().any(|end| end.abs_diff(*place) < 30);
        for place in (0..octets.len()).filter(near) {
            let whole = ends.iter().filter(|end| **end <= place).count();
            let is_clean = place == 0 || ends.contains(&place);
            let expected = (payloads()[..whole].to_vec(), usize::from(!is_clean));
            assert_eq!(read(&octets[..place]), expected, "cut at {place}");
        }
    }

    #[test]
    fn a_flipped_bit_costs_the_frame_it_is_in_and_no_other() {
        let (octets, ends) = written();
        let near = |place: &usize| ends.iter().any(|end| end.abs_diff(*place) < 20);
        for place in (0..octets.len()).filter(near) {
            let mut flipped = octets.clone();
            flipped[place] ^= 1 << (place % 8);
            let hit = ends.iter().filter(|end| **end <= place).count();
            let mut expected = payloads();
            expected.remove(hit);
            assert_eq!(read(&flipped), (expected, 1), "flipped at {place}");
        }
    }
}
