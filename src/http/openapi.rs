//! The API described for programs (OpenAPI 3.1), made of the table of its operations.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::fault::Fault;
use super::features;
use super::routes::{Answer, Content, OPERATIONS, Operation, Parameter};
use super::schemas;

/// What the API is, before what it can do.
const ABOUT: &str = "States set by hand, flags and calendars come in; what is seen of people, why \
    it is so, health and metrics go out. What may be set and seen is decided where it is decided \
    for SIP. A person is `101`, `101@example.com` or `sip:101@example.com`. Every refusal has the \
    same form; 405 comes with Allow. docs/http.md says more.";

/// `GET /openapi.json`.
pub(super) async fn serve(State(api): State<Api>) -> Result<Json<Value>, Fault> {
    api.access().let_stranger()?;
    Ok(Json(document()))
}

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.verb.name()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fanal",
            "summary": "A SIP presence agent.",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{
            "url": "http://127.0.0.1:8060",
            "description": "Where it listens unless it is told otherwise (`http.listen`).",
        }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": { "Refusal": {
                "description": "It is refused; `message` says why, in words.",
                "content": { "application/json": { "schema": schema("Refusal") } },
            } },
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of `http.token` in the settings.",
            } },
        },
    })
}

fn described(operation: &Operation) -> Value {
    let Operation { path, name, about, scope, parameters, body, answers, refusals, .. } = operation;
    let mut responses = Map::new();
    for answer in *answers {
        responses.insert(answer.status.to_string(), answered(answer));
    }
    for status in *refusals {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Refusal" }));
    }
    // 408, when the request itself takes too long: no path is free of it.
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Refusal" }));
    let parts = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let all: Vec<Value> = parts.map(of_path).chain(parameters.iter().map(beside)).collect();
    let mut described = json!({ "operationId": name, "summary": about, "responses": responses });
    if !all.is_empty() {
        described["parameters"] = all.into();
    }
    if let Some(scope) = scope {
        described["description"] = format!("The token needs the scope: {scope}.").into();
        described["security"] = json!([{ "token": [] }]);
    }
    if let Some(body) = body {
        let content = contents(std::slice::from_ref(body));
        described["requestBody"] = json!({ "required": !body.is_optional, "content": content });
    }
    described
}

fn answered(answer: &Answer) -> Value {
    let mut told = json!({ "description": answer.about });
    if !answer.contents.is_empty() {
        told["content"] = contents(answer.contents);
    }
    told
}

fn contents(contents: &[Content]) -> Value {
    let each = contents.iter().map(|content| {
        let schema = match content.schema {
            Some(name) => schema(name),
            None => json!({ "type": "string" }),
        };
        (content.media.to_owned(), json!({ "schema": schema }))
    });
    Value::Object(each.collect())
}

fn of_path(name: &str) -> Value {
    let about = match name {
        "aor" => "A person: `101`, `101@example.com` or `sip:101@example.com`.",
        "source" => "A name that tells the sources of one person apart, 64 octets at most.",
        "document" => "The name of a document, such as `index`.",
        "when" => "In which case.",
        _ => "Which of several.",
    };
    let schema = match name {
        "when" => json!({ "enum": features::CASES }),
        _ => json!({ "type": "string" }),
    };
    json!({
        "name": name, "in": "path", "required": true, "description": about, "schema": schema,
    })
}

fn beside(parameter: &Parameter) -> Value {
    let Parameter { place, name, about, is_required, words } = parameter;
    let schema = match words.is_empty() {
        true => json!({ "type": "string" }),
        false => json!({ "type": "string", "enum": words }),
    };
    json!({
        "name": name, "in": place, "required": is_required, "description": about,
        "schema": schema,
    })
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` below a value.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(all) => all.iter().for_each(|one| references(one, found)),
            _ => {}
        }
    }

    #[test]
    fn whatever_is_named_is_there_and_whatever_is_there_is_named() {
        let document = document();
        let mut named = Vec::new();
        references(&document, &mut named);
        for name in &named {
            let place = name.strip_prefix('#').expect("a place in this document");
            assert!(document.pointer(place).is_some(), "{name}");
        }
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        for name in schemas.keys() {
            let place = format!("#/components/schemas/{name}");
            assert!(named.contains(&place), "{name} is used nowhere");
        }
    }

    #[test]
    fn the_kept_document_is_the_one_served() {
        let kept = include_str!("../../docs/openapi.json");
        let now = serde_json::to_string_pretty(&document()).expect("text");
        let made = "make it anew: fanal http openapi > docs/openapi.json";
        assert!(kept.trim_end() == now, "docs/openapi.json is not current; {made}");
    }
}
