//! Two runs beside each other.

use serde_json::Value;

/// Figures of a phase that are compared, if both runs have them: the key, what it is, and
/// whether more of it is better.
const FIGURES: [(&str, &str, bool); 16] = [
    ("server_cpu_us_per_subscribe", "server us per SUBSCRIBE", false),
    ("server_cpu_us_per_notify", "server us per NOTIFY", false),
    ("server_cpu_us_per_notify_net_of_publish", "the same, net of PUBLISH", false),
    ("server_cpu_us_per_publish", "server us per PUBLISH", false),
    ("subscribe_per_second", "SUBSCRIBE/s", true),
    ("notify_per_second", "NOTIFY/s", true),
    ("publish_per_second", "PUBLISH/s", true),
    ("changes_per_second", "changes/s", true),
    ("publish_to_notify_ms.p50", "PUBLISH->NOTIFY p50 ms", false),
    ("publish_to_notify_ms.p99", "PUBLISH->NOTIFY p99 ms", false),
    ("first_to_last_notify_ms.p50", "first to last NOTIFY p50 ms", false),
    ("first_to_last_notify_ms.p99", "first to last NOTIFY p99 ms", false),
    ("driver_cpu_us_per_notify", "driver us per NOTIFY", false),
    ("stale_watchers", "stale watchers", false),
    ("lost", "requests lost", false),
    ("refused", "requests refused", false),
];

/// Phases in the order they are done.
const PHASES: [&str; 6] = ["subscribe", "rate", "max", "refresh", "publish", "unsubscribe"];

/// A table of both, and how many times better the second is.
pub fn table(first: &Value, second: &Value) -> String {
    let mut rows = Vec::new();
    for phase in PHASES {
        for (key, what, more_is_better) in FIGURES {
            let [a, b] = [first, second].map(|run| {
                let phase = run.get("phases")?.get(phase)?;
                number(phase, key)
            });
            if let (Some(a), Some(b)) = (a, b) {
                rows.push((format!("{phase}: {what}"), a, b, ratio(a, b, more_is_better)));
            }
        }
    }
    for (key, what) in [
        ("memory.octets_per_subscription", "octets per subscription"),
        ("stale_watchers", "stale watchers"),
    ] {
        if let (Some(a), Some(b)) = (number(first, key), number(second, key)) {
            rows.push((what.to_owned(), a, b, ratio(a, b, false)));
        }
    }
    let wide = rows.iter().map(|(what, ..)| what.len()).max().unwrap_or(0);
    let mut text =
        format!("{:<wide$}  {:>12}  {:>12}  {:>9}\n", "", "first", "second", "better by");
    for (what, a, b, ratio) in rows {
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x"));
        let row = format!("{what:<wide$}  {a:>12.2}  {b:>12.2}  {ratio:>9}");
        text += row.trim_end();
        text.push('\n');
    }
    text
}

/// How many times better the second is; `None` if nothing can be said.
fn ratio(a: f64, b: f64, more_is_better: bool) -> Option<f64> {
    let (better, worse) = if more_is_better { (b, a) } else { (a, b) };
    (worse > 0.0 && better > 0.0).then(|| better / worse)
}

fn number(value: &Value, path: &str) -> Option<f64> {
    path.split('.').try_fold(value, |value, key| value.get(key))?.as_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_of_both_stand_in_one_row() {
        let run = |cpu: f64, rate: f64| {
            json!({ "phases": { "max": {
                "server_cpu_us_per_notify": cpu, "notify_per_second": rate,
                "publish_to_notify_ms": { "p50": 2.0 }, "lost": 0,
            } }, "stale_watchers": 0 })
        };
        let text = table(&run(30.0, 10_000.0), &run(6.0, 50_000.0));
        let row = |what: &str| {
            let line = text.lines().find(|line| line.starts_with(what));
            line.unwrap_or_else(|| panic!("{what} in {text}")).to_owned()
        };
        assert!(row("max: server us per NOTIFY").ends_with("30.00          6.00      5.00x"));
        assert!(row("max: NOTIFY/s").ends_with("5.00x"), "{text}");
        assert!(row("max: PUBLISH->NOTIFY p50 ms").ends_with("1.00x"));
        assert!(row("max: requests lost").ends_with("0.00"), "nothing of nothing is no ratio");
    }

    #[test]
    fn what_only_one_has_is_left_out() {
        let text = table(&json!({ "phases": {} }), &json!({ "stale_watchers": 1 }));
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
