//! What was said of a record after it was put: small, and laid over it when it is read.

use crate::base::identity::EntityTag;
use crate::base::time::Wall;

/// Everything said of one record since it was put.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Patch {
    /// It is as it was put.
    #[default]
    Nothing,
    /// A publication lives on.
    Lease(Lease),
    /// A subscription goes on.
    Numbers(Numbers),
}

/// What has changed of a publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Its name.
    pub tag: EntityTag,
    /// Its end.
    pub until: Wall,
}

/// What has changed of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Numbers {
    /// The CSeq to go on from, if it is above the one that was put.
    pub cseq: u32,
    /// The version to go on from, if it is above the one that was put.
    pub version: u32,
    /// The last refresh.
    pub renewed: Option<Renewed>,
}

/// A refresh that changed nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Renewed {
    /// The end.
    pub until: Wall,
    /// The CSeq of the request.
    pub remote: u32,
}

impl Patch {
    /// Takes a later word in. One that is of another kind of record replaces what was said.
    pub fn add(&mut self, later: Patch) {
        match (self, later) {
            (Patch::Numbers(numbers), Patch::Numbers(later)) => {
                numbers.cseq = numbers.cseq.max(later.cseq);
                numbers.version = numbers.version.max(later.version);
                numbers.renewed = later.renewed.or(numbers.renewed);
            }
            (own, later) => *own = later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_only_grow_and_the_last_refresh_counts() {
        let renewed = |remote| Some(Renewed { until: Wall::from_unix_millis(1), remote });
        let mut patch = Patch::Nothing;
        patch.add(Patch::Numbers(Numbers { cseq: 5, version: 6, renewed: renewed(1) }));
        patch.add(Patch::Numbers(Numbers { cseq: 7, version: 2, renewed: None }));
        patch.add(Patch::Numbers(Numbers { renewed: renewed(3), ..Numbers::default() }));
        let expected = Numbers { cseq: 7, version: 6, renewed: renewed(3) };
        assert_eq!(patch, Patch::Numbers(expected));
    }
}
