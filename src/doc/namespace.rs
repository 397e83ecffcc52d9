//! XML namespaces: the ones this agent speaks, and any other by its name.

use std::sync::Arc;

/// The namespace of an element or attribute.
///
/// The early drafts of RPID and of the person element used other names; phones of that age
/// still send them, so they are read as what they became (see [`Namespace::from_uri`]).
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Namespace {
    /// No namespace.
    None,
    /// `http://www.w3.org/XML/1998/namespace`, always bound to `xml`.
    Xml,
    /// RFC 3863.
    Pidf,
    /// RFC 4479: person and device.
    DataModel,
    /// RFC 4480.
    Rpid,
    /// RFC 4482.
    Cipid,
    /// RFC 4481.
    TimedStatus,
    /// RFC 5196.
    Caps,
    /// RFC 4119.
    Geopriv,
    /// RFC 4119, usage rules.
    GeoprivPolicy,
    /// RFC 5139.
    CivicAddress,
    /// RFC 4119, obsoleted by RFC 5139.
    CivicLocation,
    /// RFC 4119, who says so.
    DataProvider,
    /// RFC 4235.
    DialogInfo,
    /// RFC 7463, shared lines.
    SharedLine,
    /// This agent's own words.
    Fanal,
    /// `http://www.w3.org/2001/XMLSchema-instance`.
    SchemaInstance,
    /// Any other, by its name.
    Other(Arc<str>),
}

/// Names and prefixes of the known namespaces, in the order they are declared.
const KNOWN: &[(Namespace, &str, &str)] = &[
    (Namespace::Xml, "xml", "http://www.w3.org/XML/1998/namespace"),
    (Namespace::Pidf, "pidf", "urn:ietf:params:xml:ns:pidf"),
    (Namespace::DialogInfo, "di", "urn:ietf:params:xml:ns:dialog-info"),
    (Namespace::DataModel, "dm", "urn:ietf:params:xml:ns:pidf:data-model"),
    (Namespace::Rpid, "rpid", "urn:ietf:params:xml:ns:pidf:rpid"),
    (Namespace::Cipid, "c", "urn:ietf:params:xml:ns:pidf:cipid"),
    (Namespace::TimedStatus, "ts", "urn:ietf:params:xml:ns:pidf:timed-status"),
    (Namespace::Caps, "caps", "urn:ietf:params:xml:ns:pidf:caps"),
    (Namespace::Geopriv, "gp", "urn:ietf:params:xml:ns:pidf:geopriv10"),
    (Namespace::GeoprivPolicy, "gbp", "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"),
    (Namespace::CivicAddress, "ca", "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"),
    (Namespace::CivicLocation, "cl", "urn:ietf:params:xml:ns:pidf:geopriv10:civicLoc"),
    (Namespace::DataProvider, "dp", "urn:ietf:params:xml:ns:pidf:geopriv10:dataProvider"),
    (Namespace::SharedLine, "sa", "urn:ietf:params:xml:ns:sa-dialog-info"),
    (Namespace::Fanal, "fanal", "urn:x-fanal:presence:1"),
    (Namespace::SchemaInstance, "xsi", "http://www.w3.org/2001/XMLSchema-instance"),
];

/// Names of drafts, and what became of them.
const EARLY: &[(&str, Namespace)] = &[
    ("urn:ietf:params:xml:ns:pidf:person", Namespace::DataModel),
    ("urn:ietf:params:xml:ns:pidf:device", Namespace::DataModel),
    ("urn:ietf:params:xml:ns:pidf:status:rpid", Namespace::Rpid),
    ("urn:ietf:params:xml:ns:pidf:status:rpid-status", Namespace::Rpid),
    ("urn:ietf:params:xml:ns:pidf:rpid:status:rpid-status", Namespace::Rpid),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-person", Namespace::Rpid),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-tuple", Namespace::Rpid),
    ("urn:ietf:params:xml:ns:pidf:rpid-person", Namespace::Rpid),
    ("urn:ietf:params:xml:ns:pidf:rpid-tuple", Namespace::Rpid),
];

