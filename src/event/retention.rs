//! How long places of people are kept (RFC 4119 §2.2.1): until the end they came with, and no
//! longer than the organisation keeps places.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Entry;
use super::presence::Part;
use super::times::Times;
use crate::doc::filter;
use crate::doc::pidf::Presence as Document;

/// How long the organisation keeps places after they were said; packages in use learn of another
/// span.
#[derive(Debug, Default)]
pub struct Retention(AtomicU64);

impl Retention {
    /// Places are kept so long, or as long as the publication lasts. False if they were before.
    pub fn set(&self, retain: Option<Duration>) -> bool {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX - 1);
        // One more, since 0 is no end.
        let new = retain.map_or(0, |retain| millis(retain).saturating_add(1));
        self.0.swap(new, Ordering::Relaxed) != new
    }

    fn span(&self) -> Option<Duration> {
        self.0.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_millis)
    }

    /// What is left of each publication whose places are over, by its place among `parts`; nothing
    /// if all say what they said.
    pub fn forget(&self, parts: &[Entry<Part>], times: &mut Times) -> Vec<Option<Document>> {
        let places = |entry: &Entry<Part>| match entry.part {
            Part::Published { places, .. } => places,
            Part::Said(_) => false,
        };
        if !parts.iter().any(places) {
            return Vec::new(); // As nearly always.
        }
        let left = parts.iter().map(|entry| {
            let Part::Published { document, places: true, .. } = &entry.part else { return None };
            let mut left = Document::clone(document);
            let next = filter::expire(&mut left, entry.updated, self.span(), times.now);
            times.look_again(next);
            Some(left)
        });
        left.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_kept_and_a_change_of_it_is_told() {
        let retention = Retention::default();
        assert_eq!(retention.span(), None);
        assert!(retention.set(Some(Duration::from_secs(60))));
        assert!(!retention.set(Some(Duration::from_secs(60))));
        assert_eq!(retention.span(), Some(Duration::from_secs(60)));
        assert!(retention.set(Some(Duration::ZERO)));
        assert_eq!(retention.span(), Some(Duration::ZERO));
        assert!(retention.set(None));
        assert_eq!(retention.span(), None);
    }
}
