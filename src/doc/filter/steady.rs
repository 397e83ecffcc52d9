//! What did not visibly change looks as it did: a hidden change moves no timestamp either.
//!
//! Publishers stamp a person anew with every change. If only hidden things changed, the new
//! timestamp would be the one byte that says so (RFC 5025 §4, RFC 5839 §4).

use crate::doc::pidf::{Device, Person, Presence, Tuple};

/// Gives every service, person and device the timestamp under which this view showed it before, if
/// nothing else about it can be seen to have changed.
pub fn steady(before: &Presence, shown: &mut Presence) {
    keep(&before.tuples, &mut shown.tuples);
    keep(&before.persons, &mut shown.persons);
    keep(&before.devices, &mut shown.devices);
}

/// Takes every timestamp away, where it is not known what was shown before.
pub fn undated(shown: &mut Presence) {
    shown.tuples.iter_mut().for_each(|tuple| tuple.timestamp = None);
    shown.persons.iter_mut().for_each(|person| person.timestamp = None);
    shown.devices.iter_mut().for_each(|device| device.timestamp = None);
}

/// A service, person or device.
trait Occurrence: Clone + PartialEq {
    fn id(&self) -> &str;
    /// As it is seen but for its timestamp, which is taken out.
    fn taken_apart(&self) -> (Self, Option<String>);
    fn date(&mut self, timestamp: Option<String>);
}

fn keep<T: Occurrence>(before: &[T], shown: &mut [T]) {
    for new in shown {
        let Some(old) = before.iter().find(|old| old.id() == new.id()) else { continue };
        let (old, timestamp) = old.taken_apart();
        if old == new.taken_apart().0 {
            new.date(timestamp);
        }
    }
}

impl Occurrence for Tuple {
    fn id(&self) -> &str {
        &self.id
    }

    fn taken_apart(&self) -> (Tuple, Option<String>) {
        let (withheld_class, withheld_contact) = (None, None);
        let seen = Tuple { timestamp: None, withheld_class, withheld_contact, ..self.clone() };
        (seen, self.timestamp.clone())
    }

    fn date(&mut self, timestamp: Option<String>) {
        self.timestamp = timestamp;
    }
}

impl Occurrence for Person {
    fn id(&self) -> &str {
        &self.id
    }

    fn taken_apart(&self) -> (Person, Option<String>) {
        (Person { timestamp: None, withheld_class: None, ..self.clone() }, self.timestamp.clone())
    }

    fn date(&mut self, timestamp: Option<String>) {
        self.timestamp = timestamp;
    }
}

impl Occurrence for Device {
    fn id(&self) -> &str {
        &self.id
    }

    fn taken_apart(&self) -> (Device, Option<String>) {
        (Device { timestamp: None, withheld_class: None, ..self.clone() }, self.timestamp.clone())
    }

    fn date(&mut self, timestamp: Option<String>) {
        self.timestamp = timestamp;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::pidf::{Basic, Person, Tuple};

    fn document(basic: Basic, timestamp: &str) -> Presence {
        let timestamp = Some(timestamp.to_owned());
        let tuple = Tuple {
            id: "t".into(),
            basic: Some(basic),
            timestamp: timestamp.clone(),
            ..Tuple::default()
        };
        let person = Person { id: "p".into(), timestamp, ..Person::default() };
        Presence { tuples: vec![tuple], persons: vec![person], ..Presence::default() }
    }

    #[test]
    fn a_change_nobody_sees_moves_no_timestamp() {
        let before = document(Basic::Open, "2026-03-02T09:00:00Z");
        let mut after = document(Basic::Open, "2026-03-02T09:05:00Z");
        steady(&before, &mut after);
        assert_eq!(after, before);
        let mut after = document(Basic::Open, "2026-03-02T09:05:00Z");
        after.tuples[0].withheld_class = Some("work".into());
        steady(&before, &mut after);
        assert_eq!(after.write(), before.write());
    }

    #[test]
    fn what_changed_has_its_new_timestamp_and_nothing_else_has() {
        let before = document(Basic::Open, "2026-03-02T09:00:00Z");
        let mut after = document(Basic::Closed, "2026-03-02T09:05:00Z");
        steady(&before, &mut after);
        assert_eq!(after.tuples[0].timestamp.as_deref(), Some("2026-03-02T09:05:00Z"));
        assert_eq!(after.persons, before.persons);
        let mut new = document(Basic::Open, "2026-03-02T09:06:00Z");
        new.tuples[0].id = "u".into();
        let as_was = new.tuples.clone();
        steady(&before, &mut new);
        assert_eq!(new.tuples, as_was, "what is new has no past");
    }
}
