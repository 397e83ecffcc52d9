//! What a phone got, read with plain string tools rather than with the parser under test.

use super::office::Parcel;

/// One message as a phone sees it.
#[derive(Clone)]
pub struct Got {
    pub parcel: Parcel,
    pub start: String,
    /// Names and values in order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl std::fmt::Debug for Got {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "to {:?}:\n{}",
            self.parcel.hop.address(),
            String::from_utf8_lossy(&self.parcel.octets)
        )
    }
}

impl Got {
    pub fn new(parcel: Parcel) -> Got {
        let text = String::from_utf8_lossy(&parcel.octets).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a blank line");
        let mut lines = head.split("\r\n");
        let start = lines.next().expect("a start line").to_owned();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').expect("a colon");
                (name.to_owned(), value.trim().to_owned())
            })
            .collect();
        let got = Got { start, headers, body: body.to_owned(), parcel };
        let octets = got.header("Content-Length").parse::<usize>().expect("a Content-Length");
        assert_eq!(octets, got.body.len(), "Content-Length is right: {got:?}");
        got
    }

    pub fn is_request(&self) -> bool {
        !self.start.starts_with("SIP/2.0 ")
    }

    pub fn method(&self) -> &str {
        self.start.split(' ').next().expect("a method")
    }

    /// The Request-URI.
    pub fn uri(&self) -> &str {
        self.start.split(' ').nth(1).expect("a Request-URI")
    }

    pub fn status(&self) -> u16 {
        assert!(!self.is_request(), "a response: {self:?}");
        self.start[8..11].parse().expect("a status")
    }

    /// The first value of a header; empty if it has none.
    pub fn header<'a>(&'a self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The values of a list header over all its lines, in order.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(split_list).collect()
    }

    pub fn cseq(&self) -> u32 {
        self.header("CSeq").split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    }

    /// The tag of To.
    pub fn to_tag(&self) -> &str {
        tag(self.header("To"))
    }

    pub fn sender_tag(&self) -> &str {
        tag(self.header("From"))
    }

    /// A parameter of the top Via.
    pub fn via(&self, name: &str) -> Option<&str> {
        self.header("Via").split(';').skip(1).find_map(|parameter| {
            let (known, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (known == name).then_some(value)
        })
    }

    /// The `version` of a dialog-info body.
    pub fn version(&self) -> u32 {
        let (_, root) = self.body.split_once("<dialog-info").expect("a dialog-info document");
        super::documents::attribute(root, "version").parse().expect("a version")
    }

    /// The response of a UAS to this request, with further header lines.
    pub fn response(&self, status: u16, more: &[&str]) -> String {
        let mut text = format!("SIP/2.0 {status} Whatever\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            for value in self.all(name) {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for line in more {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text + "Content-Length: 0\r\n\r\n"
    }
}

/// The values of a comma list: commas in quotes and in angle brackets part nothing.
pub fn split_list(text: &str) -> Vec<String> {
    let (mut values, mut value) = (Vec::new(), String::new());
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            ',' if !quoted && !bracketed => {
                values.push(std::mem::take(&mut value).trim().to_owned());
                continue;
            }
            _ => {}
        }
        value.push(letter);
    }
    values.push(value.trim().to_owned());
    values
}

fn tag(value: &str) -> &str {
    value.split(";tag=").nth(1).map_or("", |rest| rest.split(';').next().unwrap_or_default())
}
