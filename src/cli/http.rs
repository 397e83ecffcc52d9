//! The way to the HTTP API of an agent.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
pub use hyper::Method;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{EXIT_NO_ANSWER, EXIT_REFUSED, EXIT_USAGE, Fault, file};

/// How long an answer may take: a little longer than the agent waits for its shards.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// The largest answer read, in octets.
const ANSWER_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// The options by which the API of an agent is reached.
#[derive(clap::Args, Clone)]
pub struct Api {
    /// Where the API listens (`http.listen` of the agent).
    #[arg(long, value_name = "ADDRESS", env = "FANAL_API", default_value = "127.0.0.1:8060")]
    api: String,
    /// A file whose first line is a token of `http.token`; "-" is standard input.
    #[arg(long, value_name = "FILE", env = "FANAL_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The token itself, from the environment alone: arguments can be read by others.
    #[arg(long, env = "FANAL_TOKEN", hide = true, hide_env_values = true)]
    token: Option<String>,
}

/// What is asked for.
pub struct Asked<'a> {
    pub method: Method,
    pub path: &'a str,
    /// The type of the body.
    pub media: &'a str,
    pub body: Bytes,
}

impl Api {
    /// Asks, and gives back the document answered; a refusal is a fault.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Fault> {
        let body = body.map_or_else(String::new, Value::to_string);
        let asked = Asked { method, path, media: "application/json", body: body.into() };
        Ok(serde_json::from_slice(&self.exchange(asked).await?).unwrap_or_default())
    }

    /// Asks, and gives back what was answered, whatever it is; a refusal is a fault.
    pub async fn exchange(&self, asked: Asked<'_>) -> Result<Bytes, Fault> {
        let Asked { method, path, media, body } = asked;
        let address = self.api.trim_start_matches("http://").trim_end_matches('/');
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, address)
            .header(AUTHORIZATION, format!("Bearer {}", self.token()?))
            .header(CONTENT_TYPE, media)
            .body(Full::new(body));
        let request = request.map_err(|fault| Fault::usage(format!("the request: {fault}")))?;
        let no_answer = |what: String| Fault { exit: EXIT_NO_ANSWER, what, status: None };
        let asked = timeout(ANSWER_MAX, exchange(address, request)).await;
        let (status, text) = asked
            .map_err(|_| no_answer(format!("{address} gives no answer")))?
            .map_err(|fault| no_answer(format!("{address}: {fault}; is http.listen set so?")))?;
        if (200..300).contains(&status) {
            return Ok(text);
        }
        let document: Value = serde_json::from_slice(&text).unwrap_or_default();
        let message = document["message"].as_str().unwrap_or("it says no more");
        let exit = if status == 400 { EXIT_USAGE } else { EXIT_REFUSED };
        Err(Fault { exit, what: format!("refused with {status}: {message}"), status: Some(status) })
    }

    fn token(&self) -> Result<String, Fault> {
        let token = match (&self.token, &self.token_file) {
            (_, Some(path)) => String::from_utf8_lossy(&file::read(path)?)
                .lines()
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            (Some(token), None) => token.clone(),
            (None, None) => String::new(),
        };
        match token.is_empty() {
            false => Ok(token),
            true => Err(Fault::usage(
                "a token is needed: --token-file FILE, or FANAL_TOKEN; [http] token of the \
                 agent's settings names it",
            )),
        }
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(address: &str, request: Request<Full<Bytes>>) -> Result<(u16, Bytes), AnyError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_OCTETS_MAX).collect().await?;
        Ok((status, body.to_bytes()))
    };
    tokio::pin!(asking, connection);
    tokio::select! {
        answer = &mut asking => answer,
        ended = &mut connection => {
            ended?;
            asking.await
        }
    }
}

/// A person as a part of a path.
pub fn part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' => {
                part.push(char::from(octet));
            }
            octet => part.push_str(&format!("%{octet:02X}")),
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_an_address_is_one_part_of_a_path() {
        assert_eq!(part("sip:101@example.com"), "sip:101@example.com");
        assert_eq!(part("a/b?c#d%é"), "a%2Fb%3Fc%23d%25%C3%A9");
    }
}
