//! Nonces that carry their own proof (RFC 7616 §3.3, §5.4), and the counts spent on them.
//!
//! A nonce is a time stamp, whom it was issued to and by which owner, random bits and a keyed MAC
//! over all of it, so none needs to be kept until it is used, and every holder of the secret knows
//! its own again, after a restart too. Only counts already spent are remembered. Whatever must be
//! forgotten to keep that memory bounded becomes stale first: a client then asks for a new nonce,
//! and nothing can be replayed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sha2::Sha256;
use sha2::digest::Digest;
use subtle::ConstantTimeEq;

use crate::base::flow::source_octets;
use crate::base::limits::{NONCE_COUNT_WINDOW, NONCE_COUNTED_FOR, NONCES_MAX};
use crate::base::mint::{Mint, Secret};
use crate::base::time::{Moment, Now, Wall};

/// Octets of the MAC in a nonce. 112 bits cannot be guessed.
const MAC_OCTETS: usize = 14;

/// Octets of what a nonce says: time stamp, source, origin, random bits.
const SAID_OCTETS: usize = 6 + 4 + 4 + 4;

/// Octets of a nonce. Twice as many digits fit the buffers of old phones.
const NONCE_OCTETS: usize = SAID_OCTETS + MAC_OCTETS;

/// What a nonce of ours in credentials is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NonceCheck {
    /// Alive, and this count was not used before; it is now.
    Fresh,
    /// Its time is over or what was spent on it is no longer known.
    Stale,
    /// Alive, but this count was used before or lies below the window.
    Replayed,
}

/// Whom a nonce is issued to: an address, of IPv6 its network of 64 bits, as a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source(u32);

/// A nonce that is ours, by its MAC.
#[derive(Clone, Copy, Debug)]
pub struct Issued(Nonce);

/// The nonces of one owner.
pub struct Nonces {
    secret: Secret,
    /// What tells this owner's nonces from those of others who know the secret.
    origin: u32,
    life: Duration,
    spent_max: usize,
    clock: Option<Clock>,
    /// Stamps before this are stale.
    floor: Wall,
    spent: BTreeMap<Nonce, Window>,
}

/// What names a nonce. Ordered by age, the oldest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Nonce {
    stamp: Wall,
    source: Source,
    origin: u32,
    random: u32,
}

/// The counts spent on one nonce: the highest, and as bits it and the 63 below it.
struct Window {
    highest: u32,
    bits: u64,
}

/// Civil time that never goes back: when the wall clock is set back, it runs on with the
/// monotonic one. Otherwise a nonce would come to life again after its counts were forgotten.
#[derive(Clone, Copy)]
struct Clock {
    wall: Wall,
    instant: Moment,
}

impl Nonces {
    /// None spent yet. What was minted before the first [`Nonces::advance`] is stale, because
    /// counts spent on it before a restart are not known. `origin` is another for each owner.
    pub fn new(secret: &Secret, origin: u32, life: Duration) -> Nonces {
        Nonces {
            secret: *secret,
            origin,
            life,
            spent_max: NONCES_MAX,
            clock: None,
            floor: Wall::default(),
            spent: BTreeMap::new(),
        }
    }

    /// From now on nonces live so long; those that lived longer already are stale.
    pub fn live_for(&mut self, life: Duration) {
        self.life = life;
    }

