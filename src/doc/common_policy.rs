//! Common policy documents (RFC 4745): who is meant, where and when. What a rule then does is
//! the matter of others, such as [`super::rules`].

use std::fmt;

use super::date_time;
use super::element::{Element, is_space};
use super::lexical::is_date_time;
use super::namespace::Namespace;
use super::write::{DECLARATION, XmlWriter};
use super::xml::{self, DocumentError, Kind};
use crate::base::limits::RULES_OF_DOCUMENT_MAX;
use crate::base::spelling::nearest;
use crate::base::time::Wall;
use crate::base::uri::{Scheme, Uri};

/// The namespace of these documents.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:common-policy";

/// A document of rules.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ruleset {
    /// Their order has no meaning.
    pub rules: Vec<Rule>,
}

/// One rule: it applies if all its conditions are true.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rule {
    /// Unique in the document.
    pub id: String,
    /// None at all are true always.
    pub conditions: Vec<Condition>,
    /// What the server does, in vocabularies of other documents.
    pub actions: Vec<Element>,
    /// What is shown, in vocabularies of other documents.
    pub transformations: Vec<Element>,
}

/// One condition.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// The watcher is one of these.
    Identity(Vec<Who>),
    /// The presentity is in one of these spheres: words with white space between them.
    Sphere(String),
    /// It is now within one of these spans.
    Validity(Vec<Span>),
    /// A condition nobody here understands: never true (RFC 4745 §7).
    Unknown(Element),
}

/// Who is meant.
#[derive(Clone, PartialEq, Debug)]
pub enum Who {
    /// One watcher.
    One {
        /// Its URI.
        id: String,
        /// Restrictions nobody here understands: with any of them nobody is meant.
        more: Vec<Element>,
    },
    /// Every watcher whose identity was proven.
    Many {
        /// Only those of this domain.
        domain: Option<String>,
        /// Those who are not meant after all.
        except: Vec<Except>,
        /// Restrictions nobody here understands: with any of them nobody is meant.
        more: Vec<Element>,
    },
    /// A way to name somebody that nobody here understands: means nobody.
    Unknown(Element),
}

/// Somebody left out of many.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Except {
    /// Everybody of a domain.
    pub domain: Option<String>,
    /// One watcher, by URI.
    pub id: Option<String>,
}

/// A span of time: from its first moment to just before its last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first moment.
    pub from: Wall,
    /// The moment it is over.
    pub until: Wall,
}

/// Something in a document that is not wrong, but does not do what it seems to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// From 1.
    pub line: u32,
    /// What, and what to write instead.
    pub what: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// A document under examination: its root, to tell where in it something stands.
pub(super) struct Reading<'a> {
    octets: &'a [u8],
    charset: Option<&'a str>,
    root: &'a Element,
    remarks: Vec<(usize, String)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(octets: &'a [u8], charset: Option<&'a str>, root: &'a Element) -> Self {
        Reading { octets, charset, root, remarks: Vec::new() }
    }

    /// A fault at an element.
    pub(super) fn fault(&self, at: &Element, what: impl Into<String>) -> DocumentError {
        let place = at
            .ordinal_in(self.root)
            .and_then(|ordinal| xml::places(self.octets, self.charset).get(ordinal).copied());
        let (line, column) = place.unwrap_or((1, 1));
        DocumentError { kind: Kind::Invalid, line, column, what: what.into() }
    }

    /// Notes something at an element.
    pub(super) fn remark(&mut self, at: &Element, what: impl Into<String>) {
        self.remarks.push((at.ordinal_in(self.root).unwrap_or(0), what.into()));
    }

    /// What was noted, in document order.
    pub(super) fn remarks(mut self) -> Vec<Remark> {
        if self.remarks.is_empty() {
            return Vec::new();
        }
        let places = xml::places(self.octets, self.charset);
        self.remarks.sort_by_key(|(ordinal, _)| *ordinal);
        let placed = self.remarks.into_iter().map(|(ordinal, what)| Remark {
            line: places.get(ordinal).map_or(1, |(line, _)| *line),
            what,
        });
        placed.collect()
    }
}

impl Ruleset {
    /// From a document of media type `application/auth-policy+xml`.
    pub fn read(octets: &[u8], charset: Option<&str>) -> Result<Ruleset, DocumentError> {
        let root = xml::read(octets, charset)?;
        Ruleset::of(&mut Reading::new(octets, charset, &root))
    }

