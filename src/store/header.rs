//! How a file of the store begins: what it is, which format, whose it is.
//!
//! Titles and the place of the format number are the same in every version, so that an older
//! program can say that a file is of a newer one.

use super::codec;
use super::octets::{In, Out};

/// The format written. It grows with everything an older program could not read.
pub const FORMAT: u8 = 1;

/// Octets before the first frame, by kind of file.
pub const TITLE_OCTETS: u64 = 16;

/// The title of a base.
pub const BASE: &[u8; TITLE_OCTETS as usize] = b"fanal store base";

/// The title of a segment of the journal.
pub const SEGMENT: &[u8; TITLE_OCTETS as usize] = b"fanal journal \r\n";

/// What the first octet of a payload says of it.
pub mod payload {
    /// Records or changes.
    pub const CONTENT: u8 = 0;
    /// The header of the file.
    pub const HEADER: u8 = 1;
    /// The end of the file: nothing was cut off.
    pub const END: u8 = 2;
}

/// The header of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// Its number.
    pub number: u64,
    /// How much of the segment before it counts, in octets: what stands behind that was never
    /// said to be kept.
    pub previous_end: u64,
    /// The secret of the installation.
    pub secret: [u8; 16],
    /// Which start of the machine it was written in.
    pub boot: String,
}

/// The header of a base, repeated at its end with the counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BaseHeader {
    /// The secret of the installation.
    pub secret: [u8; 16],
    /// The last segment whose changes are in it.
    pub folded: u64,
}

/// What a header turned out to be.
#[derive(PartialEq, Eq, Debug)]
pub enum Read<T> {
    /// One of ours.
    Ours(T),
    /// One of a later version of this program, with this format.
    Newer(u8),
    /// None.
    Foreign,
}

impl SegmentHeader {
    /// As a payload.
    pub fn write(&self, out: &mut Out) {
        begin(out, payload::HEADER);
        out.u64(self.number).u64(self.previous_end).raw(&self.secret).text(&self.boot);
    }

    /// From a payload.
    pub fn read(payload: &[u8]) -> Read<SegmentHeader> {
        read(payload, payload::HEADER, |from| {
            Some(SegmentHeader {
                number: from.u64()?,
                previous_end: from.u64()?,
                secret: secret(from)?,
                boot: from.text()?.to_owned(),
            })
        })
    }
}

impl BaseHeader {
    /// As the first payload.
    pub fn write(&self, out: &mut Out) {
        begin(out, payload::HEADER);
        out.raw(&self.secret).u64(self.folded);
    }

    /// From the first payload.
    pub fn read(payload: &[u8]) -> Read<BaseHeader> {
        read(payload, payload::HEADER, base)
    }

    /// As the last payload, with the number of records.
    pub fn write_end(&self, out: &mut Out, records: u64) {
        begin(out, payload::END);
        out.raw(&self.secret).u64(self.folded).u64(records);
    }

    /// From the last payload, with the number of records.
    pub fn read_end(payload: &[u8]) -> Read<(BaseHeader, u64)> {
        read(payload, payload::END, |from| Some((base(from)?, from.u64()?)))
    }
}

fn begin(out: &mut Out, kind: u8) {
    out.u8(kind).u8(FORMAT).u8(codec::VERSION);
}

fn read<T>(payload: &[u8], kind: u8, rest: impl FnOnce(&mut In<'_>) -> Option<T>) -> Read<T> {
    let mut from = In::new(payload);
    if from.u8() != Some(kind) {
        return Read::Foreign;
    }
    let (Some(format), Some(version)) = (from.u8(), from.u8()) else { return Read::Foreign };
    if format > FORMAT || version > codec::VERSION {
        return Read::Newer(if format > FORMAT { format } else { version });
    }
    match rest(&mut from) {
        Some(header) if from.end().is_some() => Read::Ours(header),
        _ => Read::Foreign,
    }
}

fn base(from: &mut In<'_>) -> Option<BaseHeader> {
    Some(BaseHeader { secret: secret(from)?, folded: from.u64()? })
}

fn secret(from: &mut In<'_>) -> Option<[u8; 16]> {
    from.u128().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back_and_a_newer_one_says_so() {
        let secret = [7; 16];
        let segment = SegmentHeader { number: 3, previous_end: 99, secret, boot: "b".to_owned() };
        let mut out = Out::default();
        segment.write(&mut out);
        assert_eq!(SegmentHeader::read(out.as_slice()), Read::Ours(segment));
        assert_eq!(BaseHeader::read(out.as_slice()), Read::Foreign);
        let base = BaseHeader { secret, folded: 5 };
        let mut end = Out::default();
        base.write_end(&mut end, 17);
        assert_eq!(BaseHeader::read_end(end.as_slice()), Read::Ours((base.clone(), 17)));
        let mut octets = end.finish();
        octets[1] = FORMAT + 1;
        assert_eq!(BaseHeader::read_end(&octets), Read::Newer(FORMAT + 1));
        let mut first = Out::default();
        base.write(&mut first);
        assert_eq!(BaseHeader::read(first.as_slice()), Read::Ours(base));
        assert_eq!(SegmentHeader::read(b""), Read::Foreign);
    }
}
