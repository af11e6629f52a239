//! The YAML that Compose prints, as JSON values.

use serde_json::{Map, Number, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// Reads the first document of a text.
///
/// # Errors
/// When it is not YAML.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    Ok(documents.first().map_or(Value::Null, value))
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        // An alias that cannot be resolved is not printed by Compose, which resolves them all.
        Yaml::Null | Yaml::BadValue | Yaml::Alias(_) => Value::Null,
        Yaml::Boolean(value) => Value::Bool(*value),
        Yaml::Integer(value) => Value::Number((*value).into()),
        Yaml::Real(text) => text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Array(items) => items.iter().map(value).collect(),
        Yaml::Hash(entries) => {
            let entries = entries.iter().filter_map(|(name, entry)| Some((key(name)?, value(entry))));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
    }
}

/// A key as text: JSON has no others.
fn key(yaml: &Yaml) -> Option<String> {
    match value(yaml) {
        Value::String(text) => Some(text),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_either_compose_prints_is_read() {
        let printed = "services:\n  a:\n    command:\n    - --q\n    - '3'\n    environment:\n      \"N\": 1\n      P: null\n      \
                       S: \"true\"\n    deploy: {cpus: 0.5}\n    networks:\n      lab: null\nvolumes: {}\nversion: '3.8'\n";
        let read = parse(printed).unwrap();
        let service = json!({
            "command": ["--q", "3"], "environment": { "N": 1, "P": null, "S": "true" }, "deploy": { "cpus": 0.5 },
            "networks": { "lab": null },
        });
        assert_eq!(read, json!({ "services": { "a": service }, "volumes": {}, "version": "3.8" }));
        assert!(parse("a: [").is_err());
        assert_eq!(parse(""), Ok(Value::Null));
    }
}
