//! What permissions leave of a document. Everything not provided is left out: a new document is
//! made of what may be seen, nothing is cut out of the old one.

use crate::doc::element::Name;
use crate::doc::namespace::Namespace;

mod dialog;
mod hidden;
mod location;
mod presence;
mod steady;

pub use dialog::{Salt, dialog};
pub use hidden::{Hidden, hidden, hidden_of_calls};
pub use location::{expire, names_place};
pub use presence::presence;
pub use steady::{steady, undated};

/// Whether an element says where somebody is (RFC 4119, RFC 5139, RFC 5491).
pub fn is_location(name: &Name) -> bool {
    match &name.namespace {
        Namespace::Geopriv
        | Namespace::GeoprivPolicy
        | Namespace::CivicAddress
        | Namespace::CivicLocation
        | Namespace::DataProvider => true,
        Namespace::Other(uri) => uri.starts_with("http://www.opengis.net/"),
        _ => false,
    }
}
