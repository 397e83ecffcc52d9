//! The verdict on a watcher (RFC 5025 §3.2.1).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What becomes of a watcher's subscription. In the order of RFC 5025: when several rules apply,
/// the greatest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Refused with 403.
    Block,
    /// Accepted but pending: nothing is shown until the presentity has decided.
    Confirm,
    /// Accepted, and shown a presentity that seems to be away.
    PoliteBlock,
    /// Accepted, and shown what there is.
    Allow,
}

impl Verdict {
    /// The name in rules documents and settings.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Block => "block",
            Verdict::Confirm => "confirm",
            Verdict::PoliteBlock => "polite-block",
            Verdict::Allow => "allow",
        }
    }

    /// The value of `sub-handling` by which permissions are compared.
    pub const fn handling(self) -> u8 {
        match self {
            Verdict::Block => 0,
            Verdict::Confirm => 10,
            Verdict::PoliteBlock => 20,
            Verdict::Allow => 30,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5025 §3.2.1.
    #[test]
    fn verdicts_are_ordered_as_their_handling() {
        let all = [Verdict::Block, Verdict::Confirm, Verdict::PoliteBlock, Verdict::Allow];
        assert!(all.is_sorted());
        assert_eq!(all.map(Verdict::handling), [0, 10, 20, 30]);
    }
}
