//! Documents as publishers write them, and what a test looks for in those that come back.

/// A presence document with one service.
pub fn presence(entity: &str, basic: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\">\
         <tuple id=\"t1\"><status><basic>{basic}</basic></status>\
         <contact>{entity}</contact></tuple></presence>"
    )
}

/// A dialog-info document with one call, as a PBX publishes it: `state` with call data.
pub fn call(entity: &str, id: &str, state: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\
         <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
         entity=\"{entity}\"><dialog id=\"{id}\" call-id=\"{id}@pbx\" local-tag=\"lt\" \
         remote-tag=\"rt\" direction=\"recipient\"><state>{state}</state>\
         <local><identity>{entity}</identity><target uri=\"{entity}\"/></local>\
         <remote><identity>sip:555@example.com</identity>\
         <target uri=\"sip:555@example.com\"/></remote></dialog></dialog-info>"
    )
}

/// A mailbox.
pub fn mailbox(new: u32, old: u32) -> String {
    let waiting = if new > 0 { "yes" } else { "no" };
    format!("Messages-Waiting: {waiting}\r\nVoice-Message: {new}/{old}\r\n")
}

/// The states of all dialogs in a dialog-info body, in order, with their ids.
pub fn calls(body: &str) -> Vec<(String, String)> {
    body.split("<dialog ")
        .skip(1)
        .map(|dialog| {
            let state = dialog.split("<state").nth(1).expect("a state");
            let state = state.split_once('>').expect("its end").1;
            (attribute(dialog, "id").to_owned(), state.split('<').next().expect("text").to_owned())
        })
        .collect()
}

/// The first value of an attribute; empty if there is none.
pub fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    let wanted = format!(" {name}=\"");
    let text_after = match text.strip_prefix(&wanted[1..]) {
        Some(rest) => Some(rest),
        None => text.split_once(wanted.as_str()).map(|(_, rest)| rest),
    };
    text_after.map_or("", |rest| rest.split('"').next().unwrap_or_default())
}
