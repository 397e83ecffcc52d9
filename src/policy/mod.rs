//! What may this watcher see: rules of persons (RFC 4745, RFC 5025), the policy of the
//! organisation above them, and the simple rules of the operator where a person has none.
//!
//! [`decide()`] is asked who may see what; what it permits is named by [`Permissions`], and
//! [`filter`] leaves of a document what may be seen. Both stand with the documents, one floor down,
//! where the packages that obey them can reach them.

pub mod audit;
pub mod book;
pub mod decide;
pub mod explain;
pub mod layers;
pub mod organisation;
pub mod rules;
pub mod verdict;
pub mod views;

pub use crate::doc::filter;
pub use crate::doc::permissions::Permissions;
pub use book::Book;
pub use decide::{Asking, Decision, Sight, decide};
pub use explain::{Explanation, explain};
pub use organisation::Organisation;
pub use rules::{Config, PersonRules, Rule, RuleId, RuleSet, Rules};
pub use verdict::{SubHandling, Verdict};
pub use views::{Pool, ViewId, Views};
