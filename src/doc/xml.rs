//! XML octets to an element, refusing everything a stranger could hurt us with.
//!
//! quick-xml cuts the text into tags; that the document is well formed (XML 1.0 fifth
//! edition, Namespaces in XML 1.0) is checked here. There is no DTD, so the only entities are
//! the five of XML itself, nothing expands and nothing is fetched.

use std::borrow::Cow;
use std::fmt;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use smallvec::SmallVec;

use super::element::{Attribute, Element, Name, Node, is_space};
use super::encoding::decode;
use super::lexical::is_ncname;
use super::namespace::{Namespace, Scope};
use crate::base::limits::{
    BODY_OCTETS_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX, XML_NAME_OCTETS_MAX,
    XML_NAMESPACES_MAX,
};

/// Why a document was not taken, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentError {
    /// What kind of fault, which decides the status.
    pub kind: Kind,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What was found; of the document it repeats at most the name of an element or attribute.
    pub what: String,
}

/// Kinds of faults of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Not well-formed XML, or XML of a kind never accepted (DTD, processing instructions).
    Malformed,
    /// More octets, elements or attributes than the limits allow.
    TooLarge,
    /// Nested deeper than [`XML_DEPTH_MAX`].
    TooDeep,
    /// A character encoding that is not supported: 415.
    Encoding,
    /// Well formed, but not the document it claims to be.
    Invalid,
}

impl DocumentError {
    /// A fault at an octet offset of the decoded text.
    pub fn at(text: &str, offset: usize, kind: Kind, what: impl Into<String>) -> DocumentError {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
        let last = before.rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
        // Continuation octets of UTF-8 are no characters of their own.
        let column = last.iter().filter(|&&octet| octet & 0xC0 != 0x80).count().saturating_add(1);
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        DocumentError { kind, line: narrow(line), column: narrow(column), what: what.into() }
    }

    /// A fault of the meaning of a document, which has no single place.
    pub fn invalid(what: impl Into<String>) -> DocumentError {
        DocumentError::at("", 0, Kind::Invalid, what)
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for DocumentError {}

/// The root element of a document. `charset` is the parameter of the media type, if it had one.
pub fn read(octets: &[u8], charset: Option<&str>) -> Result<Element, DocumentError> {
    if octets.len() > BODY_OCTETS_MAX {
        return Err(DocumentError::at("", 0, Kind::TooLarge, "a document over the size limit"));
    }
    let text = decode(octets, charset)?;
    let mut build = Build::default();
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = false;
    loop {
        let at = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|e| {
            let at = offset(reader.error_position());
            DocumentError::at(&text, at, Kind::Malformed, fault(&e))
        })?;
        if matches!(event, Event::Eof) {
            return build.finish().map_err(|f| f.place(&text, at));
        }
        build.take(event, at).map_err(|f| f.place(&text, at))?;
    }
}

/// Line and column of every element's start, in document order, each from 1. For documents
/// that were read; what comes after a fault has no place.
pub fn places(octets: &[u8], charset: Option<&str>) -> Vec<(u32, u32)> {
    let Ok(text) = decode(octets, charset) else { return Vec::new() };
    let mut reader = Reader::from_str(&text);
    let mut places = Vec::new();
    let (mut line, mut line_start) = (1, 0);
    let mut counted = 0;
    loop {
        let at = offset(reader.buffer_position());
        match reader.read_event() {
            Err(_) | Ok(Event::Eof) => return places,
            Ok(Event::Start(_) | Event::Empty(_)) => {
                let before = text.as_bytes().get(counted..at).unwrap_or_default();
                for newline in memchr::memchr_iter(b'\n', before) {
                    line = u32::saturating_add(line, 1);
                    line_start = counted.saturating_add(newline).saturating_add(1);
                }
                counted = at;
                let column = text.get(line_start..at).unwrap_or_default().chars().count();
                places.push((line, u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1)));
            }
            Ok(_) => {}
        }
    }
}

/// A fault that still needs its place.
struct Fault(Kind, String);

impl Fault {
    fn place(self, text: &str, at: usize) -> DocumentError {
        DocumentError::at(text, at, self.0, self.1)
    }
}

fn malformed<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(Kind::Malformed, what.into()))
}