    pub(super) fn of(reading: &mut Reading<'_>) -> Result<Ruleset, DocumentError> {
        let root = reading.root;
        if !is(root, "ruleset") {
            return Err(
                reading.fault(root, format!("a root element that is not ruleset of {NAMESPACE}"))
            );
        }
        let mut rules: Vec<Rule> = Vec::new();
        for element in root.elements() {
            if !is(element, "rule") {
                reading.remark(element, unknown(element, &["rule"]));
                continue;
            }
            let rule = Rule::of(element, reading)?;
            if rules.iter().any(|other| other.id == rule.id) {
                return Err(reading.fault(element, format!("two rules with the id {}", rule.id)));
            }
            if rules.len() >= RULES_OF_DOCUMENT_MAX {
                return Err(reading.fault(element, "more rules than the limit"));
            }
            rules.push(rule);
        }
        Ok(Ruleset { rules })
    }

    /// The whole document.
    pub fn write(&self) -> String {
        let mut out = XmlWriter::new(namespace());
        for rule in &self.rules {
            out.space("  ");
            out.element(&rule.to_element());
            out.space("\n");
        }
        let (declarations, inside) = out.finish();
        format!("{DECLARATION}<ruleset{declarations}>\n{inside}</ruleset>\n")
    }
}

impl Rule {
    fn of(element: &Element, reading: &mut Reading<'_>) -> Result<Rule, DocumentError> {
        let id = element.attribute("id").map(|id| id.trim_matches(is_space));
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Err(reading.fault(element, "a rule without an id"));
        };
        let mut rule = Rule { id: id.to_owned(), ..Rule::default() };
        for child in element.elements() {
            match &*child.name.local {
                "conditions" if is(child, "conditions") => {
                    for condition in child.elements() {
                        rule.conditions.push(Condition::of(condition, reading)?);
                    }
                }
                "actions" if is(child, "actions") => {
                    rule.actions.extend(child.elements().cloned());
                }
                "transformations" if is(child, "transformations") => {
                    rule.transformations.extend(child.elements().cloned());
                }
                _ => {
                    let what = unknown(child, &["conditions", "actions", "transformations"]);
                    // A misspelt <conditions> must not become a rule that applies to everybody.
                    return Err(reading.fault(child, what));
                }
            }
        }
        Ok(rule)
    }

    fn to_element(&self) -> Element {
        let list = |local: &str, inside: Vec<Element>| {
            inside.into_iter().fold(element(local), Element::with_child)
        };
        let conditions = self.conditions.iter().map(Condition::to_element).collect();
        element("rule")
            .with("id", &self.id)
            .with_child(list("conditions", conditions))
            .with_child(list("actions", self.actions.clone()))
            .with_child(list("transformations", self.transformations.clone()))
    }
}

impl Condition {
    fn of(element: &Element, reading: &mut Reading<'_>) -> Result<Condition, DocumentError> {
        if is(element, "identity") {
            let who: Result<Vec<Who>, _> =
                element.elements().map(|child| Who::of(child, reading)).collect();
            let who = who?;
            if who.is_empty() {
                return Err(reading.fault(element, "an identity that names nobody"));
            }
            return Ok(Condition::Identity(who));
        }
        if is(element, "sphere") {
            return match element.attribute("value") {
                Some(value) if !value.trim_matches(is_space).is_empty() => {
                    Ok(Condition::Sphere(value.to_owned()))
                }
                _ => Err(reading.fault(element, "a sphere without a value")),
            };
        }
        if is(element, "validity") {
            return spans(element, reading).map(Condition::Validity);
        }
        let what = unknown(element, &["identity", "sphere", "validity"]);
        reading.remark(element, format!("{what}; its rule never applies"));
        Ok(Condition::Unknown(element.clone()))
    }

    fn to_element(&self) -> Element {
        match self {
            Condition::Identity(who) => {
                who.iter().map(Who::to_element).fold(element("identity"), Element::with_child)
            }
            Condition::Sphere(value) => element("sphere").with("value", value),
            Condition::Validity(spans) => spans.iter().fold(element("validity"), |list, span| {
                list.with_child(element("from").with_text(&span.from.to_string()))
                    .with_child(element("until").with_text(&span.until.to_string()))
            }),
            Condition::Unknown(element) => element.clone(),
        }
    }
}

impl Who {
    fn of(element: &Element, reading: &mut Reading<'_>) -> Result<Who, DocumentError> {
        if is(element, "one") {
            let id = element.attribute("id").map(|id| id.trim_matches(is_space).to_owned());
            let Some(id) = id.filter(|id| !id.is_empty()) else {
                return Err(reading.fault(element, "a one without an id"));
            };
            let more: Vec<Element> = element.elements().cloned().collect();
            remark_no_address(element, &id, reading);
            Self::remark_more(element, reading);
            return Ok(Who::One { id, more });
        }
        if is(element, "many") {
            let domain = element.attribute("domain").map(|text| text.trim_matches(is_space));
            let domain = domain.filter(|domain| !domain.is_empty()).map(str::to_owned);
            let (mut except, mut more) = (Vec::new(), Vec::new());
            for child in element.elements() {
                match is(child, "except") {
                    true => except.push(Except::of(child, reading)?),
                    false => more.push(child.clone()),
                }
            }
            Self::remark_more(element, reading);
            return Ok(Who::Many { domain, except, more });
        }
        let what = unknown(element, &["one", "many"]);
        reading.remark(element, format!("{what}; it means nobody"));
        Ok(Who::Unknown(element.clone()))
    }

