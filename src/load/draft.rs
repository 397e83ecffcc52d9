//! Requests and answers as a phone writes them, in the types of rsip: what the agent hears in
//! the demo was put together by somebody else.

use std::net::SocketAddr;

use rsip::headers::{UntypedHeader, typed, untyped};
use rsip::{Header, Method, Param, StatusCode, Transport, Uri, Version};

/// Who a device is, and where it and the agent are.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user part of its address, such as `101`.
    pub user: String,
    /// Who uses it.
    pub name: String,
    /// Where it is.
    pub own: SocketAddr,
    /// Where the agent is.
    pub agent: SocketAddr,
    /// How they speak.
    pub transport: Transport,
}

impl Account {
    /// The address of somebody at the agent.
    pub fn address_of(&self, user: &str) -> Uri {
        Uri {
            scheme: Some(rsip::Scheme::Sip),
            auth: Some((user, None::<&str>).into()),
            ..Uri::from(self.agent)
        }
    }

    /// Where the device itself takes requests.
    pub fn contact(&self) -> Uri {
        let params = match self.transport {
            Transport::Udp => Vec::new(),
            other => vec![Param::Transport(other)],
        };
        Uri {
            scheme: Some(rsip::Scheme::Sip),
            auth: Some((self.user.as_str(), None::<&str>).into()),
            params,
            ..Uri::from(self.own)
        }
    }
}

/// What holds a row of requests together: a dialog, a registration, the publications of a line.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub tag: String,
    /// Whom it is about, the user part.
    pub whom: String,
    /// The other side's tag, once there is a dialog.
    pub to_tag: Option<String>,
    /// Where requests go inside the dialog.
    pub target: Option<Uri>,
    /// The number of the last request.
    pub cseq: u32,
}

impl Thread {
    /// Nothing was said yet.
    pub fn new(call_id: String, tag: String, whom: &str) -> Thread {
        Thread { call_id, tag, whom: whom.to_owned(), to_tag: None, target: None, cseq: 0 }
    }
}

/// The next request of a thread.
pub fn request(
    account: &Account,
    thread: &mut Thread,
    method: Method,
    branch: &str,
    more: Vec<Header>,
    body: &[u8],
) -> rsip::Request {
    thread.cseq += 1;
    let to = account.address_of(&thread.whom);
    let uri = match (&thread.target, method) {
        (Some(target), _) => target.clone(),
        (None, Method::Register) => Uri { auth: None, ..to.clone() },
        (None, _) => to.clone(),
    };
    let tag = |tag: &String| Param::Tag(tag.as_str().into());
    let mut headers: Vec<Header> = vec![
        via(account, branch).into(),
        untyped::MaxForwards::from(70).into(),
        typed::From {
            display_name: Some(format!("\"{}\"", account.name)),
            uri: account.address_of(&account.user),
            params: vec![tag(&thread.tag)],
        }
        .into(),
        typed::To { display_name: None, uri: to, params: thread.to_tag.iter().map(tag).collect() }
            .into(),
        untyped::CallId::new(thread.call_id.as_str()).into(),
        typed::CSeq { seq: thread.cseq, method }.into(),
        untyped::UserAgent::new("Fanal demo phone").into(),
    ];
    headers.extend(more);
    rsip::Request {
        method,
        uri,
        version: Version::V2,
        headers: headers.into(),
        body: body.to_vec(),
    }
}

/// The Contact of a device.
pub fn contact(account: &Account) -> Header {
    typed::Contact { display_name: None, uri: account.contact(), params: Vec::new() }.into()
}

/// An answer with the headers every answer copies (RFC 3261 §8.2.6.2).
pub fn answer(request: &rsip::Request, status: u16) -> rsip::Response {
    let is_copied = |header: &&Header| {
        matches!(
            header,
            Header::Via(_) | Header::From(_) | Header::To(_) | Header::CallId(_) | Header::CSeq(_)
        )
    };
    let headers: Vec<Header> = request.headers.iter().filter(is_copied).cloned().collect();
    rsip::Response {
        status_code: StatusCode::from(status),
        version: Version::V2,
        headers: headers.into(),
        body: Vec::new(),
    }
}

fn via(account: &Account, branch: &str) -> typed::Via {
    typed::Via {
        version: Version::V2,
        transport: account.transport,
        uri: Uri::from(account.own),
        params: vec![Param::Branch(branch.into()), Param::Other("rport".into(), None)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Request;

    fn account(transport: Transport) -> Account {
        Account {
            user: "101".to_owned(),
            name: "Ada Brandt".to_owned(),
            own: "127.0.0.1:40001".parse().expect("an address"),
            agent: "127.0.0.1:5060".parse().expect("an address"),
            transport,
        }
    }

    #[test]
    fn a_request_of_a_phone_is_understood() {
        let mut thread = Thread::new("c1@phone".to_owned(), "t1".to_owned(), "102");
        let account = account(Transport::Tcp);
        let more = vec![contact(&account), untyped::Event::new("dialog").into()];
        let theirs = request(&account, &mut thread, Method::Subscribe, "z9hG4bK1", more, b"");
        let ours = Request::try_from(&theirs).expect("a request");
        assert_eq!(ours.check(), Ok(()));
        assert_eq!(ours.uri_text(), "sip:102@127.0.0.1:5060");
        let headers = ours.headers();
        assert_eq!(headers.via().expect("a Via").branch(), Some("z9hG4bK1"));
        assert_eq!(headers.from().expect("a From").tag(), Some("t1"));
        assert_eq!(headers.cseq().expect("a CSeq").number, 1);
        let contacts = headers.contacts().expect("contacts");
        let contact = contacts.only().expect("one").uri().expect("a URI");
        assert!(contact.as_str().eq_ignore_ascii_case("sip:101@127.0.0.1:40001;transport=tcp"));
    }

    #[test]
    fn inside_a_dialog_requests_go_to_its_target() {
        let mut thread = Thread::new("c1@phone".to_owned(), "t1".to_owned(), "102");
        let account = account(Transport::Udp);
        thread.to_tag = Some("t2".to_owned());
        thread.target = Some(Uri::from(account.agent));
        thread.cseq = 4;
        let theirs = request(&account, &mut thread, Method::Subscribe, "z9hG4bK1", vec![], b"");
        let ours = Request::try_from(&theirs).expect("a request");
        assert_eq!(ours.headers().to().expect("a To").tag(), Some("t2"));
        assert_eq!(ours.headers().cseq().expect("a CSeq").number, 5);
        assert!(ours.uri_text().contains("127.0.0.1:5060"));
        assert!(!ours.uri_text().contains('@'));
    }

    #[test]
    fn an_answer_copies_what_names_its_request() {
        let mut thread = Thread::new("c1@phone".to_owned(), "t1".to_owned(), "102");
        let account = account(Transport::Udp);
        let asked = request(&account, &mut thread, Method::Notify, "z9hG4bK1", vec![], b"");
        let answered = crate::sip::Response::try_from(&answer(&asked, 200)).expect("a response");
        assert_eq!(answered.status().code(), 200);
        assert_eq!(answered.headers().via().expect("a Via").branch(), Some("z9hG4bK1"));
        assert_eq!(answered.headers().call_id(), Ok("c1@phone"));
    }
}