/// The tree under construction.
#[derive(Default)]
struct Build {
    open: Vec<(Element, usize)>,
    root: Option<Element>,
    scope: Scope,
    elements: usize,
}

impl Build {
    fn take(&mut self, event: Event<'_>, at: usize) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::Empty(tag) => {
                self.start(&tag)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.into_inner()),
            Event::CData(text) => match self.open.is_empty() {
                true => malformed("character data outside the root element"),
                false => self.push(&text.into_inner()),
            },
            Event::GeneralRef(reference) => {
                let c = resolve(&reference.into_inner())?;
                match self.open.is_empty() {
                    true => malformed("a reference outside the root element"),
                    false => self.push(c.encode_utf8(&mut [0; 4])),
                }
            }
            Event::Comment(comment) => comment_is_lawful(&comment.into_inner()),
            Event::Decl(_) if at != 0 => malformed("an XML declaration that is not first"),
            Event::Decl(declaration) => declaration_is_lawful(&declaration),
            Event::PI(_) => malformed("a processing instruction"),
            Event::DocType(_) => malformed("a document type declaration"),
            Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        if self.open.is_empty() && self.root.is_some() {
            return malformed("a second root element");
        }
        if self.open.len() >= XML_DEPTH_MAX {
            return Err(Fault(Kind::TooDeep, "elements nested over the limit".into()));
        }
        if self.elements >= XML_ELEMENTS_MAX {
            return Err(Fault(Kind::TooLarge, "more elements than the limit".into()));
        }
        self.elements = self.elements.saturating_add(1);
        let name = tag.name();
        let (prefix, local) = split(name.as_ref())?;
        let written = attributes(tag.attributes_raw())?;
        let mark = self.scope.mark();
        for (prefix, local, value) in &written {
            bind(&mut self.scope, prefix, local, value)?;
        }
        let name = self.name(prefix, local)?;
        let attributes = self.resolved(written)?;
        self.open.push((Element { name, attributes, children: Vec::new() }, mark));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let Some((element, mark)) = self.open.pop() else {
            return malformed("an end tag without its start");
        };
        self.scope.leave(mark);
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.open.is_empty() {
            return match text.chars().all(is_space) {
                true => Ok(()),
                false => malformed("text outside the root element"),
            };
        }
        if text.contains("]]>") {
            return malformed("the end of a CDATA section in text");
        }
        self.push(text)
    }

    /// Text, references and CDATA sections that touch are one text.
    fn push(&mut self, text: &str) -> Result<(), Fault> {
        let Some((element, _)) = self.open.last_mut() else {
            return Ok(());
        };
        match element.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => element.children.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    fn name(&self, prefix: &str, local: &str) -> Result<Name, Fault> {
        match self.scope.resolve(prefix) {
            Some(namespace) => Ok(Name { namespace, local: local.into() }),
            None => malformed(format!("a prefix never declared, at element {local}")),
        }
    }

    fn resolved(&self, written: AllWritten<'_>) -> Result<Vec<Attribute>, Fault> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(written.len());
        for (prefix, local, value) in written {
            if prefix == "xmlns" || (prefix.is_empty() && local == "xmlns") {
                continue;
            }
            let namespace = match prefix {
                // Namespaces in XML §6.2: the default namespace is not that of attributes.
                "" => Namespace::None,
                prefix => self.name(prefix, local)?.namespace,
            };
            let name = Name { namespace, local: local.into() };
            if attributes.iter().any(|attribute| attribute.name == name) {
                return malformed(format!("attribute {local} twice"));
            }
            attributes.push(Attribute { name, value: value.into() });
        }
        Ok(attributes)
    }

    fn finish(self) -> Result<Element, Fault> {
        match (self.open.last(), self.root) {
            (Some((element, _)), _) => {
                malformed(format!("the end of the document inside element {}", element.name.local))
            }
            (None, None) => malformed("a document without an element"),
            (None, Some(root)) => Ok(root),
        }
    }
}

/// Prefix, local name and value of an attribute as written.
type Written<'a> = (&'a str, &'a str, Cow<'a, str>);

/// Those of one element, which are few as a rule.
type AllWritten<'a> = SmallVec<[Written<'a>; 8]>;

