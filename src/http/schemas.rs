//! The documents of the API, as JSON Schema. Each is held against real answers by the tests.

use serde_json::{Map, Value, json};

/// All of them, by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for schemas in [of_people(), of_settings(), of_reasons(), of_the_rest()] {
        if let Value::Object(schemas) = schemas {
            all.extend(schemas);
        }
    }
    Value::Object(all)
}

/// What is seen.
fn of_people() -> Value {
    let mut sight = json!({
        "type": "object",
        "description": "What is seen of a person; with `pending` nothing but that.",
        "required": ["aor", "substate"],
        "properties": sight_fields(),
        "additionalProperties": false,
    });
    let mut reachable = sight.clone();
    reachable["description"] = "Somebody who could be reached, and how: the best first.".into();
    reachable["required"] = json!(["aor", "substate", "availability", "contacts"]);
    reachable["properties"]["contacts"] = json!({ "type": "array", "items": reference("Contact") });
    reachable["properties"]["free_since"] = moment_or_none();
    sight["examples"] = json!([{
        "aor": "101@example.com", "substate": "active", "availability": "dnd", "basic": "open",
        "activities": ["busy", "do-not-disturb"], "note": "Focus",
        "since": "2026-03-02T12:00:00Z", "until": "2026-03-02T12:45:00Z", "lamp": "idle",
    }]);
    json!({
        "Sight": sight,
        "Reachable": reachable,
        "Contact": {
            "type": "object",
            "required": ["uri", "priority", "name"],
            "properties": {
                "uri": { "type": "string" },
                "priority": { "type": "integer", "description": "0 to 100, the greater first." },
                "name": { "type": ["string", "null"] },
            },
            "additionalProperties": false,
        },
        "Rings": {
            "type": "object",
            "required": ["aor", "rings", "because", "availability"],
            "properties": {
                "aor": { "type": "string" },
                "rings": { "type": "boolean" },
                "because": {
                    "description": "`open`: nothing forbids it; `pass`: its caller is let through.",
                    "enum": ["open", "pass", "dnd", "no-queues"],
                },
                "availability": availability(),
            },
            "additionalProperties": false,
            "examples": [{
                "aor": "101@example.com", "rings": false, "because": "dnd", "availability": "dnd",
            }],
        },
        "Available": {
            "type": "object",
            "required": ["group", "channel", "members", "available"],
            "properties": {
                "group": { "type": "string" },
                "channel": { "enum": ["voice", "chat", "mail"] },
                "members": { "type": "integer", "description": "How many the group has." },
                "available": { "type": "array", "items": reference("Reachable") },
            },
            "additionalProperties": false,
        },
    })
}

fn sight_fields() -> Value {
    json!({
        "aor": { "type": "string" },
        "substate": { "enum": ["active", "pending"] },
        "availability": availability(),
        "basic": { "enum": ["open", "closed", null] },
        "activities": { "type": "array", "items": { "type": "string" } },
        "note": { "type": ["string", "null"] },
        "since": moment_or_none(),
        "until": moment_or_none(),
        "lamp": { "enum": ["idle", "trying", "ringing", "busy", "held", null] },
    })
}