    /// Moves the clock and lets go of nonces whose time is over. The civil time it gives
    /// never goes back.
    pub fn advance(&mut self, now: Now) -> Wall {
        let Some(before) = self.clock else {
            self.floor = now.wall;
            self.clock = Some(Clock { wall: now.wall, instant: now.instant });
            return now.wall;
        };
        let wall = before.at(now);
        self.clock = Some(Clock { wall, instant: now.instant });
        let life = u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX);
        let oldest = Wall::from_unix_millis(wall.as_unix_millis().saturating_sub(life));
        self.raise_floor(oldest);
        wall
    }

    /// Judges a nonce and spends `count` on it; without a count, the whole nonce (RFC 3261
    /// §22.4 item 8 has none). Ask only when the digest is right, so that nobody spends the
    /// counts of others.
    pub fn check(&mut self, now: Now, issued: Issued, count: Option<u32>) -> NonceCheck {
        let clock = self.advance(now);
        let Issued(nonce) = issued;
        if nonce.stamp < self.floor || nonce.stamp > clock + self.life {
            return NonceCheck::Stale;
        }
        let fresh = match (self.spent.get_mut(&nonce), count) {
            (Some(window), Some(count)) => window.spend(count),
            (Some(_), None) => false,
            (None, count) => {
                self.begin(nonce, count.map_or(Window::FULL, Window::new));
                true
            }
        };
        if fresh { NonceCheck::Fresh } else { NonceCheck::Replayed }
    }

    /// A fresh nonce for whoever is at a source, safe inside quotes.
    pub fn mint(&self, now: Now, mint: &mut Mint, source: Source) -> String {
        let clock = self.clock.map_or(now.wall, |clock| clock.at(now));
        let random = (mint.bits() >> 32) as u32;
        let nonce = Nonce { stamp: clock.max(self.floor), source, origin: self.origin, random };
        let octets = [nonce.octets().as_slice(), &self.mac(nonce)].concat();
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// A nonce of ours from its text; `None` if the MAC is not.
    pub fn read(&self, text: &str) -> Option<Issued> {
        if text.len() != 2 * NONCE_OCTETS || !text.is_ascii() {
            return None;
        }
        let mut octets = [0; NONCE_OCTETS];
        for (octet, digits) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *octet = from_hex(digits)?;
        }
        let (said, mac) = octets.split_first_chunk::<SAID_OCTETS>()?;
        let nonce = Nonce::from_octets(said)?;
        bool::from(self.mac(nonce).as_slice().ct_eq(mac)).then_some(Issued(nonce))
    }

    /// What an address is as a source. Of IPv6 the network counts: who has one address there has
    /// them all.
    pub fn source(&self, address: IpAddr) -> Source {
        Source((self.secret.hash(&[b"source", &source_octets(address)]) >> 32) as u32)
    }

    /// Whether a nonce was issued by this owner, so that what was spent on it is known.
    pub fn is_from_here(&self, issued: Issued) -> bool {
        issued.0.origin == self.origin
    }

    /// Whether a nonce was issued so lately that it says who is at that source.
    pub fn is_recent(&self, now: Now, issued: Issued) -> bool {
        let clock = self.clock.map_or(now.wall, |clock| clock.at(now));
        clock.since(issued.0.stamp) <= NONCE_COUNTED_FOR
    }

    /// Starts the counts of a nonce; the oldest goes stale when there are too many.
    fn begin(&mut self, nonce: Nonce, window: Window) {
        self.spent.insert(nonce, window);
        if self.spent.len() <= self.spent_max {
            return;
        }
        if let Some((oldest, _)) = self.spent.pop_first() {
            self.raise_floor(oldest.stamp + Duration::from_millis(1));
        }
    }

    fn raise_floor(&mut self, floor: Wall) {
        self.floor = self.floor.max(floor);
        while let Some(entry) = self.spent.first_entry() {
            if entry.key().stamp >= self.floor {
                break;
            }
            entry.remove();
        }
    }

    fn mac(&self, nonce: Nonce) -> [u8; MAC_OCTETS] {
        let whole = hmac_sha256(self.secret.octets(), &[b"nonce", &nonce.octets()]);
        let mut mac = [0; MAC_OCTETS];
        mac.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        mac
    }
}

