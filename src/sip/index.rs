//! One pass over a header section: where the name and the value of each field stand, and how
//! long the body is (RFC 3261 §7.3).

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::base::limits::{HEADER_FIELDS_MAX, HEADER_OCTETS_MAX};
use crate::sip::grammar;
use crate::sip::message::{Field, Headers, Range};
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// What one pass over the header section finds.
pub(crate) struct Index {
    fields: SmallVec<[Field; 24]>,
    /// Where a CR LF precedes a continuation line.
    folds: SmallVec<[usize; 4]>,
    /// The names that are there, each by its bit.
    seen: u64,
    /// Where the second field stands of a name that must be single, and whose it is.
    twin: Option<(u16, HeaderId)>,
    body: usize,
    body_octets: Option<usize>,
}

impl Index {
    pub fn of(raw: &[u8], first: usize) -> Result<Index, Malformed> {
        let mut index = Index {
            fields: SmallVec::new(),
            folds: SmallVec::new(),
            seen: 0,
            twin: None,
            body: 0,
            body_octets: None,
        };
        let mut at = first;
        loop {
            let (text, after) = line(raw, at)?;
            if text.is_empty() {
                index.body = after;
                return Ok(index);
            }
            at = index.take_field(raw, at, after)?;
            if index.fields.len() > HEADER_FIELDS_MAX {
                return Err(Malformed::too_large(at, "fewer header fields"));
            }
        }
    }

    /// Takes the field that begins at `start` and whose first line ends before `after`; gives
    /// where the next one begins.
    fn take_field(
        &mut self,
        raw: &[u8],
        start: usize,
        mut after: usize,
    ) -> Result<usize, Malformed> {
        while let Some(b' ' | b'\t') = raw.get(after) {
            self.folds.push(after - 2);
            after = line(raw, after)?.1;
        }
        let end = after - 2;
        let text = raw.get(start..end).unwrap_or_default();
        let (name_octets, colon, id) =
            name(text).map_err(|(at, what)| Malformed::at(start + at, what))?;
        let value = value_within(raw, start + colon + 1, end);
        let name = Range::new(start, start + name_octets);
        let (Some(name), Some(value)) = (name, Range::new(value.0, value.1)) else {
            return Err(Malformed::too_large(start, "a smaller header section"));
        };
        if id == HeaderId::ContentLength {
            self.take_length(raw, value)?;
        }
        let bit = id.bit();
        if self.seen & bit != 0 && id.is_single() && self.twin.is_none() {
            self.twin = Some((name.start, id));
        }
        self.seen |= bit;
        self.fields.push(Field { id, name, value });
        Ok(after)
    }

    /// Equal lengths may repeat; different ones leave the end of the body unknown.
    fn take_length(&mut self, raw: &[u8], value: Range) -> Result<(), Malformed> {
        let start = usize::from(value.start);
        let digits = raw.get(start..usize::from(value.end)).unwrap_or_default();
        let fault = Malformed::at(start, "a Content-Length number");
        let octets = length(digits).ok_or(fault)?;
        if self.body_octets.is_some_and(|before| before != octets) {
            return Err(Malformed::at(start, "one Content-Length"));
        }
        self.body_octets = Some(octets);
        Ok(())
    }

    pub fn into_headers(self, raw: Bytes) -> Result<Headers, Malformed> {
        let there = raw.len() - self.body;
        let octets = self.body_octets.unwrap_or(there);
        if octets > there {
            return Err(Malformed::at(raw.len(), "a body as long as Content-Length says"));
        }
        let mut raw = raw;
        if octets < there {
            raw.truncate(self.body + octets);
        }
        if !self.folds.is_empty() {
            raw = unfolded(&raw, &self.folds);
        }
        let Index { fields, seen, twin, body, .. } = self;
        Ok(Headers { raw, fields, seen, twin, body, essentials: None })
    }
}

/// How long the name of a field is, where its colon stands, and whose name it is; or where and
/// what is wrong.
fn name(text: &[u8]) -> Result<(usize, usize, HeaderId), (usize, &'static str)> {
    let (name, after) = grammar::run(text, grammar::TOKEN);
    let blanks = after.len() - grammar::after_space(after).len();
    let colon = name.len() + blanks;
    match text.get(colon) {
        Some(b':') if !name.is_empty() => Ok((name.len(), colon, HeaderId::from_name(name))),
        _ if name.is_empty() && text.contains(&b':') => Err((0, "a header name")),
        _ => Err((name.len(), "a colon after a header name")),
    }
}