impl Namespace {
    /// The namespace of that name; early draft names give the namespace they became.
    pub fn from_uri(uri: &str) -> Namespace {
        if uri.is_empty() {
            return Namespace::None;
        }
        let known = KNOWN.iter().find(|(_, _, name)| *name == uri);
        if let Some((namespace, _, _)) = known {
            return namespace.clone();
        }
        let early = EARLY.iter().find(|(name, _)| *name == uri);
        early.map_or_else(|| Namespace::Other(uri.into()), |(_, became)| became.clone())
    }

    /// The name as declared; empty for no namespace.
    pub fn uri(&self) -> &str {
        match self {
            Namespace::None => "",
            Namespace::Other(uri) => uri,
            known => {
                let row = KNOWN.iter().find(|(namespace, _, _)| namespace == known);
                row.map_or("", |(_, _, uri)| uri)
            }
        }
    }

    /// Prefix under which this agent writes a known namespace; `None` for the others.
    pub fn prefix(&self) -> Option<&'static str> {
        let row = KNOWN.iter().find(|(namespace, _, _)| namespace == self);
        row.map(|(_, prefix, _)| *prefix)
    }

    /// The namespaces with a prefix of their own, in the order they are declared.
    pub fn known() -> impl Iterator<Item = &'static Namespace> {
        KNOWN.iter().map(|(namespace, _, _)| namespace)
    }
}

/// The prefixes in scope at one place of a document.
#[derive(Default, Debug)]
pub struct Scope {
    bindings: Vec<(Box<str>, Namespace)>,
}

impl Scope {
    /// Number of bindings now, to come back to with [`Scope::leave`].
    pub fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Binds a prefix, empty for the default namespace, until the scope is left.
    pub fn bind(&mut self, prefix: &str, namespace: Namespace) {
        self.bindings.push((prefix.into(), namespace));
    }

    /// Forgets what was bound since the mark.
    pub fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// What a prefix means here; `None` if it was never declared. The empty prefix is the
    /// default namespace and always means something.
    pub fn resolve(&self, prefix: &str) -> Option<Namespace> {
        if prefix == "xml" {
            return Some(Namespace::Xml);
        }
        // Two empty texts are not held against each other: where they are is no memory at all,
        // and processors that compare under a mask take their time over finding that out.
        let is_it = |name: &str| match prefix.is_empty() {
            true => name.is_empty(),
            false => name == prefix,
        };
        let bound = self.bindings.iter().rev().find(|(name, _)| is_it(name));
        match bound {
            Some((_, namespace)) => Some(namespace.clone()),
            None => prefix.is_empty().then_some(Namespace::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_namespace_keeps_its_name() {
        for namespace in Namespace::known() {
            assert_eq!(&Namespace::from_uri(namespace.uri()), namespace);
        }
    }

    #[test]
    fn early_draft_names_are_what_they_became() {
        let status = Namespace::from_uri("urn:ietf:params:xml:ns:pidf:rpid:status:rpid-status");
        assert_eq!(status, Namespace::Rpid);
        let person = Namespace::from_uri("urn:ietf:params:xml:ns:pidf:person");
        assert_eq!(person, Namespace::DataModel);
    }

    #[test]
    fn an_inner_binding_hides_the_outer_until_it_is_left() {
        let mut scope = Scope::default();
        scope.bind("a", Namespace::Pidf);
        let mark = scope.mark();
        scope.bind("a", Namespace::Rpid);
        assert_eq!(scope.resolve("a"), Some(Namespace::Rpid));
        scope.leave(mark);
        assert_eq!(scope.resolve("a"), Some(Namespace::Pidf));
        assert_eq!(scope.resolve("b"), None);
        assert_eq!(scope.resolve(""), Some(Namespace::None));
    }
}
