//! An XML element as a value, with its namespaces resolved.

use super::local::Local;
use super::namespace::Namespace;

/// A name with its namespace; prefixes carry no meaning and are gone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Name {
    /// Where the name belongs.
    pub namespace: Namespace,
    /// The name itself.
    pub local: Local,
}

/// An attribute; its value is unescaped and normalised.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Attribute {
    /// Without prefix in the document, the namespace is [`Namespace::None`].
    pub name: Name,
    /// Unescaped.
    pub value: Box<str>,
}

/// What stands inside an element.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// A child.
    Element(Element),
    /// Unescaped character data.
    Text(String),
}

/// An element with everything in it; comments are gone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Element {
    /// Its name.
    pub name: Name,
    /// In document order, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// In document order.
    pub children: Vec<Node>,
}

impl Name {
    /// A name in a namespace.
    pub fn new(namespace: Namespace, local: &str) -> Name {
        Name { namespace, local: local.into() }
    }

    /// Whether it is this name.
    pub fn is(&self, namespace: &Namespace, local: &str) -> bool {
        *self.local == *local && self.namespace == *namespace
    }
}

impl Element {
    /// An empty element.
    pub fn new(namespace: Namespace, local: &str) -> Element {
        let name = Name::new(namespace, local);
        Element { name, attributes: Vec::new(), children: Vec::new() }
    }

    /// With an attribute of no namespace at the end.
    pub fn with(mut self, local: &str, value: &str) -> Element {
        let name = Name::new(Namespace::None, local);
        self.attributes.push(Attribute { name, value: value.into() });
        self
    }

    /// With text at the end.
    pub fn with_text(mut self, text: &str) -> Element {
        self.children.push(Node::Text(text.to_owned()));
        self
    }

    /// With a child at the end.
    pub fn with_child(mut self, child: Element) -> Element {
        self.children.push(Node::Element(child));
        self
    }

    /// Whether it has this name.
    pub fn is(&self, namespace: &Namespace, local: &str) -> bool {
        self.name.is(namespace, local)
    }

    /// Value of an attribute of no namespace.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attribute_in(&Namespace::None, local)
    }

    /// Value of an attribute of a namespace.
    pub fn attribute_in(&self, namespace: &Namespace, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.name.is(namespace, local));
        found.map(|attribute| &*attribute.value)
    }

    /// The child elements, without the text between them.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of that name.
    pub fn child(&self, namespace: &Namespace, local: &str) -> Option<&Element> {
        self.elements().find(|element| element.is(namespace, local))
    }

    /// Which element of the document it is, counted from 0 in document order; `None` if
    /// `self` is no part of `root`.
    pub fn ordinal_in(&self, root: &Element) -> Option<usize> {
        fn find(wanted: &Element, here: &Element, count: &mut usize) -> bool {
            if std::ptr::eq(wanted, here) {
                return true;
            }
            *count = count.saturating_add(1);
            here.elements().any(|child| find(wanted, child, count))
        }
        let mut count = 0;
        find(self, root, &mut count).then_some(count)
    }

    /// The text directly inside, as it stands.
    pub fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// The text directly inside, without white space around it.
    pub fn token(&self) -> String {
        self.text().trim_matches(is_space).to_owned()
    }
}

/// White space as XML means it.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_element_leaves_out_its_children() {
        let inner = Element::new(Namespace::Rpid, "away").with_text("inner");
        let outer = Element::new(Namespace::Rpid, "activities").with_text(" a ");
        let outer = outer.with_child(inner).with_text("b\n");
        assert_eq!(outer.text(), " a b\n");
        assert_eq!(outer.token(), "a b");
        assert!(outer.child(&Namespace::Rpid, "away").is_some());
        assert!(outer.child(&Namespace::Pidf, "away").is_none());
    }

    #[test]
    fn elements_are_counted_in_document_order() {
        let leaf = |name| Element::new(Namespace::Pidf, name);
        let root = leaf("a").with_child(leaf("b").with_child(leaf("c"))).with_child(leaf("d"));
        let b = root.child(&Namespace::Pidf, "b").expect("b");
        let c = b.child(&Namespace::Pidf, "c").expect("c");
        let d = root.child(&Namespace::Pidf, "d").expect("d");
        let of = |element: &Element| element.ordinal_in(&root);
        assert_eq!([of(&root), of(b), of(c), of(d)], [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(d.ordinal_in(b), None);
    }

    #[test]
    fn an_attribute_of_another_namespace_is_another_attribute() {
        let element = Element::new(Namespace::Pidf, "note").with("lang", "en");
        assert_eq!(element.attribute("lang"), Some("en"));
        assert_eq!(element.attribute_in(&Namespace::Xml, "lang"), None);
    }
}
