//! What inside sources have to say: facts that no PUBLISH brought.

/// A fact about a presentity, from within.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation {
    /// How many contacts are registered for it; 0 when the last has expired.
    Registered {
        /// Live bindings.
        contacts: usize,
    },
    /// What its calls are doing.
    Lines(Lines),
}

/// A presentity's calls in brief.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    /// Some call is answered (held or not).
    pub confirmed: bool,
    /// Some call rings here.
    pub ringing: bool,
}