/// What is set.
fn of_settings() -> Value {
    let alternates = json!({ "type": "array", "maxItems": 8, "items": reference("Alternate") });
    let words = json!({ "oneOf": [{ "type": "string" }, reference("Words")] });
    json!({
        "Setting": {
            "type": "object",
            "description": "`for` or `until`; with neither it lasts as long as is usual.",
            "required": ["state"],
            "properties": {
                "state": { "enum": [
                    "automatic", "available", "busy", "away", "brb", "dnd", "no-queues",
                    "invisible",
                ] },
                "for": span(),
                "until": moment(),
                "note": words,
                "activities": { "type": "array", "maxItems": 8, "items": { "type": "string" } },
                "alternates": alternates,
            },
            "additionalProperties": false,
            "examples": [{ "state": "dnd", "for": "45m", "note": "Focus" }],
        },
        "Flag": {
            "type": "object",
            "description": "`for` or `until`; with neither it holds until it is taken back.",
            "properties": { "for": span(), "until": moment() },
            "additionalProperties": false,
            "examples": [{ "for": "1h" }],
        },
        "Calendar": {
            "type": "object",
            "description": "The 256 entries that end first are kept.",
            "required": ["events"],
            "properties": { "events": { "type": "array", "items": reference("Entry") } },
            "additionalProperties": false,
            "examples": [{ "events": [{
                "from": "2026-03-02T12:00:00Z", "until": "2026-03-02T13:00:00Z",
                "kind": "in-a-meeting", "shown": "busy",
            }] }],
        },
        "Entry": {
            "type": "object",
            "description": "`kind` and `shown`, or `absence` with `note` and `alternates`.",
            "required": ["from", "until"],
            "properties": {
                "from": moment(),
                "until": moment(),
                "kind": { "type": "string" },
                "shown": { "enum": ["busy", "tentative", "free"] },
                "absence": { "enum": ["vacation", "holiday", "travel", "other"] },
                "note": words,
                "alternates": alternates,
            },
            "additionalProperties": false,
        },
        "Words": {
            "type": "object",
            "required": ["text"],
            "properties": {
                "text": { "type": "string" },
                "language": { "type": "string" },
                "emoji": { "type": "string" },
            },
        },
        "Alternate": {
            "type": "object",
            "description": "Who answers meanwhile.",
            "required": ["contact"],
            "properties": {
                "contact": { "type": "string", "description": "A URI." },
                "name": { "type": "string" },
                "relationship": { "type": "string" },
            },
        },
        "Forwarding": {
            "type": "object",
            "required": ["to"],
            "properties": {
                "to": { "type": "string", "description": "A number or an address." },
                "on": { "type": "boolean", "default": true },
                "rings": { "type": ["integer", "null"], "minimum": 0, "maximum": 99 },
            },
            "additionalProperties": false,
            "examples": [{ "to": "5799" }],
        },
        "Features": {
            "type": "object",
            "required": ["aor", "dnd", "forwarding"],
            "properties": {
                "aor": { "type": "string" },
                "dnd": { "type": "boolean" },
                "forwarding": {
                    "type": "object",
                    "properties": {
                        "always": reference("Forwarded"),
                        "busy": reference("Forwarded"),
                        "no-answer": reference("Forwarded"),
                    },
                    "additionalProperties": false,
                },
            },
            "additionalProperties": false,
        },
        "Forwarded": {
            "type": "object",
            "required": ["on", "to", "rings", "set", "by"],
            "properties": {
                "on": { "type": "boolean" },
                "to": { "type": "string" },
                "rings": { "type": ["integer", "null"] },
                "set": moment(),
                "by": { "type": "string" },
            },
            "additionalProperties": false,
        },
        "Said": {
            "type": "object",
            "required": ["aor", "state", "until"],
            "properties": {
                "aor": { "type": "string" },
                "state": { "type": "string" },
                "until": moment_or_none(),
            },
            "additionalProperties": false,
        },
        "Manual": {
            "type": "object",
            "required": ["aor", "state"],
            "properties": {
                "aor": { "type": "string" },
                "state": { "type": "string" },
                "note": { "type": ["string", "null"] },
                "until": moment_or_none(),
                "set": moment(),
                "by": { "type": "string" },
            },
            "additionalProperties": false,
        },
    })
}

