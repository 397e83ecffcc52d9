//! Documents to values and back: hostile input safe, output schema-valid and deterministic.

pub mod body;
mod caps;
pub mod common_policy;
pub mod date_time;
mod dialog_body;
pub mod dialog_info;
pub mod element;
pub mod encoding;
pub mod fanal;
pub mod filter;
pub mod ids;
pub mod lexical;
mod location;
pub mod multipart;
pub mod namespace;
pub mod permissions;
pub mod pidf;
mod pidf_body;
pub mod rpid;
pub mod rules;
pub mod summary;
pub mod view;
pub mod vocabulary;
pub mod watcher_info;
pub mod write;
pub mod xml;
pub mod xpidf;

pub use body::Body;
pub use dialog_info::{Dialog, DialogInfo};
pub use element::{Attribute, Element, Name, Node};
pub use ids::IdSpace;
pub use namespace::Namespace;
pub use pidf::Presence;
pub use summary::Summary;
pub use watcher_info::WatcherInfo;
pub use xml::{DocumentError, Kind};