/// The line that begins at `at`, without its CR LF, and where the next one begins. A CR, LF or
/// NUL elsewhere is no part of any line.
pub(crate) fn line(raw: &[u8], at: usize) -> Result<(&[u8], usize), Malformed> {
    let rest = raw.get(at..).unwrap_or_default();
    let window = rest.get(..HEADER_OCTETS_MAX).unwrap_or(rest);
    let Some(end) = end_of_line(window) else {
        return Err(match window.len() < rest.len() {
            true => Malformed::too_large(at, "a shorter header line"),
            false => Malformed::at(raw.len(), "an empty line after the headers"),
        });
    };
    let next = at + end + 2;
    if rest.get(end..end + 2) != Some(b"\r\n") {
        return Err(Malformed::at(at + end, "CR LF at the end of a line"));
    }
    if next > HEADER_OCTETS_MAX {
        return Err(Malformed::too_large(at, "a smaller header section"));
    }
    Ok((rest.get(..end).unwrap_or_default(), next))
}

/// Where the first CR, LF or NUL stands; but a NUL after a backslash is a legal part of a quoted
/// string (RFC 3261 §25.1, RFC 4475 §3.1.1.2).
fn end_of_line(window: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += control(window.get(at..)?)?;
        match window.get(at)? {
            b'\r' | b'\n' => return Some(at),
            0 if !window.get(..at)?.ends_with(b"\\") => return Some(at),
            _ => at += 1,
        }
    }
}

/// Where the first octet below the space stands. Lines are short, so eight octets at a time are
/// quicker than what is made for long texts.
fn control(octets: &[u8]) -> Option<usize> {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut words = octets.chunks_exact(8);
    let mut at = 0;
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().expect("chunks of eight octets"));
        // The high bit of each octet that is below the space; a borrow reaches only those above
        // the first, which alone counts.
        let below = word.wrapping_sub(SPACES) & !word & HIGH_BITS;
        if below != 0 {
            return Some(at + below.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    words.remainder().iter().position(|b| *b < b' ').map(|beyond| at + beyond)
}

/// `start..end` without white space on both sides, line ends of folding included.
pub(crate) fn value_within(raw: &[u8], start: usize, end: usize) -> (usize, usize) {
    let blank = |at: usize| matches!(raw.get(at), Some(b' ' | b'\t' | b'\r' | b'\n'));
    let (mut start, mut end) = (start, end);
    while start < end && blank(start) {
        start += 1;
    }
    while end > start && blank(end - 1) {
        end -= 1;
    }
    (start, end)
}

/// RFC 3261 §7.3.1: a folded line means the same as one line with spaces; two spaces for CR LF
/// keep every offset right.
fn unfolded(raw: &Bytes, folds: &[usize]) -> Bytes {
    let mut copy = BytesMut::from(&raw[..]);
    for fold in folds {
        if let Some(line_end) = copy.get_mut(*fold..*fold + 2) {
            line_end.fill(b' ');
        }
    }
    copy.freeze()
}

/// A number of octets.
pub(crate) fn length(digits: &[u8]) -> Option<usize> {
    match grammar::number(digits) {
        Ok(([], octets)) => Some(octets),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_control_octet_is_found_wherever_it_stands() {
        for octets in 0..40 {
            let plain = vec![b' '; octets];
            assert_eq!(control(&plain), None);
            for at in 0..octets {
                for (octet, next) in [(0, 0x20), (b'\r', b'\n'), (0x1f, 0x20), (b'\t', 0xff)] {
                    let mut text = plain.clone();
                    text[at] = octet;
                    text.iter_mut().skip(at + 1).for_each(|after| *after = next);
                    assert_eq!(control(&text), Some(at), "{text:?}");
                }
            }
        }
        assert_eq!(control(&[0x20, 0x7f, 0x80, 0xff, 0x9f, 0xa0, b'!', b'~', 0xe9]), None);
    }
}
