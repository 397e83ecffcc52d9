//! Elements to XML text: one spelling for one value, known prefixes, declared at the root.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::element::{Attribute, Element, Name, Node};
use super::namespace::Namespace;

/// Writes the inside of a document and notes which namespaces it needs.
///
/// The namespace of the root is the default; the known ones have their usual prefixes, the
/// others `ns1`, `ns2` and so on in order of first use. Nothing is indented, so text between
/// elements stays what it was.
pub struct XmlWriter {
    root: Namespace,
    known: Vec<Namespace>,
    others: HashMap<Arc<str>, usize>,
    out: String,
}

/// The first line of every document (RFC 3863 §4.1).
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

impl XmlWriter {
    /// For a document whose root is of that namespace.
    pub fn new(root: Namespace) -> XmlWriter {
        XmlWriter { root, known: Vec::new(), others: HashMap::new(), out: String::new() }
    }

    /// An element with everything in it.
    pub fn element(&mut self, element: &Element) {
        self.element_inside(element, true);
    }

    /// A start tag in the root's namespace, left open for [`XmlWriter::attribute`].
    pub fn open(&mut self, local: &str) {
        self.out.push('<');
        self.out.push_str(local);
    }

    /// A start tag of any name, left open.
    pub fn open_name(&mut self, name: &Name) {
        self.out.push('<');
        self.qualified(name, true);
    }

    /// An attribute of no namespace, in an open start tag.
    pub fn attribute(&mut self, local: &str, value: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.out, " {local}=\"{}\"", escape_attribute(value));
    }

    /// An attribute of any name, in an open start tag.
    pub fn attribute_of(&mut self, attribute: &Attribute) {
        self.out.push(' ');
        match &attribute.name.namespace {
            Namespace::None => self.out.push_str(&attribute.name.local),
            _ => self.qualified(&attribute.name, false),
        }
        let _ = write!(self.out, "=\"{}\"", escape_attribute(&attribute.value));
    }

    /// Ends the start tag.
    pub fn inside(&mut self) {
        self.out.push('>');
    }

    /// Ends the start tag of an element with nothing in it.
    pub fn empty(&mut self) {
        self.out.push_str("/>");
    }

    /// Text, escaped.
    pub fn text(&mut self, text: &str) {
        self.out.push_str(&escape_text(text));
    }

    /// An end tag in the root's namespace.
    pub fn close(&mut self, local: &str) {
        let _ = write!(self.out, "</{local}>");
    }

    /// An end tag of any name.
    pub fn close_name(&mut self, name: &Name) {
        self.out.push_str("</");
        self.qualified(name, true);
        self.out.push('>');
    }

    /// An element of the root's namespace with text and nothing else.
    pub fn leaf(&mut self, local: &str, text: &str) {
        self.open(local);
        self.inside();
        self.text(text);
        self.close(local);
    }

    /// White space as it stands.
    pub fn space(&mut self, space: &str) {
        self.out.push_str(space);
    }

    /// The namespace declarations the root needs, each with a space before it, and the text.
    pub fn finish(self) -> (String, String) {
        let mut declarations = format!(" xmlns=\"{}\"", escape_attribute(self.root.uri()));
        for namespace in Namespace::known().filter(|namespace| self.known.contains(namespace)) {
            let prefix = namespace.prefix().unwrap_or_default();
            let _ = write!(declarations, " xmlns:{prefix}=\"{}\"", namespace.uri());
        }
        let mut others: Vec<(Arc<str>, usize)> = self.others.into_iter().collect();
        others.sort_unstable_by_key(|(_, number)| *number);
        for (uri, number) in others {
            let _ = write!(declarations, " xmlns:ns{number}=\"{}\"", escape_attribute(&uri));
        }
        (declarations, self.out)
    }

    /// `default` is false inside an element that had to undo the default namespace.
    fn element_inside(&mut self, element: &Element, default: bool) {
        let bare = element.name.namespace == Namespace::None;
        self.out.push('<');
        self.qualified(&element.name, default);
        if bare && default {
            self.out.push_str(" xmlns=\"\"");
        }
        for attribute in &element.attributes {
            self.attribute_of(attribute);
        }
        if element.children.is_empty() {
            return self.empty();
        }
        self.inside();
        for child in &element.children {
            match child {
                Node::Element(child) => self.element_inside(child, default && !bare),
                Node::Text(text) => self.text(text),
            }
        }
        self.out.push_str("</");
        self.qualified(&element.name, default);
        self.out.push('>');
    }

    fn qualified(&mut self, name: &Name, default: bool) {
        let plain = name.namespace == Namespace::None || (default && name.namespace == self.root);
        match &name.namespace {
            _ if plain => {}
            Namespace::Other(uri) => {
                let next = self.others.len().saturating_add(1);
                let number = *self.others.entry(uri.clone()).or_insert(next);
                let _ = write!(self.out, "ns{number}:");
            }
            known => {
                if *known != Namespace::Xml && !self.known.contains(known) {
                    self.known.push(known.clone());
                }
                self.out.push_str(known.prefix().unwrap_or_default());
                self.out.push(':');
            }
        }
        self.out.push_str(&name.local);
    }
}

