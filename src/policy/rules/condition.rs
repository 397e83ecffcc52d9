//! Conditions, ready to be asked (RFC 4745 §7, RFC 5025 §3.1).

use std::fmt;

use super::Applies;
use crate::base::identity::Aor;
use crate::base::time::Wall;
use crate::base::uri::{Scheme, Uri};
use crate::doc::common_policy::{Condition, Except, Span, Who};
use crate::doc::pidf::{Person, Presence};
use crate::policy::decide::Asking;

/// A condition in the form it is compared in.
#[derive(Clone, Debug)]
pub(super) enum Ready {
    Identity(Vec<Meant>),
    /// Words in lower case.
    Sphere(Vec<String>),
    Validity(Vec<Span>),
    /// Nobody here understands it.
    Never(Box<str>),
}

/// Somebody who is meant.
#[derive(Clone, Debug)]
pub(super) enum Meant {
    One(Address),
    Many { domain: Option<String>, except: Vec<Left> },
    Nobody,
}

/// Somebody left out of many.
#[derive(Clone, Debug)]
pub(super) enum Left {
    Domain(String),
    One(Address),
    /// It cannot be read who, so nobody is let in.
    Everybody,
}

/// A URI as it is compared with those of a watcher.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// A `sip`, `sips` or `pres` URI: one AoR (RFC 3856 §5).
    Aor(Aor),
    /// A `tel` URI. It never equals a `sip` one, whatever the number (RFC 5025 §3.1.1.2).
    Number(Uri),
    /// Nobody is ever proven to have it.
    Nobody(Box<str>),
}

impl Ready {
    pub(super) fn of(condition: &Condition) -> Ready {
        match condition {
            Condition::Identity(who) => Ready::Identity(who.iter().map(Meant::of).collect()),
            Condition::Sphere(value) => {
                let words = value.split_ascii_whitespace().map(str::to_lowercase);
                Ready::Sphere(words.collect())
            }
            Condition::Validity(spans) => Ready::Validity(spans.clone()),
            Condition::Unknown(element) => Ready::Never(element.name.local[..].into()),
        }
    }

    /// Whether it is true, for what time alone does not change.
    pub(super) fn holds(&self, asking: &Asking<'_>) -> bool {
        match self {
            Ready::Identity(meant) => meant.iter().any(|meant| meant.means(asking)),
            // RFC 5025 §3.1.2: an undefined sphere is none of any list.
            Ready::Sphere(words) => asking.sphere.is_some_and(|sphere| {
                let sphere = sphere.to_lowercase();
                words.contains(&sphere)
            }),
            Ready::Validity(_) => true,
            Ready::Never(_) => false,
        }
    }

    /// For what time alone decides: whether it is true, and the next moment that may change.
    pub(super) fn span_around(&self, now: Wall) -> Option<Applies> {
        let Ready::Validity(spans) = self else { return None };
        let bounds = spans.iter().flat_map(|span| [span.from, span.until]);
        Some(Applies {
            now: spans.iter().any(|span| span.from <= now && now < span.until),
            until: bounds.filter(|bound| *bound > now).min(),
        })
    }
}

impl Meant {
    fn of(who: &Who) -> Meant {
        match who {
            Who::One { id, more } if more.is_empty() => Meant::One(Address::of(id)),
            Who::Many { domain, except, more } if more.is_empty() => Meant::Many {
                domain: domain.as_deref().map(canonical_domain),
                except: except.iter().flat_map(Left::of).collect(),
            },
            _ => Meant::Nobody,
        }
    }

    fn means(&self, asking: &Asking<'_>) -> bool {
        match self {
            Meant::One(address) => address.is_of(asking),
            // RFC 4745 §7.1.3: everybody whose identity was proven.
            Meant::Many { domain, except } => {
                asking.is_proven()
                    && domain.as_ref().is_none_or(|domain| asking.is_of_domain(domain))
                    && !except.iter().any(|left| left.leaves_out(asking))
            }
            Meant::Nobody => false,
        }
    }
}

impl Left {
    fn of(except: &Except) -> impl Iterator<Item = Left> {
        let domain = except.domain.as_deref().map(|text| Left::Domain(canonical_domain(text)));
        let one = except.id.as_deref().map(|id| match Address::of(id) {
            Address::Nobody(_) => Left::Everybody,
            address => Left::One(address),
        });
        domain.into_iter().chain(one)
    }

    fn leaves_out(&self, asking: &Asking<'_>) -> bool {
        match self {
            Left::Domain(domain) => asking.is_of_domain(domain),
            Left::One(address) => address.is_of(asking),
            Left::Everybody => true,
        }
    }
}

impl Address {
    fn of(text: &str) -> Address {
        let nobody = || Address::Nobody(text.into());
        let Ok(uri) = Uri::parse(text) else { return nobody() };
        match uri.scheme() {
            Scheme::Tel => Address::Number(uri),
            Scheme::Sip | Scheme::Sips | Scheme::Pres => {
                let aor = Aor::from_parts(&uri.canonical_user(), &uri.canonical_host());
                // With a port, or a parameter that counts, it is another address than the AoR
                // (RFC 3261 §19.1.4).
                let plain = Uri::parse(&format!("sip:{}", uri.after_scheme()));
                match (plain, Uri::parse(&aor.to_uri())) {
                    (Ok(plain), Ok(own)) if plain == own => Address::Aor(aor),
                    _ => nobody(),
                }
            }
            Scheme::Other => nobody(),
        }
    }

    fn is_of(&self, asking: &Asking<'_>) -> bool {
        match self {
            Address::Aor(aor) => asking.aors().any(|own| own == *aor),
            Address::Number(number) => asking.also.iter().any(|own| own == number),
            Address::Nobody(_) => false,
        }
    }
}

/// The sphere a presentity is in, by its document: undefined if its persons disagree, or if none
/// says (RFC 5025 §3.1.2).
pub fn sphere_of(document: &Presence) -> Option<String> {
    let mut spheres = document.persons.iter().filter_map(Person::sphere);
    let first = spheres.next()?;
    spheres.all(|other| other == first).then_some(first)
}

fn canonical_domain(text: &str) -> String {
    text.trim_end_matches('.').to_ascii_lowercase()
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |f: &mut fmt::Formatter<'_>, texts: Vec<String>| f.write_str(&texts.join(" or "));
        match self {
            Ready::Identity(meant) => {
                f.write_str("watcher is ")?;
                list(f, meant.iter().map(ToString::to_string).collect())
            }
            Ready::Sphere(words) => {
                f.write_str("sphere is ")?;
                list(f, words.clone())
            }
            Ready::Validity(spans) => {
                f.write_str("it is ")?;
                let span = |span: &Span| format!("from {} until {}", span.from, span.until);
                list(f, spans.iter().map(span).collect())
            }
            Ready::Never(name) => write!(f, "{name}, which nobody here understands"),
        }
    }
}

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Meant::One(address) => address.fmt(f),
            Meant::Nobody => f.write_str("nobody"),
            Meant::Many { domain, except } => {
                match domain {
                    Some(domain) => write!(f, "anybody of {domain}")?,
                    None => f.write_str("anybody known")?,
                }
                for left in except {
                    match left {
                        Left::Domain(domain) => write!(f, ", but nobody of {domain}")?,
                        Left::One(address) => write!(f, ", but not {address}")?,
                        Left::Everybody => f.write_str(", but not somebody nobody can be")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Aor(aor) => write!(f, "{aor}"),
            Address::Number(number) => write!(f, "{number}"),
            Address::Nobody(text) => write!(f, "{}, which nobody can be", text.escape_debug()),
        }
    }
}
