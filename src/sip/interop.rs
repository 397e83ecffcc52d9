//! To and from the types of the crate `rsip`, for programs that embed the agent and speak rsip.
//!
//! Values are moved field by field, never through the other crate's parser or printer, for these
//! lose IPv6 hosts, user parts with a dot and much else. What rsip has no words for is refused:
//! methods beyond its fourteen, texts that are not UTF-8, URIs with headers.

use std::fmt;

use rsip::headers::UntypedHeader;
use rsip::headers::untyped as u;
use rsip::{Header, Param};

use crate::base::uri::{Host, Scheme, Uri};
use crate::sip::message::{Headers, Message, Method, Request, Response};
use crate::sip::name::HeaderId;
use crate::sip::parse::{self, Malformed};
use crate::sip::status::Status;
use crate::sip::write::Writer;

/// Why a message of ours is none of rsip's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inexpressible {
    /// A method rsip has no name for.
    Method,
    /// A Request-URI that is malformed, or has headers.
    Uri,
    /// A header value that is not UTF-8.
    Text,
}

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Inexpressible::Method => "rsip has no such method",
            Inexpressible::Uri => "rsip cannot hold this URI",
            Inexpressible::Text => "rsip holds text in UTF-8 only",
        })
    }
}

impl std::error::Error for Inexpressible {}

impl TryFrom<&Request> for rsip::Request {
    type Error = Inexpressible;

    fn try_from(request: &Request) -> Result<rsip::Request, Inexpressible> {
        let uri = request.uri().map_err(|_| Inexpressible::Uri)?;
        Ok(rsip::Request {
            method: rsip_method(request.method()).ok_or(Inexpressible::Method)?,
            uri: rsip::Uri::try_from(&uri)?,
            version: rsip::Version::V2,
            headers: rsip_headers(request.headers())?,
            body: request.body().to_vec(),
        })
    }
}

impl TryFrom<&Response> for rsip::Response {
    type Error = Inexpressible;

    fn try_from(response: &Response) -> Result<rsip::Response, Inexpressible> {
        let status = response.status();
        let status_code = match rsip::StatusCode::from(status.code()) {
            // Where rsip has no name it keeps a phrase, and has none of its own.
            rsip::StatusCode::Other(code, _) => {
                rsip::StatusCode::Other(code, status.reason().to_owned())
            }
            named => named,
        };
        Ok(rsip::Response {
            status_code,
            version: rsip::Version::V2,
            headers: rsip_headers(response.headers())?,
            body: response.body().to_vec(),
        })
    }
}

impl TryFrom<&rsip::Request> for Request {
    type Error = Malformed;

    fn try_from(request: &rsip::Request) -> Result<Request, Malformed> {
        let method = request.method.to_string();
        let mut writer = Writer::request(&method, &uri_text(&request.uri));
        write_headers(&mut writer, &request.headers);
        match parse::message(writer.finish_body(&request.body))? {
            Message::Request(request) => Ok(request),
            Message::Response(_) => Err(Malformed::at(0, "a request")),
        }
    }
}

impl TryFrom<&rsip::Response> for Response {
    type Error = Malformed;

    fn try_from(response: &rsip::Response) -> Result<Response, Malformed> {
        let status = Status(response.status_code.code());
        let mut writer = Writer::status_line(status, status.reason());
        write_headers(&mut writer, &response.headers);
        match parse::message(writer.finish_body(&response.body))? {
            Message::Response(response) => Ok(response),
            Message::Request(_) => Err(Malformed::at(0, "a response")),
        }
    }
}

impl TryFrom<&Uri> for rsip::Uri {
    type Error = Inexpressible;

