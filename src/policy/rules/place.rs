//! Where the rules of a person stand: one folder for each person, as XCAP addresses them
//! (RFC 4825 §6, RFC 5025 §9), so that files today are the same documents later.

use crate::base::identity::Aor;
use crate::base::limits::RULE_NAME_OCTETS_MAX;
use crate::base::uri::{Scheme, Uri};

/// The application under which presence rules are kept (RFC 5025 §9.1).
pub const APPLICATION: &str = "pres-rules";

/// The place of one document.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// Whose rules they are.
    pub user: Aor,
    /// Its name among the documents of that person, such as `index`.
    pub document: String,
}

impl Place {
    /// The document every user agent writes (RFC 5025 §9.7).
    pub fn index(user: Aor) -> Place {
        Place { user, document: "index".to_owned() }
    }

    /// From a path below the root of all documents: `pres-rules/users/sip:alice@example.com/index`.
    /// The ending `.xml` may stand there, for editors. `None` for what is no document of rules.
    pub fn of(path: &str) -> Option<Place> {
        let mut parts = path.split('/');
        let (application, tree) = (parts.next()?, parts.next()?);
        let (user, document) = (parts.next()?, parts.next()?);
        let document = document.strip_suffix(".xml").unwrap_or(document);
        let whole = parts.next().is_none() && is_name(document);
        if application != APPLICATION || tree != "users" || !whole {
            return None;
        }
        Some(Place { user: user_of(user)?, document: document.to_owned() })
    }

    /// The name of a document, its ending left out; `None` for what is none.
    pub fn name(text: &str) -> Option<&str> {
        let name = text.strip_suffix(".xml").unwrap_or(text);
        (is_name(name) && name.len() <= RULE_NAME_OCTETS_MAX).then_some(name)
    }

    /// The path below the root of all documents.
    pub fn path(&self) -> String {
        // A user part may hold a slash, which would part the path.
        let user = self.user.to_uri().replace('/', "%2F");
        format!("{APPLICATION}/users/{user}/{}", self.document)
    }
}

fn user_of(folder: &str) -> Option<Aor> {
    let text = folder.replace("%2F", "/").replace("%2f", "/");
    let full = if text.contains(':') { text } else { format!("sip:{text}") };
    let uri = Uri::parse(&full).ok()?;
    let known = matches!(uri.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Pres);
    let plain = known && uri.user().is_some() && uri.bare() == full && uri.port().is_none();
    plain.then(|| Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()))
}

/// Names that begin with a dot are those of files being written.
fn is_name(text: &str) -> bool {
    let lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && !text.starts_with('.') && text.chars().all(lawful)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_from_its_path() {
        for user in ["alice@example.com", "a%20b@[2001:db8::1]", "a/b@example.com", "a&b=+$@h"] {
            let place = Place::index(Aor::from_canonical(user));
            assert_eq!(Place::of(&place.path()), Some(place.clone()), "{}", place.path());
            assert_eq!(Place::of(&format!("{}.xml", place.path())), Some(place));
        }
        let bare = Place::of("pres-rules/users/Alice@Example.COM/holiday.xml").expect("a place");
        assert_eq!(bare.path(), "pres-rules/users/sip:Alice@example.com/holiday");
    }

    #[test]
    fn what_is_no_document_of_rules_has_no_place() {
        for path in [
            "",
            "pres-rules/users/sip:a@h",
            "pres-rules/users/sip:a@h/index/more",
            "pres-rules/global/sip:a@h/index",
            "resource-lists/users/sip:a@h/index",
            "pres-rules/users/nobody/index",
            "pres-rules/users/../index",
            "pres-rules/users/sip:a@h:5060/index",
            "pres-rules/users/sip:a@h/..",
            "pres-rules/users/sip:a@h/.index.123",
            "/pres-rules/users/sip:a@h/index",
        ] {
            assert_eq!(Place::of(path), None, "{path}");
        }
    }
}
