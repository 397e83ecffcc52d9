//! Whether a document is as a schema says: of JSON Schema as much as the description uses, and a
//! panic for anything else, so that nothing is thought to be checked that is not.

use serde_json::Value;

/// What of a document is not as the schema says, and where.
pub fn check(value: &Value, schema: &Value, all: &Value) -> Result<(), String> {
    at("", value, schema, all)
}

fn at(place: &str, value: &Value, schema: &Value, all: &Value) -> Result<(), String> {
    for (word, wanted) in schema.as_object().expect("a schema") {
        match word.as_str() {
            "$ref" => {
                let name = wanted.as_str().expect("a place").trim_start_matches('#');
                at(place, value, all.pointer(name).expect("a schema"), all)?;
            }
            "type" => {
                let is = |name: &Value| is_of(value, name.as_str().expect("a type"));
                let fits = wanted.as_array().map_or_else(|| is(wanted), |any| any.iter().any(is));
                fits.then_some(()).ok_or(format!("{place}: no {wanted}"))?;
            }
            "enum" => {
                let known = wanted.as_array().expect("words").contains(value);
                known.then_some(()).ok_or(format!("{place}: none of {wanted}"))?;
            }
            "oneOf" => {
                let schemas = wanted.as_array().expect("schemas").iter();
                let fits = schemas.filter(|one| at(place, value, one, all).is_ok()).count();
                (fits == 1).then_some(()).ok_or(format!("{place}: {fits} fit of {wanted}"))?;
            }
            "required" => {
                for name in wanted.as_array().expect("names") {
                    let name = name.as_str().expect("a name");
                    value.get(name).ok_or(format!("{place}: {name} is missing"))?;
                }
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    match wanted.get(name) {
                        Some(schema) => at(&format!("{place}/{name}"), field, schema, all)?,
                        None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                            return Err(format!("{place}: {name} is not described"));
                        }
                        None => {}
                    }
                }
            }
            "items" => {
                for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                    at(&format!("{place}/{nth}"), item, wanted, all)?;
                }
            }
            "maxItems" => {
                let fits = value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 <= wanted.as_u64().expect("a number"));
                fits.then_some(()).ok_or(format!("{place}: more than {wanted}"))?;
            }
            // An object whose fields have names of their own.
            "additionalProperties" if wanted.is_object() => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    at(&format!("{place}/{name}"), field, wanted, all)?;
                }
            }
            "additionalProperties" | "description" | "examples" | "format" | "default" => {}
            "minimum" | "maximum" => {
                let (number, bound) = (value.as_f64(), wanted.as_f64().expect("a number"));
                let fits =
                    |number: f64| if word == "minimum" { number >= bound } else { number <= bound };
                number.is_none_or(fits).then_some(()).ok_or(format!("{place}: beyond {wanted}"))?;
            }
            other => panic!("{place}: \"{other}\" is checked nowhere"),
        }
    }
    Ok(())
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}
