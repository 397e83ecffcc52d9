//! What of a published document holds at one moment: RPID says from when until when
//! (RFC 4480 §3.1), services announce what they will be (RFC 4481).

use super::status::reading::timed_span;
use crate::base::time::Wall;
use crate::doc::pidf::{Basic, Note, Tuple};
use crate::doc::{Element, Namespace};

/// The moment of a composition, and the next at which it would come out otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The moment.
    pub now: Wall,
    /// When to look again although nothing arrives.
    pub again: Option<Wall>,
}

/// Where a moment stands to a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Before,
    Within,
    After,
}

impl Times {
    /// Nothing to look for yet.
    pub fn at(now: Wall) -> Times {
        Times { now, again: None }
    }

    /// To look again at `next`, if it is still to come.
    pub fn look_again(&mut self, next: Option<Wall>) {
        let next = next.filter(|next| *next > self.now);
        self.again = [self.again, next].into_iter().flatten().min();
    }

    fn standing(&mut self, from: Option<Wall>, until: Option<Wall>) -> Standing {
        self.look_again(from);
        self.look_again(until);
        if until.is_some_and(|until| until <= self.now) {
            Standing::After
        } else if from.is_some_and(|from| from > self.now) {
            Standing::Before
        } else {
            Standing::Within
        }
    }
}

/// Leaves out what does not hold now.
pub fn keep_current(elements: &mut Vec<Element>, times: &mut Times) {
    elements.retain(|element| {
        if element.name.namespace != Namespace::Rpid {
            return true;
        }
        let time =
            |name| element.attribute(name).and_then(|text| Wall::from_date_time(text.trim()));
        times.standing(time("from"), time("until")) == Standing::Within
    });
}

/// The service as it is now: what it announced for now it is, and what it announced for the past
/// is forgotten (RFC 4481 §3: an announcement never covers the present).
pub fn tuple_now(tuple: &Tuple, times: &mut Times) -> Tuple {
    let mut now = tuple.clone();
    let mut come: Vec<Element> = Vec::new();
    for list in [&mut now.extensions, &mut now.status_extensions] {
        keep_current(list, times);
        list.retain(|element| {
            let Some((from, until)) = timed_span(element) else { return true };
            let standing = times.standing(Some(from), until);
            if standing == Standing::Within {
                come.push(element.clone());
            }
            standing == Standing::Before
        });
    }
    for timed in &come {
        let text = |name| timed.child(&Namespace::TimedStatus, name).map(Element::text);
        let basic = text("basic").and_then(|text| Basic::from_text(text.trim()));
        now.basic = basic.or(now.basic);
        now.notes.extend(text("note").map(|text| Note::new(&text)));
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Presence;

    const HEAD: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' \
        xmlns:ts='urn:ietf:params:xml:ns:pidf:timed-status' entity='sip:a@h'>";

    fn at(text: &str) -> Times {
        Times::at(Wall::from_date_time(text).expect("a time"))
    }

    fn tuple(inside: &str) -> Tuple {
        let text = format!("{HEAD}<tuple id='t'>{inside}</tuple></presence>");
        let mut document = Presence::read(text.as_bytes(), None).expect("a document");
        document.tuples.remove(0)
    }

    #[test]
    fn an_announcement_becomes_the_status_at_its_time_and_is_forgotten_after_it() {
        let open = tuple(
            "<status><basic>open</basic></status><ts:timed-status \
             from='2026-03-02T12:00:00Z' until='2026-03-02T13:00:00Z'>\
             <ts:basic>closed</ts:basic><ts:note>Gym</ts:note></ts:timed-status>",
        );
        let mut times = at("2026-03-02T11:59:59Z");
        assert_eq!(tuple_now(&open, &mut times), open);
        assert_eq!(times.again, Wall::from_date_time("2026-03-02T12:00:00Z"));

        let mut times = at("2026-03-02T12:00:00Z");
        let gym = tuple_now(&open, &mut times);
        assert_eq!((gym.basic, gym.extensions.len()), (Some(Basic::Closed), 0));
        assert_eq!(gym.notes, [Note::new("Gym")]);
        assert_eq!(times.again, Wall::from_date_time("2026-03-02T13:00:00Z"));

        let mut times = at("2026-03-02T13:00:00Z");
        let after = tuple_now(&open, &mut times);
        assert_eq!((after.basic, after.extensions.len()), (Some(Basic::Open), 0));
        assert_eq!(times.again, None);
    }

    #[test]
    fn what_holds_for_a_time_is_shown_for_that_time() {
        let timed = tuple(
            "<status/><r:privacy from='2026-03-02T12:00:00Z' until='2026-03-02T13:00:00Z'>\
             <r:audio/></r:privacy>",
        );
        for (moment, shown) in
            [("2026-03-02T11:59:59Z", 0), ("2026-03-02T12:00:00Z", 1), ("2026-03-02T13:00:00Z", 0)]
        {
            assert_eq!(tuple_now(&timed, &mut at(moment)).extensions.len(), shown, "{moment}");
        }
    }
}