    fn try_from(uri: &Uri) -> Result<rsip::Uri, Inexpressible> {
        if uri.headers_text().is_some() {
            return Err(Inexpressible::Uri);
        }
        let scheme = match uri.scheme() {
            Scheme::Sip => rsip::Scheme::Sip,
            Scheme::Sips => rsip::Scheme::Sips,
            _ => rsip::Scheme::Other(uri.scheme_text().to_owned()),
        };
        let has_parts = !matches!(uri.scheme(), Scheme::Tel | Scheme::Other);
        let host = match uri.host() {
            Host::Ip(ip) => rsip::Host::IpAddr(ip),
            Host::Name(name) if has_parts => rsip::Host::Domain(name.into()),
            // rsip keeps what has no host where it looks for one.
            Host::Name(_) => rsip::Host::Domain(uri.user().unwrap_or(uri.after_scheme()).into()),
        };
        let auth = uri.user().filter(|_| has_parts).map(|user| rsip::Auth {
            user: user.to_owned(),
            password: uri.password().map(str::to_owned),
        });
        Ok(rsip::Uri {
            scheme: Some(scheme),
            auth,
            host_with_port: rsip::HostWithPort { host, port: uri.port().map(rsip::Port::from) },
            params: uri.parameters().map(|(name, value)| rsip_parameter(name, value)).collect(),
            headers: Vec::new(),
        })
    }
}

impl TryFrom<&rsip::Uri> for Uri {
    type Error = Malformed;

    fn try_from(uri: &rsip::Uri) -> Result<Uri, Malformed> {
        Uri::parse(&uri_text(uri)).map_err(|e| Malformed::at(e.offset, e.expected))
    }
}

fn rsip_parameter(name: &str, value: Option<&str>) -> Param {
    let known_transport = value.and_then(rsip_transport);
    match (name.to_ascii_lowercase().as_str(), value) {
        ("transport", Some(value)) => match known_transport {
            Some(transport) => Param::Transport(transport),
            None => Param::Other(name.into(), Some(value.into())),
        },
        ("user", Some(value)) => Param::User(value.into()),
        ("ttl", Some(value)) => Param::Ttl(value.into()),
        ("maddr", Some(value)) => Param::Maddr(value.into()),
        ("lr", None) => Param::Lr,
        (_, value) => Param::Other(name.into(), value.map(Into::into)),
    }
}

fn rsip_transport(text: &str) -> Option<rsip::Transport> {
    rsip::Transport::all()
        .into_iter()
        .find(|transport| transport.to_string().eq_ignore_ascii_case(text))
}

/// An IPv6 host with the brackets rsip forgets, `tel:` without the slashes it adds.
fn uri_text(uri: &rsip::Uri) -> String {
    let mut text = match &uri.scheme {
        None | Some(rsip::Scheme::Sip) => "sip:".to_owned(),
        Some(rsip::Scheme::Sips) => "sips:".to_owned(),
        Some(rsip::Scheme::Other(name)) => format!("{name}:"),
    };
    if let Some(auth) = &uri.auth {
        text.push_str(&auth.user);
        if let Some(password) = &auth.password {
            text.push(':');
            text.push_str(password);
        }
        text.push('@');
    }
    match &uri.host_with_port.host {
        rsip::Host::Domain(name) => text.push_str(&name.to_string()),
        rsip::Host::IpAddr(std::net::IpAddr::V4(ip)) => text.push_str(&ip.to_string()),
        rsip::Host::IpAddr(std::net::IpAddr::V6(ip)) => text.push_str(&format!("[{ip}]")),
    }
    if let Some(port) = &uri.host_with_port.port {
        text.push_str(&format!(":{port}"));
    }
    for parameter in &uri.params {
        text.push_str(&parameter.to_string());
    }
    text
}

fn write_headers(writer: &mut Writer, headers: &rsip::Headers) {
    for header in headers.iter() {
        let (name, value) = name_and_value(header);
        // The length is that of the body there is.
        if HeaderId::from_name(name.as_bytes()) != HeaderId::ContentLength {
            writer.header(name, value);
        }
    }
}

fn rsip_headers(headers: &Headers) -> Result<rsip::Headers, Inexpressible> {
    let mut list = Vec::with_capacity(headers.count());
    for (name, value) in headers.iter() {
        let text = std::str::from_utf8(value).map_err(|_| Inexpressible::Text)?;
        let name = std::str::from_utf8(name).map_err(|_| Inexpressible::Text)?;
        list.push(rsip_header(name, text));
    }
    Ok(list.into())
}