/// The attributes of a start tag, from behind its name to before its `>` or `/>`.
fn attributes(raw: &str) -> Result<AllWritten<'_>, Fault> {
    let mut written = AllWritten::new();
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Ok(written);
        }
        if trimmed.len() == rest.len() {
            return malformed("an attribute without white space before it");
        }
        let Some((name, after)) = cut(trimmed, b'=') else {
            return malformed("an attribute without a value");
        };
        let (prefix, local) = split(name.trim_end_matches(is_space))?;
        let after = after.trim_start_matches(is_space);
        let quote = after.bytes().next().filter(|c| matches!(c, b'"' | b'\''));
        let quoted = quote.and_then(|quote| cut(after.get(1..)?, quote));
        let Some((value, after)) = quoted else {
            return malformed(format!("attribute {local} without quotes"));
        };
        if written.len() >= XML_ATTRIBUTES_MAX {
            return Err(Fault(Kind::TooLarge, "more attributes than the limit".into()));
        }
        if written.iter().any(|(p, l, _)| (*l, *p) == (local, prefix)) {
            return malformed(format!("attribute {local} twice"));
        }
        written.push((prefix, local, attribute_value(value, local)?));
        rest = after;
    }
}

/// Text before and after an octet of ASCII.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = memchr::memchr(at, text.as_bytes())?;
    Some((text.get(..place)?, text.get(place.checked_add(1)?..)?))
}

/// XML 1.0 §3.3.3, for attributes without a declared type.
fn attribute_value<'a>(raw: &'a str, local: &str) -> Result<Cow<'a, str>, Fault> {
    // Nearly every value stands for itself.
    if raw.bytes().all(|octet| octet >= b' ' && !matches!(octet, b'<' | b'&')) {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return malformed(format!("a < in attribute {local}"));
    }
    let mut value = String::with_capacity(raw.len());
    let mut pieces = raw.split('&');
    let plain = |text: &str, value: &mut String| {
        value.extend(text.chars().map(|c| if is_space(c) { ' ' } else { c }));
    };
    plain(pieces.next().unwrap_or_default(), &mut value);
    for piece in pieces {
        let Some((reference, text)) = piece.split_once(';') else {
            return malformed(format!("a bare & in attribute {local}"));
        };
        value.push(resolve(reference)?);
        plain(text, &mut value);
    }
    Ok(Cow::Owned(value))
}

/// The character of a reference, from between `&` and `;`.
fn resolve(reference: &str) -> Result<char, Fault> {
    let found = match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.strip_prefix('#').and_then(numbered),
    };
    found.map_or_else(|| malformed("a reference to no known or lawful character"), Ok)
}

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    // from_str_radix takes a sign, XML does not.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let lawful =
        c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || matches!(c, '\t' | '\n' | '\r');
    lawful.then_some(c)
}

/// Prefix (or nothing) and local name, both lawful.
fn split(name: &str) -> Result<(&str, &str), Fault> {
    if name.len() > XML_NAME_OCTETS_MAX {
        return Err(Fault(Kind::TooLarge, "a name over the size limit".into()));
    }
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let prefixed = name.len() != local.len();
    match is_ncname(local) && (!prefixed || is_ncname(prefix)) {
        true => Ok((prefix, local)),
        false => malformed("a name that is none"),
    }
}

/// Namespaces in XML §3: the reserved prefixes stay as they are, a prefix is never undeclared.
fn bind(scope: &mut Scope, prefix: &str, local: &str, value: &str) -> Result<(), Fault> {
    let bound = match (prefix, local) {
        ("", "xmlns") => "",
        ("xmlns", prefix) => prefix,
        _ => return Ok(()),
    };
    // A namespace name is a URI: white space around it is a slip of the pen, never meaning.
    let namespace = Namespace::from_uri(value.trim_matches(is_space));
    let reserved = value == "http://www.w3.org/2000/xmlns/" || bound == "xmlns";
    if reserved || ((bound == "xml") != (namespace == Namespace::Xml)) {
        return malformed("a declaration of a reserved prefix or namespace");
    }
    if namespace == Namespace::None && !bound.is_empty() {
        return malformed(format!("prefix {bound} bound to no namespace"));
    }
    if scope.mark() >= XML_NAMESPACES_MAX {
        return Err(Fault(Kind::TooLarge, "more namespaces than the limit".into()));
    }
    scope.bind(bound, namespace);
    Ok(())
}

