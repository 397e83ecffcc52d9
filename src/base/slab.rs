//! Values that stay where they are put, named by place and generation.

/// Places in one piece of memory. Growing takes one more piece; what is there is never moved, so
/// that no turn stands still for it.
const PIECE: usize = 256;

/// The name of a value; not used again after its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Place {
    /// Which place.
    pub index: u32,
    /// How many values stood there before.
    pub generation: u32,
}

/// All values of one owner.
pub struct Slab<T> {
    pieces: Vec<Box<[Slot<T>]>>,
    free: Vec<u32>,
    count: usize,
}

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { pieces: Vec::new(), free: Vec::new(), count: 0 }
    }
}

impl<T> Slab<T> {
    /// Takes a value in.
    pub fn insert(&mut self, value: T) -> Place {
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        let slot = &mut self.pieces[index as usize / PIECE][index as usize % PIECE];
        slot.value = Some(value);
        self.count += 1;
        Place { index, generation: slot.generation }
    }

    /// Where the next value will be put.
    pub fn vacant(&mut self) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        self.free.push(index);
        index
    }

    /// The value at an index, whichever that is now, with its name.
    pub fn standing_at(&self, index: u32) -> Option<(Place, &T)> {
        let slot = self.pieces.get(index as usize / PIECE)?.get(index as usize % PIECE)?;
        Some((Place { index, generation: slot.generation }, slot.value.as_ref()?))
    }

    /// Lets a value go.
    pub fn remove(&mut self, place: Place) -> Option<T> {
        let slot = self.slot_mut(place)?;
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(place.index);
        self.count -= 1;
        Some(value)
    }

    /// The value of a name.
    pub fn get(&self, place: Place) -> Option<&T> {
        let index = place.index as usize;
        let slot = self.pieces.get(index / PIECE)?.get(index % PIECE)?;
        slot.value.as_ref().filter(|_| slot.generation == place.generation)
    }

    /// The value of a name, to be changed.
    pub fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.slot_mut(place)?.value.as_mut()
    }

    /// Every value with its name, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &T)> {
        self.pieces.iter().flatten().enumerate().filter_map(|(index, slot)| {
            let index = u32::try_from(index).ok()?;
            Some((Place { index, generation: slot.generation }, slot.value.as_ref()?))
        })
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn slot_mut(&mut self, place: Place) -> Option<&mut Slot<T>> {
        let index = place.index as usize;
        let slot = self.pieces.get_mut(index / PIECE)?.get_mut(index % PIECE)?;
        (slot.generation == place.generation).then_some(slot)
    }

    /// One piece more; returns its first place.
    fn grow(&mut self) -> u32 {
        let first = u32::try_from(self.pieces.len() * PIECE).expect("fewer than 2^32 values");
        let empty = || Slot { generation: 0, value: None };
        self.pieces.push(std::iter::repeat_with(empty).take(PIECE).collect());
        self.free.extend((1..PIECE as u32).rev().map(|place| first + place));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_used_again() {
        let mut slab = Slab::default();
        let vacant = slab.vacant();
        let first = slab.insert('a');
        assert_eq!(slab.standing_at(vacant), Some((first, &'a')));
        assert_eq!(slab.get(first), Some(&'a'));
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!(first.index, second.index, "the place is");
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!((slab.get(second), slab.len()), (Some(&'b'), 1));
    }

    #[test]
    fn values_of_many_pieces_are_all_found() {
        let mut slab = Slab::default();
        let places: Vec<Place> = (0..1000).map(|n| slab.insert(n)).collect();
        assert!(places.iter().zip(0..).all(|(place, n)| slab.get(*place) == Some(&n)));
        for place in places.iter().step_by(2) {
            slab.remove(*place);
        }
        let mut left: Vec<_> = slab.iter().map(|(_, n)| *n).collect();
        left.sort_unstable();
        assert_eq!(left, (0..1000).filter(|n| n % 2 == 1).collect::<Vec<_>>());
        assert_eq!(slab.len(), 500);
    }
}
