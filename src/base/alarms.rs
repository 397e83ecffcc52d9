//! Alarms of one owner: a hierarchical timing wheel on a slab.
//!
//! Setting, moving and cancelling cost a few list links whatever their number; an alarm rings
//! at its millisecond or up to one after it, never before. Six levels of 64 slots reach
//! 2^36 ms (two years); anything beyond waits in the last slot and is filed anew from there.

use std::time::Duration;

use super::time::Moment;

const LEVELS: usize = 6;
const SLOTS: usize = 64;
const NONE: u32 = u32::MAX;

/// The name of one alarm. It stays unique after the alarm has rung or was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AlarmId {
    index: u32,
    generation: u32,
}

/// All alarms of one owner, each carrying a key that says what it is for.
pub struct Alarms<K> {
    entries: Vec<Entry<K>>,
    free: u32,
    heads: [[u32; SLOTS]; LEVELS],
    occupied: [u64; LEVELS],
    /// Milliseconds up to which the wheel has turned.
    turned: u64,
    /// Alarms whose time has come, linked through `next`, first come first rung.
    ripe_head: u32,
    ripe_tail: u32,
    count: usize,
}

struct Entry<K> {
    at: u64,
    next: u32,
    prev: u32,
    generation: u32,
    place: Place,
    /// Stale where nothing is set.
    key: K,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Ripe,
    Slot { level: u8, slot: u8 },
}

impl<K> Default for Alarms<K> {
    fn default() -> Self {
        Alarms {
            entries: Vec::new(),
            free: NONE,
            heads: [[NONE; SLOTS]; LEVELS],
            occupied: [0; LEVELS],
            turned: 0,
            ripe_head: NONE,
            ripe_tail: NONE,
            count: 0,
        }
    }
}

impl<K: Copy> Alarms<K> {
    /// Sets an alarm. One whose moment is already past rings at the next [`Alarms::due`].
    pub fn set(&mut self, at: Moment, key: K) -> AlarmId {
        let at = at.as_micros().div_ceil(1000);
        let index = if self.free == NONE {
            let index = u32::try_from(self.entries.len()).expect("fewer than 2^32 alarms");
            self.entries.push(Entry {
                at,
                next: NONE,
                prev: NONE,
                generation: 0,
                place: Place::Free,
                key,
            });
            index
        } else {
            let index = self.free;
            let entry = &mut self.entries[index as usize];
            self.free = entry.next;
            entry.at = at;
            entry.key = key;
            index
        };
        self.count += 1;
        self.file(index);
        AlarmId { index, generation: self.entries[index as usize].generation }
    }

    /// Cancels an alarm and gives its key back; `None` if it has rung or was cancelled before.
    pub fn cancel(&mut self, id: AlarmId) -> Option<K> {
        let entry = self.entries.get(id.index as usize)?;
        if entry.generation != id.generation || entry.place == Place::Free {
            return None;
        }
        self.unlink(id.index);
        Some(self.release(id.index))
    }

    /// Takes one alarm whose moment is not after `now`; `None` when no more are due.
    pub fn due(&mut self, now: Moment) -> Option<K> {
        if self.ripe_head == NONE {
            self.turn(now.as_micros() / 1000);
        }
        if self.ripe_head == NONE {
            return None;
        }
        let index = self.ripe_head;
        self.unlink(index);
        Some(self.release(index))
    }

    /// When to look again: not after the next alarm, perhaps before it. `None` if none is set.
    pub fn deadline(&self) -> Option<Moment> {
        if self.ripe_head != NONE {
            return Some(Moment::from_micros(self.turned * 1000));
        }
        (0..LEVELS).find_map(|level| {
            let (_, start) = self.next_slot(level)?;
            Some(Moment::ORIGIN + Duration::from_millis(start.max(self.turned)))
        })
    }

    /// How many alarms are set.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no alarm is set.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Turns the wheel to `target` (milliseconds), collecting what became ripe on the way.
    fn turn(&mut self, target: u64) {
        while self.ripe_head == NONE {
            let Some((level, slot, start)) = self.earliest_slot() else {
                break;
            };
            if start > target {
                break;
            }
            self.turned = self.turned.max(start);
            self.empty_slot(level, slot);
        }
        if self.ripe_head == NONE {
            self.turned = self.turned.max(target);
        }
    }

    /// The occupied slot whose span begins first. A lower level always precedes a higher one.
    fn earliest_slot(&self) -> Option<(usize, usize, u64)> {
        (0..LEVELS)
            .find_map(|level| self.next_slot(level).map(|(slot, start)| (level, slot, start)))
    }

    /// The next occupied slot of a level and the millisecond at which its span begins.
    fn next_slot(&self, level: usize) -> Option<(usize, u64)> {
        let occupied = self.occupied[level];
        if occupied == 0 {
            return None;
        }
        let shift = 6 * level;
        let here = self.turned >> shift;
        let ahead = occupied.rotate_right((here % SLOTS as u64) as u32).trailing_zeros();
        let position = here + u64::from(ahead);
        Some(((position % SLOTS as u64) as usize, position << shift))
    }

    /// Files everything of one slot anew: closer to its time, or ripe.
    fn empty_slot(&mut self, level: usize, slot: usize) {
        let mut index = std::mem::replace(&mut self.heads[level][slot], NONE);
        self.occupied[level] &= !(1 << slot);
        while index != NONE {
            let next = self.entries[index as usize].next;
            self.file(index);
            index = next;
        }
    }