/// Why.
fn of_reasons() -> Value {
    json!({
        "Why": {
            "type": "object",
            "required": ["aor", "at", "availability", "sources", "sight", "rules", "watchers"],
            "properties": {
                "aor": { "type": "string" },
                "at": moment(),
                "availability": availability(),
                "since": moment_or_none(),
                "until": moment_or_none(),
                "sources": { "type": "array", "items": reference("Source") },
                "sight": { "oneOf": [reference("Sight"), reference("NoSight")] },
                "rules": { "oneOf": [reference("Ruled"), { "type": "null" }] },
                "watchers": { "type": "array", "items": reference("Told") },
            },
            "additionalProperties": false,
        },
        "Source": {
            "type": "object",
            "required": ["source", "by", "says", "layer", "said", "holds", "decides"],
            "properties": {
                "source": { "type": "string" },
                "by": { "type": "string" },
                "says": { "description": "What it says, in a word or an object." },
                "layer": { "type": "integer", "description": "0 is the weightiest." },
                "said": moment(),
                "age_seconds": { "type": "integer" },
                "from": moment_or_none(),
                "end": moment_or_none(),
                "holds": { "type": "boolean" },
                "decides": { "type": "boolean" },
            },
            "additionalProperties": false,
        },
        "Ruled": {
            "type": "object",
            "description": "Why the watcher sees what it sees.",
            "required": ["handling", "lamps", "matched", "granted", "hidden", "rules", "ceilings"],
            "properties": {
                "handling": handling(),
                "lamps": handling(),
                "matched": {
                    "type": "array",
                    "description": "The rules that applied: a document and its rule, \
                        `operator/rule-2`, `organisation/default_inside`, `organisation/` a ceiling.",
                    "items": { "type": "string" },
                },
                "granted": { "type": "array", "items": { "type": "string" } },
                "hidden": { "type": "array", "items": reference("Hidden") },
                "rules": { "type": "array", "items": reference("Rule") },
                "ceilings": { "type": "array", "items": reference("Rule") },
                "remarks": { "type": "array", "items": { "type": "string" } },
                "until": moment_or_none(),
            },
            "additionalProperties": false,
        },
        "Hidden": {
            "type": "object",
            "description": "Something that is there and is not shown.",
            "required": ["part", "permission", "by"],
            "properties": {
                "part": { "type": "string" },
                "permission": { "type": "string", "description": "What would show it." },
                "by": {
                    "type": "string",
                    "description": "`rules` that do not provide it, a ceiling by its name, `organisation`.",
                },
            },
            "additionalProperties": false,
        },
        "Rule": {
            "type": "object",
            "required": ["rule", "applies", "conditions", "effect"],
            "properties": {
                "rule": { "type": "string" },
                "applies": { "type": "boolean" },
                "conditions": { "type": "array", "items": {
                    "type": "object",
                    "required": ["condition", "holds"],
                    "properties": {
                        "condition": { "type": "string" },
                        "holds": { "type": "boolean" },
                    },
                    "additionalProperties": false,
                } },
                "effect": { "type": "array", "items": { "type": "string" } },
            },
            "additionalProperties": false,
        },
        "NoSight": {
            "type": "object",
            "required": ["refused"],
            "properties": { "refused": { "type": "integer" } },
            "additionalProperties": false,
        },
        "Told": {
            "type": "object",
            "required": ["watcher", "package", "verdict", "rules", "last_notify", "until"],
            "properties": {
                "watcher": { "type": "string" },
                "package": { "type": "string" },
                "verdict": handling(),
                "rules": { "type": "array", "items": { "type": "string" } },
                "last_notify": {
                    "type": "object",
                    "required": ["cseq", "sent", "outcome"],
                    "properties": {
                        "cseq": { "type": "integer" },
                        "sent": moment_or_none(),
                        "outcome": { "enum": ["answered", "refused", "in-flight", "waiting", "unanswered"] },
                    },
                    "additionalProperties": false,
                },
                "until": moment(),
            },
            "additionalProperties": false,
        },
    })
}

/// Health and refusals.
fn of_the_rest() -> Value {
    json!({
        "Health": {
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "enum": ["alive", "ready"] } },
            "additionalProperties": false,
        },
        "Rules": {
            "type": "object",
            "required": ["aor", "documents"],
            "properties": {
                "aor": { "type": "string" },
                "documents": { "type": "array", "items": reference("Paper") },
            },
            "additionalProperties": false,
        },
        "Paper": {
            "type": "object",
            "required": ["document", "etag", "octets"],
            "properties": {
                "aor": { "type": "string" },
                "document": { "type": "string" },
                "etag": { "type": "string", "description": "In quotes, as If-Match takes it." },
                "octets": { "type": "integer" },
            },
            "additionalProperties": false,
        },
        "OpenApi": {
            "type": "object",
            "required": ["openapi", "info", "paths"],
            "properties": { "openapi": { "type": "string" } },
        },
        "Refusal": {
            "type": "object",
            "required": ["error", "message", "status"],
            "properties": {
                "error": { "type": "string", "description": "A word for programs." },
                "message": { "type": "string", "description": "A sentence for people." },
                "status": { "type": "integer" },
                "line": {
                    "type": "integer",
                    "description": "The line of the document that is wrong, from 1.",
                },
            },
            "additionalProperties": false,
            "examples": [{
                "error": "forbidden", "message": "the token \"board\" lacks the scope why",
                "status": 403,
            }],
        },
    })
}

fn availability() -> Value {
    json!({ "enum": [
        "available", "idle", "away", "brb", "busy", "dnd", "offline", "unknown",
    ] })
}

fn handling() -> Value {
    json!({ "enum": ["allow", "polite-block", "confirm", "block"] })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn moment_or_none() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn span() -> Value {
    json!({ "type": "string", "description": "Such as `45m` or `1h30m`." })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
