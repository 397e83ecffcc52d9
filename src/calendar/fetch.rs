//! Gets what a feed holds: a file, or an answer over HTTP if it is not the last one still.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::config::Place;
use super::tls;
use crate::base::limits::{FEED_FETCH_MAX, FEED_REDIRECTS_MAX, ICAL_OCTETS_MAX};

/// How long one of several addresses of a host is tried.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// By what the other side knows which answer we have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    /// `ETag`.
    tag: Option<String>,
    /// `Last-Modified`.
    modified: Option<String>,
}

/// What was got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Got {
    /// What is known already.
    Same,
    /// Something that may be new.
    Octets(Bytes, Known),
}

/// Whether an address of the web can be one.
pub(super) fn check(address: &str) -> Result<(), &'static str> {
    Address::read(address).map(|_| ())
}

/// Gets what stands somewhere. What went wrong names neither path nor query: they may be worth a
/// password.
pub(super) async fn get(place: &Place, known: &Known) -> Result<Got, String> {
    match place {
        Place::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || read(&path)).await;
            let octets = read.map_err(|fault| fault.to_string())??;
            Ok(Got::Octets(octets, Known::default()))
        }
        Place::Web(address) => {
            let whole = timeout(FEED_FETCH_MAX, follow(address, known)).await;
            whole.map_err(|_| format!("no answer within {} s", FEED_FETCH_MAX.as_secs()))?
        }
    }
}

fn read(path: &Path) -> Result<Bytes, String> {
    let fault = |fault: std::io::Error| format!("{}: cannot be read: {fault}", path.display());
    let mut octets = Vec::new();
    let file = File::open(path).map_err(fault)?;
    file.take(ICAL_OCTETS_MAX as u64 + 1).read_to_end(&mut octets).map_err(fault)?;
    Ok(octets.into())
}

/// An address taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Address {
    is_secure: bool,
    host: String,
    port: u16,
    /// As Basic authentication has them.
    credentials: Option<String>,
    /// Path and query.
    path: String,
}