fn rsip_method(method: Method) -> Option<rsip::Method> {
    Some(match method {
        Method::Register => rsip::Method::Register,
        Method::Subscribe => rsip::Method::Subscribe,
        Method::Notify => rsip::Method::Notify,
        Method::Publish => rsip::Method::Publish,
        Method::Options => rsip::Method::Options,
        Method::Invite => rsip::Method::Invite,
        Method::Ack => rsip::Method::Ack,
        Method::Cancel => rsip::Method::Cancel,
        Method::Bye => rsip::Method::Bye,
        Method::Message => rsip::Method::Message,
        Method::Refer => rsip::Method::Refer,
        Method::Info => rsip::Method::Info,
        Method::Update => rsip::Method::Update,
        Method::Prack => rsip::Method::PRack,
        Method::Unknown => return None,
    })
}

/// By long or compact name; a name rsip has no type for keeps its long form.
fn rsip_header(name: &str, text: &str) -> Header {
    match HeaderId::from_name(name.as_bytes()) {
        HeaderId::Accept => Header::Accept(u::Accept::new(text)),
        HeaderId::AcceptEncoding => Header::AcceptEncoding(u::AcceptEncoding::new(text)),
        HeaderId::AcceptLanguage => Header::AcceptLanguage(u::AcceptLanguage::new(text)),
        HeaderId::AlertInfo => Header::AlertInfo(u::AlertInfo::new(text)),
        HeaderId::Allow => Header::Allow(u::Allow::new(text)),
        HeaderId::AuthenticationInfo => {
            Header::AuthenticationInfo(u::AuthenticationInfo::new(text))
        }
        HeaderId::Authorization => Header::Authorization(u::Authorization::new(text)),
        HeaderId::CSeq => Header::CSeq(u::CSeq::new(text)),
        HeaderId::CallId => Header::CallId(u::CallId::new(text)),
        HeaderId::CallInfo => Header::CallInfo(u::CallInfo::new(text)),
        HeaderId::Contact => Header::Contact(u::Contact::new(text)),
        HeaderId::ContentDisposition => {
            Header::ContentDisposition(u::ContentDisposition::new(text))
        }
        HeaderId::ContentEncoding => Header::ContentEncoding(u::ContentEncoding::new(text)),
        HeaderId::ContentLanguage => Header::ContentLanguage(u::ContentLanguage::new(text)),
        HeaderId::ContentLength => Header::ContentLength(u::ContentLength::new(text)),
        HeaderId::ContentType => Header::ContentType(u::ContentType::new(text)),
        HeaderId::Date => Header::Date(u::Date::new(text)),
        HeaderId::ErrorInfo => Header::ErrorInfo(u::ErrorInfo::new(text)),
        HeaderId::Event => Header::Event(u::Event::new(text)),
        HeaderId::Expires => Header::Expires(u::Expires::new(text)),
        HeaderId::From => Header::From(u::From::new(text)),
        HeaderId::InReplyTo => Header::InReplyTo(u::InReplyTo::new(text)),
        HeaderId::MaxForwards => Header::MaxForwards(u::MaxForwards::new(text)),
        HeaderId::MimeVersion => Header::MimeVersion(u::MimeVersion::new(text)),
        HeaderId::MinExpires => Header::MinExpires(u::MinExpires::new(text)),
        HeaderId::Organization => Header::Organization(u::Organization::new(text)),
        HeaderId::Priority => Header::Priority(u::Priority::new(text)),
        HeaderId::ProxyAuthenticate => Header::ProxyAuthenticate(u::ProxyAuthenticate::new(text)),
        HeaderId::ProxyAuthorization => {
            Header::ProxyAuthorization(u::ProxyAuthorization::new(text))
        }
        HeaderId::ProxyRequire => Header::ProxyRequire(u::ProxyRequire::new(text)),
        HeaderId::RecordRoute => Header::RecordRoute(u::RecordRoute::new(text)),
        HeaderId::ReplyTo => Header::ReplyTo(u::ReplyTo::new(text)),
        HeaderId::Require => Header::Require(u::Require::new(text)),
        HeaderId::RetryAfter => Header::RetryAfter(u::RetryAfter::new(text)),
        HeaderId::Route => Header::Route(u::Route::new(text)),
        HeaderId::Server => Header::Server(u::Server::new(text)),
        HeaderId::Subject => Header::Subject(u::Subject::new(text)),
        HeaderId::SubscriptionState => Header::SubscriptionState(u::SubscriptionState::new(text)),
        HeaderId::Supported => Header::Supported(u::Supported::new(text)),
        HeaderId::Timestamp => Header::Timestamp(u::Timestamp::new(text)),
        HeaderId::To => Header::To(u::To::new(text)),
        HeaderId::Unsupported => Header::Unsupported(u::Unsupported::new(text)),
        HeaderId::UserAgent => Header::UserAgent(u::UserAgent::new(text)),
        HeaderId::Via => Header::Via(u::Via::new(text)),
        HeaderId::Warning => Header::Warning(u::Warning::new(text)),
        HeaderId::WwwAuthenticate => Header::WwwAuthenticate(u::WwwAuthenticate::new(text)),
        HeaderId::Other => Header::Other(name.to_owned(), text.to_owned()),
        known => Header::Other(known.name().to_owned(), text.to_owned()),
    }
}

