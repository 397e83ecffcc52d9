//! What a verdict leaves of a document (RFC 5025 §3.2.1).

/// Which of a presentity's documents a watcher is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum View {
    /// Everything.
    Full,
    /// What somebody looks like of whom nothing is known: politely blocked.
    Offline,
}
