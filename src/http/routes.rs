//! Every operation of the API, once: the router and the document that describes it are both made
//! of this table, so neither knows what the other does not.

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::api::{self, Live};
use super::{features, groups, metrics, openapi, reasons, rings, rules, set};

/// One thing that can be asked.
pub struct Operation {
    /// What is done with the path.
    pub verb: Verb,
    /// The path, what differs in braces.
    pub path: &'static str,
    /// What programs call it.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// The scope a token needs; `None`: no token is needed.
    pub scope: Option<&'static str>,
    /// What may be said beside the path.
    pub parameters: &'static [Parameter],
    /// What is to be sent with it.
    pub body: Option<Content>,
    /// What comes of it when all is well.
    pub answers: &'static [Answer],
    /// The statuses it is refused with.
    pub refusals: &'static [u16],
    /// Does it.
    pub(super) serve: fn(MethodFilter) -> MethodRouter<Live>,
}

/// What is done with a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Looks.
    Get,
    /// Puts in place of what was.
    Put,
    /// Takes away.
    Delete,
}

/// Something said beside the path.
pub struct Parameter {
    /// Where: `query` or `header`.
    pub place: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Whether it has to be there.
    pub is_required: bool,
    /// The words it may be; none: any text.
    pub words: &'static [&'static str],
}

/// A document, by its media type and the name of its schema.
pub struct Content {
    /// Its media type.
    pub media: &'static str,
    /// The schema of it; `None` for what is no JSON.
    pub schema: Option<&'static str>,
    /// Whether it may be left out.
    pub is_optional: bool,
}

/// What comes when all is well.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What it means.
    pub about: &'static str,
    /// What comes with it, in one of these forms.
    pub contents: &'static [Content],
}

impl Verb {
    /// In lower case, as the document has it.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::Put => "put",
            Verb::Delete => "delete",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Verb::Get => MethodFilter::GET,
            Verb::Put => MethodFilter::PUT,
            Verb::Delete => MethodFilter::DELETE,
        }
    }
}

const fn json(schema: &'static str) -> Content {
    Content { media: "application/json", schema: Some(schema), is_optional: false }
}

const fn text(media: &'static str) -> Content {
    Content { media, schema: None, is_optional: false }
}

const fn well(about: &'static str, contents: &'static [Content]) -> Answer {
    Answer { status: 200, about, contents }
}

/// What a path about a person is refused with.
const ABOUT_A_PERSON: &[u16] = &[400, 401, 403, 404, 429, 503];

/// The same where a document is sent.
const WITH_A_BODY: &[u16] = &[400, 401, 403, 404, 413, 415, 429, 503];

/// What a document of rules is refused with, and one to be taken away.
const WITH_RULES: &[u16] = &[400, 401, 403, 404, 409, 412, 413, 415, 429, 503];
const WITHOUT_RULES: &[u16] = &[400, 401, 403, 404, 409, 412, 429, 503];

const RULES: &str = "rules or rules-any";

const PROVIDED: &[Parameter] = &[
    Parameter {
        place: "header",
        name: "If-Match",
        about: "Only if the document has this ETag; `*`: only if there is one.",
        is_required: false,
        words: &[],
    },
    Parameter {
        place: "header",
        name: "If-None-Match",
        about: "`*`: only if there is none.",
        is_required: false,
        words: &[],
    },
];

const KNOWN: &[Parameter] = &[Parameter {
    place: "header",
    name: "If-None-Match",
    about: "The ETag of the document that is known already.",
    is_required: false,
    words: &[],
}];

const UNCHANGED: Answer =
    Answer { status: 304, about: "It is the one that If-None-Match names.", contents: &[] };

const IN_PLACE: &[Answer] = &[
    well("It is in place of the one before.", &[json("Paper")]),
    Answer { status: 201, about: "It is in place; there was none.", contents: &[json("Paper")] },
];

const GONE: &[Answer] = &[Answer { status: 204, about: "It is gone.", contents: &[] }];

const SAID: &[Answer] = &[well("It is kept, and told to everybody who watches.", &[json("Said")])];