impl Source {
    /// What it is written as.
    pub fn octets(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

impl Issued {
    /// Whom it was issued to.
    pub fn source(self) -> Source {
        self.0.source
    }
}

impl Nonce {
    fn octets(self) -> [u8; SAID_OCTETS] {
        let mut octets = [0; SAID_OCTETS];
        let parts = [
            &self.stamp.as_unix_millis().to_be_bytes()[2..],
            &self.source.octets(),
            &self.origin.to_be_bytes(),
            &self.random.to_be_bytes(),
        ];
        octets.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        octets
    }

    fn from_octets(octets: &[u8; SAID_OCTETS]) -> Option<Nonce> {
        let (stamp, rest) = octets.split_first_chunk::<6>()?;
        let (source, rest) = rest.split_first_chunk::<4>()?;
        let (origin, rest) = rest.split_first_chunk::<4>()?;
        let (random, _) = rest.split_first_chunk::<4>()?;
        let millis = stamp.iter().fold(0, |millis, octet| millis << 8 | u64::from(*octet));
        Some(Nonce {
            stamp: Wall::from_unix_millis(millis),
            source: Source(u32::from_be_bytes(*source)),
            origin: u32::from_be_bytes(*origin),
            random: u32::from_be_bytes(*random),
        })
    }
}

impl Window {
    /// Nothing is left to spend.
    const FULL: Window = Window { highest: u32::MAX, bits: u64::MAX };

    fn new(count: u32) -> Window {
        Window { highest: count, bits: 1 }
    }

    /// Marks a count; false if it was marked before or is too far below the highest to tell.
    fn spend(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.bits = self.bits.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        if behind >= NONCE_COUNT_WINDOW {
            return false;
        }
        let bit = 1 << behind;
        let fresh = self.bits & bit == 0;
        self.bits |= bit;
        fresh
    }
}

impl Clock {
    fn at(self, now: Now) -> Wall {
        now.wall.max(self.wall + now.instant.since(self.instant))
    }
}

fn from_hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0_u8, |octet, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(octet << 4 | u8::try_from(value).ok()?)
    })
}