fn name_and_value(header: &Header) -> (&str, &str) {
    match header {
        Header::Accept(inner) => (HeaderId::Accept.name(), inner.value()),
        Header::AcceptEncoding(inner) => (HeaderId::AcceptEncoding.name(), inner.value()),
        Header::AcceptLanguage(inner) => (HeaderId::AcceptLanguage.name(), inner.value()),
        Header::AlertInfo(inner) => (HeaderId::AlertInfo.name(), inner.value()),
        Header::Allow(inner) => (HeaderId::Allow.name(), inner.value()),
        Header::AuthenticationInfo(inner) => (HeaderId::AuthenticationInfo.name(), inner.value()),
        Header::Authorization(inner) => (HeaderId::Authorization.name(), inner.value()),
        Header::CSeq(inner) => (HeaderId::CSeq.name(), inner.value()),
        Header::CallId(inner) => (HeaderId::CallId.name(), inner.value()),
        Header::CallInfo(inner) => (HeaderId::CallInfo.name(), inner.value()),
        Header::Contact(inner) => (HeaderId::Contact.name(), inner.value()),
        Header::ContentDisposition(inner) => (HeaderId::ContentDisposition.name(), inner.value()),
        Header::ContentEncoding(inner) => (HeaderId::ContentEncoding.name(), inner.value()),
        Header::ContentLanguage(inner) => (HeaderId::ContentLanguage.name(), inner.value()),
        Header::ContentLength(inner) => (HeaderId::ContentLength.name(), inner.value()),
        Header::ContentType(inner) => (HeaderId::ContentType.name(), inner.value()),
        Header::Date(inner) => (HeaderId::Date.name(), inner.value()),
        Header::ErrorInfo(inner) => (HeaderId::ErrorInfo.name(), inner.value()),
        Header::Event(inner) => (HeaderId::Event.name(), inner.value()),
        Header::Expires(inner) => (HeaderId::Expires.name(), inner.value()),
        Header::From(inner) => (HeaderId::From.name(), inner.value()),
        Header::InReplyTo(inner) => (HeaderId::InReplyTo.name(), inner.value()),
        Header::MaxForwards(inner) => (HeaderId::MaxForwards.name(), inner.value()),
        Header::MimeVersion(inner) => (HeaderId::MimeVersion.name(), inner.value()),
        Header::MinExpires(inner) => (HeaderId::MinExpires.name(), inner.value()),
        Header::Organization(inner) => (HeaderId::Organization.name(), inner.value()),
        Header::Priority(inner) => (HeaderId::Priority.name(), inner.value()),
        Header::ProxyAuthenticate(inner) => (HeaderId::ProxyAuthenticate.name(), inner.value()),
        Header::ProxyAuthorization(inner) => (HeaderId::ProxyAuthorization.name(), inner.value()),
        Header::ProxyRequire(inner) => (HeaderId::ProxyRequire.name(), inner.value()),
        Header::RecordRoute(inner) => (HeaderId::RecordRoute.name(), inner.value()),
        Header::ReplyTo(inner) => (HeaderId::ReplyTo.name(), inner.value()),
        Header::Require(inner) => (HeaderId::Require.name(), inner.value()),
        Header::RetryAfter(inner) => (HeaderId::RetryAfter.name(), inner.value()),
        Header::Route(inner) => (HeaderId::Route.name(), inner.value()),
        Header::Server(inner) => (HeaderId::Server.name(), inner.value()),
        Header::Subject(inner) => (HeaderId::Subject.name(), inner.value()),
        Header::SubscriptionState(inner) => (HeaderId::SubscriptionState.name(), inner.value()),
        Header::Supported(inner) => (HeaderId::Supported.name(), inner.value()),
        Header::Timestamp(inner) => (HeaderId::Timestamp.name(), inner.value()),
        Header::To(inner) => (HeaderId::To.name(), inner.value()),
        Header::Unsupported(inner) => (HeaderId::Unsupported.name(), inner.value()),
        Header::UserAgent(inner) => (HeaderId::UserAgent.name(), inner.value()),
        Header::Via(inner) => (HeaderId::Via.name(), inner.value()),
        Header::Warning(inner) => (HeaderId::Warning.name(), inner.value()),
        Header::WwwAuthenticate(inner) => (HeaderId::WwwAuthenticate.name(), inner.value()),
        Header::Other(name, value) => (name, value),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const SUBSCRIBE: &str = "SUBSCRIBE sip:alice.smith@[2001:db8::1]:5070;transport=tcp SIP/2.0\r\n\
        v: SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK1;rport\r\n\
        f: \"Bob\" <sip:bob@example.com>;tag=1\r\n\
        t: <sip:alice.smith@example.com>\r\n\
        i: a@b\r\n\
        CSeq: 1 SUBSCRIBE\r\n\
        o: presence\r\n\
        SIP-If-Match: x\r\n\
        X-Own: y\r\n\
        l: 3\r\n\r\n\x00ab";

    fn request(text: &str) -> Request {
        match parse::message(Bytes::copy_from_slice(text.as_bytes())) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_goes_to_rsip_and_comes_back_the_same() {
        let ours = request(SUBSCRIBE);
        let theirs = rsip::Request::try_from(&ours).unwrap();
        assert_eq!(theirs.method, rsip::Method::Subscribe);
        assert_eq!(theirs.uri.user(), Some("alice.smith"));
        assert_eq!(theirs.body, b"\x00ab");
        assert!(matches!(theirs.headers.iter().next(), Some(Header::Via(_))));

        let back = Request::try_from(&theirs).unwrap();
        assert_eq!(back.uri().unwrap(), ours.uri().unwrap());
        assert_eq!(back.body(), ours.body());
        let values = |r: &Request| -> Vec<(HeaderId, Vec<u8>)> {
            let all = r.headers().identified();
            let but_length = all.filter(|(id, _)| *id != HeaderId::ContentLength);
            but_length.map(|(id, value)| (id, value.to_vec())).collect()
        };
        assert_eq!(values(&back), values(&ours));
    }

    #[test]
    fn a_line_end_in_a_header_of_rsip_adds_no_header() {
        let mut theirs = rsip::Request::try_from(&request(SUBSCRIBE)).unwrap();
        let evil = Header::Other("X-Evil".into(), "a\r\nX-More: b".into());
        theirs.headers.push(evil);
        let back = Request::try_from(&theirs).unwrap();
        assert_eq!(back.headers().named("X-More").count(), 0);
    }

    #[test]
    fn what_rsip_has_no_word_for_is_refused() {
        let unknown = request(&SUBSCRIBE.replace("SUBSCRIBE", "FOO"));
        assert_eq!(rsip::Request::try_from(&unknown), Err(Inexpressible::Method));
    }

    #[test]
    fn uris_of_every_scheme_go_both_ways() {
        for text in [
            "sip:alice.smith@example.com;lr",
            "sips:a:b@[::1]:5061;gr=urn:uuid:1",
            "tel:+1555;phone-context=example.com",
            "pres:alice@example.com",
            "urn:service:sos",
        ] {
            let ours = Uri::parse(text).unwrap();
            let theirs = rsip::Uri::try_from(&ours).unwrap();
            assert_eq!(Uri::try_from(&theirs).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_response_keeps_its_status_both_ways() {
        let raw = "SIP/2.0 202 Fine\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n";
        let Ok(Message::Response(ours)) = parse::message(Bytes::from_static(raw.as_bytes())) else {
            panic!("a response");
        };
        let theirs = rsip::Response::try_from(&ours).unwrap();
        assert_eq!(theirs.status_code.code(), 202);
        let back = Response::try_from(&theirs).unwrap();
        assert_eq!((back.status(), back.reason()), (Status(202), &b"Accepted"[..]));
    }
}