/// All of them, in the order of the document.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        verb: Verb::Get,
        path: "/v1/presence/{aor}",
        name: "presence",
        about: "What the identity of the token sees of a person.",
        scope: Some("read"),
        parameters: &[],
        body: None,
        answers: &[well(
            "What a SUBSCRIBE of this identity would be shown; `pending` while the person has \
             not decided about it.",
            &[json("Sight"), text("application/pidf+xml")],
        )],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, api::presence),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/presence/{aor}/manual",
        name: "manual",
        about: "What is set by hand for a person.",
        scope: Some("its own person, set-any or why"),
        parameters: &[],
        body: None,
        answers: &[well("What is set, until when, by whom.", &[json("Manual")])],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, reasons::manual),
    },
    Operation {
        verb: Verb::Put,
        path: "/v1/presence/{aor}/manual",
        name: "setManual",
        about: "Sets a state by hand, in place of any other.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: Some(json("Setting")),
        answers: SAID,
        refusals: WITH_A_BODY,
        serve: |verb| on(verb, set::manual),
    },
    Operation {
        verb: Verb::Delete,
        path: "/v1/presence/{aor}/manual",
        name: "takeManualBack",
        about: "Takes back what was set by hand, on every device.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: None,
        answers: SAID,
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, set::automatic),
    },
    Operation {
        verb: Verb::Put,
        path: "/v1/presence/{aor}/dnd/{source}",
        name: "raiseFlag",
        about: "A flag that forbids to disturb is on: of a phone, a PBX, a schedule.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: Some(Content { is_optional: true, ..json("Flag") }),
        answers: SAID,
        refusals: WITH_A_BODY,
        serve: |verb| on(verb, set::dnd),
    },
    Operation {
        verb: Verb::Delete,
        path: "/v1/presence/{aor}/dnd/{source}",
        name: "lowerFlag",
        about: "A flag that forbids to disturb is off.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: None,
        answers: SAID,
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, set::no_dnd),
    },
    Operation {
        verb: Verb::Put,
        path: "/v1/presence/{aor}/calendar/{source}",
        name: "putCalendar",
        about: "All that a calendar knows of the days around now, in place of what it said.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: Some(json("Calendar")),
        answers: SAID,
        refusals: WITH_A_BODY,
        serve: |verb| on(verb, set::calendar),
    },
    Operation {
        verb: Verb::Delete,
        path: "/v1/presence/{aor}/calendar/{source}",
        name: "removeCalendar",
        about: "A calendar is no more.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: None,
        answers: SAID,
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, set::no_calendar),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/features/{aor}",
        name: "features",
        about: "What the keys of a person's phones show: do not disturb, where calls go instead.",
        scope: Some("its own person, set-any or why"),
        parameters: &[],
        body: None,
        answers: &[well("What is known; a case that nobody set is not.", &[json("Features")])],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, features::features),
    },
    Operation {
        verb: Verb::Put,
        path: "/v1/features/{aor}/forwarding/{when}",
        name: "forward",
        about: "Calls go elsewhere in this case, or do so no more.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: Some(json("Forwarding")),
        answers: SAID,
        refusals: WITH_A_BODY,
        serve: |verb| on(verb, features::forward),
    },
    Operation {
        verb: Verb::Delete,
        path: "/v1/features/{aor}/forwarding/{when}",
        name: "forwardNoMore",
        about: "Calls go nowhere else in this case.",
        scope: Some("set or set-any"),
        parameters: &[],
        body: None,
        answers: SAID,
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, features::no_forward),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/rules/{aor}",
        name: "rules",
        about: "The documents of a person's rules; the document `index` itself for who accepts it.",
        scope: Some(RULES),
        parameters: KNOWN,
        body: None,
        answers: &[well("All of them, by name.", &[json("Rules"), text(rules::MEDIA)]), UNCHANGED],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, rules::all),
    },
    Operation {
        verb: Verb::Put,
        path: "/v1/rules/{aor}",
        name: "putRules",
        about: "Puts the document `index` in place: checked, kept and in force when it is answered.",
        scope: Some(RULES),
        parameters: PROVIDED,
        body: Some(text(rules::MEDIA)),
        answers: IN_PLACE,
        refusals: WITH_RULES,
        serve: |verb| on(verb, rules::put_index),
    },
    Operation {
        verb: Verb::Delete,
        path: "/v1/rules/{aor}",
        name: "removeRules",
        about: "Takes the document `index` away.",
        scope: Some(RULES),
        parameters: PROVIDED,
        body: None,
        answers: GONE,
        refusals: WITHOUT_RULES,
        serve: |verb| on(verb, rules::remove_index),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/rules/{aor}/{document}",
        name: "document",
        about: "One document of a person's rules (RFC 4745, RFC 5025).",
        scope: Some(RULES),
        parameters: KNOWN,
        body: None,
        answers: &[well("As it was put, with its ETag.", &[text(rules::MEDIA)]), UNCHANGED],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, rules::one),
    },
    Operation {
        verb: Verb::Put,
        path: "/v1/rules/{aor}/{document}",
        name: "putDocument",
        about: "Puts a document in place: checked, kept and in force when it is answered.",
        scope: Some(RULES),
        parameters: PROVIDED,
        body: Some(text(rules::MEDIA)),
        answers: IN_PLACE,
        refusals: WITH_RULES,
        serve: |verb| on(verb, rules::put_one),
    },
    Operation {
        verb: Verb::Delete,
        path: "/v1/rules/{aor}/{document}",
        name: "removeDocument",
        about: "Takes a document away.",
        scope: Some(RULES),
        parameters: PROVIDED,
        body: None,
        answers: GONE,
        refusals: WITHOUT_RULES,
        serve: |verb| on(verb, rules::remove_one),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/available",
        name: "available",
        about: "Who of a group could be reached now, as the identity of the token sees them.",
        scope: Some("read"),
        parameters: &[
            Parameter {
                place: "query",
                name: "group",
                about: "A group of the settings (`http.group`).",
                is_required: true,
                words: &[],
            },
            Parameter {
                place: "query",
                name: "channel",
                about: "By what; voice unless it is said.",
                is_required: false,
                words: groups::CHANNELS,
            },
        ],
        body: None,
        answers: &[well("Those who could, in order.", &[json("Available")])],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, groups::available),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/rings/{aor}",
        name: "rings",
        about: "Whether a call may ring at a person: for a PBX, before it rings.",
        scope: Some("why"),
        parameters: &[
            Parameter {
                place: "query",
                name: "caller",
                about: "Who calls, such as `102`; `http.pass` says whose calls ring anyhow.",
                is_required: false,
                words: &[],
            },
            Parameter {
                place: "query",
                name: "group",
                about: "The group of the settings (`http.group`) by whose queue the call comes.",
                is_required: false,
                words: &[],
            },
        ],
        body: None,
        answers: &[well("Whether, and why.", &[json("Rings")])],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, rings::rings),
    },
    Operation {
        verb: Verb::Get,
        path: "/v1/why/{aor}",
        name: "why",
        about: "Why a person is what it is: every source, who was told, what a watcher sees.",
        scope: Some("why"),
        parameters: &[Parameter {
            place: "query",
            name: "watcher",
            about: "This watcher alone, and what it sees.",
            is_required: false,
            words: &[],
        }],
        body: None,
        answers: &[well("The reasons, the weightiest first.", &[json("Why")])],
        refusals: ABOUT_A_PERSON,
        serve: |verb| on(verb, reasons::why),
    },
    Operation {
        verb: Verb::Get,
        path: "/healthz",
        name: "health",
        about: "Whether the process lives.",
        scope: None,
        parameters: &[],
        body: None,
        answers: &[well("It does.", &[json("Health")])],
        refusals: &[],
        serve: |verb| on(verb, metrics::is_alive),
    },
    Operation {
        verb: Verb::Get,
        path: "/readyz",
        name: "ready",
        about: "Whether every shard turns, takes requests and can keep what they promise.",
        scope: None,
        parameters: &[],
        body: None,
        answers: &[well("They do.", &[json("Health")])],
        refusals: &[429, 503],
        serve: |verb| on(verb, metrics::is_ready),
    },
    Operation {
        verb: Verb::Get,
        path: "/metrics",
        name: "metrics",
        about: "What is counted; no label names a person.",
        scope: None,
        parameters: &[],
        body: None,
        answers: &[well("A page of OpenMetrics.", &[text("application/openmetrics-text")])],
        refusals: &[429],
        serve: |verb| on(verb, metrics::metrics),
    },
    Operation {
        verb: Verb::Get,
        path: "/openapi.json",
        name: "description",
        about: "This document.",
        scope: None,
        parameters: &[],
        body: None,
        answers: &[well("OpenAPI 3.1.", &[json("OpenApi")])],
        refusals: &[429],
        serve: |verb| on(verb, openapi::serve),
    },
];

/// Leads every path to what serves it.
pub(super) fn router() -> Router<Live> {
    OPERATIONS.iter().fold(Router::new(), |router, operation| {
        router.route(operation.path, (operation.serve)(operation.verb.filter()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_stands_twice() {
        for (place, one) in OPERATIONS.iter().enumerate() {
            for other in &OPERATIONS[place + 1..] {
                assert!(one.name != other.name, "{}", one.name);
                assert!((one.verb, one.path) != (other.verb, other.path), "{}", one.path);
            }
        }
    }

    #[test]
    fn who_needs_a_token_may_lack_it() {
        for operation in OPERATIONS {
            let needs_one = operation.scope.is_some();
            assert_eq!(operation.refusals.contains(&401), needs_one, "{}", operation.name);
            assert!(operation.refusals.is_sorted(), "{}", operation.name);
        }
    }
}
