//! The hash algorithms of digest authentication (RFC 7616 §6.1, RFC 8760).

use std::fmt;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::digest::Digest;
use sha2::{Sha256, Sha512_256};
use subtle::ConstantTimeEq;

/// Octets of the longest digest.
const OCTETS_MAX: usize = 32;

/// A hash algorithm as challenges and credentials name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Algorithm {
    /// The old one that every phone knows.
    #[serde(rename = "MD5")]
    Md5,
    /// The one to prefer.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// SHA-512 cut to 256 bits; few peers know it.
    #[serde(rename = "SHA-512-256")]
    Sha512Cut256,
}

impl Algorithm {
    /// All of them, the one to prefer first.
    pub const ALL: [Algorithm; 3] = [Algorithm::Sha512Cut256, Algorithm::Sha256, Algorithm::Md5];

    /// The name in challenges and credentials.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512Cut256 => "SHA-512-256",
        }
    }

    /// By name, in any case; `None` for any other, the `-sess` variants included.
    pub fn from_text(text: &str) -> Option<Algorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(text))
    }

    /// The hash over `parts` with a colon between each two, as RFC 7616 §3.4 always has it.
    pub fn hash(self, parts: &[&[u8]]) -> HexDigest {
        match self {
            Algorithm::Md5 => hash::<Md5>(parts),
            Algorithm::Sha256 => hash::<Sha256>(parts),
            Algorithm::Sha512Cut256 => hash::<Sha512_256>(parts),
        }
    }

    /// H(A1): what a server keeps instead of the password (RFC 7616 §3.4.2).
    pub fn ha1(self, username: &str, realm: &str, password: &str) -> HexDigest {
        self.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()])
    }

    /// A digest of this algorithm from hexadecimal digits in any case; `None` if it cannot be one.
    pub fn digest_from_text(self, text: &str) -> Option<HexDigest> {
        let digits = match self {
            Algorithm::Md5 => 32,
            Algorithm::Sha256 | Algorithm::Sha512Cut256 => 64,
        };
        let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| {
            let mut digest = HexDigest::EMPTY;
            text.bytes().for_each(|digit| digest.push(digit.to_ascii_lowercase()));
            digest
        })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest as lower-case hexadecimal digits. It may be worth a password, so it is compared in
/// constant time and its `Debug` shows nothing.
#[derive(Clone, Copy)]
pub struct HexDigest {
    digits: [u8; 2 * OCTETS_MAX],
    count: usize,
}

impl HexDigest {
    const EMPTY: HexDigest = HexDigest { digits: [0; 2 * OCTETS_MAX], count: 0 };

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("hexadecimal digits are ASCII")
    }

    /// The digits, as octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.count).unwrap_or(&self.digits)
    }

    fn push(&mut self, digit: u8) {
        if let Some(place) = self.digits.get_mut(self.count) {
            *place = digit;
            self.count += 1;
        }
    }
}

/// In constant time for digests of one length.
impl PartialEq for HexDigest {
    fn eq(&self, other: &HexDigest) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for HexDigest {}

impl fmt::Debug for HexDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HexDigest(..)")
    }
}

fn hash<H: Digest>(parts: &[&[u8]]) -> HexDigest {
    #[cfg(test)]
    tests::note_hash();
    let mut hasher = H::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    let mut digest = HexDigest::EMPTY;
    for octet in hasher.finalize().iter() {
        for half in [octet >> 4, octet & 15] {
            digest.push(if half < 10 { b'0' + half } else { b'a' - 10 + half });
        }
    }
    digest
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static HASHES: Cell<u32> = const { Cell::new(0) };
    }

    pub fn note_hash() {
        HASHES.with(|hashes| hashes.set(hashes.get() + 1));
    }

    /// Hashes computed in this test so far.
    pub fn hashes() -> u32 {
        HASHES.with(Cell::get)
    }

    #[test]
    fn the_hashes_are_the_standard_ones() {
        for (algorithm, hex) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha512Cut256,
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            ),
        ] {
            assert_eq!(algorithm.hash(&[b"abc"]).as_str(), hex);
        }
    }

    // RFC 7616 §3.9.1.
    #[test]
    fn ha1_is_over_username_realm_and_password() {
        let ha1 = |algorithm: Algorithm| {
            let ha1 = algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life");
            ha1.as_str().to_owned()
        };
        assert_eq!(ha1(Algorithm::Md5), "3d78807defe7de2157e2b0b6573a855f");
        assert_eq!(
            ha1(Algorithm::Sha256),
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
        );
    }

    #[test]
    fn a_name_is_known_in_any_case() {
        assert_eq!(Algorithm::from_text("md5"), Some(Algorithm::Md5));
        assert_eq!(Algorithm::from_text("sha-256"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::from_text("SHA-512-256"), Some(Algorithm::Sha512Cut256));
        for strange in ["", "MD5-sess", "SHA256", "SHA-512"] {
            assert_eq!(Algorithm::from_text(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_digest_is_read_in_any_case_and_only_at_its_length() {
        let digest = Algorithm::Md5.hash(&[b"abc"]);
        let upper = digest.as_str().to_uppercase();
        assert_eq!(Algorithm::Md5.digest_from_text(&upper), Some(digest));
        assert_eq!(Algorithm::Sha256.digest_from_text(&upper), None);
        assert_eq!(Algorithm::Md5.digest_from_text(&"g".repeat(32)), None);
        assert_eq!(Algorithm::Md5.digest_from_text(""), None);
    }

    #[test]
    fn a_digest_is_not_printed_by_debug() {
        let digest = Algorithm::Md5.hash(&[b"abc"]);
        assert_eq!(format!("{digest:?}"), "HexDigest(..)");
    }
}
