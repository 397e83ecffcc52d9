//! Identifiers, old and fresh: who asks, and what a publication is called.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An address-of-record in canonical form, `user@host` (RFC 3261 §10.3 step 5): no scheme, no
/// parameters, user unescaped as far as it can be and case kept, host in lower case. `sip:`,
/// `sips:` and `pres:` forms of one address are one AoR (RFC 5630 §5.2, RFC 3856 §5).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aor(Arc<str>);

impl Aor {
    /// From parts that are canonical already: `user` escaped where a URI needs it, `host` in
    /// lower case.
    pub fn from_parts(user: &str, host: &str) -> Aor {
        let mut text = String::with_capacity(user.len() + host.len() + 1);
        text.push_str(user);
        if !user.is_empty() {
            text.push('@');
        }
        text.push_str(host);
        Aor(text.into())
    }

    /// From text written by [`Aor::as_str`] before.
    pub fn from_canonical(text: &str) -> Aor {
        Aor(text.into())
    }

    /// `user@host`, or only `host`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before `@`, empty if there is none.
    pub fn user(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(user, _)| user)
    }

    /// The part after `@`.
    pub fn host(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(_, host)| host)
    }

    /// The AoR as a `sip:` URI.
    pub fn to_uri(&self) -> String {
        format!("sip:{}", self.0)
    }
}

impl fmt::Display for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aor({})", self.0)
    }
}

/// Who a request comes from, as far as it was proven.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Identity {
    /// A user who proved a password by digest; the AoR that user was provisioned with.
    User(Aor),
    /// A trusted peer, such as a PBX; it speaks for whom it asserts (RFC 3325), else for itself.
    Peer {
        /// The peer's address.
        address: IpAddr,
        /// The user it asserts.
        asserted: Option<Aor>,
    },
    /// Nobody was asked, because authentication is switched off.
    Unasked,
}

impl Identity {
    /// The AoR that was proven or asserted, if any.
    pub fn aor(&self) -> Option<&Aor> {
        match self {
            Identity::User(aor) => Some(aor),
            Identity::Peer { asserted, .. } => asserted.as_ref(),
            Identity::Unasked => None,
        }
    }
}

/// The name of one publication (RFC 3903 §8.1): new with every accepted PUBLISH, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityTag(pub u128);

impl EntityTag {
    /// From the text of SIP-If-Match; `None` if we can never have written it.
    pub fn from_text(text: &str) -> Option<EntityTag> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 32 && digits)
            .then(|| u128::from_str_radix(text, 16).ok().map(EntityTag))
            .flatten()
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntityTag({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aor_has_a_user_and_a_host() {
        let aor = Aor::from_parts("alice.smith", "example.com");
        assert_eq!((aor.user(), aor.host()), ("alice.smith", "example.com"));
        assert_eq!(aor.to_uri(), "sip:alice.smith@example.com");
        let host = Aor::from_parts("", "example.com");
        assert_eq!((host.user(), host.host(), host.as_str()), ("", "example.com", "example.com"));
    }

    #[test]
    fn an_entity_tag_is_read_back_only_as_it_was_written() {
        let tag = EntityTag(0x1f);
        assert_eq!(EntityTag::from_text(&tag.to_string()), Some(tag));
        for strange in ["", "*", "1f", "+000000000000000000000000000001f", &"F".repeat(32)] {
            assert_eq!(EntityTag::from_text(strange), None, "{strange}");
        }
    }
}
