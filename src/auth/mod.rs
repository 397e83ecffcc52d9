//! Who is asking: digest authentication (RFC 7616, RFC 8760) and trusted peers (RFC 3325).

mod aging;
pub mod algorithm;
mod answer;
pub mod bearer;
pub mod client;
pub mod config;
pub mod digest;
mod guard;
pub mod nonce;
mod strangers;
pub mod trust;
pub mod users;

pub use algorithm::Algorithm;
pub use bearer::Bearer;
pub use client::Answerer;
pub use config::{Config, NoQop};
pub use digest::{Digest, Reach};
pub use strangers::Strangers;
pub use trust::{Cidr, TrustedPeers};
pub use users::{User, Users, UsersError};
