//! Why a request came to nothing, as a status and a document for programs.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sip::Refusal;

/// Why a request came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    status: StatusCode,
    /// A word for programs.
    code: &'static str,
    /// A sentence for people.
    message: String,
    header: Option<(HeaderName, String)>,
    /// The line of a document at which it is wrong, from 1.
    line: Option<usize>,
}

impl Fault {
    /// With a word for programs and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Fault {
        Fault { status, code, message: message.into(), header: None, line: None }
    }

    /// 400: something in the request is not as it should be.
    pub fn bad(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    /// 400: something is wrong in a line of the document.
    pub fn wrong_at(line: usize, what: impl Into<String>) -> Fault {
        let what = format!("line {line}: {}", what.into());
        Fault { line: Some(line), ..Fault::bad(what) }
    }

    /// 401: nobody is known by this token, or none came.
    pub fn unknown_token() -> Fault {
        let message = "a token of [http] in the settings is needed: Authorization: Bearer ...";
        let fault = Fault::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        Fault { header: Some((header::WWW_AUTHENTICATE, "Bearer".to_owned())), ..fault }
    }

    /// 403: the token may not.
    pub fn forbidden(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// 429: too many of them.
    pub fn too_many() -> Fault {
        let message = "too many requests; wait a second";
        let fault = Fault::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message);
        fault.retry_after(1)
    }

    /// 503: the agent gave no answer in time.
    pub fn no_answer() -> Fault {
        let message = "the agent gave no answer in time; what was asked may still be done";
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, "no-answer", message).retry_after(1)
    }

    /// Whether it is of this status.
    pub fn is(&self, status: StatusCode) -> bool {
        self.status == status
    }

    fn retry_after(self, seconds: u64) -> Fault {
        Fault { header: Some((header::RETRY_AFTER, seconds.to_string())), ..self }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        match refusal {
            Refusal::NotServed => Fault::not_found("nobody of this address is served here"),
            Refusal::Forbidden("Not Your Address") => {
                Fault::forbidden("the token may speak for its own identity alone")
            }
            Refusal::Forbidden("Forbidden") => {
                Fault::forbidden("the rules of this person do not let the identity of the token")
            }
            Refusal::Forbidden(phrase) => Fault::forbidden(phrase),
            Refusal::Busy { after } => {
                let message = "the agent ends, or cannot keep anything at the moment";
                let fault = Fault::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message);
                fault.retry_after(after.as_secs().max(1))
            }
            Refusal::BadBody { what } => Fault::bad(what),
            other => Fault::bad(other.reason().into_owned()),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Fault { status, code, message, header, line } = self;
        let mut document = json!({ "error": code, "message": message, "status": status.as_u16() });
        if let Some(line) = line {
            document["line"] = line.into();
        }
        let mut response = (status, axum::Json(document)).into_response();
        if let Some((name, value)) = header
            && let Ok(value) = value.parse()
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
