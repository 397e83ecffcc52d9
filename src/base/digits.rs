//! Numbers as text, without the machinery of formatting: they are in every message.

use bytes::BufMut;

/// Appends a number in decimal.
pub fn decimal(number: u64, out: &mut impl BufMut) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return out.put_slice(&digits[start..]);
        }
    }
}

/// How many octets [`decimal`] appends.
pub fn decimal_octets(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Appends the lowest `DIGITS` hexadecimal digits of a number, in lower case.
pub fn hexadecimal<const DIGITS: usize>(number: u64, out: &mut impl BufMut) {
    const SIGNS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; DIGITS];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = SIGNS[(rest & 15) as usize];
        rest >>= 4;
    }
    out.put_slice(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_formatting_would_write_them() {
        for number in [0, 7, 10, 99, 100, 65_535, 1 << 40, u64::MAX] {
            let mut out = Vec::new();
            decimal(number, &mut out);
            assert_eq!(out, number.to_string().into_bytes());
            assert_eq!(out.len(), decimal_octets(number));
            out.clear();
            hexadecimal::<16>(number, &mut out);
            assert_eq!(out, format!("{number:016x}").into_bytes());
        }
        let mut out = Vec::new();
        hexadecimal::<8>(0xabc, &mut out);
        assert_eq!(out, b"00000abc");
    }
}
