//! Capabilities of services and devices (RFC 5196): the schema as tables.

use super::vocabulary::{BOOLEAN, Content, Form, NOTE, Part, TEXT, Type};

/// The form of an element of this namespace that may stand on its own.
pub(super) fn form(local: &str) -> Option<&'static Form> {
    match local {
        "servcaps" => Some(&SERVICE),
        "devcaps" => Some(&DEVICE),
        _ => None,
    }
}

const SERVICE: Form = Form {
    open: true,
    ..Form::of(Content::Parts(&[
        Part::Each(&["actor"], &ACTOR),
        Part::Each(&["application", "audio", "automata"], &BOOLEAN),
        Part::Each(&["class"], &CLASS),
        Part::Each(&["control", "data"], &BOOLEAN),
        Part::Many("description", &NOTE),
        Part::Each(&["duplex"], &DUPLEX),
        Part::Each(&["event-packages"], &EVENT_PACKAGES),
        Part::Each(&["extensions"], &EXTENSIONS),
        Part::Each(&["isfocus", "message"], &BOOLEAN),
        Part::Each(&["methods"], &METHODS),
        Part::Each(&["languages"], &LANGUAGES),
        Part::Each(&["priority"], &PRIORITY),
        Part::Each(&["schemes"], &SCHEMES),
        Part::Each(&["text"], &BOOLEAN),
        Part::Many("type", &TEXT),
        Part::Each(&["video"], &BOOLEAN),
        Part::Foreign,
    ]))
};

const DEVICE: Form = Form {
    open: true,
    ..Form::of(Content::Parts(&[
        Part::Many("description", &NOTE),
        Part::Each(&["mobility"], &MOBILITY),
        Part::Foreign,
    ]))
};

/// What is supported and what is not, each a set of names.
macro_rules! sets {
    ($name:ident, $($word:literal),+) => {
        const $name: Form = Form::of(Content::Parts(&[Part::Each(
            &["supported", "notsupported"],
            &Form::of(Content::Parts(&[Part::Each(&[$($word),+], &TEXT), Part::Foreign])),
        )]));
    };
}

sets!(ACTOR, "attendant", "information", "msg-taker", "principal");
sets!(CLASS, "business", "personal");
sets!(DUPLEX, "full", "half", "receive-only", "send-only");
sets!(MOBILITY, "fixed", "mobile");
sets!(
    EVENT_PACKAGES,
    "conference",
    "dialog",
    "kpml",
    "message-summary",
    "poc-settings",
    "presence",
    "reg",
    "refer",
    "Siemens-RTP-Stats",
    "spirits-INDPs",
    "spirits-user-prof",
    "winfo"
);
sets!(
    METHODS,
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE"
);
sets!(
    EXTENSIONS,
    "rel100",
    "early-session",
    "eventlist",
    "from-change",
    "gruu",
    "hist-info",
    "join",
    "norefersub",
    "path",
    "precondition",
    "pref",
    "privacy",
    "recipient-list-invite",
    "recipient-list-subscribe",
    "replaces",
    "resource-priority",
    "sdp-anat",
    "sec-agree",
    "tdialog",
    "timer"
);

const LANGUAGES: Form = Form::of(Content::Parts(&[Part::Each(
    &["supported", "notsupported"],
    &Form::of(Content::Parts(&[Part::Some("l", &TEXT)])),
)]));

const SCHEMES: Form = Form::of(Content::Parts(&[Part::Each(
    &["supported", "notsupported"],
    &Form::of(Content::Parts(&[Part::Some("s", &TEXT)])),
)]));

const PRIORITY: Form = Form::of(Content::Parts(&[Part::Each(
    &["supported", "notsupported"],
    &Form::of(Content::Parts(&[
        Part::Many("equals", &bound(&[("value", Type::Integer, true)])),
        // The schema spells it so.
        Part::Many("higherhan", &bound(&[("minvalue", Type::Integer, true)])),
        Part::Many("lowerthan", &bound(&[("maxvalue", Type::Integer, true)])),
        Part::Many(
            "range",
            &bound(&[("minvalue", Type::Integer, true), ("maxvalue", Type::Integer, true)]),
        ),
        Part::Foreign,
    ])),
)]));

const fn bound(attributes: &'static [(&'static str, Type, bool)]) -> Form {
    Form { attributes, open: false, language: false, content: Content::Nothing }
}
