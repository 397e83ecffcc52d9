//! A message: one `Bytes` and an index of its header fields (RFC 3261 §7).

use bytes::Bytes;
use smallvec::SmallVec;

use crate::base::limits::HEADER_OCTETS_MAX;
use crate::base::uri::{Scheme, Uri, UriParts, UriRef};
use crate::sip::essentials::Essentials;
use crate::sip::grammar;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;
use crate::sip::status::Status;

/// A request or a response.
#[derive(Clone, Debug)]
pub enum Message {
    /// Somebody wants something.
    Request(Request),
    /// Somebody answers what we wanted.
    Response(Response),
}

/// A request. Cloning shares the octets.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) method_text: Range,
    pub(crate) uri: Range,
    /// `None` if the Request-URI is none.
    pub(crate) uri_parts: Option<UriParts>,
    pub(crate) headers: Headers,
}

/// A response. Cloning shares the octets.
#[derive(Clone, Debug)]
pub struct Response {
    pub(crate) status: Status,
    pub(crate) reason: Range,
    pub(crate) headers: Headers,
}

/// The header fields of a message, read as they are asked for. The typed readers stand with
/// their headers in [`crate::sip::header`].
#[derive(Clone, Debug)]
pub struct Headers {
    pub(crate) raw: Bytes,
    pub(crate) fields: SmallVec<[Field; 24]>,
    /// The names that are there, each by its bit.
    pub(crate) seen: u64,
    /// Where the second field stands of a name that must be single, and whose it is.
    pub(crate) twin: Option<(u16, HeaderId)>,
    pub(crate) body: usize,
    /// What every request has; of a response only what is asked for is read.
    pub(crate) essentials: Option<Essentials>,
}

/// One header field: where its name and its trimmed value stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub id: HeaderId,
    pub name: Range,
    pub value: Range,
}

/// A range of the header section.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Range {
    pub start: u16,
    pub end: u16,
}

const _: () = assert!(HEADER_OCTETS_MAX <= u16::MAX as usize);

/// A method; names are case-sensitive (RFC 3261 §7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// RFC 3261 §10.
    Register,
    /// RFC 6665.
    Subscribe,
    /// RFC 6665.
    Notify,
    /// RFC 3903.
    Publish,
    /// RFC 3261 §11.
    Options,
    /// RFC 3261 §13.
    Invite,
    /// RFC 3261 §17.
    Ack,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3428.
    Message,
    /// RFC 3515.
    Refer,
    /// RFC 6086.
    Info,
    /// RFC 3311.
    Update,
    /// RFC 3262.
    Prack,
    /// Any other; [`Request::method_text`] has its name.
    Unknown,
}

impl Method {
    /// By its name, which is in upper case.
    pub fn from_text(text: &[u8]) -> Method {
        match text {
            b"REGISTER" => Method::Register,
            b"SUBSCRIBE" => Method::Subscribe,
            b"NOTIFY" => Method::Notify,
            b"PUBLISH" => Method::Publish,
            b"OPTIONS" => Method::Options,
            b"INVITE" => Method::Invite,
            b"ACK" => Method::Ack,
            b"CANCEL" => Method::Cancel,
            b"BYE" => Method::Bye,
            b"MESSAGE" => Method::Message,
            b"REFER" => Method::Refer,
            b"INFO" => Method::Info,
            b"UPDATE" => Method::Update,
            b"PRACK" => Method::Prack,
            _ => Method::Unknown,
        }
    }

    /// Its name; empty for [`Method::Unknown`].
    pub fn name(self) -> &'static str {
        match self {
            Method::Register => "REGISTER",
            Method::Subscribe => "SUBSCRIBE",
            Method::Notify => "NOTIFY",
            Method::Publish => "PUBLISH",
            Method::Options => "OPTIONS",
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Cancel => "CANCEL",
            Method::Bye => "BYE",
            Method::Message => "MESSAGE",
            Method::Refer => "REFER",
            Method::Info => "INFO",
            Method::Update => "UPDATE",
            Method::Prack => "PRACK",
            Method::Unknown => "",
        }
    }
}