fn comment_is_lawful(comment: &str) -> Result<(), Fault> {
    match comment.contains("--") || comment.ends_with('-') {
        true => malformed("two hyphens in a comment"),
        false => Ok(()),
    }
}

/// XML 1.0 §2.8: version, then encoding, then standalone, and nothing else.
fn declaration_is_lawful(declaration: &str) -> Result<(), Fault> {
    let raw = declaration.strip_prefix("xml").unwrap_or(declaration);
    let written = attributes(raw)?;
    let mut places = written.iter().map(|(prefix, local, value)| match (*prefix, *local) {
        ("", "version") => (value == "1.0" || value == "1.1").then_some(0),
        ("", "encoding") => (!value.is_empty()).then_some(1),
        ("", "standalone") => matches!(&**value, "yes" | "no").then_some(2),
        _ => None,
    });
    let first = places.next() == Some(Some(0));
    let rest: Option<Vec<u8>> = places.collect();
    match rest {
        Some(rest) if first && rest.is_sorted() && !rest.contains(&0) => Ok(()),
        _ => malformed("an XML declaration that is none"),
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// quick-xml's own words repeat the document; ours do not.
fn fault(error: &quick_xml::Error) -> &'static str {
    use quick_xml::errors::{Error, IllFormedError};
    match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => {
            "an end tag that does not match its start"
        }
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "an end tag without its start",
        Error::IllFormed(IllFormedError::UnclosedReference) => "a bare &",
        Error::Syntax(_) => "markup that does not end",
        _ => "markup that is none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Element {
        read(text.as_bytes(), None).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn refusal(text: &str) -> DocumentError {
        match read(text.as_bytes(), None) {
            Ok(_) => panic!("taken: {}", text.get(..80).unwrap_or(text)),
            Err(error) => error,
        }
    }

    #[track_caller]
    fn malformed_at(text: &str, line: u32, column: u32) {
        let error = refusal(text);
        assert_eq!(
            (error.kind, error.line, error.column),
            (Kind::Malformed, line, column),
            "{error}"
        );
    }

    #[test]
    fn names_are_resolved_whatever_the_prefix() {
        let element =
            root("<a:b xmlns:a='urn:a' xmlns='urn:d' x='1' a:x='2'><c/><d xmlns=''/></a:b>");
        let (a, d) = (Namespace::from_uri("urn:a"), Namespace::from_uri("urn:d"));
        assert!(element.is(&a, "b"));
        assert_eq!(element.attribute("x"), Some("1"));
        assert_eq!(element.attribute_in(&a, "x"), Some("2"));
        assert!(element.child(&d, "c").is_some());
        assert!(element.child(&Namespace::None, "d").is_some());
    }

    #[test]
    fn every_element_has_its_place() {
        let text = "<?xml version='1.0'?>\n<a>\n <b/><!-- < -->\u{e9}<c>\n</c></a>";
        assert_eq!(places(text.as_bytes(), None), [(2, 1), (3, 2), (3, 17)]);
        assert_eq!(places(b"<a><b", None), [(1, 1)]);
    }

    #[test]
    fn a_declaration_ends_with_its_element() {
        malformed_at("<a><b xmlns:x='urn:x'/><x:c/></a>", 1, 24);
    }

    #[test]
    fn text_references_and_cdata_that_touch_are_one_text() {
        let element = root("<a>1 &lt; 2 &#x26; <![CDATA[<b>]]>&#51;<!-- c --> <d/>e</a>");
        assert_eq!(element.children.len(), 3);
        assert_eq!(element.text(), "1 < 2 & <b>3 e");
    }

    #[test]
    fn attribute_values_are_normalised() {
        let element = root("<a b=' 1\n2\t3&#10;&quot;&apos;&amp;amp;'/>");
        assert_eq!(element.attribute("b"), Some(" 1 2 3\n\"'&amp;"));
    }

    #[test]
    fn a_greater_than_sign_in_an_attribute_is_lawful() {
        assert_eq!(root("<a b='>' c=\"'\"/>").attribute("b"), Some(">"));
    }

    #[test]
    fn a_document_type_declaration_is_refused() {
        malformed_at("<!DOCTYPE a><a/>", 1, 1);
        malformed_at("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", 1, 1);
        malformed_at(
            "<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'http://192.0.2.1/a.dtd'><a/>",
            2,
            1,
        );
    }

    #[test]
    fn a_billion_laughs_are_one_refusal() {
        let mut text = String::from("<!DOCTYPE a [<!ENTITY l0 'ha'>");
        for n in 1..100 {
            text.push_str(&format!("<!ENTITY l{n} '&l{0};&l{0};&l{0};'>", n - 1));
        }
        text.push_str("]><a>&l99;</a>");
        assert_eq!(refusal(&text).kind, Kind::Malformed);
    }

    #[test]
    fn an_unknown_entity_is_refused() {
        malformed_at("<a>&version;</a>", 1, 4);
        malformed_at("<a b='&nbsp;'/>", 1, 1);
        malformed_at("<a>&;</a>", 1, 4);
        malformed_at("<a>a & b</a>", 1, 6);
        malformed_at("<a b='a & b'/>", 1, 1);
    }

    #[test]
    fn a_reference_to_a_forbidden_character_is_refused() {
        for number in ["0", "x0", "8", "xD800", "xFFFF", "x110000", "99999999999", "", "x", "+65"] {
            malformed_at(&format!("<a>&#{number};</a>"), 1, 4);
            malformed_at(&format!("<a b='&#{number};'/>"), 1, 1);
        }
        assert_eq!(root("<a>&#9;&#x1F3D6;</a>").text(), "\t\u{1F3D6}");
    }

    #[test]
    fn a_processing_instruction_is_refused() {
        malformed_at("<?xml-stylesheet href='http://192.0.2.1/'?><a/>", 1, 1);
        malformed_at("<a><?php x ?></a>", 1, 4);
    }

    #[test]
    fn the_xml_declaration_comes_first_or_not_at_all() {
        malformed_at("\t<?xml version='1.0'?><a/>", 1, 2);
        malformed_at("<a/><?xml version='1.0'?>", 1, 5);
        malformed_at("<a><?xml version='1.0'?></a>", 1, 4);
        root("<?xml version=\"1.0\" encoding='utf-8' standalone='no' ?><a/>");
    }

    #[test]
    fn an_xml_declaration_says_version_encoding_standalone() {
        for bad in [
            "",
            " encoding='utf-8'",
            " encoding='utf-8' version='1.0'",
            " version='2.0'",
            " version='1.0' standalone='maybe'",
            " version='1.0' colour='red'",
            " version='1.0' version='1.0'",
            " version='1.0'encoding='utf-8'",
        ] {
            malformed_at(&format!("<?xml{bad} ?><a/>"), 1, 1);
        }
    }

    #[test]
    fn there_is_one_root_element_and_nothing_beside_it() {
        malformed_at("", 1, 1);
        malformed_at("  \n", 2, 1);
        malformed_at("<!-- only -->", 1, 14);
        malformed_at("<a/><b/>", 1, 5);
        malformed_at("<a/>text", 1, 5);
        malformed_at("text<a/>", 1, 1);
        malformed_at("<a/>&amp;", 1, 5);
        malformed_at("<a/><![CDATA[]]>", 1, 5);
        root(" <!-- before --> <a/>\n<!-- after -->\n");
    }

    #[test]
    fn an_element_never_closed_is_refused() {
        malformed_at("<a><b></b>", 1, 11);
        malformed_at("<a>\n<b", 2, 1);
        malformed_at("<a b='", 1, 1);
        malformed_at("<a><!-- ", 1, 4);
        malformed_at("<a><![CDATA[ ", 1, 4);
    }

    #[test]
    fn end_tags_match_start_tags() {
        malformed_at("<a></b>", 1, 4);
        malformed_at("<a><b></a></b>", 1, 7);
        malformed_at("</a>", 1, 1);
        malformed_at("<a></a></a>", 1, 8);
        malformed_at("<x:a xmlns:x='u' xmlns:y='u'></y:a>", 1, 30);
        root("<a></a\n>");
    }

    #[test]
    fn a_name_begins_with_a_letter_and_has_one_colon() {
        for bad in ["1a", "-a", ":a", "a:", "a:b:c", "a,b", "a\u{d7}", "a:1"] {
            malformed_at(&format!("<{bad} xmlns:a='urn:a'/>"), 1, 1);
        }
        for bad in ["1b", "b:c:d", "=", "a:", "b'c"] {
            malformed_at(&format!("<a {bad}='1' xmlns:b='urn:b'/>"), 1, 1);
        }
        malformed_at("< a/>", 1, 1);
        malformed_at("<></>", 1, 1);
    }

    #[test]
    fn an_attribute_has_a_quoted_value_and_space_before_it() {
        for bad in ["b", "b=", "b=1", "b='1'c='2'", "b='1\"", "b='<'", "/ b='1'", "='1'"] {
            assert_eq!(refusal(&format!("<a {bad}/>")).kind, Kind::Malformed, "{bad}");
        }
    }

    #[test]
    fn an_attribute_stands_once_under_any_prefix() {
        malformed_at("<a b='1' b='2'/>", 1, 1);
        malformed_at("<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", 1, 1);
        root("<a xmlns:x='u' b='1' x:b='2'/>");
    }

    #[test]
    fn an_undeclared_prefix_is_refused() {
        malformed_at("<x:a/>", 1, 1);
        malformed_at("<a x:b='1'/>", 1, 1);
    }

    #[test]
    fn reserved_prefixes_stay_as_they_are() {
        malformed_at("<a xmlns:xml='urn:x'/>", 1, 1);
        malformed_at("<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>", 1, 1);
        malformed_at("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 1, 1);
        malformed_at("<a xmlns:xmlns='urn:x'/>", 1, 1);
        malformed_at("<a xmlns:x='http://www.w3.org/2000/xmlns/'/>", 1, 1);
        malformed_at("<a xmlns:x=''/>", 1, 1);
        root("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'/>");
    }

    #[test]
    fn two_hyphens_in_a_comment_are_refused() {
        malformed_at("<a><!-- a -- b --></a>", 1, 4);
        malformed_at("<a><!-- a ---></a>", 1, 4);
    }

    #[test]
    fn the_end_of_a_cdata_section_in_text_is_refused() {
        malformed_at("<a>]]></a>", 1, 4);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        root(&nested(XML_DEPTH_MAX));
        assert_eq!(refusal(&nested(XML_DEPTH_MAX + 1)).kind, Kind::TooDeep);
        assert_eq!(refusal(&"<a>".repeat(20_000)).kind, Kind::TooDeep);
    }

    #[test]
    fn the_number_of_elements_is_bounded() {
        let many = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n));
        root(&many(XML_ELEMENTS_MAX - 1));
        assert_eq!(refusal(&many(XML_ELEMENTS_MAX)).kind, Kind::TooLarge);
    }

    #[test]
    fn the_number_of_attributes_and_declarations_is_bounded() {
        let many = |n: usize| -> String {
            let written = (0..n).map(|n| format!(" b{n}='' xmlns:c{n}='urn:c'"));
            format!("<a{}/>", written.collect::<String>())
        };
        root(&many(XML_ATTRIBUTES_MAX / 2));
        assert_eq!(refusal(&many(XML_ATTRIBUTES_MAX / 2 + 1)).kind, Kind::TooLarge);
    }

    #[test]
    fn the_size_of_a_document_and_of_a_name_is_bounded() {
        let sized = |n: usize| format!("<a>{}</a>", "x".repeat(n - 7));
        root(&sized(BODY_OCTETS_MAX));
        assert_eq!(refusal(&sized(BODY_OCTETS_MAX + 1)).kind, Kind::TooLarge);
        root(&format!("<{}/>", "x".repeat(XML_NAME_OCTETS_MAX)));
        let long = format!("<{}/>", "x".repeat(XML_NAME_OCTETS_MAX + 1));
        assert_eq!(refusal(&long).kind, Kind::TooLarge);
    }

    #[test]
    fn a_fault_tells_line_and_column_in_characters() {
        malformed_at("<a>\n  <b>\u{e9}\u{e9}</c>\n</a>", 2, 8);
        let error = refusal("<a>\r\n<b></c></a>");
        assert_eq!(error.to_string(), "line 2, column 4: an end tag that does not match its start");
    }

    #[test]
    fn a_fault_repeats_no_text_of_the_document() {
        for text in ["<a>secret&secret;</a>", "<a b='secret'secret='1'/>", "<a b='secret<'/>"] {
            assert!(!refusal(text).what.contains("secret&"), "{text}");
            assert!(!refusal(text).what.contains("secret<"), "{text}");
        }
    }
}
