//! The keys of what strangers reach: where to listen, and who is let in.

use super::{Key, Kind, Section, fixed, key};

pub(super) const TRANSPORT: Section = Section {
    name: "transport",
    about: "The doors: where to listen, under which name, and whom to believe.",
    keys: &[
        Key {
            name: "listen",
            kind: Kind::List("addresses such as [\"udp:0.0.0.0:5060\", \"tcp:[::]:5060\"]"),
            about: &[
                "Where to listen: transport, address, port. Without this line only this machine",
                "itself can reach the agent. An entry may also be a table, for a door with a name or",
                "with trusted peers of its own.",
            ],
            at_restart: true,
            example: &[
                "listen = [\"udp:0.0.0.0:5060\", \"tcp:0.0.0.0:5060\"]",
                "listen = [{ address = \"udp:0.0.0.0:5060\", advertise = \"pbx.example.com\", trusted = [\"10.0.0.5\"] }]",
            ],
        },
        fixed(
            "advertise",
            Kind::Text,
            &[
                "The host (and port, if it differs) to name in Via and Contact, for an agent behind",
                "NAT or a port mapping. Empty: the address a message leaves by.",
            ],
        ),
        Key {
            name: "trusted",
            kind: Kind::List("addresses or ranges such as [\"10.0.0.5\", \"192.0.2.0/24\"]"),
            about: &[
                "Peers believed without a password, such as a PBX; they may publish for anyone and",
                "assert who asks (RFC 3325). Addresses or ranges. Default: this machine itself as",
                "long as `listen` is the default, else nobody.",
            ],
            at_restart: false,
            example: &["trusted = [\"10.0.0.5/32\", \"2001:db8::5\"]"],
        },
        fixed(
            "connections_max",
            Kind::Number,
            &[
                "Most TCP connections; the next is closed at once. One phone has one, and each",
                "takes a file of the process (`LimitNOFILE`).",
            ],
        ),
        fixed(
            "connections_of_host_max",
            Kind::Number,
            &[
                "Most TCP connections of one address; the next is closed at once. A whole branch",
                "may come from behind one.",
            ],
        ),
        fixed(
            "connection_octets_max",
            Kind::Number,
            &[
                "Octets waiting to be written to one connection; a peer that lets more pile up is",
                "cut off. A state told to 5,000 watchers behind one proxy is 5 MB.",
            ],
        ),
    ],
};

pub(super) const AUTH: Section = Section {
    name: "auth",
    about: "How users prove who they are.",
    keys: &[
        key(
            "mode",
            Kind::Word(&["digest", "off"]),
            &[
                "\"digest\": by password, unless they come from a trusted peer. \"off\": not at all,",
                "which is for labs; a warning is logged every minute.",
            ],
        ),
        Key {
            name: "users_file",
            kind: Kind::Text,
            about: &[
                "The users and the hashes of their passwords; `fanal user add` writes it, SIGHUP",
                "makes the agent read it again. Relative to this file. Default: \"users\" in the",
                "data directory.",
            ],
            at_restart: false,
            example: &["users_file = \"/etc/fanal/users\""],
        },
        key(
            "realm",
            Kind::Text,
            &["The realm of the challenges and of the users. Empty: the first domain served."],
        ),
        key(
            "nonce_life",
            Kind::Span,
            &["How long a nonce serves, 10s to 1d; older ones are answered stale, not refused."],
        ),
        key(
            "algorithms",
            Kind::List("\"SHA-256\", \"MD5\" or \"SHA-512-256\""),
            &["Hash algorithms offered and accepted, the one to prefer first (RFC 8760)."],
        ),
        key(
            "allow_no_qop",
            Kind::Word(&["never", "except-publish", "always"]),
            &[
                "Which requests old phones may send without qop, in the form of RFC 2069, which",
                "protects neither count nor body.",
            ],
        ),
        key(
            "failures_max",
            Kind::Number,
            &[
                "Wrong passwords for one user name from one address within `failures_within`; then",
                "that name is refused from there with 403 for `refused_for`, without a look at the",
                "password. Only who hears our answers is counted, so that nobody is locked out by",
                "datagrams with a forged address. 0: never.",
            ],
        ),
        key(
            "failures_of_source_max",
            Kind::Number,
            &[
                "The same for all names from one address (of IPv6, one /64). Users who proved a",
                "password from there in the last two days are still let in. Behind a proxy that is",
                "not trusted everybody has one address: 0 there. 0: never.",
            ],
        ),
        key(
            "failures_within",
            Kind::Span,
            &["The time within which they are counted, at most 1d."],
        ),
        key(
            "refused_for",
            Kind::Span,
            &["How long they are refused, at most 1d. Reading users or settings anew ends it."],
        ),
        key(
            "strangers_max",
            Kind::Number,
            &[
                "Requests from one address (of IPv6, one /64) in ten seconds that prove nothing",
                "and are answered; further ones are not, and counted as `strangers_unanswered`.",
                "Each phone is challenged once, and again when its nonce is too old. Datagrams",
                "and connections are counted apart. More for a proxy that is not trusted and",
                "serves thousands. 0: all are answered.",
            ],
        ),
    ],
};
