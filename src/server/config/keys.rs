//! Every key of the settings: what it means, what may be written, and what stands there if
//! nothing is.

mod calendar;
mod doors;

use calendar::CALENDAR;
use doors::{AUTH, TRANSPORT};

/// One section of the settings.
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its keys in the order they are shown.
    pub keys: &'static [Key],
}

/// One key of a section.
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it means, in lines.
    pub about: &'static [&'static str],
    /// Whether it takes effect only at a restart.
    pub at_restart: bool,
    /// How it may look, where the default is nothing, something found out at the start, or too
    /// little to learn from.
    pub example: &'static [&'static str],
}

/// What may be written as a value.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Any text.
    Text,
    /// A span of time.
    Span,
    /// A whole number that is not negative.
    Number,
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Several texts.
    List(&'static str),
    /// Tables.
    Tables(&'static str),
}

/// All sections, in the order they are shown.
pub const SECTIONS: &[Section] = &[
    SERVER, TRANSPORT, AUTH, PRESENTITY, STATUS, NOTIFIER, REGISTRAR, POLICY, HTTP, CALENDAR,
    STORE, LOG,
];

const SERVER: Section = Section {
    name: "server",
    about: "What is served.",
    keys: &[
        fixed(
            "domains",
            Kind::List("host names such as [\"example.com\"]"),
            &[
                "The domains served. The first also stands for every address listened on, so that",
                "sip:101@192.0.2.10 and sip:101@example.com are one.",
            ],
        ),
        fixed(
            "aliases",
            Kind::List("host names such as [\"pbx.example.com\"]"),
            &["Other names of the first domain, such as a host name that phones are set to."],
        ),
        key(
            "presentities",
            Kind::Word(&["any", "known"]),
            &[
                "Who exists. \"any\": every user part of a served domain, extensions being the PBX's",
                "business. \"known\": users of the users file only; anybody else is 404.",
            ],
        ),
        fixed(
            "shards",
            Kind::Number,
            &["Threads that own presentities, each with its own sockets. 0: one for each core."],
        ),
        key(
            "drain_patience",
            Kind::Span,
            &[
                "How long an agent told to end waits for watchers to answer what they were sent, at",
                "most 1m. New requests are refused meanwhile; who did not answer is sent the newest",
                "state after the restart.",
            ],
        ),
    ],
};

const PRESENTITY: Section = Section {
    name: "presentity",
    about: "How publications live.",
    keys: &[
        key("expires_min", Kind::Span, &["Least lifetime of a publication; shorter: 423."]),
        key("expires_max", Kind::Span, &["Longest lifetime granted; longer is shortened."]),
        key("expires_default", Kind::Span, &["Lifetime of a publication that names none."]),
        fixed(
            "pre_answer_max",
            Kind::Span,
            &[
                "How long a call may be trying, proceeding or early before its lamp goes out:",
                "publishers do lose calls.",
            ],
        ),
        key(
            "publications_max",
            Kind::Number,
            &[
                "Publications of one person or line; the next initial one is refused with 403. A",
                "person has a handful of devices, and a PBX publishes each call alone.",
            ],
        ),
    ],
};

const STATUS: Section = Section {
    name: "status",
    about: "How the status of a person is composed (docs/status-model.md).",
    keys: &[
        key(
            "idle_after",
            Kind::Span,
            &["After how long without a touch on any device somebody is idle."],
        ),
        key(
            "away_after",
            Kind::Span,
            &["After how long without a touch on any device somebody is away."],
        ),
        key("manual_dnd", Kind::Span, &["How long \"do not disturb\" lasts that names no end."]),
        key("manual_busy", Kind::Span, &["How long \"busy\" lasts that names no end."]),
        key("manual_brb", Kind::Span, &["How long \"be right back\" lasts that names no end."]),
        key(
            "manual_other",
            Kind::Span,
            &["How long any other state set by hand lasts that names no end."],
        ),
        key("manual_max", Kind::Span, &["Longest that a state set by hand may last."]),
        key(
            "lost_after",
            Kind::Span,
            &["How long a source may be out of touch before what it knew counts as unknown."],
        ),
        key(
            "available_in_call",
            Kind::Word(&["call", "manual"]),
            &["What shows of somebody who says to be available and is in a call."],
        ),
        key(
            "focus",
            Kind::Word(&["busy", "dnd"]),
            &["What focus time in the calendar makes of somebody."],
        ),
        key(
            "dnd_basic",
            Kind::Word(&["open", "closed"]),
            &[
                "Whether the services of somebody who is not to be disturbed are said to take calls.",
            ],
        ),
        key(
            "read_words",
            Kind::Flag,
            &[
                "Whether a note such as \"Lunch\" or \"On the phone\" is read as the state it names.",
            ],
        ),
        key(
            "documents",
            Kind::Word(&["full", "phone"]),
            &[
                "The presence documents for watchers that no profile speaks of. \"phone\": one",
                "service, one activity, one note.",
            ],
        ),
        Key {
            name: "profile",
            kind: Kind::Tables(
                "tables such as [{ user_agent = \"Yealink*\", presence = \"phone\" }]",
            ),
            about: &[
                "Profiles for devices by the User-Agent of their SUBSCRIBE; the first that fits",
                "counts, then those built in. `presence`: \"full\" or \"phone\". `dialog`: \"rfc\"",
                "alone, or any of \"single\", \"dummy\", \"caller-confirmed\" and \"no-parties\".",
            ],
            at_restart: false,
            example: &[
                "profile = [{ user_agent = \"*SPA962*\", dialog = [\"single\", \"dummy\"] }]",
            ],
        },
    ],
};

const NOTIFIER: Section = Section {
    name: "notifier",
    about: "How watchers are told.",
    keys: &[
        key("expires_min", Kind::Span, &["Least lifetime of a subscription; shorter: 423."]),
        key("expires_max", Kind::Span, &["Longest lifetime granted; longer is shortened."]),
        key(
            "watchers_max",
            Kind::Number,
            &[
                "Subscriptions to one presentity; the next is refused with 403, so that nobody can",
                "make one person expensive. A hotline of a large company has 5,000.",
            ],
        ),
        key(
            "subscriptions_of_user_max",
            Kind::Number,
            &[
                "Subscriptions of one user in all, as each shard counts its own; the next is refused",
                "with 403. It bounds what a stolen password can fill. Trusted peers are not counted.",
            ],
        ),
        key(
            "subscriptions_of_source_max",
            Kind::Number,
            &[
                "The same of all users from one address (of IPv6, one /64). More for a proxy that is",
                "not trusted and serves thousands.",
            ],
        ),
        key(
            "storm_spread",
            Kind::Number,
            &[
                "When many phones subscribe within seconds, as after a power cut, by how much",
                "lifetimes are shortened at most, in percent, 0 to 50: each by another share, so",
                "that not all come back together. 0: not at all.",
            ],
        ),
        key(
            "on_timeout",
            Kind::Word(&["suspend", "remove"]),
            &[
                "What becomes of a subscription whose NOTIFY nobody answers. \"suspend\": it is",
                "probed now and then and goes on when the phone is heard of. \"remove\": it ends",
                "(RFC 6665, section 4.2.2).",
            ],
        ),
        key(
            "probe_first",
            Kind::Span,
            &[
                "When a suspended subscription is probed first; each further wait is twice the last.",
            ],
        ),
        key("paced", Kind::Flag, &["Whether NOTIFYs are paced at all. Off only to measure."]),
        Key {
            name: "pace",
            kind: Kind::Tables("tables such as { presence = { interval = \"5s\", burst = 2 } }"),
            about: &[
                "The pace of a package where it is not the package's own (presence: 5s and 2,",
                "dialog: 1s and 4, message-summary: 1s and 2): one NOTIFY per interval on average,",
                "`burst` of them at once after a quiet time.",
            ],
            at_restart: false,
            example: &["pace.presence = { interval = \"1s\", burst = 4 }"],
        },
    ],
};

const REGISTRAR: Section = Section {
    name: "registrar",
    about: "How contacts are registered.",
    keys: &[
        key("expires_default", Kind::Span, &["Lifetime of a registration that names none."]),
        key("expires_min", Kind::Span, &["Least lifetime, at most 1h; shorter: 423."]),
        key("expires_max", Kind::Span, &["Longest lifetime granted; longer is shortened."]),
        key(
            "bindings_max",
            Kind::Number,
            &["Contacts of one address; the next is refused with 403."],
        ),
    ],
};

const POLICY: Section = Section {
    name: "policy",
    about: "Who may see what.",
    keys: &[
        key(
            "default",
            Kind::Word(&["allow", "polite-block", "confirm", "block"]),
            &[
                "The verdict on a watcher when no rule applies. \"block\": 403. \"polite-block\": sees",
                "somebody who seems to be away. \"confirm\": pending.",
            ],
        ),
        Key {
            name: "organisation_file",
            kind: Kind::Text,
            about: &[
                "The policy of the organisation, above the rules of all persons (docs/privacy.md).",
                "SIGHUP makes the agent read it again. Relative to this file. Empty: none.",
            ],
            at_restart: false,
            example: &["organisation_file = \"policy.toml\""],
        },
        Key {
            name: "documents",
            kind: Kind::Text,
            about: &[
                "The folder with the rules of persons (RFC 4745, RFC 5025); those of alice stand in",
                "it as pres-rules/users/sip:alice@example.com/index. SIGHUP makes the agent read",
                "all of them again; where the agent may write, they come by HTTP as well. Relative",
                "to this file. Empty: persons have no rules.",
            ],
            at_restart: false,
            example: &["documents = \"/etc/fanal/rules\""],
        },
        Key {
            name: "rule",
            kind: Kind::Tables(
                "tables such as [{ watcher = \"*@example.com\", verdict = \"allow\" }]",
            ),
            about: &[
                "Rules; each applies when both sides match, of all that apply the most generous",
                "counts. A side is \"*\", \"*@example.com\" or \"102@example.com\"; one left out is \"*\".",
            ],
            at_restart: false,
            example: &[
                "rule = [",
                "    { watcher = \"*@example.com\", verdict = \"allow\" },",
                "    { presentity = \"reception@example.com\", verdict = \"polite-block\" },",
                "]",
            ],
        },
    ],
};

const HTTP: Section = Section {
    name: "http",
    about: "The HTTP side: states set by hand, what is seen, health, metrics (docs/http.md).",
    keys: &[
        fixed(
            "listen",
            Kind::Text,
            &[
                "Address and port; \"\": nowhere. It speaks no TLS: leave it on this machine, or put a",
                "proxy that does before it. Without tokens it tells health and metrics alone.",
            ],
        ),
        Key {
            name: "token",
            kind: Kind::Tables(
                "tables such as [{ name = \"board\", secret = \"sha256:...\", \
                 identity = \"102@example.com\", scopes = [\"read\"] }]",
            ),
            about: &[
                "Programs that may ask. `secret`: the token, or sha256: and the 64 digits of its hash.",
                "`identity`: whom it watches as; it sees what a SUBSCRIBE of that one would be shown.",
                "`scopes`: \"read\" others, \"set\" its own state, \"set-any\" anybody's, \"why\": every",
                "source and every watcher of anybody, \"rules\" its own rules, \"rules-any\" anybody's.",
                "`domains`: it speaks of people of these alone, and a bare number is of the first.",
            ],
            at_restart: false,
            example: &[
                "token = [",
                "    { name = \"board\", secret = \"a1f9c0de5a1f9c0de5a1f9c0de5a1f9c\", identity = \"102@example.com\", scopes = [\"read\"] },",
                "]",
            ],
        },
        Key {
            name: "group",
            kind: Kind::Tables("tables such as { support = [\"101\", \"102\"] }"),
            about: &["Groups of people that can be asked for together, by name."],
            at_restart: false,
            example: &["group.support = [\"101\", \"102\"]"],
        },
        Key {
            name: "pass",
            kind: Kind::Tables("tables such as { 101 = [\"109\"] }"),
            about: &[
                "Whose calls ring though a person is not to be disturbed, by person: people, or groups",
                "by name. \"*\" is everybody who is called. A PBX asks by /v1/rings.",
            ],
            at_restart: false,
            example: &["pass.101 = [\"109\", \"management\"]"],
        },
        Key {
            name: "contact",
            kind: Kind::Tables(
                "tables such as { 101 = [{ uri = \"tel:+15550100\", class = \"private\" }] }",
            ),
            about: &[
                "How people are reached besides what their devices say, by person. `channel`:",
                "\"voice\", \"chat\" or \"mail\", else what the scheme says. `priority`: 0 to 100, the",
                "greater first, else 50. `class`: by which rules and policies speak of it. `name`.",
            ],
            at_restart: false,
            example: &[
                "contact.101 = [",
                "    { uri = \"tel:+15550100\", priority = 90, class = \"private\" },",
                "    { uri = \"mailto:alice@example.com\" },",
                "]",
            ],
        },
    ],
};

const STORE: Section = Section {
    name: "store",
    about: "What survives a restart.",
    keys: &[
        fixed(
            "kind",
            Kind::Word(&["embedded", "memory"]),
            &["\"embedded\": files in the data directory. \"memory\": nothing survives."],
        ),
        Key {
            name: "path",
            kind: Kind::Text,
            about: &[
                "The data directory. Relative to this file. Default: $STATE_DIRECTORY as systemd sets",
                "it, else $XDG_STATE_HOME/fanal, else ~/.local/state/fanal; for root /var/lib/fanal.",
            ],
            at_restart: true,
            example: &["path = \"/var/lib/fanal\""],
        },
        fixed(
            "durability",
            Kind::Word(&["acked", "synced", "relaxed"]),
            &[
                "When an answer may leave. \"acked\": when what it promises was written; it survives",
                "the death of the process. \"synced\": when it is on the disk; it survives a loss of",
                "power. \"relaxed\": at once; a crash costs what came in the last 100 ms, which phones",
                "repair by publishing again. What each costs stands in docs/reliability.md.",
            ],
        ),
    ],
};

const LOG: Section = Section {
    name: "log",
    about: "What is told on standard error.",
    keys: &[
        fixed(
            "format",
            Kind::Word(&["auto", "human", "json"]),
            &["\"auto\": for people on a terminal, one JSON object a line elsewhere."],
        ),
        Key {
            name: "level",
            kind: Kind::Text,
            about: &[
                "error, warn, info, debug or trace; also by room. Addresses of people are told at",
                "debug only.",
            ],
            at_restart: false,
            example: &["level = \"info,fanal::transport=debug\""],
        },
    ],
};

const fn key(name: &'static str, kind: Kind, about: &'static [&'static str]) -> Key {
    Key { name, kind, about, at_restart: false, example: &[] }
}

/// A key whose value the start is built on.
const fn fixed(name: &'static str, kind: Kind, about: &'static [&'static str]) -> Key {
    Key { at_restart: true, ..key(name, kind, about) }
}

impl Section {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// The section of this name.
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

impl Kind {
    /// What may be written, to stand after "write".
    pub fn allowed(self) -> String {
        match self {
            Kind::Text => "text in quotes".to_owned(),
            Kind::Span => "a span of time in quotes, such as \"90s\" or \"1h30m\"".to_owned(),
            Kind::Number => "a whole number, 0 or more".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Word(words) => either(words),
            Kind::List(what) => format!("a list of {what}"),
            Kind::Tables(what) => what.to_owned(),
        }
    }
}

/// `"a", "b" or "c"`.
pub fn either(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        for section in SECTIONS {
            for (place, key) in section.keys.iter().enumerate() {
                assert!(section.keys.iter().skip(place + 1).all(|other| other.name != key.name));
                assert!(!key.about.is_empty());
            }
        }
    }
}
