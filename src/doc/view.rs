//! What a verdict leaves of a document (RFC 5025 §3.2.1).

use std::sync::Arc;

use super::permissions::Permissions;

/// Which of a presentity's documents a watcher is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View<'a> {
    /// What the person sees of itself, hidden from others or not.
    Own,
    /// Everything that is shown to others.
    Full,
    /// What somebody looks like of whom nothing is known: politely blocked.
    Offline,
    /// What these permissions leave of what is shown to others.
    Part(&'a Arc<Permissions>),
}
