//! Settings of what is served, for whom, and through which doors.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::{self, TrustedPeers};
use crate::base::flow::Transport;
use crate::base::limits;
use crate::base::span;
use crate::event::status;
use crate::{notifier, policy, registrar};

/// Settings of the agent proper. Each shard has a copy.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What is served.
    pub server: ServerConfig,
    /// Who publishes, and for how long.
    pub presentity: PresentityConfig,
    /// How watchers are told.
    pub notifier: notifier::Config,
    /// How contacts are registered.
    pub registrar: registrar::Config,
    /// How users prove who they are.
    pub digest: auth::Config,
    /// How statuses are composed.
    pub status: status::Settings,
    /// Who may see what.
    pub policy: policy::Config,
    /// The same with the rules of persons and the policy of the organisation, as they were read;
    /// `None` where there are none.
    pub book: Option<Arc<policy::Book>>,
    /// Our side of every transport, in the order of the settings.
    pub doors: Vec<Door>,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// The domains served; the first also stands for the addresses listened on.
    pub domains: Vec<String>,
    /// Other names of the first domain, such as a host name that phones are set to.
    pub aliases: Vec<String>,
    /// Whether only users of the users file exist, or any user part of a served domain.
    pub presentities: Presentities,
    /// Whether users must prove who they are.
    pub auth: Authentication,
}

/// Which presentities exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presentities {
    /// Any user part of a served domain: extensions are the PBX's business.
    Any,
    /// Only users of the users file; anybody else is 404.
    Known,
}

/// Whether users must prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// By digest, unless they come from a trusted peer.
    Digest,
    /// Not at all. For labs.
    Off,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            domains: vec!["localhost".to_owned()],
            aliases: Vec::new(),
            presentities: Presentities::Any,
            auth: Authentication::Digest,
        }
    }
}

/// How publications live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PresentityConfig {
    /// Least lifetime a publication may ask for; shorter is refused with 423.
    #[serde(with = "span::text")]
    pub expires_min: Duration,
    /// Longest lifetime granted; longer is shortened.
    #[serde(with = "span::text")]
    pub expires_max: Duration,
    /// Lifetime of a publication that names none.
    #[serde(with = "span::text")]
    pub expires_default: Duration,
    /// How long a call may be trying, proceeding or early before it is withdrawn.
    #[serde(with = "span::text")]
    pub pre_answer_max: Duration,
    /// Publications of one presentity; the next initial one is refused with 403.
    pub publications_max: usize,
}

impl Default for PresentityConfig {
    fn default() -> PresentityConfig {
        PresentityConfig {
            expires_min: limits::EXPIRES_MIN,
            expires_max: limits::EXPIRES_MAX,
            expires_default: limits::EXPIRES_DEFAULT,
            pre_answer_max: limits::PRE_ANSWER_MAX,
            publications_max: limits::PUBLICATIONS_MAX,
        }
    }
}

/// Our side of one listening address.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its transport.
    pub transport: Transport,
    /// The address bound, port filled in.
    pub local: SocketAddr,
    /// The host (and port, if it differs) to name in Via and Contact instead of our own.
    pub advertise: Option<String>,
    /// The address of this machine that strangers reach it by, where `local` is a wildcard.
    pub primary: Option<IpAddr>,
    /// Peers that need no digest and may assert identities.
    pub trusted: TrustedPeers,
}
