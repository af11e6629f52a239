//! The body of a request: JSON, a form, or text.

use std::collections::BTreeMap;

use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::placeholders::{RequestValues, encoded, number_named};
use super::read;
use crate::config::{Fields, Problems};
use crate::system::start::Template;

/// The body of a request, with placeholders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body {
    /// JSON, with placeholders in its texts and keys. A text that is one placeholder of a number and nothing else, such as
    /// `"{quorum_number}"`, becomes a number.
    Json(Value),
    /// A form: `name=value&...`.
    Form(BTreeMap<String, Template>),
    /// Text.
    Text(Template),
}

/// The keys of a body.
const KEYS: [&str; 3] = ["json", "form", "text"];

impl Body {
    /// Reads the body of a table: at most one of `json`, `form` and `text`. `None` if it has none.
    pub(super) fn read(fields: &mut Fields<'_>, known: &[&str], problems: &mut Problems<'_>) -> Option<Self> {
        let given: Vec<&str> = KEYS.into_iter().filter(|key| fields.table.contains_key(*key)).collect();
        if let [first, second, ..] = given.as_slice() {
            let span = fields.table.get(*second).map_or(fields.span.clone(), Spanned::span);
            problems.add(span, format!("{}{second}: a request has one body, and it has {first} already", fields.path));
        }
        let path = fields.path.clone();
        let json = fields.take("json").map(|value| {
            problems.record(format!("{path}json"), value.span());
            Self::Json(json(value, &format!("{path}json"), known, problems))
        });
        let form = read::templates(fields, "form", known, problems).map(Self::Form);
        let text = read::text(fields, "text", "a text in quotes", problems)
            .and_then(|(text, span)| read::template(&text, span, &format!("{path}text"), known, problems))
            .map(Self::Text);
        json.or(form).or(text)
    }

    /// The type of the content, and the content.
    pub(super) fn fill(&self, values: &RequestValues<'_>) -> (&'static str, String) {
        match self {
            Self::Json(json) => ("application/json", filled(json, values).to_string()),
            Self::Form(form) => {
                let pairs = form.iter().map(|(name, value)| {
                    format!("{}={}", encoded(name), encoded(&value.fill(|placeholder| values.get(placeholder))))
                });
                ("application/x-www-form-urlencoded", pairs.collect::<Vec<_>>().join("&"))
            }
            Self::Text(text) => ("text/plain; charset=utf-8", text.fill(|placeholder| values.get(placeholder))),
        }
    }

    /// Whether it has a placeholder.
    pub(super) fn has(&self, placeholder: &str) -> bool {
        let in_text = |text: &Template| text.names().any(|name| name == placeholder);
        match self {
            Self::Json(json) => in_json(json, placeholder),
            Self::Form(form) => form.values().any(in_text),
            Self::Text(text) => in_text(text),
        }
    }
}

fn in_json(json: &Value, placeholder: &str) -> bool {
    let in_text = |text: &String| {
        number_named(text) == Some(placeholder)
            || Template::try_from(text.clone()).is_ok_and(|text| text.names().any(|name| name == placeholder))
    };
    match json {
        Value::String(text) => in_text(text),
        Value::Array(items) => items.iter().any(|item| in_json(item, placeholder)),
        Value::Object(fields) => fields.iter().any(|(name, value)| in_text(name) || in_json(value, placeholder)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value of a TOML file as JSON whose texts and keys are templates. What is wrong is reported.
fn json(value: Spanned<DeValue<'_>>, path: &str, known: &[&str], problems: &mut Problems<'_>) -> Value {
    check(&value, path, known, problems);
    // Dates are reported; every other value of TOML is one of JSON.
    Value::deserialize(value.into_deserializer()).unwrap_or_default()
}

/// Reports texts and keys that are no templates.
fn check(value: &Spanned<DeValue<'_>>, path: &str, known: &[&str], problems: &mut Problems<'_>) {
    match value.get_ref() {
        DeValue::String(text) if number_named(text).is_some_and(|name| known.contains(&name)) => {}
        DeValue::String(text) => drop(read::template(text, value.span(), path, known, problems)),
        DeValue::Array(items) => items.iter().for_each(|item| check(item, path, known, problems)),
        DeValue::Table(table) => {
            for (key, value) in table {
                drop(read::template(key.get_ref(), key.span(), path, known, problems));
                check(value, &format!("{path}.{}", key.get_ref()), known, problems);
            }
        }
        DeValue::Datetime(_) => {
            problems.add(value.span(), format!("{path}: JSON has no dates; write it as a text in quotes"));
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {}
    }
}

/// JSON with a value in place of each placeholder.
fn filled(json: &Value, values: &RequestValues<'_>) -> Value {
    // What is no template stands as it is: it was checked when it was read.
    let text = |text: &String| {
        Template::try_from(text.clone()).map_or_else(|_| text.clone(), |text| text.fill(|name| values.get(name)))
    };
    match json {
        Value::String(whole) => values.number(whole).map_or_else(|| Value::String(text(whole)), Value::from),
        Value::Array(items) => items.iter().map(|item| filled(item, values)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (text(name), filled(value, values))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
    }
}
