//! One pass over a header section: where the name and the value of each field stand, and how
//! long the body is (RFC 3261 §7.3).

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::base::limits::{HEADER_FIELDS_MAX, HEADER_OCTETS_MAX};
use crate::sip::grammar;
use crate::sip::message::{Field, Headers, Range};
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// Finds the fields of the header section that begins at `first`, and cuts what stands behind the
/// body.
pub(crate) fn read(headers: &mut Headers, first: usize) -> Result<(), Malformed> {
    let Headers { raw, fields, .. } = &mut *headers;
    let mut index =
        Index { raw, fields, folds: SmallVec::new(), seen: 0, twin: None, body_octets: None };
    let body = index.lines(first)?;
    let Index { folds, seen, twin, body_octets, .. } = index;
    let there = raw.len() - body;
    let octets = body_octets.unwrap_or(there);
    if octets > there {
        return Err(Malformed::at(raw.len(), "a body as long as Content-Length says"));
    }
    if octets < there {
        raw.truncate(body + octets);
    }
    if !folds.is_empty() {
        *raw = unfolded(raw, &folds);
    }
    headers.seen = seen;
    headers.twin = twin;
    headers.body = body;
    Ok(())
}

/// What one pass over the header section finds.
struct Index<'h> {
    raw: &'h [u8],
    fields: &'h mut SmallVec<[Field; 24]>,
    /// Where a CR LF precedes a continuation line.
    folds: SmallVec<[usize; 4]>,
    /// The names that are there, each by its bit.
    seen: u64,
    /// Where the second field stands of a name that must be single, and whose it is.
    twin: Option<(u16, HeaderId)>,
    body_octets: Option<usize>,
}

impl Index<'_> {
    /// Takes all fields; gives where the body begins.
    fn lines(&mut self, first: usize) -> Result<usize, Malformed> {
        let mut at = first;
        loop {
            let end = line_end(self.raw, at)?;
            if end == at {
                return Ok(end + 2);
            }
            at = self.take_field(at, end)?;
            if self.fields.len() > HEADER_FIELDS_MAX {
                return Err(Malformed::too_large(at, "fewer header fields"));
            }
        }
    }

    /// Takes the field that begins at `start` and whose first line ends at `end`; gives where the
    /// next one begins.
    fn take_field(&mut self, start: usize, mut end: usize) -> Result<usize, Malformed> {
        while let Some(b' ' | b'\t') = self.raw.get(end + 2) {
            self.folds.push(end);
            end = line_end(self.raw, end + 2)?;
        }
        let text = self.raw.get(start..end).unwrap_or_default();
        let (name_octets, colon, id) =
            name(text).map_err(|(at, what)| Malformed::at(start + at, what))?;
        let value = value_within(self.raw, start + colon + 1, end);
        let name = Range::new(start, start + name_octets);
        let (Some(name), Some(value)) = (name, Range::new(value.0, value.1)) else {
            return Err(Malformed::too_large(start, "a smaller header section"));
        };
        if id == HeaderId::ContentLength {
            self.take_length(value)?;
        }
        let bit = id.bit();
        if self.seen & bit != 0 && id.is_single() && self.twin.is_none() {
            self.twin = Some((name.start, id));
        }
        self.seen |= bit;
        self.fields.push(Field { id, name, value });
        Ok(end + 2)
    }

    /// Equal lengths may repeat; different ones leave the end of the body unknown.
    fn take_length(&mut self, value: Range) -> Result<(), Malformed> {
        let start = usize::from(value.start);
        let digits = self.raw.get(start..usize::from(value.end)).unwrap_or_default();
        let fault = Malformed::at(start, "a Content-Length number");
        let octets = length(digits).ok_or(fault)?;
        if self.body_octets.is_some_and(|before| before != octets) {
            return Err(Malformed::at(start, "one Content-Length"));
        }
        self.body_octets = Some(octets);
        Ok(())
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

/// Where the line that begins at `at` ends, which is at a CR LF. A CR, LF or NUL elsewhere is no
/// part of any line.
pub(crate) fn line_end(raw: &[u8], at: usize) -> Result<usize, Malformed> {
    let rest = raw.get(at..).unwrap_or_default();
    let window = rest.get(..HEADER_OCTETS_MAX).unwrap_or(rest);
    let Some(octets) = end_of_line(window) else {
        return Err(match window.len() < rest.len() {
            true => Malformed::too_large(at, "a shorter header line"),
            false => Malformed::at(raw.len(), "an empty line after the headers"),
        });
    };
    let end = at + octets;
    if rest.get(octets..octets + 2) != Some(b"\r\n") {
        return Err(Malformed::at(end, "CR LF at the end of a line"));
    }
    if end + 2 > HEADER_OCTETS_MAX {
        return Err(Malformed::too_large(at, "a smaller header section"));
    }
    Ok(end)
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
    let (words, rest) = octets.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The high bit of each octet that is below the space; a borrow reaches only those above
        // the first, which alone counts.
        let below = word.wrapping_sub(SPACES) & !word & HIGH_BITS;
        if below != 0 {
            return Some(at + below.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    rest.iter().position(|b| *b < b' ').map(|beyond| at + beyond)
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
