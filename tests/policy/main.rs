//! Who may see what: the rules of RFC 4745 and RFC 5025, the ceiling of an organisation, and that
//! nothing hidden is ever written.

#[path = "../world/chance.rs"]
#[allow(dead_code, reason = "shared with the world")]
mod chance;

mod ceiling;
mod command;
mod rfc4745;
mod rfc5025;
mod schema;
mod secrets;
mod vectors;

use fanal::base::identity::{Aor, Identity};
use fanal::base::time::Wall;
use fanal::doc::Presence;
use fanal::doc::date_time;
use fanal::policy::organisation::Policy;
use fanal::policy::{Asking, Decision, Organisation, PersonRules, RuleSet, decide};

const ALICE: &str = "alice@example.com";

/// A scene: Alice's rules, an organisation, and a moment.
struct Scene {
    rules: PersonRules,
    organisation: Organisation,
    presentity: Aor,
    now: Wall,
    sphere: Option<&'static str>,
    invisible: bool,
}

impl Scene {
    fn new() -> Scene {
        Scene {
            rules: PersonRules::Absent,
            organisation: Organisation::default(),
            presentity: Aor::from_canonical(ALICE),
            now: at("2026-03-02T10:00:00Z"),
            sphere: None,
            invisible: false,
        }
    }

    /// A whole document of rules.
    fn document(mut self, xml: &str) -> Scene {
        let rules = RuleSet::read(xml.as_bytes()).unwrap_or_else(|fault| panic!("{fault}\n{xml}"));
        self.rules = PersonRules::Rules(rules);
        self
    }

    /// Rules without their root; prefixes cr, pr and f are known.
    fn rules(self, inside: &str) -> Scene {
        self.document(&ruleset(inside))
    }

    fn policy(mut self, toml: &str) -> Scene {
        let policy = Policy::read(toml).unwrap_or_else(|fault| panic!("{fault}\n{toml}"));
        self.organisation.policy = Some(policy);
        self
    }

    fn at(mut self, now: &str) -> Scene {
        self.now = at(now);
        self
    }

    fn sphere(mut self, sphere: &'static str) -> Scene {
        self.sphere = Some(sphere);
        self
    }

    fn ask(&self, watcher: &str) -> Decision {
        self.ask_as(&Identity::User(Aor::from_canonical(watcher)))
    }

    fn ask_as(&self, watcher: &Identity) -> Decision {
        let asking = Asking {
            sphere: self.sphere,
            invisible: self.invisible,
            ..Asking::new(&self.presentity, watcher, self.now)
        };
        decide(&self.rules, &self.organisation, &asking)
    }
}

fn ruleset(inside: &str) -> String {
    format!(
        "<cr:ruleset xmlns:cr='urn:ietf:params:xml:ns:common-policy' \
         xmlns:pr='urn:ietf:params:xml:ns:pres-rules' xmlns:f='urn:x-fanal:presence:1'>\
         {inside}</cr:ruleset>"
    )
}

fn rule(id: &str, conditions: &str, handling: &str, transformations: &str) -> String {
    let action = match handling {
        "" => String::new(),
        word => format!("<pr:sub-handling>{word}</pr:sub-handling>"),
    };
    format!(
        "<cr:rule id='{id}'><cr:conditions>{conditions}</cr:conditions><cr:actions>{action}\
         </cr:actions><cr:transformations>{transformations}</cr:transformations></cr:rule>"
    )
}

fn one(id: &str) -> String {
    format!("<cr:identity><cr:one id='{id}'/></cr:identity>")
}

fn matched(decision: &Decision) -> Vec<&str> {
    decision.matched.iter().map(|id| id.as_str()).collect()
}

fn at(text: &str) -> Wall {
    date_time::wall(text).expect(text)
}

fn presence(inside: &str) -> Presence {
    let text = format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
         xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
         xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:f='urn:x-fanal:presence:1' \
         xmlns:gp='urn:ietf:params:xml:ns:pidf:geopriv10' \
         xmlns:bp='urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy' \
         xmlns:ca='urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr' \
         xmlns:gml='http://www.opengis.net/gml' xmlns:x='urn:x' \
         entity='sip:{ALICE}'>{inside}</presence>"
    );
    Presence::read(text.as_bytes(), None).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}