impl Message {
    /// The header fields of either kind.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }

    /// The octets of either kind.
    pub fn raw(&self) -> &Bytes {
        &self.headers().raw
    }

    /// The body of either kind.
    pub fn body(&self) -> Bytes {
        self.headers().body()
    }
}

impl Request {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as written.
    pub fn method_text(&self) -> &str {
        grammar::ascii(self.headers.at(self.method_text))
    }

    /// The Request-URI as written.
    pub fn uri_text(&self) -> &str {
        grammar::ascii(self.headers.at(self.uri))
    }

    /// The Request-URI, which has no `?headers` (RFC 3261 table 1, RFC 4475 §3.1.2.11).
    pub fn uri(&self) -> Result<Uri, Malformed> {
        self.uri_ref().map(UriRef::to_uri)
    }

    /// As [`Request::uri`], without a copy.
    pub fn uri_ref(&self) -> Result<UriRef<'_>, Malformed> {
        match self.uri_parts {
            Some(parts) if !parts.has_headers() => Ok(UriRef::new(self.uri_text(), parts)),
            Some(_) => Err(self.bad_uri(0)),
            None => Err(self.unread_uri()),
        }
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body, empty if there is none.
    pub fn body(&self) -> Bytes {
        self.headers.body()
    }

    /// The octets of the message; folded lines are unfolded, and nothing follows the body.
    pub fn raw(&self) -> &Bytes {
        &self.headers.raw
    }

    /// What every request must have (RFC 3261 §8.1.1): a Request-URI, one readable top Via, From,
    /// To, Call-ID and CSeq, a CSeq that tells the same method, no header twice that must be
    /// single. A missing Max-Forwards or From tag is borne (RFC 2543).
    pub fn check(&self) -> Result<(), Malformed> {
        self.headers.check_single()?;
        let (_, method) = self.headers.cseq_octets()?;
        if method != self.headers.at(self.method_text) {
            // Of a method we do not know we can say that with certainty (RFC 4475 §3.1.2.18).
            let status = match self.method {
                Method::Unknown => Status::NOT_IMPLEMENTED,
                _ => Status::BAD_REQUEST,
            };
            let fault = self.headers.fault(method, "a CSeq method");
            return Err(Malformed { status, ..fault });
        }
        self.headers.check_vias()?;
        self.headers.from()?.check(&self.headers)?;
        self.headers.to()?.check(&self.headers)?;
        self.headers.call_id_octets()?;
        match self.uri_parts {
            Some(parts) if parts.has_headers() && parts.scheme() != Scheme::Pres => {
                Err(self.bad_uri(0))
            }
            Some(_) => Ok(()),
            None => Err(self.unread_uri()),
        }
    }

    /// Where a Request-URI that could not be read leaves the grammar.
    fn unread_uri(&self) -> Malformed {
        let offset = UriParts::of(self.headers.at(self.uri)).map_or_else(|e| e.offset, |_| 0);
        self.bad_uri(offset)
    }

