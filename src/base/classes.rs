//! Classes of octets, and how far a run of one class reaches: the inner loop of every grammar.

/// The classes each octet is of, one bit for each.
pub type Classes = [u16; 256];

/// A table in which these octets are of a class, besides what they were of.
pub const fn with_class(mut table: Classes, octets: &[u8], class: u16) -> Classes {
    let mut at = 0;
    while at < octets.len() {
        table[octets[at] as usize] |= class;
        at += 1;
    }
    table
}

/// How many octets from the start are of a class, which is one bit.
pub fn run(octets: &[u8], table: &Classes, class: u16) -> usize {
    let is = |octet: u8| table[usize::from(octet)];
    let mut at = 0;
    // Four at a time, for one look at the end of the text and one decision.
    while let Some([a, b, c, d]) = octets.get(at..at + 4)
        && is(*a) & is(*b) & is(*c) & is(*d) & class != 0
    {
        at += 4;
    }
    while let Some(octet) = octets.get(at)
        && is(*octet) & class != 0
    {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_octet_of_another_class() {
        const DIGIT: u16 = 1;
        const HEX: u16 = 2;
        const TABLE: Classes = {
            let table = with_class([0; 256], b"0123456789", DIGIT | HEX);
            with_class(table, b"abcdefABCDEF", HEX)
        };
        for (text, digits, hex) in [
            ("", 0, 0),
            ("x", 0, 0),
            ("12x4567", 2, 2),
            ("1234", 4, 4),
            ("12345a78f0x", 5, 10),
            ("1234abcd", 4, 8),
            ("é", 0, 0),
        ] {
            assert_eq!(run(text.as_bytes(), &TABLE, DIGIT), digits, "{text}");
            assert_eq!(run(text.as_bytes(), &TABLE, HEX), hex, "{text}");
        }
    }
}
