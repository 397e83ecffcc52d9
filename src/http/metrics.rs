//! Whether the agent lives, whether it is ready, and what it counts (OpenMetrics 1.0). No label
//! names a person.

use std::fmt::Write;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::agent::Beat;
use super::api::Api;
use super::fault::Fault;
use crate::base::counters::Counters;
use crate::base::histogram::Histogram;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: who reads this knows that the process lives.
pub async fn is_alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// `GET /readyz`: whether every shard turns, takes requests and can keep what they promise.
pub async fn is_ready(State(api): State<Api>) -> Result<Json<Value>, Fault> {
    api.access.let_stranger()?;
    let not = |code, what: &str| Fault::new(StatusCode::SERVICE_UNAVAILABLE, code, what);
    match api.agent.beat().await {
        Some(Beat { is_ready: true, .. }) => Ok(Json(json!({ "status": "ready" }))),
        Some(_) => Err(not("not-ready", "the agent ends, or cannot keep anything")),
        None => Err(not("no-answer", "a shard does not turn")),
    }
}

/// `GET /metrics`.
pub async fn metrics(State(api): State<Api>) -> Result<impl IntoResponse, Fault> {
    api.access.let_stranger()?;
    let (mut counters, beat) = (api.agent.counters(), api.agent.beat().await);
    api.tally.add_to(&mut counters);
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], page(&counters, beat)))
}

/// The page of metrics. A shard that does not turn leaves out what only it knows.
pub fn page(counters: &Counters, beat: Option<Beat>) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "# TYPE fanal_build info\n# HELP fanal_build The version that runs.\n\
         fanal_build_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    let ready = beat.is_some_and(|beat| beat.is_ready);
    gauge(
        &mut page,
        "ready",
        "Whether it takes requests and keeps what they promise.",
        ready.into(),
    );
    if let Some(beat) = beat {
        for (name, help, value) in [
            ("presentities", "Presentities something is known of.", beat.presentities),
            ("subscriptions", "Subscriptions that live.", beat.subscriptions),
            (
                "transactions",
                "Transactions remembered, ours and those of others.",
                beat.transactions,
            ),
            ("inbox_messages", "Messages waiting in inboxes.", beat.waiting),
            ("connections", "Stream connections.", beat.connections),
        ] {
            gauge(&mut page, name, help, value);
        }
    }
    for (name, help, value) in counters.told() {
        let _ = write!(
            page,
            "# TYPE fanal_{name} counter\n# HELP fanal_{name} {help}\nfanal_{name}_total {value}\n"
        );
    }
    histogram(
        &mut page,
        "lamp_seconds",
        "From a PUBLISH received to the answer to the NOTIFY that told it.",
        &counters.lamp,
    );
    page.push_str("# EOF\n");
    page
}

fn histogram(page: &mut String, name: &str, help: &str, spans: &Histogram) {
    let _ = write!(
        page,
        "# TYPE fanal_{name} histogram\n# UNIT fanal_{name} seconds\n# HELP fanal_{name} {help}\n"
    );
    let mut all = 0;
    for (bound, count) in spans.up_to() {
        let bound = bound.map_or("+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
        let _ = writeln!(page, "fanal_{name}_bucket{{le=\"{bound}\"}} {count}");
        all = count;
    }
    let sum = spans.sum().as_secs_f64();
    let _ = write!(page, "fanal_{name}_count {all}\nfanal_{name}_sum {sum}\n");
}

fn gauge(page: &mut String, name: &str, help: &str, value: usize) {
    let _ = write!(
        page,
        "# TYPE fanal_{name} gauge\n# HELP fanal_{name} {help}\nfanal_{name} {value}\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_type_a_help_and_one_value() {
        let counters = Counters { notifies: 7, ..Counters::default() };
        let page = page(&counters, Some(Beat { is_ready: true, ..Beat::default() }));
        assert!(page.ends_with("# EOF\n") && page.contains("\nfanal_notifies_total 7\n"));
        assert!(
            page.contains("# HELP fanal_notifies NOTIFY requests sent, repeats not counted.\n")
        );
        assert!(page.contains("\nfanal_ready 1\n"));
        let count = |start: &str| page.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("# TYPE "), count("# HELP "));
        let spans = count("fanal_lamp_seconds");
        assert_eq!(count("# TYPE ") - 1, count("fanal_") - spans);
    }

    #[test]
    fn spans_are_told_by_bounds_that_only_grow() {
        let mut counters = Counters::default();
        counters.lamp.count(std::time::Duration::from_micros(700));
        let page = page(&counters, None);
        for line in [
            "fanal_lamp_seconds_bucket{le=\"0.0005\"} 0",
            "fanal_lamp_seconds_bucket{le=\"0.001\"} 1",
            "fanal_lamp_seconds_bucket{le=\"32.768\"} 1",
            "fanal_lamp_seconds_bucket{le=\"+Inf\"} 1",
            "fanal_lamp_seconds_count 1",
            "fanal_lamp_seconds_sum 0.0007",
        ] {
            assert!(page.contains(&format!("\n{line}\n")), "{line} in {page}");
        }
    }

    #[test]
    fn a_shard_that_does_not_turn_is_not_ready_and_its_state_unknown() {
        let page = page(&Counters::default(), None);
        assert!(page.contains("\nfanal_ready 0\n") && !page.contains("fanal_presentities"));
    }
}
