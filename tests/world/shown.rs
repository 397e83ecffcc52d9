//! What a document says, whoever reads it: watchers, the inspector, a newcomer.

use std::fmt::Write;

/// What one document shows, in an order that does not depend on how it was composed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Live calls: Call-ID (`-` without one) and state.
    Calls(Vec<(String, String)>),
    /// Notes, how many services are open and closed, and whether the person is on the phone.
    Presence { notes: Vec<String>, open: usize, closed: usize, on_the_phone: bool },
    /// Nothing at all: whether it may be seen is not decided.
    Nothing,
    /// New and old messages.
    Mail { new: u32, old: u32 },
}

/// A call as a document has it.
pub struct CallShown {
    pub id: String,
    pub call_id: String,
    pub state: String,
}

impl Shown {
    /// What a body of a package says.
    pub fn read(package: &str, body: &str) -> Shown {
        match package {
            _ if body.is_empty() => Shown::Nothing,
            "dialog" => {
                let live = calls(body).into_iter().filter(|call| call.state != "terminated");
                Shown::calls(live.map(|call| (call.call_id, call.state)).collect())
            }
            "presence" => {
                let mut notes: Vec<String> = elements(body, "note").map(str::to_owned).collect();
                notes.sort();
                Shown::Presence {
                    notes,
                    open: elements(body, "basic").filter(|basic| *basic == "open").count(),
                    closed: elements(body, "basic").filter(|basic| *basic == "closed").count(),
                    on_the_phone: body.contains("on-the-phone"),
                }
            }
            _ => {
                let counts = body.lines().find_map(|line| line.strip_prefix("Voice-Message: "));
                let (new, old) = counts.and_then(|text| text.split_once('/')).unwrap_or(("0", "0"));
                let number = |text: &str| text.trim().parse().expect("a count");
                let (new, old) = (number(new), number(old));
                let waiting = body.starts_with("Messages-Waiting: yes");
                assert_eq!(waiting, new > 0, "the lamp of a mailbox is lit for new messages");
                Shown::Mail { new, old }
            }
        }
    }

    /// Live calls in order.
    pub fn calls(mut calls: Vec<(String, String)>) -> Shown {
        calls.sort();
        Shown::Calls(calls)
    }
}

/// Every call of a dialog-info document but the one that stands for none.
pub fn calls(body: &str) -> Vec<CallShown> {
    body.split("<dialog ")
        .skip(1)
        .map(|dialog| CallShown {
            id: attribute(dialog, "id").to_owned(),
            call_id: match attribute(dialog, "call-id") {
                "" => "-".to_owned(),
                call_id => call_id.to_owned(),
            },
            state: elements(dialog, "state").next().expect("a state").to_owned(),
        })
        .filter(|call| call.id != "idle")
        .collect()
}

/// The `version` of a dialog-info document.
pub fn version(body: &str) -> u32 {
    let (_, root) = body.split_once("<dialog-info").expect("a dialog-info document");
    attribute(root, "version").parse().expect("a version")
}

/// A presence document with one service.
pub fn presence(entity: &str, open: bool, note: &str) -> String {
    let basic = if open { "open" } else { "closed" };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\"><tuple id=\"t1\">\
         <status><basic>{basic}</basic></status><contact>{entity}</contact><note>{note}</note>\
         </tuple></presence>"
    )
}

/// A dialog-info document with these calls: id, Call-ID (`-` without one), state.
pub fn dialog_info(entity: &str, calls: &[(String, String, String)]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"0\" state=\"full\" entity=\"{entity}\">"
    );
    for (id, call_id, state) in calls {
        let named = match call_id.as_str() {
            "-" => String::new(),
            _ => format!(" call-id=\"{call_id}\" local-tag=\"l\" remote-tag=\"r\""),
        };
        write!(
            text,
            "<dialog id=\"{id}\"{named} direction=\"recipient\"><state>{state}</state><local>\
             <identity>{entity}</identity><target uri=\"{entity}\"/></local><remote><identity>\
             sip:555@example.com</identity><target uri=\"sip:555@example.com\"/></remote></dialog>"
        )
        .expect("a string grows as needed");
    }
    text + "</dialog-info>"
}

/// A mailbox.
pub fn mailbox(new: u32, old: u32) -> String {
    let waiting = if new > 0 { "yes" } else { "no" };
    format!("Messages-Waiting: {waiting}\r\nVoice-Message: {new}/{old}\r\n")
}

/// The texts of all elements of this local name, whatever their prefix.
fn elements<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.split('<').filter_map(move |piece| {
        let (tag, content) = piece.split_once('>')?;
        let full = tag.split(' ').next()?;
        let local = full.rsplit(':').next()?;
        (local == name && !tag.starts_with('/') && !tag.ends_with('/')).then_some(content)
    })
}

fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    let tag = text.split('>').next().unwrap_or_default();
    tag.split_once(&format!("{name}=\""))
        .filter(|(before, _)| before.is_empty() || before.ends_with(' '))
        .and_then(|(_, after)| after.split('"').next())
        .unwrap_or_default()
}
