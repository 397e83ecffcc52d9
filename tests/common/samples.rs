//! Documents with more than one thing in them, and what a test reads from those that come back.

use super::documents::attribute;

/// A presence document of its own making: `inside` stands in the root, where the prefixes dm,
/// rpid and x are known.
pub fn presence_of(entity: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
         xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" xmlns:x=\"urn:example:extension\" \
         entity=\"{entity}\">{inside}</presence>"
    )
}

/// One service.
pub fn tuple(id: &str, basic: &str) -> String {
    format!("<tuple id=\"{id}\"><status><basic>{basic}</basic></status></tuple>")
}

/// An open service and a note, by which a test tells one document from the next.
pub fn noted(entity: &str, note: &str) -> String {
    presence_of(entity, &format!("{}<note>{note}</note>", tuple("t1", "open")))
}

/// A dialog-info document: `inside` stands in the root.
pub fn dialog_info(entity: &str, state: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"0\" state=\"{state}\" entity=\"{entity}\">{inside}</dialog-info>"
    )
}

/// One call with its data, as the observed user's phone sees it.
pub fn dialog(id: &str, state: &str) -> String {
    format!(
        "<dialog id=\"{id}\" call-id=\"{id}@pbx\" local-tag=\"lt{id}\" remote-tag=\"rt{id}\" \
         direction=\"recipient\"><state>{state}</state></dialog>"
    )
}

/// Ids and basic status of all tuples of a presence body, in order.
pub fn tuples(body: &str) -> Vec<(String, String)> {
    body.split("<tuple ")
        .skip(1)
        .map(|tuple| {
            let basic = tuple.split_once("<basic>").map_or("", |(_, rest)| rest);
            let basic = basic.split('<').next().unwrap_or_default();
            (attribute(tuple, "id").to_owned(), basic.to_owned())
        })
        .collect()
}

/// What stands between the first `start` and the next `end`; panics if there is none.
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start} in {text}"));
    rest.split_once(end).unwrap_or_else(|| panic!("{end} after {start} in {text}")).0
}

/// The states of all calls, without their ids.
pub fn states(body: &str) -> Vec<String> {
    super::documents::calls(body).into_iter().map(|(_, state)| state).collect()
}
