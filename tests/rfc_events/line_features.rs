//! Packages of single vendors: refused quickly, and nothing else is the worse for it.

use crate::LINE;
use crate::common::Office;
use crate::common::documents::call;
use crate::common::samples::states;

#[test]
fn bsf_06_packages_of_a_vendor_are_489_at_once() {
    let vendors = [
        "x-broadsoft-hoteling",
        "hoteling",
        "x-broadsoft-callpark",
        "as-feature-event",
        "call-info",
        "line-seize",
        "vq-rtcpxr",
        "keep-alive",
        "aastra-xml",
        "talk",
        "hold",
        "ua-profile",
        "Call-Completion",
    ];
    for package in vendors {
        let mut office = Office::new();
        let mut phone = office.phone("101");
        let request = phone.subscribe(LINE, package);

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 489, "{package}");
        for served in ["dialog", "presence", "message-summary"] {
            assert!(response.header("Allow-Events").contains(served), "{package}");
        }
        assert!(notifies.is_empty(), "{package}");
        office.assert_quiet(&phone, 33);
        assert_eq!(office.shard.subscriptions(), 0, "{package}");
    }
}

#[test]
fn bsf_06_a_refused_package_harms_no_other_subscription_of_the_phone() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut phone, LINE, "dialog");
    // One of its own, and one inside the dialog, as Panasonic phones send it.
    let outside = phone.subscribe(LINE, "x-broadsoft-hoteling");
    assert_eq!(office.ask(&phone, &outside).status(), 489);
    let inside = phone.refresh().with("Event", "as-feature-event");
    assert!([403, 489].contains(&office.ask(&phone, &inside).status()));

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    assert_eq!(states(&office.notified(&phone).body), ["early"]);
    office.refreshed(&mut phone);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn bsf_06_headers_of_a_vendor_are_ignored() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone
        .subscribe(LINE, "dialog")
        .also("Call-Info", "<sip:example.com>;appearance-index=*;appearance-state=idle")
        .also("X-BroadSoft-Correlation-Info", "x;y=\"z")
        .also("Mac", "00:15:65:00:00:01")
        .also("Max-Breadth", "60");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
    assert_eq!(notifies.len(), 1);
}
