//! `fanal why`: every source of somebody's state, the one that decides, and who was told.

use serde_json::Value;

use super::http::{Api, Method, part};
use super::status::{line, text};
use super::{EXIT_WELL, Fault, say};
use crate::base::span;

/// Whom.
#[derive(clap::Args)]
#[command(after_help = "The source marked with * decides. A NOTIFY is answered, in-flight, \
    waiting for its pace,\nor unanswered. The token needs the scope \"why\".")]
pub struct Args {
    /// Whose state: 101, 101@example.com or sip:101@example.com.
    person: String,
    /// What this watcher sees, and was told.
    #[arg(long, value_name = "WHO")]
    watcher: Option<String>,
    #[command(flatten)]
    api: Api,
}

/// Tells why.
pub async fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let mut path = format!("/v1/why/{}", part(&args.person));
    if let Some(watcher) = &args.watcher {
        path.push_str(&format!("?watcher={}", part(watcher)));
    }
    let why = args.api.ask(Method::GET, &path, None).await?;
    if json {
        say(why)?;
        return Ok(EXIT_WELL);
    }
    for line in page(&why, args.watcher.as_deref()) {
        say(line)?;
    }
    Ok(EXIT_WELL)
}

/// The whole answer in lines.
fn page(why: &Value, watcher: Option<&str>) -> Vec<String> {
    let mut head = format!("{} is {}", text(&why["aor"]), text(&why["availability"]));
    for key in ["since", "until"] {
        if let Some(time) = why[key].as_str() {
            head.push_str(&format!(" {key} {time}"));
        }
    }
    let mut lines = vec![head];
    let list = |key: &str| why[key].as_array().map_or(&[][..], Vec::as_slice);
    let (now, other) = list("sources").iter().partition::<Vec<_>, _>(|it| it["holds"] == true);
    lines.extend(now.into_iter().map(source));
    lines.extend(others(&other));
    if let Some(watcher) = watcher {
        let refused = why["sight"]["refused"].as_u64();
        lines.push(match refused {
            Some(status) => format!("{watcher} is refused with {status}"),
            None => format!("{watcher} sees {}", line(&why["sight"])),
        });
    }
    if let Some(watcher) = watcher {
        lines.extend(ruled(watcher, &why["rules"]));
    }
    lines.extend(list("watchers").iter().map(told));
    lines
}

