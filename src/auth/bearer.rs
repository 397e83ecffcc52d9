//! Bearer tokens of programs, kept as hashes: who reads the settings learns none.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a hash of a token begins with where one is written.
const MARK: &str = "sha256:";

/// Shortest token that is taken, in octets. At 32 random letters nobody guesses one.
pub const TOKEN_OCTETS_MIN: usize = 16;

/// The hash of a token.
#[derive(Clone, Copy)]
pub struct Bearer([u8; 32]);

impl Bearer {
    /// Of a token.
    pub fn of(token: &str) -> Bearer {
        Bearer(Sha256::digest(token.as_bytes()).into())
    }

    /// From what settings say: a token, or its hash behind `sha256:`.
    pub fn read(text: &str) -> Result<Bearer, &'static str> {
        let Some(digits) = text.strip_prefix(MARK) else {
            return match text.len() < TOKEN_OCTETS_MIN {
                true => Err("a token has 16 characters at least; `openssl rand -hex 16` makes one"),
                false => Ok(Bearer::of(text)),
            };
        };
        let wrong = "write 64 hexadecimal digits behind sha256:";
        let mut octets = [0; 32];
        if digits.len() != 2 * octets.len() || !digits.is_ascii() {
            return Err(wrong);
        }
        for (octet, place) in octets.iter_mut().zip((0..).step_by(2)) {
            let pair = digits.get(place..place + 2).ok_or(wrong)?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(wrong);
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| wrong)?;
        }
        Ok(Bearer(octets))
    }

    /// Whether both are of one token, in the same time for any two.
    pub fn is(&self, other: &Bearer) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl PartialEq for Bearer {
    fn eq(&self, other: &Bearer) -> bool {
        self.is(other)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")
    }
}

impl Serialize for Bearer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        to.collect_str(&format_args!("{MARK}{digits}"))
    }
}

impl<'de> Deserialize<'de> for Bearer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bearer, D::Error> {
        Bearer::read(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_not_shown() {
        let token = "0123456789abcdef0123456789abcdef";
        let text = serde_json::to_string(&Bearer::of(token)).expect("text");
        assert!(text.starts_with("\"sha256:") && !text.contains(token));
        let read: Bearer = serde_json::from_str(&text).expect("read");
        assert!(read.is(&Bearer::of(token)) && !read.is(&Bearer::of("another one of these")));
        assert!(Bearer::read(token).is_ok_and(|read| read.is(&Bearer::of(token))));
    }

    #[test]
    fn a_token_too_short_and_a_hash_cut_are_refused() {
        assert!(Bearer::read("fifteen letters").is_err());
        assert!(Bearer::read("sixteen letters!").is_ok());
        assert!(Bearer::read("sha256:00").is_err());
        assert!(Bearer::read(&format!("sha256:{}", "é".repeat(32))).is_err());
        assert!(Bearer::read(&format!("sha256:{}", "+f".repeat(32))).is_err());
    }
}