    /// Links an entry where its time belongs.
    fn file(&mut self, index: u32) {
        let at = self.entries[index as usize].at;
        if at <= self.turned {
            return self.ripen(index);
        }
        // The highest bit in which the two times differ names the level.
        let differing = 63 - (at ^ self.turned).leading_zeros() as usize;
        let level = differing / 6;
        let (level, slot) = if level < LEVELS {
            (level, (at >> (6 * level)) % SLOTS as u64)
        } else {
            // Across a turn of the top level: at its own slot if that is less than a turn away,
            // else in the last one, to be filed anew from there.
            let top = LEVELS - 1;
            let last = (self.turned >> (6 * top)) + SLOTS as u64 - 1;
            (top, (at >> (6 * top)).min(last) % SLOTS as u64)
        };
        let slot = slot as usize;
        let head = std::mem::replace(&mut self.heads[level][slot], index);
        if head != NONE {
            self.entries[head as usize].prev = index;
        }
        self.occupied[level] |= 1 << slot;
        let entry = &mut self.entries[index as usize];
        entry.next = head;
        entry.prev = NONE;
        entry.place = Place::Slot { level: level as u8, slot: slot as u8 };
    }

    fn ripen(&mut self, index: u32) {
        let tail = std::mem::replace(&mut self.ripe_tail, index);
        if tail == NONE {
            self.ripe_head = index;
        } else {
            self.entries[tail as usize].next = index;
        }
        let entry = &mut self.entries[index as usize];
        entry.next = NONE;
        entry.prev = tail;
        entry.place = Place::Ripe;
    }

    fn unlink(&mut self, index: u32) {
        let Entry { next, prev, place, .. } = self.entries[index as usize];
        if next != NONE {
            self.entries[next as usize].prev = prev;
        }
        if prev != NONE {
            self.entries[prev as usize].next = next;
        }
        match place {
            Place::Free => {}
            Place::Ripe => {
                if prev == NONE {
                    self.ripe_head = next;
                }
                if next == NONE {
                    self.ripe_tail = prev;
                }
            }
            Place::Slot { level, slot } => {
                if prev == NONE {
                    self.heads[level as usize][slot as usize] = next;
                    if next == NONE {
                        self.occupied[level as usize] &= !(1 << slot);
                    }
                }
            }
        }
    }

    fn release(&mut self, index: u32) -> K {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.place = Place::Free;
        entry.next = std::mem::replace(&mut self.free, index);
        self.count -= 1;
        entry.key
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_micros(millis * 1000)
    }

    fn ring(alarms: &mut Alarms<u32>, now: u64) -> Vec<u32> {
        std::iter::from_fn(|| alarms.due(at(now))).collect()
    }

    #[test]
    fn an_alarm_rings_at_its_moment_and_not_before() {
        let mut alarms = Alarms::default();
        alarms.set(at(500), 1);
        assert!(ring(&mut alarms, 499).is_empty());
        assert_eq!(ring(&mut alarms, 500), [1]);
        assert!(ring(&mut alarms, 501).is_empty());
        assert!(alarms.is_empty());
    }

    #[test]
    fn a_part_of_a_millisecond_is_rounded_up() {
        let mut alarms = Alarms::default();
        alarms.set(Moment::from_micros(1_500), 1);
        assert_eq!(alarms.due(Moment::from_micros(1_999)), None);
        assert_eq!(alarms.due(Moment::from_micros(2_000)), Some(1));
    }

    #[test]
    fn a_cancelled_alarm_is_silent_and_its_name_is_not_reused() {
        let mut alarms = Alarms::default();
        let first = alarms.set(at(10), 1);
        assert_eq!(alarms.cancel(first), Some(1));
        assert_eq!(alarms.cancel(first), None);
        let second = alarms.set(at(10), 2);
        assert_ne!(first, second);
        assert_eq!(alarms.cancel(first), None, "the old name does not reach the new alarm");
        assert_eq!(ring(&mut alarms, 10), [2]);
    }

    #[test]
    fn an_alarm_beyond_the_last_level_still_rings() {
        let mut alarms = Alarms::default();
        let years = 10 * 365 * 86_400_000_u64;
        alarms.set(at(years), 7);
        assert!(ring(&mut alarms, years - 1).is_empty());
        assert_eq!(ring(&mut alarms, years), [7]);
    }

    /// The same random story told to the wheel and to a sorted map ends alike.
    #[test]
    fn the_wheel_agrees_with_a_sorted_map() {
        for seed in 1..40_u64 {
            let mut random = seed;
            let mut next = move |bound: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % bound
            };
            let mut wheel = Alarms::default();
            let mut model: BTreeMap<(u64, u32), AlarmId> = BTreeMap::new();
            let mut now = next(1 << 20);
            for step in 0..2_000_u32 {
                match next(10) {
                    0..=4 => {
                        let reach = 1 << next(24);
                        let when = now + next(reach);
                        model.insert((when, step), wheel.set(at(when), step));
                    }
                    5..=6 if !model.is_empty() => {
                        let nth = next(model.len() as u64) as usize;
                        let (&key, &id) = model.iter().nth(nth).expect("within the map");
                        assert_eq!(wheel.cancel(id), Some(key.1));
                        model.remove(&key);
                    }
                    _ => {
                        let reach = 1 << next(22);
                        now += next(reach);
                        let mut rung = ring(&mut wheel, now);
                        let later = model.split_off(&(now + 1, 0));
                        let mut expected: Vec<u32> = model.keys().map(|key| key.1).collect();
                        model = later;
                        rung.sort_unstable();
                        expected.sort_unstable();
                        assert_eq!(rung, expected, "seed {seed}, step {step}, now {now}");
                    }
                }
                assert_eq!(wheel.len(), model.len());
                let first = model.keys().next().map(|key| at(key.0));
                match (wheel.deadline(), first) {
                    (None, None) => {}
                    (Some(look), Some(first)) => assert!(look <= first.max(at(now))),
                    other => panic!("seed {seed}: {other:?}"),
                }
            }
        }
    }
}