/// Why a watcher sees what it sees: what applied, what each rule waits for, what is hidden.
fn ruled(watcher: &str, rules: &Value) -> Vec<String> {
    if rules.is_null() {
        return Vec::new();
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let words = |value: &Value, between: &str| {
        list(value).iter().map(text).collect::<Vec<_>>().join(between)
    };
    let by = match words(&rules["matched"], ", ") {
        none if none.is_empty() => "no rule".to_owned(),
        names => names,
    };
    let mut lines = vec![format!("{watcher}: {} by {by}", text(&rules["handling"]))];
    for (kind, key) in [("rule", "rules"), ("ceiling", "ceilings")] {
        for one in list(&rules[key]) {
            let mark = if one["applies"] == true { '+' } else { '-' };
            let mut line = format!("  {mark} {kind} {}", text(&one["rule"]));
            let conditions = list(&one["conditions"]);
            for condition in conditions.iter().filter(|condition| condition["holds"] == false) {
                line.push_str(&format!(", not so: {}", text(&condition["condition"])));
            }
            if one["applies"] == true {
                line.push_str(&format!(": {}", words(&one["effect"], ", ")));
            }
            lines.push(line);
        }
    }
    lines.extend(list(&rules["remarks"]).iter().map(|remark| format!("    {}", text(remark))));
    for hidden in list(&rules["hidden"]) {
        let (part, by) = (text(&hidden["part"]), text(&hidden["by"]));
        lines.push(format!("    hides {part} ({}): {by}", text(&hidden["permission"])));
    }
    lines
}

/// What does not hold now: of what one source says again and again, such as a calendar, the next.
fn others(sources: &[&Value]) -> Vec<String> {
    let is_same = |a: &Value, b: &Value| (&a["source"], &a["says"]) == (&b["source"], &b["says"]);
    let mut lines = Vec::new();
    for (place, one) in sources.iter().enumerate() {
        if sources.iter().take(place).any(|before| is_same(before, one)) {
            continue;
        }
        let alike: Vec<&&Value> = sources.iter().filter(|other| is_same(other, one)).collect();
        let next = alike.iter().min_by_key(|other| text(&other["from"])).unwrap_or(&one);
        lines.push(match alike.len() {
            1 => source(next),
            count => format!("{}; {} more like it", source(next), count - 1),
        });
    }
    lines
}

fn source(source: &Value) -> String {
    let mark = if source["decides"] == true { '*' } else { ' ' };
    let age = std::time::Duration::from_secs(source["age_seconds"].as_u64().unwrap_or(0));
    let mut line = format!("  {mark} {} says {}", text(&source["source"]), source["says"]);
    if let Some(by) = source["by"].as_str().filter(|by| !by.is_empty()) {
        line.push_str(&format!(" by {by}"));
    }
    line.push_str(&format!(", layer {}, {} ago", source["layer"], span::write(age)));
    match source["end"].as_str() {
        Some(end) => line.push_str(&format!(", ends {end}")),
        None => line.push_str(", until taken back"),
    }
    if source["holds"] == false {
        line.push_str(", does not hold now");
    }
    line
}

fn told(watcher: &Value) -> String {
    let last = &watcher["last_notify"];
    let rules = watcher["rules"].as_array().map_or(&[][..], Vec::as_slice);
    let by = match rules.iter().map(text).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        names => format!(" by {names}"),
    };
    let mut line = format!(
        "  {} watches {}, {}{by}: NOTIFY {} {}",
        text(&watcher["watcher"]),
        text(&watcher["package"]),
        text(&watcher["verdict"]),
        last["cseq"],
        text(&last["outcome"])
    );
    if let Some(sent) = last["sent"].as_str() {
        line.push_str(&format!(", sent {sent}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_source_that_decides_is_marked_and_a_refusal_is_told() {
        let why = json!({
            "aor": "101@a.test", "availability": "dnd", "until": "2026-03-02T12:00:00Z",
            "sources": [
                { "source": "manual", "by": "101@a.test", "says": "dnd", "layer": 1,
                  "age_seconds": 120, "end": "2026-03-02T12:00:00Z", "holds": true, "decides": true },
                { "source": "registration", "by": "", "says": "reachable", "layer": 7,
                  "age_seconds": 0, "end": null, "holds": true, "decides": false },
                { "source": "hours", "by": "", "says": "dnd", "layer": 2, "age_seconds": 0,
                  "from": "2026-03-04T12:00:00Z", "end": "2026-03-04T13:00:00Z", "holds": false },
                { "source": "hours", "by": "", "says": "dnd", "layer": 2, "age_seconds": 0,
                  "from": "2026-03-03T12:00:00Z", "end": "2026-03-03T13:00:00Z", "holds": false },
            ],
            "sight": { "refused": 403 },
            "watchers": [{ "watcher": "102@a.test", "package": "presence", "verdict": "block",
                           "rules": ["index/a"],
                           "last_notify": { "cseq": 3, "outcome": "answered",
                                            "sent": "2026-03-02T11:00:00Z" } }],
            "rules": { "handling": "block", "matched": ["index/a"], "remarks": ["x"],
                "rules": [
                    { "rule": "index/a", "applies": true, "conditions": [], "effect": ["block"] },
                    { "rule": "index/b", "applies": false, "effect": [],
                      "conditions": [{ "condition": "sphere is work", "holds": false }] }],
                "hidden": [{ "part": "note", "permission": "provide-note", "by": "rules" }] },
        });
        assert_eq!(
            page(&why, Some("102")),
            [
                "101@a.test is dnd until 2026-03-02T12:00:00Z",
                "  * manual says \"dnd\" by 101@a.test, layer 1, 2m ago, ends 2026-03-02T12:00:00Z",
                "    registration says \"reachable\", layer 7, 0s ago, until taken back",
                "    hours says \"dnd\", layer 2, 0s ago, ends 2026-03-03T13:00:00Z, does not hold now; \
                 1 more like it",
                "102 is refused with 403",
                "102: block by index/a",
                "  + rule index/a: block",
                "  - rule index/b, not so: sphere is work",
                "    x",
                "    hides note (provide-note): rules",
                "  102@a.test watches presence, block by index/a: NOTIFY 3 answered, sent \
                 2026-03-02T11:00:00Z",
            ]
        );
    }
}
