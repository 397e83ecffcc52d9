//! Fresh identifiers that nobody can guess, and the keyed hash that names an AoR's home.
//!
//! Our To-tags and Via branches begin with the home hash of the AoR they serve, so that a
//! refresh or a response finds its home without a table. They carry the hash and not a shard
//! number: a restart with more cores moves homes without breaking a dialog.

use std::hash::Hasher;

use bytes::BufMut;
use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use siphasher::sip::SipHasher24;

use super::digits::hexadecimal;
use super::identity::{Aor, EntityTag};

/// What a Via branch of RFC 3261 begins with.
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// The keyed hash of an AoR: which shard is its home.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct HomeHash(pub u32);

impl HomeHash {
    /// Which of `shards` this is at home in.
    pub fn shard(self, shards: usize) -> usize {
        ((u64::from(self.0) * shards as u64) >> 32) as usize
    }
}

/// A secret of this installation. It is kept in the store, so that tags and nonces handed out
/// before a restart still mean the same after it.
#[derive(Clone, Copy)]
pub struct Secret([u8; 16]);

impl Secret {
    /// From sixteen random octets.
    pub const fn new(octets: [u8; 16]) -> Secret {
        Secret(octets)
    }

    /// The octets, to be stored or to key something else.
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The home hash of an AoR.
    pub fn home(&self, aor: &Aor) -> HomeHash {
        HomeHash((self.hash(&[b"home", aor.as_str().as_bytes()]) >> 32) as u32)
    }

    /// A keyed hash over parts; moving a boundary between two parts changes it.
    pub fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        hasher.finish()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Our tag of a dialog: the home hash, then 64 bits of which the upper half is random and the lower
/// half says where the dialog was kept when it began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LocalTag {
    /// The home of the dialog's AoR.
    pub home: HomeHash,
    /// What makes it unique.
    pub unique: u64,
}

impl LocalTag {
    /// From the text of a To-tag; `None` if we cannot have written it.
    pub fn from_text(text: &[u8]) -> Option<LocalTag> {
        let (home, unique) = from_hex(text)?;
        Some(LocalTag { home, unique })
    }
}

impl LocalTag {
    /// As messages have it.
    pub fn to_text(self) -> String {
        let mut text = Vec::with_capacity(24);
        self.write(&mut text);
        String::from_utf8(text).expect("hexadecimal digits")
    }

    /// Where its dialog was kept when it began.
    pub fn index(self) -> u32 {
        self.unique as u32
    }

    /// Appends it as messages have it.
    pub fn write(self, out: &mut impl BufMut) {
        hexadecimal::<8>(self.home.0.into(), out);
        hexadecimal::<16>(self.unique, out);
    }
}

impl std::fmt::Display for LocalTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}{:016x}", self.home.0, self.unique)
    }
}

/// Our branch of a client transaction: the magic cookie, the home hash, then 64 bits of which
/// the upper half is random and the lower half says where the transaction is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Branch {
    /// The home of the AoR the request is about.
    pub home: HomeHash,
    /// What makes it unique.
    pub unique: u64,
}

impl Branch {
    /// From the text of a Via branch; `None` if we cannot have written it.
    pub fn from_text(text: &[u8]) -> Option<Branch> {
        let cookie = MAGIC_COOKIE.as_bytes();
        let rest = text.get(cookie.len()..)?;
        if !text[..cookie.len()].eq_ignore_ascii_case(cookie) {
            return None;
        }
        let (home, unique) = from_hex(rest)?;
        Some(Branch { home, unique })
    }
}

impl Branch {
    /// Appends it as messages have it.
    pub fn write(self, out: &mut impl BufMut) {
        out.put_slice(MAGIC_COOKIE.as_bytes());
        hexadecimal::<8>(self.home.0.into(), out);
        hexadecimal::<16>(self.unique, out);
    }
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{MAGIC_COOKIE}{:08x}{:016x}", self.home.0, self.unique)
    }
}