/// Text as it stands between tags.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// Text as it stands between double quotes.
pub fn escape_attribute(text: &str) -> Cow<'_, str> {
    escape(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// Characters XML cannot carry at all are left out; no document read has any.
fn escape(text: &str, with: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    // Nearly all text is this plain, and is found so without looking at characters.
    let is_plain = |b: &u8| matches!(b, b' '..=b'~') && !matches!(b, b'&' | b'<' | b'>' | b'"');
    if text.as_bytes().iter().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let lawful =
        |c: char| c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || "\t\n\r".contains(c);
    if text.chars().all(|c| lawful(c) && with(c).is_none()) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars().filter(|&c| lawful(c)) {
        match with(c) {
            Some(replacement) => escaped.push_str(replacement),
            None => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::xml;

    fn written(text: &str, root: Namespace) -> (String, String) {
        let element = xml::read(text.as_bytes(), None).expect("well formed");
        let mut out = XmlWriter::new(root);
        out.element(&element);
        out.finish()
    }

    #[test]
    fn namespaces_are_declared_only_when_used() {
        let text = "<p:a xmlns:p='urn:ietf:params:xml:ns:pidf' xmlns:unused='urn:unused' \
                    xmlns:d='urn:ietf:params:xml:ns:pidf:data-model'><d:b/></p:a>";
        let (declarations, inside) = written(text, Namespace::Pidf);
        assert_eq!(inside, "<a><dm:b/></a>");
        assert_eq!(
            declarations,
            " xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
        );
    }

    #[test]
    fn unknown_namespaces_are_numbered_in_order_of_first_use() {
        let text = "<z:a xmlns:z='urn:z' xmlns:y='urn:y' y:b='1'><y:c/><z:d/></z:a>";
        let (declarations, inside) = written(text, Namespace::Pidf);
        assert_eq!(inside, "<ns1:a ns2:b=\"1\"><ns2:c/><ns1:d/></ns1:a>");
        assert!(declarations.ends_with(" xmlns:ns1=\"urn:z\" xmlns:ns2=\"urn:y\""));
    }

    #[test]
    fn what_is_written_reads_as_the_same_value() {
        let text = "<a xmlns='urn:ietf:params:xml:ns:pidf' xmlns:p='urn:ietf:params:xml:ns:pidf' \
                    p:m='1&#10;2&#9;&quot;' xml:lang='en'>x &amp; y &lt; z &#13;<b xmlns='' c='&lt;'>\
                    <p:d/><e/></b> <q:f xmlns:q='urn:q&amp;r'> t </q:f></a>";
        let element = xml::read(text.as_bytes(), None).expect("well formed");
        let (declarations, inside) = written(text, Namespace::Pidf);
        let again = format!("<w{declarations}>{inside}</w>");
        let again = xml::read(again.as_bytes(), None).expect("well formed");
        assert_eq!(again.elements().next(), Some(&element));
    }

    #[test]
    fn characters_xml_cannot_carry_are_left_out() {
        assert_eq!(escape_text("a\0b\u{1b}\u{ffff}c"), "abc");
        assert_eq!(escape_attribute("\"<&>'\n"), "&quot;&lt;&amp;&gt;'&#10;");
        assert!(matches!(escape_text("plain"), Cow::Borrowed(_)));
    }
}