    fn remark_more(element: &Element, reading: &mut Reading<'_>) {
        for child in element.elements().filter(|child| !is(child, "except")) {
            let what = unknown(child, &["except"]);
            reading.remark(child, format!("{what}; with it nobody is meant"));
        }
    }

    fn to_element(&self) -> Element {
        match self {
            Who::One { id, more } => {
                more.iter().cloned().fold(element("one").with("id", id), Element::with_child)
            }
            Who::Many { domain, except, more } => {
                let many = element("many");
                let many = match domain {
                    Some(domain) => many.with("domain", domain),
                    None => many,
                };
                let except = except.iter().map(Except::to_element);
                except.chain(more.iter().cloned()).fold(many, Element::with_child)
            }
            Who::Unknown(element) => element.clone(),
        }
    }
}

impl Except {
    fn of(element: &Element, reading: &mut Reading<'_>) -> Result<Except, DocumentError> {
        let text = |name: &str| {
            let text = element.attribute(name).map(|text| text.trim_matches(is_space));
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let except = Except { domain: text("domain"), id: text("id") };
        if let Some(id) = &except.id {
            remark_no_address(element, id, reading);
        }
        // An exception that excepts nobody would show everything to whom it was meant against.
        match except == Except::default() {
            true => Err(reading.fault(element, "an except with neither id nor domain")),
            false => Ok(except),
        }
    }

    fn to_element(&self) -> Element {
        let pairs = [("domain", &self.domain), ("id", &self.id)];
        let set = pairs.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        set.fold(element("except"), |except, (name, value)| except.with(name, value))
    }
}

/// Only URIs of these schemes are ever proven of a watcher.
fn remark_no_address(element: &Element, id: &str, reading: &mut Reading<'_>) {
    let scheme = Uri::parse(id).map(|uri| uri.scheme());
    if !matches!(scheme, Ok(Scheme::Sip | Scheme::Sips | Scheme::Pres | Scheme::Tel)) {
        let what = "an id that is no sip, sips, pres or tel URI, such as sip:alice@example.com; \
                    it means nobody";
        reading.remark(element, what);
    }
}

/// Pairs of `from` and `until` (RFC 4745 §7.4).
fn spans(validity: &Element, reading: &mut Reading<'_>) -> Result<Vec<Span>, DocumentError> {
    let mut spans = Vec::new();
    let mut children = validity.elements();
    while let Some(from) = children.next() {
        let until = children.next();
        let (Some(until), true) = (until, is(from, "from")) else {
            return Err(reading.fault(from, "validity is pairs of from and until"));
        };
        if !is(until, "until") {
            return Err(reading.fault(until, "validity is pairs of from and until"));
        }
        let span = Span { from: moment(from, reading)?, until: moment(until, reading)? };
        if span.until <= span.from {
            reading.remark(until, "until is not after from; nothing ever falls between them");
        }
        spans.push(span);
    }
    match spans.is_empty() {
        true => Err(reading.fault(validity, "a validity without from and until")),
        false => Ok(spans),
    }
}

fn moment(element: &Element, reading: &mut Reading<'_>) -> Result<Wall, DocumentError> {
    let text = element.token();
    let Some(wall) = date_time::wall(&text) else {
        let what = "a time that is none; write it as 2026-03-02T09:00:00+01:00";
        return Err(reading.fault(element, what));
    };
    let has_zone = !is_date_time(&format!("{text}Z"));
    if !has_zone {
        reading.remark(element, "a time without its zone; it is taken as UTC");
    }
    Ok(wall)
}

/// The elements of the rules of a document that was read, in order.
pub(super) fn rules_in(root: &Element) -> impl Iterator<Item = &Element> {
    root.elements().filter(|element| is(element, "rule"))
}

/// What to say of an element that nobody here understands.
pub(super) fn unknown(element: &Element, known: &[&str]) -> String {
    let local = &element.name.local;
    let own = element.name.namespace.uri() == NAMESPACE;
    let home = match (own, element.name.namespace.uri()) {
        (true, _) => String::new(),
        (false, "") => " of no namespace".to_owned(),
        (false, uri) => format!(" of namespace {uri}"),
    };
    match nearest(local, known.iter().copied()) {
        Some(near) if near == &**local => {
            format!("unknown element {local}{home}; it belongs to {NAMESPACE}")
        }
        Some(near) => format!("unknown element {local}{home}; did you mean {near}?"),
        None => format!("unknown element {local}{home}; there are {}", known.join(", ")),
    }
}

fn is(element: &Element, local: &str) -> bool {
    *element.name.local == *local && element.name.namespace.uri() == NAMESPACE
}

fn namespace() -> Namespace {
    Namespace::from_uri(NAMESPACE)
}

fn element(local: &str) -> Element {
    Element::new(namespace(), local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(inside: &str) -> String {
        format!("<ruleset xmlns='{NAMESPACE}' xmlns:x='urn:x'>\n{inside}\n</ruleset>")
    }

    fn read(inside: &str) -> Ruleset {
        let text = text(inside);
        Ruleset::read(text.as_bytes(), None).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    #[test]
    fn a_rule_is_read_back_as_it_was_written() {
        let inside = "<rule id=\"a\"><conditions><identity><one id=\"sip:a@h\"/><many \
            domain=\"h\"><except id=\"sip:b@h\"/><except domain=\"i\"/></many><ns1:y/></identity>\
            <sphere value=\"home work\"/><validity><from>2026-01-01T00:00:00Z</from>\
            <until>2027-01-01T00:00:00Z</until></validity><ns1:z a=\"1\">t</ns1:z></conditions>\
            <actions><ns1:act/></actions><transformations><ns1:show/></transformations></rule>";
        let written = read(&inside.replace("ns1:", "x:")).write();
        assert!(written.contains(inside), "{written}");
        let again = Ruleset::read(written.as_bytes(), None).expect("what we write");
        assert_eq!(again.write(), written);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let rule = |conditions: &str| {
            format!("<rule id='a'>\n<conditions>\n{conditions}\n</conditions></rule>")
        };
        for (inside, line, what) in [
            ("<rule/>".to_owned(), 2, "without an id"),
            ("<rule id=' '/>".to_owned(), 2, "without an id"),
            ("<rule id='a'/>\n<rule id='a'/>".to_owned(), 3, "two rules"),
            ("<rule id='a'>\n<condition/></rule>".to_owned(), 3, "did you mean conditions?"),
            ("<rule id='a'>\n<x:conditions/></rule>".to_owned(), 3, "it belongs to"),
            (rule("<identity/>"), 4, "names nobody"),
            (rule("<identity>\n<one/></identity>"), 5, "without an id"),
            (rule("<identity><many>\n<except/></many></identity>"), 5, "neither id nor domain"),
            (rule("<sphere/>"), 4, "without a value"),
            (rule("<validity/>"), 4, "without from and until"),
            (rule("<validity>\n<from>x</from></validity>"), 5, "pairs"),
            (rule("<validity>\n<from>x</from><until/></validity>"), 5, "2026-03-02T09:00:00+01:00"),
        ] {
            let text = text(&inside);
            let fault = Ruleset::read(text.as_bytes(), None).expect_err(&inside);
            assert!(fault.what.contains(what), "{inside}: {fault}");
            assert_eq!((fault.kind, fault.line), (Kind::Invalid, line), "{inside}: {fault}");
        }
        let other = Ruleset::read(b"<rules/>", None).expect_err("another document");
        assert!(other.what.contains(NAMESPACE), "{other}");
    }

    #[test]
    fn what_does_not_do_what_it_seems_to_is_remarked_on() {
        let remarks = |inside: &str| {
            let text = text(inside);
            let root = xml::read(text.as_bytes(), None).expect("well formed");
            let mut reading = Reading::new(text.as_bytes(), None, &root);
            Ruleset::of(&mut reading).expect("lawful");
            reading.remarks()
        };
        for (inside, line, what) in [
            ("<rules id='a'/>", 2, "did you mean rule?"),
            ("<rule id='a'>\n<conditions><spehre/></conditions></rule>", 3, "did you mean sphere?"),
            (
                "<rule id='a'><conditions><identity>\n<one id='a@h'/></identity></conditions></rule>",
                3,
                "sip:alice@example.com",
            ),
            (
                "<rule id='a'><conditions><validity><from>2026-01-01T00:00:00</from>\n\
                 <until>2025-01-01T00:00:00Z</until></validity></conditions></rule>",
                2,
                "without its zone",
            ),
        ] {
            let found = remarks(inside);
            let first = found.first().expect(inside);
            assert!(first.what.contains(what) && first.line == line, "{inside}: {found:?}");
        }
        assert_eq!(remarks("<rule id='a'/>"), []);
    }
}