fn from_hex(text: &[u8]) -> Option<(HomeHash, u64)> {
    let (home, unique) = text.split_first_chunk::<8>()?;
    let unique: &[u8; 16] = unique.try_into().ok()?;
    Some((HomeHash(hex(home)? as u32), hex(unique)?))
}

fn hex(digits: &[u8]) -> Option<u64> {
    let (number, odd) = digits.iter().fold((0, 0), |(number, odd), digit| {
        let value = NIBBLES[usize::from(*digit)];
        (number << 4 | u64::from(value & 15), odd | value)
    });
    (odd & NO_DIGIT == 0).then_some(number)
}

const NO_DIGIT: u8 = 0x80;

/// What each hexadecimal digit is worth.
const NIBBLES: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

/// The one source of fresh identifiers of an owner. Seeded at the edge; the same seed mints the
/// same identifiers, which makes whole runs repeatable.
pub struct Mint {
    random: ChaCha12Rng,
}

impl Mint {
    /// A mint of its own stream.
    pub fn new(seed: [u8; 32]) -> Mint {
        Mint { random: ChaCha12Rng::from_seed(seed) }
    }

    /// A fresh tag for the dialog kept at `index`.
    pub fn local_tag(&mut self, home: HomeHash, index: u32) -> LocalTag {
        let unique = u64::from(self.random.next_u32()) << 32 | u64::from(index);
        LocalTag { home, unique }
    }

    /// A fresh branch for the client transaction kept at `index`.
    pub fn branch(&mut self, home: HomeHash, index: u32) -> Branch {
        // The upper half is never zero, so that nothing is.
        let random = self.random.next_u32().max(1);
        let unique = u64::from(random) << 32 | u64::from(index);
        Branch { home, unique }
    }

    /// A fresh entity-tag: 128 random bits, so that none repeats, across restarts included.
    pub fn entity_tag(&mut self) -> EntityTag {
        let high = u128::from(self.random.next_u64()) << 64;
        EntityTag(high | u128::from(self.random.next_u64()))
    }

    /// Sixty-four fresh bits.
    pub fn bits(&mut self) -> u64 {
        self.random.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_branches_are_read_back() {
        let secret = Secret::new([7; 16]);
        let home = secret.home(&Aor::from_parts("101", "example.com"));
        let mut mint = Mint::new([1; 32]);
        let tag = mint.local_tag(home, 5);
        assert_eq!(LocalTag::from_text(tag.to_string().as_bytes()), Some(tag));
        let branch = mint.branch(home, 77);
        assert_eq!(Branch::from_text(branch.to_string().as_bytes()), Some(branch));
        assert_eq!(branch.unique as u32, 77);
        for foreign in ["", "z9hG4bK", "z9hG4bKnashds7", "a6c85cf", &"g".repeat(24)] {
            assert_eq!(LocalTag::from_text(foreign.as_bytes()), None);
            assert_eq!(Branch::from_text(foreign.as_bytes()), None);
        }
    }

    #[test]
    fn homes_spread_over_shards_and_depend_on_the_secret() {
        let aors: Vec<Aor> =
            (0..4000).map(|n| Aor::from_parts(&n.to_string(), "example.com")).collect();
        let secret = Secret::new([7; 16]);
        let mut counts = [0; 4];
        for aor in &aors {
            counts[secret.home(aor).shard(4)] += 1;
        }
        assert!(counts.iter().all(|&count| (900..1100).contains(&count)), "{counts:?}");
        let other = Secret::new([8; 16]);
        assert!(aors.iter().any(|aor| secret.home(aor) != other.home(aor)));
    }

    #[test]
    fn a_million_entity_tags_do_not_repeat() {
        let mut mint = Mint::new([1; 32]);
        let mut seen = std::collections::HashSet::new();
        assert!((0..1_000_000).all(|_| seen.insert(mint.entity_tag())));
    }
}
