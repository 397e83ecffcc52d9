//! Location objects (RFC 4119, 5139, 5491): the schemas as tables. Coordinates are GML, which
//! has no schema here and passes unchanged.

use super::element::Name;
use super::namespace::Namespace;
use super::vocabulary::{BOOLEAN, Content, Form, NOTE, Part, Type, URI};

/// The form of an element of these namespaces that may stand on its own.
pub(super) fn form(name: &Name) -> Option<&'static Form> {
    match (&name.namespace, &*name.local) {
        (Namespace::Geopriv, "geopriv") => Some(&GEOPRIV),
        (Namespace::CivicAddress, "civicAddress") => Some(&CIVIC_ADDRESS),
        (Namespace::DataProvider, "nena") => Some(&NENA),
        _ => None,
    }
}

const GEOPRIV: Form = Form::of(Content::Parts(&[
    Part::Must("location-info", &Form::of(Content::Parts(&[Part::Foreign]))),
    Part::Must("usage-rules", &USAGE_RULES),
    Part::Each(&["method"], &NOTE),
    Part::Each(&["provided-by"], &Form::of(Content::Parts(&[Part::Foreign, Part::NotBare]))),
    Part::Foreign,
]));

const USAGE_RULES: Form = Form::of(Content::PartsOf(
    || Namespace::GeoprivPolicy,
    &[
        Part::Each(&["retransmission-allowed"], &BOOLEAN),
        Part::Each(&["retention-expiry"], &Form::of(Content::Text(Type::DateTime))),
        Part::Each(&["external-ruleset"], &URI),
        Part::Each(&["note-well"], &NOTE),
        Part::Foreign,
    ],
));

const CIVIC_ADDRESS: Form = Form {
    open: true,
    ..Form::of(Content::Parts(&[
        Part::Each(&["country"], &Form::of(Content::Text(Type::Country))),
        Part::Each(
            &[
                "A1", "A2", "A3", "A4", "A5", "A6", "PRM", "PRD", "RD", "STS", "POD", "POM",
                "RDSEC", "RDBR", "RDSUBBR", "HNO", "HNS", "LMK", "LOC", "FLR", "NAM", "PC", "BLD",
                "UNIT", "ROOM", "SEAT",
            ],
            &LINE,
        ),
        Part::Each(&["PLC"], &Form::of(Content::Text(Type::Token))),
        Part::Each(&["PCN", "POBOX", "ADDCODE"], &LINE),
        Part::Foreign,
    ]))
};

/// A line of an address, in a language.
const LINE: Form = Form { language: true, ..Form::of(Content::Text(Type::Token)) };

const NENA: Form = Form::of(Content::Parts(&[
    Part::Each(&["DataProviderID"], &Form::of(Content::Text(Type::Short))),
    Part::Each(&["TelURI", "URL"], &URI),
]));
