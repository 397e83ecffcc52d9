//! A few texts in one allocation, for what is kept a million times.

use std::ops::Range;

/// `N` strings of octets in one piece of memory; together at most 64 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed<const N: usize> {
    octets: Box<[u8]>,
    /// Where each of them ends.
    ends: [u16; N],
}

impl<const N: usize> Packed<N> {
    /// `None` if they are longer together than can be told.
    pub fn new(texts: [&[u8]; N]) -> Option<Packed<N>> {
        let mut octets = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        let mut ends = [0; N];
        for (text, end) in texts.iter().zip(&mut ends) {
            octets.extend_from_slice(text);
            *end = u16::try_from(octets.len()).ok()?;
        }
        Some(Packed { octets: octets.into_boxed_slice(), ends })
    }

    /// One of them.
    pub fn at(&self, place: usize) -> &[u8] {
        &self.octets[self.range(place)]
    }

    /// One of them, of those that were text.
    pub fn text(&self, place: usize) -> &str {
        std::str::from_utf8(self.at(place)).unwrap_or_default()
    }

    /// The same with another in the place of one.
    #[must_use]
    pub fn with(&self, place: usize, text: &[u8]) -> Option<Packed<N>> {
        Packed::new(std::array::from_fn(|at| if at == place { text } else { self.at(at) }))
    }

    fn range(&self, place: usize) -> Range<usize> {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        usize::from(start)..usize::from(self.ends[place])
    }
}

impl<const N: usize> std::fmt::Debug for Packed<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries((0..N).map(|place| self.at(place).escape_ascii().to_string()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_found_again_and_one_can_be_replaced() {
        let packed = Packed::new([&b"one"[..], b"", b"three"]).expect("short");
        assert_eq!([packed.text(0), packed.text(1), packed.text(2)], ["one", "", "three"]);
        let other = packed.with(1, b"two").expect("short");
        assert_eq!([other.text(0), other.text(1), other.text(2)], ["one", "two", "three"]);
        assert_eq!(other.with(1, b""), Some(packed));
    }

    #[test]
    fn more_than_can_be_told_is_not_taken() {
        let long = vec![b'x'; 40_000];
        assert!(Packed::new([&long[..], b""]).is_some());
        assert!(Packed::new([&long[..], &long]).is_none());
    }
}