impl Address {
    fn read(text: &str) -> Result<Address, &'static str> {
        let what = "source is a file or an address such as \"https://host/path.ics\"";
        let text = text.split('#').next().unwrap_or_default();
        let uri: Uri = text.parse().map_err(|_| what)?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(what),
        };
        let authority = uri.authority().ok_or(what)?;
        let credentials = authority.as_str().rsplit_once('@').map(|(credentials, _)| credentials);
        let host = authority.host().to_owned();
        if host.is_empty() {
            return Err(what);
        }
        Ok(Address {
            is_secure,
            host,
            port: authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            credentials: credentials.map(|text| STANDARD.encode(unescaped(text))),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }

    /// Where an answer says to look instead. Nobody leads us out of TLS, and credentials go to
    /// nobody but the host they are for.
    fn moved(&self, location: &str) -> Result<Address, String> {
        let whole = match location {
            whole if whole.contains("://") => whole.to_owned(),
            rest if rest.starts_with("//") => format!("{}:{rest}", self.scheme()),
            path if path.starts_with('/') => {
                format!("{}://{}:{}{path}", self.scheme(), self.host, self.port)
            }
            _ => return Err("it moved to nowhere".to_owned()),
        };
        let mut next = Address::read(&whole).map_err(|_| "it moved to nowhere".to_owned())?;
        if self.is_secure && !next.is_secure {
            return Err("it moved to where nothing is encrypted".to_owned());
        }
        let is_same = (&next.host, next.port) == (&self.host, self.port);
        next.credentials = self.credentials.clone().filter(|_| is_same).or(next.credentials);
        Ok(next)
    }

    fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    fn request(&self, known: &Known) -> Result<Request<Empty<Bytes>>, String> {
        let usual = if self.is_secure { 443 } else { 80 };
        let host = match self.port == usual {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        };
        let mut request = Request::get(&self.path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("fanal/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "text/calendar, */*;q=0.1")
            .header(header::CONNECTION, "close");
        if let Some(tag) = &known.tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        if let Some(modified) = &known.modified {
            request = request.header(header::IF_MODIFIED_SINCE, modified);
        }
        if let Some(credentials) = &self.credentials {
            request = request.header(header::AUTHORIZATION, format!("Basic {credentials}"));
        }
        request.body(Empty::new()).map_err(|_| "the address makes no request".to_owned())
    }
}

async fn follow(address: &str, known: &Known) -> Result<Got, String> {
    let mut address = Address::read(address)?;
    for _ in 0..=FEED_REDIRECTS_MAX {
        let answer = ask(&address, known).await?;
        let status = answer.status();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Got::Same);
        }
        if status.is_redirection() {
            let location = text(answer.headers(), header::LOCATION);
            address = address.moved(&location.unwrap_or_default())?;
            continue;
        }
        if status != StatusCode::OK {
            return Err(format!("{} answers {status}", address.host));
        }
        let known = Known {
            tag: text(answer.headers(), header::ETAG),
            modified: text(answer.headers(), header::LAST_MODIFIED),
        };
        return Ok(Got::Octets(whole(answer.into_body()).await?, known));
    }
    Err(format!("it moved more than {FEED_REDIRECTS_MAX} times"))
}

async fn ask(address: &Address, known: &Known) -> Result<Response<Incoming>, String> {
    let request = address.request(known)?;
    let stream = connect(address).await?;
    let host = &address.host;
    let said = match address.is_secure {
        true => exchange(tls::over(stream, host).await?, request).await,
        false => exchange(stream, request).await,
    };
    said.map_err(|fault| format!("{host}: {fault}"))
}

async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
) -> Result<Response<Incoming>, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer, or when nobody waits for that any more.
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await
}

async fn connect(address: &Address) -> Result<TcpStream, String> {
    let host = address.host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((host, address.port)).await;
    let found = found.map_err(|fault| format!("{host}: {fault}"))?;
    let mut last = format!("{host} has no address");
    for place in found {
        match timeout(CONNECT_MAX, TcpStream::connect(place)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(fault)) => last = format!("{host}: {fault}"),
            Err(_) => last = format!("{host} does not answer"),
        }
    }
    Err(last)
}

/// A body, no longer than is ever read of one.
async fn whole(mut body: Incoming) -> Result<Bytes, String> {
    let mut octets = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|fault| format!("the answer broke off: {fault}"))?;
        let Some(data) = frame.data_ref() else { continue };
        if octets.len() + data.len() > ICAL_OCTETS_MAX {
            return Err(format!("an answer of more than {ICAL_OCTETS_MAX} octets"));
        }
        octets.extend_from_slice(data);
    }
    Ok(octets.into())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Escapes of a URI as the octets they stand for.
fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        (rest, _) = match escaped.filter(|_| *first == b'%') {
            Some(octet) => (after.get(2..).unwrap_or_default(), octets.push(octet)),
            None => (after, octets.push(*first)),
        };
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::read(text).expect(text)
    }

    #[test]
    fn an_address_is_of_the_web() {
        let plain = address("https://calendar.example.com/a/basic.ics?k=1#part");
        assert_eq!((plain.port, plain.path.as_str()), (443, "/a/basic.ics?k=1"));
        let own = address("http://anna:a%40b@[::1]:8080/x");
        assert_eq!((own.host.as_str(), own.port), ("[::1]", 8080));
        assert_eq!(own.credentials, Some(STANDARD.encode("anna:a@b")));
        for bad in ["", "ftp://a/b", "https://", "https:///x", "calendar.ics", "https://a b/"] {
            assert!(Address::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_leads_out_of_tls_or_gets_credentials_of_others() {
        let from = address("https://anna:pass@one.example.com/a");
        let near = from.moved("/b?c").expect("somewhere");
        assert_eq!((near.path.as_str(), near.credentials.is_some()), ("/b?c", true));
        let far = from.moved("https://two.example.com/b").expect("somewhere");
        assert_eq!(far.credentials, None);
        assert!(from.moved("http://one.example.com/a").is_err_and(|why| why.contains("encrypted")));
        assert!(from.moved("").is_err() && from.moved("a").is_err());
        assert!(address("http://a/").moved("//b/c").is_ok_and(|next| next.host == "b"));
    }

    #[test]
    fn what_is_known_is_asked_for_again_by_its_tag_and_time() {
        let known = Known { tag: Some("\"1\"".into()), modified: Some("Mon".into()) };
        let request = address("http://anna:x@a:8080/b").request(&known).expect("a request");
        let header = |name: HeaderName| request.headers().get(name).cloned().expect("a header");
        assert_eq!(header(header::IF_NONE_MATCH), "\"1\"");
        assert_eq!(header(header::IF_MODIFIED_SINCE), "Mon");
        assert_eq!(
            (header(header::HOST), request.uri().to_string()),
            ("a:8080".parse().expect("a value"), "/b".into())
        );
        assert!(request.headers().contains_key(header::AUTHORIZATION));
    }
}
