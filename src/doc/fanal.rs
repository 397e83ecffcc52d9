//! This agent's own words in a person (`urn:x-fanal:presence:1`): the availability, and ends
//! that RPID has no place for. Schema: `pidf-schemas/fanal-presence.xsd`.

use super::element::Element;
use super::vocabulary::{Content, Form, Part, Type};

/// The words of the attribute `availability` that are sent.
pub const AVAILABILITIES: &[&str] =
    &["available", "idle", "away", "brb", "busy", "dnd", "offline", "unknown"];

/// The form of an element of this namespace that may stand on its own.
pub(super) fn form(local: &str) -> Option<&'static Form> {
    (local == "state").then_some(&STATE)
}

/// Whether the element is ours to write and nobody else's.
pub fn is_state(element: &Element) -> bool {
    element.is(&super::Namespace::Fanal, "state")
}

const STATE: Form = Form {
    attributes: &[
        ("availability", Type::OneOf(AVAILABILITIES), true),
        ("manual", Type::Boolean, false),
        ("emoji", Type::Text, false),
        ("since", Type::DateTime, false),
        ("from", Type::DateTime, false),
        ("until", Type::DateTime, false),
    ],
    ..Form::of(Content::Parts(&[
        Part::Many("activity", &ACTIVITY),
        Part::Many("alternate", &ALTERNATE),
        Part::Foreign,
    ]))
};

const ACTIVITY: Form = Form {
    attributes: &[
        ("kind", Type::Text, true),
        ("from", Type::DateTime, false),
        ("until", Type::DateTime, false),
    ],
    ..Form::of(Content::Nothing)
};

const ALTERNATE: Form = Form {
    attributes: &[
        ("contact", Type::Uri, true),
        ("name", Type::Text, false),
        ("relationship", Type::Text, false),
    ],
    ..Form::of(Content::Nothing)
};
