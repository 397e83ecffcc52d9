//! Why a request came to nothing.

use std::fmt;
use std::io;

use crate::base::span;
use crate::sip::{Response, Status};
use crate::transaction::timers::F;

/// Why a request came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The server's name means no address.
    Unknown {
        /// The name.
        host: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// No path to the server.
    Unreachable {
        /// The server as it was asked.
        server: String,
        /// What the system said.
        error: io::Error,
    },
    /// The server said nothing in time.
    NoAnswer {
        /// The server as it was asked.
        server: String,
    },
    /// The request does not fit into a datagram, and no stream could be opened.
    TooLarge {
        /// Its size.
        octets: usize,
    },
    /// The server refused.
    Refused(Refused),
}

/// What the server said, and what it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Its status.
    pub status: Status,
    /// Its phrase.
    pub reason: String,
    /// The least lifetime it takes, for 423.
    pub min_expires: Option<u32>,
    /// How long it asks to wait, for 503.
    pub retry_after: Option<u32>,
    /// The packages it has, for 489.
    pub allow_events: Vec<String>,
    /// Whether a password was tried.
    pub had_password: bool,
}

impl Failure {
    /// The server's status, if it answered at all.
    pub fn status(&self) -> Option<Status> {
        match self {
            Failure::Refused(refused) => Some(refused.status),
            _ => None,
        }
    }
}

impl Refused {
    /// From a final response that is no success.
    pub fn new(response: &Response, had_password: bool) -> Refused {
        let headers = response.headers();
        let reason = String::from_utf8_lossy(response.reason()).trim().to_owned();
        let status = response.status();
        Refused {
            status,
            reason: if reason.is_empty() { status.reason().to_owned() } else { reason },
            min_expires: headers.min_expires(),
            retry_after: headers.retry_after(),
            allow_events: headers.allow_events().map(str::to_owned).collect(),
            had_password,
        }
    }

    /// What to do about it; empty if the phrase says all.
    fn advice(&self) -> String {
        match self.status {
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED if self.had_password => {
                "the name or password is wrong, or is one of another realm".to_owned()
            }
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED => {
                "give --user NAME and --password-file FILE".to_owned()
            }
            Status::FORBIDDEN => {
                "the rules of the agent, or one of its bounds, forbid it".to_owned()
            }
            Status::NOT_FOUND => {
                "the agent does not serve that address; see server.domains of its settings"
                    .to_owned()
            }
            Status::CONDITIONAL_REQUEST_FAILED => {
                "no publication has that entity-tag any more; publish without it".to_owned()
            }
            Status::INTERVAL_TOO_BRIEF => match self.min_expires {
                Some(min) => {
                    let min = span::write(std::time::Duration::from_secs(min.into()));
                    format!("ask for at least {min}")
                }
                None => "ask for longer".to_owned(),
            },
            Status::BAD_EVENT if !self.allow_events.is_empty() => {
                format!("the agent has {}", self.allow_events.join(", "))
            }
            Status::SERVICE_UNAVAILABLE => match self.retry_after {
                Some(seconds) => format!("try again in {seconds}s"),
                None => "try again later".to_owned(),
            },
            _ => String::new(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {} {}", self.status.code(), self.reason)?;
        match self.advice() {
            advice if advice.is_empty() => Ok(()),
            advice => write!(f, "; {advice}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unknown { host, error } => {
                write!(f, "\"{host}\" has no address ({error}); give --server udp:ADDRESS:PORT")
            }
            Failure::Unreachable { server, error }
                if error.kind() == io::ErrorKind::ConnectionRefused =>
            {
                write!(f, "nobody listens at {server}; is the agent running there? Give --server")
            }
            Failure::Unreachable { server, error } => write!(f, "{server}: {error}"),
            Failure::NoAnswer { server } => {
                let waited = span::write(F);
                write!(f, "no answer from {server} within {waited}; is that the agent's address?")
            }
            Failure::TooLarge { octets } => {
                write!(f, "{octets} octets do not fit into a datagram; give --server tcp:HOST:PORT")
            }
            Failure::Refused(refused) => write!(f, "{refused}"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = |status: Status| Refused {
            status,
            reason: status.reason().to_owned(),
            min_expires: Some(90),
            retry_after: None,
            allow_events: vec!["dialog".to_owned()],
            had_password: false,
        };
        for (status, told) in [
            (401, "refused: 401 Unauthorized; give --user NAME and --password-file FILE"),
            (423, "refused: 423 Interval Too Brief; ask for at least 1m30s"),
            (489, "refused: 489 Bad Event; the agent has dialog"),
            (500, "refused: 500 Server Internal Error"),
        ] {
            assert_eq!(refused(Status(status)).to_string(), told);
        }
    }
}