    fn bad_uri(&self, offset: usize) -> Malformed {
        let start = usize::from(self.uri.start);
        Malformed::at(start.saturating_add(offset), "a Request-URI")
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The reason phrase as received, which may be empty or in any encoding.
    pub fn reason(&self) -> &[u8] {
        self.headers.at(self.reason)
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body, empty if there is none.
    pub fn body(&self) -> Bytes {
        self.headers.body()
    }

    /// The octets of the message; folded lines are unfolded, and nothing follows the body.
    pub fn raw(&self) -> &Bytes {
        &self.headers.raw
    }

    /// What every response must have to be matched: a readable top Via, From, To, Call-ID and
    /// CSeq. Who gets anything else drops it (RFC 4475 §3.1.2.5).
    pub fn check(&self) -> Result<(), Malformed> {
        // What else is twice in an answer need not cost the answer.
        for id in [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq] {
            self.headers.single(id, once(id))?;
        }
        self.headers.via()?;
        self.headers.cseq()?;
        self.headers.from()?;
        self.headers.to()?;
        self.headers.call_id().map(|_| ())
    }
}

impl Headers {
    /// Octets of which nothing is known yet.
    pub(crate) fn bare(raw: Bytes) -> Headers {
        Headers { raw, fields: SmallVec::new(), seen: 0, twin: None, body: 0, essentials: None }
    }

    /// The trimmed values of all fields of one name, one per field.
    pub fn values(&self, id: HeaderId) -> impl Iterator<Item = &[u8]> {
        // Most headers that are asked for are not there, and that is told at once.
        let is_there = id == HeaderId::Other || self.has(id);
        let fields = if is_there { &self.fields[..] } else { &[] };
        fields.iter().filter(move |field| field.id == id).map(|field| self.at(field.value))
    }

    /// Whether there is a field of this name, which is not [`HeaderId::Other`].
    pub fn has(&self, id: HeaderId) -> bool {
        self.seen & id.bit() != 0
    }

    /// The value of the first field of this name.
    pub fn value(&self, id: HeaderId) -> Option<&[u8]> {
        self.values(id).next()
    }

    /// The values of all fields of a name in any case, also of one this agent does not know.
    /// The name is the long one.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let id = HeaderId::from_name(name.as_bytes());
        self.fields
            .iter()
            .filter(move |field| match id {
                HeaderId::Other => self.at(field.name).eq_ignore_ascii_case(name.as_bytes()),
                id => field.id == id,
            })
            .map(|field| self.at(field.value))
    }

    /// Names as written and trimmed values of all fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.at(field.name), self.at(field.value)))
    }

    /// Known names and trimmed values of all fields in order.
    pub fn identified(&self) -> impl Iterator<Item = (HeaderId, &[u8])> {
        self.fields.iter().map(|field| (field.id, self.at(field.value)))
    }

    /// How many fields there are.
    pub fn count(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn body(&self) -> Bytes {
        // An offset beyond the end cannot be: the parser cut the octets at the body's end.
        self.raw.slice(self.body.min(self.raw.len())..)
    }

    pub(crate) fn at(&self, range: Range) -> &[u8] {
        self.raw.get(usize::from(range.start)..usize::from(range.end)).unwrap_or_default()
    }

    /// Where `part`, a slice of a value of these headers, stands.
    pub(crate) fn range(&self, part: &[u8]) -> Range {
        let start = self.offset(part);
        Range::new(start, start + part.len()).unwrap_or_default()
    }

    /// A fault at `part`, a slice of a value of these headers.
    pub(crate) fn fault(&self, part: &[u8], what: &'static str) -> Malformed {
        Malformed::at(self.offset(part).min(self.raw.len()), what)
    }

    fn offset(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.raw.as_ptr() as usize)
    }

    /// The fault of a value whose grammar function failed.
    pub(crate) fn unread(
        &self,
        error: nom::Err<nom::error::Error<&[u8]>>,
        what: &'static str,
    ) -> Malformed {
        match error {
            nom::Err::Error(e) | nom::Err::Failure(e) => self.fault(e.input, what),
            nom::Err::Incomplete(_) => Malformed::at(self.raw.len(), what),
        }
    }

    /// The value of a header that must be there.
    pub(crate) fn needed(&self, id: HeaderId, what: &'static str) -> Result<&[u8], Malformed> {
        self.value(id).ok_or_else(|| Malformed::at(self.body.min(self.raw.len()), what))
    }

    /// The value of a header that may be there once; twice is a fault.
    pub(crate) fn single(
        &self,
        id: HeaderId,
        what: &'static str,
    ) -> Result<Option<&[u8]>, Malformed> {
        let mut values = self.values(id);
        let first = values.next();
        match values.next() {
            Some(second) => Err(self.fault(second, what)),
            None => Ok(first),
        }
    }

    fn check_single(&self) -> Result<(), Malformed> {
        match self.twin {
            Some((start, id)) => Err(Malformed::at(usize::from(start), once(id))),
            None => Ok(()),
        }
    }
}