/// HMAC-SHA-256 (RFC 2104) over `parts` put together, for a key of one block or less.
pub(super) fn hmac_sha256(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 32] {
    const BLOCK_OCTETS: usize = 64;
    let pad = |with: u8| {
        let mut block = [with; BLOCK_OCTETS];
        block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new();
    outer.update(pad(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(300);
    const SOURCE: Source = Source(0x0102_0304);

    /// As a digest that is right comes to it.
    fn check(nonces: &mut Nonces, now: Now, text: &str, count: Option<u32>) -> NonceCheck {
        let issued = nonces.read(text).expect("a nonce of ours");
        nonces.check(now, issued, count)
    }

    fn now() -> Now {
        Now { instant: Moment::from_micros(7), wall: Wall::from_unix_millis(1_772_444_467_000) }
    }

    fn begun() -> (Nonces, Mint) {
        let mut nonces = Nonces::new(&Secret::new([7; 16]), 1, LIFE);
        nonces.advance(now());
        (nonces, Mint::new([1; 32]))
    }

    // The expected octets were computed with another implementation.
    #[test]
    fn the_mac_is_hmac_sha_256() {
        let mac = hmac_sha256(&[0x0b; 16], &[b"Hi ", b"There"]);
        let hex: String = mac.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hex, "492ce020fe2534a5789dc3848806c78f4f6711397f08e7e7a12ca5a4483c8aa6");
    }

    #[test]
    fn a_fresh_nonce_counts_up() {
        let (mut nonces, mut mint) = begun();
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        for count in [1, 2, 3, 10, 4, 9] {
            assert_eq!(check(&mut nonces, now(), &nonce, Some(count)), NonceCheck::Fresh);
        }
        for count in [1, 4, 9, 10] {
            let again = check(&mut nonces, now(), &nonce, Some(count));
            assert_eq!(again, NonceCheck::Replayed, "{count}");
        }
    }

    #[test]
    fn the_window_is_64_counts_deep() {
        let (mut nonces, mut mint) = begun();
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        let mut check = |count| check(&mut nonces, now(), &nonce, Some(count));
        assert_eq!(check(100), NonceCheck::Fresh);
        assert_eq!(check(37), NonceCheck::Fresh, "63 below the highest");
        assert_eq!(check(36), NonceCheck::Replayed, "64 below the highest");
        assert_eq!(check(u32::MAX), NonceCheck::Fresh, "a jump ahead");
        assert_eq!(check(100), NonceCheck::Replayed);
        assert_eq!(check(u32::MAX), NonceCheck::Replayed);
        assert_eq!(check(u32::MAX - 1), NonceCheck::Fresh);
        assert_eq!(check(0), NonceCheck::Replayed);
    }

    #[test]
    fn without_a_count_a_nonce_serves_once() {
        let (mut nonces, mut mint) = begun();
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, now(), &nonce, None), NonceCheck::Fresh);
        assert_eq!(check(&mut nonces, now(), &nonce, None), NonceCheck::Replayed);
        for count in [0, 1, u32::MAX] {
            let counted = check(&mut nonces, now(), &nonce, Some(count));
            assert_eq!(counted, NonceCheck::Replayed);
        }
        let other = nonces.mint(now(), &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, now(), &other, Some(1)), NonceCheck::Fresh);
        assert_eq!(check(&mut nonces, now(), &other, None), NonceCheck::Replayed);
    }

    #[test]
    fn a_nonce_lives_to_the_end_of_its_life_and_not_longer() {
        let (mut nonces, mut mint) = begun();
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        let end = now().after(LIFE);
        assert_eq!(check(&mut nonces, end, &nonce, Some(1)), NonceCheck::Fresh);
        let past = end.after(Duration::from_millis(1));
        assert_eq!(check(&mut nonces, past, &nonce, Some(2)), NonceCheck::Stale);
        assert!(nonces.spent.is_empty(), "its counts are forgotten");
    }

    #[test]
    fn a_longer_life_revives_nothing_and_a_shorter_one_counts_at_once() {
        let (mut nonces, mut mint) = begun();
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, now(), &nonce, Some(1)), NonceCheck::Fresh);
        let later = now().after(LIFE / 2);
        nonces.live_for(LIFE / 4);
        assert_eq!(check(&mut nonces, later, &nonce, Some(2)), NonceCheck::Stale);
        nonces.live_for(LIFE);
        assert_eq!(check(&mut nonces, later, &nonce, Some(1)), NonceCheck::Stale);
    }

    #[test]
    fn a_nonce_of_others_or_with_a_changed_digit_is_not_ours() {
        let (nonces, mut mint) = begun();
        let other = Nonces::new(&Secret::new([8; 16]), 1, LIFE).mint(now(), &mut mint, SOURCE);
        assert!(nonces.read(&other).is_none());
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        assert_eq!(nonce.len(), 64);
        for place in 0..nonce.len() {
            let mut changed = nonce.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(nonces.read(&changed).is_none());
        }
        for strange in ["", "2eac3307", &"é".repeat(32), &"+1".repeat(32)] {
            assert!(nonces.read(strange).is_none());
        }
    }

    #[test]
    fn a_nonce_says_whom_it_was_issued_to_by_whom_and_how_long_ago() {
        let (nonces, mut mint) = begun();
        let other = Nonces::new(&Secret::new([7; 16]), 2, LIFE);
        let source = nonces.source([192, 0, 2, 1].into());
        let text = nonces.mint(now(), &mut mint, source);
        let issued = other.read(&text).expect("the same secret");
        assert_eq!(issued.source(), source);
        assert!(nonces.is_from_here(issued) && !other.is_from_here(issued));
        let day = now().after(NONCE_COUNTED_FOR);
        assert!(nonces.is_recent(day, issued));
        assert!(!nonces.is_recent(day.after(Duration::from_millis(1)), issued));
    }

    #[test]
    fn what_was_minted_before_a_restart_is_stale_after_it() {
        let (mut nonces, mut mint) = begun();
        let nonce = nonces.mint(now(), &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, now(), &nonce, Some(1)), NonceCheck::Fresh);
        let later = now().after(Duration::from_secs(2));
        let mut restarted = Nonces::new(&Secret::new([7; 16]), 1, LIFE);
        assert_eq!(check(&mut restarted, later, &nonce, Some(1)), NonceCheck::Stale);
        let new = restarted.mint(later, &mut mint, SOURCE);
        assert_eq!(check(&mut restarted, later, &new, Some(1)), NonceCheck::Fresh);
    }

    #[test]
    fn a_full_memory_makes_the_oldest_stale_and_nothing_replayable() {
        let (mut nonces, mut mint) = begun();
        nonces.spent_max = 3;
        let moments: Vec<Now> =
            (0..4).map(|second| now().after(Duration::from_secs(second))).collect();
        let texts: Vec<String> =
            moments.iter().map(|&moment| nonces.mint(moment, &mut mint, SOURCE)).collect();
        for (&moment, text) in moments.iter().zip(&texts) {
            assert_eq!(check(&mut nonces, moment, text, Some(1)), NonceCheck::Fresh);
        }
        let last = moments[3];
        assert_eq!(check(&mut nonces, last, &texts[0], Some(1)), NonceCheck::Stale);
        assert_eq!(check(&mut nonces, last, &texts[0], Some(2)), NonceCheck::Stale);
        for text in &texts[1..] {
            assert_eq!(check(&mut nonces, last, text, Some(1)), NonceCheck::Replayed);
            assert_eq!(check(&mut nonces, last, text, Some(2)), NonceCheck::Fresh);
        }
    }

    #[test]
    fn a_full_memory_within_one_millisecond_still_lets_new_nonces_in() {
        let (mut nonces, mut mint) = begun();
        nonces.spent_max = 2;
        for _ in 0..20 {
            let nonce = nonces.mint(now(), &mut mint, SOURCE);
            assert_eq!(check(&mut nonces, now(), &nonce, Some(1)), NonceCheck::Fresh);
            assert!(nonces.spent.len() <= 2);
        }
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_and_revives_nothing() {
        let (mut nonces, mut mint) = begun();
        let old = nonces.mint(now(), &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, now(), &old, Some(1)), NonceCheck::Fresh);
        let mut late = now().after(Duration::from_secs(3600));
        assert_eq!(check(&mut nonces, late, &old, Some(2)), NonceCheck::Stale);
        late.wall = now().wall;
        assert_eq!(check(&mut nonces, late, &old, Some(1)), NonceCheck::Stale);
        let new = nonces.mint(late, &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, late, &new, Some(1)), NonceCheck::Fresh);
        let past = late.after(LIFE + Duration::from_millis(1));
        assert_eq!(check(&mut nonces, past, &new, Some(2)), NonceCheck::Stale);
    }

    #[test]
    fn a_nonce_from_far_in_the_future_is_stale() {
        let (mut nonces, mut mint) = begun();
        let ahead = now().after(LIFE + Duration::from_millis(1));
        let nonce = Nonces::new(&Secret::new([7; 16]), 1, LIFE).mint(ahead, &mut mint, SOURCE);
        assert_eq!(check(&mut nonces, now(), &nonce, Some(1)), NonceCheck::Stale);
    }

    /// Whatever the clocks do and however little is remembered, no count is spent twice, and a
    /// new nonce always serves.
    #[test]
    fn no_count_is_ever_spent_twice() {
        for seed in 1..60_u64 {
            let mut random = seed;
            let mut next = move |bound: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % bound
            };
            let (mut nonces, mut mint) = begun();
            nonces.spent_max = 1 + usize::try_from(next(8)).expect("small");
            let mut now = now();
            let mut minted: Vec<String> = Vec::new();
            let mut spent = std::collections::HashSet::new();
            for step in 0..1_000 {
                match next(12) {
                    0..=2 => {
                        let nonce = nonces.mint(now, &mut mint, SOURCE);
                        let check = check(&mut nonces, now, &nonce, Some(1));
                        assert_eq!(check, NonceCheck::Fresh, "seed {seed}, step {step}");
                        assert!(spent.insert((nonce.clone(), 1)));
                        minted.push(nonce);
                    }
                    3..=8 if !minted.is_empty() => {
                        let back = usize::try_from(next(12)).expect("small");
                        let place = minted.len().saturating_sub(1 + back);
                        let count = u32::try_from(next(100)).expect("small");
                        let check = check(&mut nonces, now, &minted[place], Some(count));
                        let fresh = check == NonceCheck::Fresh;
                        let new = !fresh || spent.insert((minted[place].clone(), count));
                        assert!(new, "seed {seed}, step {step}");
                    }
                    9 => now = now.after(Duration::from_millis(next(3))),
                    10 => now = now.after(Duration::from_secs(next(400))),
                    // Somebody sets the wall clock.
                    _ => {
                        let (base, reach) = (now.wall.as_unix_millis(), 1 << next(24));
                        now.wall = Wall::from_unix_millis(base + next(reach) - next(reach));
                    }
                }
                assert!(nonces.spent.len() <= nonces.spent_max);
            }
        }
    }
}
