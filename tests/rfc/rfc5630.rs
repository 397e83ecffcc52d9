//! RFC 5630: what sips asks of a Contact.

use crate::common::Office;

#[test]
fn tls_02_a_sips_request_needs_a_sips_contact() {
    let mut office = Office::new();
    let mut phone = office.tcp_phone("102");
    let request = phone.subscribe("sips:101@example.com", "dialog");
    assert!(request.value("Contact").starts_with("<sip:"));
    assert_eq!(office.ask(&phone, &request).status(), 400);
    assert_eq!(office.shard.subscriptions(), 0);
    assert!(office.wire.is_empty());
}