fn once(id: HeaderId) -> &'static str {
    match id {
        HeaderId::CallId => "one Call-ID",
        HeaderId::To => "one To",
        HeaderId::From => "one From",
        HeaderId::CSeq => "one CSeq",
        HeaderId::MaxForwards => "one Max-Forwards",
        HeaderId::Event => "one Event",
        HeaderId::Expires => "one Expires",
        HeaderId::SipIfMatch => "one SIP-If-Match",
        HeaderId::ContentType => "one Content-Type",
        _ => "one header of this name",
    }
}

impl Range {
    /// `None` beyond the bound of the header section.
    pub fn new(start: usize, end: usize) -> Option<Range> {
        Some(Range { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::{request, request_with};

    #[test]
    fn every_request_needs_its_mandatory_headers_once() {
        let whole = String::from_utf8(request_with("").raw().to_vec()).unwrap();
        assert_eq!(request(&whole).check(), Ok(()));
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let line = whole
                .split_inclusive("\r\n")
                .find(|line| line.starts_with(&format!("{name}:")))
                .unwrap();
            let without = request(&whole.replacen(line, "", 1));
            let fault = without.check().unwrap_err();
            assert_eq!(fault.status, Status::BAD_REQUEST);
            assert!(fault.what.contains(name), "{name}: {fault}");
            let twice = request(&whole.replacen(line, &line.repeat(2), 1));
            // A second Via is a second hop.
            assert_eq!(twice.check().is_ok(), name == "Via", "{name}");
        }
    }

    #[test]
    fn a_missing_max_forwards_or_from_tag_is_borne() {
        let text = String::from_utf8(request_with("").raw().to_vec()).unwrap();
        assert_eq!(request(&text.replace(";tag=1", "")).check(), Ok(()));
    }

    #[test]
    fn methods_are_case_sensitive_and_agree_with_cseq() {
        let text = String::from_utf8(request_with("").raw().to_vec()).unwrap();
        let lower = request(&text.replacen("SUBSCRIBE", "subscribe", 1));
        assert_eq!(lower.method(), Method::Unknown);
        assert_eq!(lower.check().map_err(|e| e.status), Err(Status::NOT_IMPLEMENTED));
        let other = request(&text.replace("1 SUBSCRIBE", "1 PUBLISH"));
        assert_eq!(
            other.check().map_err(|e| (e.status, e.what)),
            Err((Status::BAD_REQUEST, "a CSeq method"))
        );
    }

    #[test]
    fn a_request_uri_has_no_headers() {
        let text = String::from_utf8(request_with("").raw().to_vec()).unwrap();
        let escaped = request(&text.replacen("example.com SIP", "example.com?Route=x SIP", 1));
        assert!(escaped.uri().is_err());
        assert!(escaped.check().is_err());
        let in_user = request(&text.replacen("sip:alice@", "sip:ali?ce@", 1));
        assert_eq!(in_user.check(), Ok(()));
    }

    #[test]
    fn values_are_found_by_identity_and_by_name() {
        let r = request_with("o: presence\r\nX-Foo: 1\r\nx-foo: 2\r\n");
        let headers = r.headers();
        assert_eq!(headers.value(HeaderId::Event), Some(&b"presence"[..]));
        assert_eq!(headers.named("event").count(), 1);
        let own: Vec<_> = headers.named("X-FOO").collect();
        assert_eq!(own, [&b"1"[..], b"2"]);
        assert_eq!(headers.iter().count(), headers.count());
    }

    #[test]
    fn every_method_has_the_name_it_is_read_by() {
        for name in [
            "REGISTER",
            "SUBSCRIBE",
            "NOTIFY",
            "PUBLISH",
            "OPTIONS",
            "INVITE",
            "ACK",
            "CANCEL",
            "BYE",
            "MESSAGE",
            "REFER",
            "INFO",
            "UPDATE",
            "PRACK",
        ] {
            assert_eq!(Method::from_text(name.as_bytes()).name(), name);
        }
    }
}
