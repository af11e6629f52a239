//! `schema/summary.schema.json`, generated from the types that `summary.json` is written from.
//!
//! After a wanted change of those types run `UPDATE_SCHEMA=1 cargo test --lib schema` and read the
//! difference.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{SCHEMA, SummaryFile};
use crate::report::topic::Finding;
use crate::report::topics::TOPICS;

/// The version of the format.
pub(super) fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": SCHEMA })
}

/// One sentence for each topic that has a finding; null if there is nothing to tell.
pub(super) fn findings(_: &mut SchemaGenerator) -> Schema {
    let sentence = |finding| match finding {
        Finding::None => None,
        Finding::Always(_) => Some(json!({ "type": "string" })),
        Finding::IfAny(_) => Some(json!({ "type": ["string", "null"] })),
    };
    let topics: Map<String, Value> =
        TOPICS.iter().filter_map(|topic| Some((topic.id.to_owned(), sentence(topic.finding)?))).collect();
    let names: Vec<String> = topics.keys().cloned().collect();
    json_schema!({ "type": "object", "properties": topics, "required": names })
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/summary.schema.json");
    let generated = generated();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == generated,
        "schema/summary.schema.json is stale: run this with UPDATE_SCHEMA=1 and read the difference"
    );
}

/// The schema as text.
fn generated() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<SummaryFile<'static>>().to_value();
    schema["title"] = json!("labctl summary.json");
    schema["description"] = json!("What a run of `labctl report` says, as numbers and sentences.");
    tidy(&mut schema, false);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// Closes every object against unknown fields, drops the names of Rust's number types, and makes
/// descriptions of doc comments. `is_part` says whether a schema describes a part of an object that
/// another one closes.
fn tidy(schema: &mut Value, is_part: bool) {
    let Some(rules) = schema.as_object_mut() else { return };
    rules.remove("format");
    if let Some(Value::String(description)) = rules.get_mut("description") {
        *description = in_words_of_json(description);
    }
    let is_object = rules.contains_key("properties") && !is_part;
    let choices = ["oneOf", "anyOf", "allOf"];
    let is_composed = choices.iter().any(|keyword| rules.contains_key(*keyword));
    if is_object && !rules.contains_key("additionalProperties") {
        let keyword = if is_composed { "unevaluatedProperties" } else { "additionalProperties" };
        rules.insert(keyword.to_owned(), json!(false));
    }
    for (keyword, rule) in rules.iter_mut() {
        match keyword.as_str() {
            "properties" | "$defs" => rule.as_object_mut().unwrap().values_mut().for_each(|one| tidy(one, false)),
            "items" => tidy(rule, false),
            "additionalProperties" if rule.is_object() => tidy(rule, false),
            keyword if choices.contains(&keyword) => {
                rule.as_array_mut().unwrap().iter_mut().for_each(|one| tidy(one, is_part || is_object));
            }
            _ => {}
        }
    }
}

/// A doc comment as a description: paragraphs without line breaks and links, and with JSON's null.
fn in_words_of_json(comment: &str) -> String {
    let paragraphs: Vec<String> = comment.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
    without_links(&paragraphs.join("\n\n")).replace("`None`", "`null`")
}

/// "[`Fit`](path) and [`of`]" as "`Fit` and `of`".
fn without_links(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('[') {
        plain += before;
        let Some((name, after)) = after.split_once(']') else {
            rest = after;
            continue;
        };
        plain += name;
        rest = after.strip_prefix('(').and_then(|path| path.split_once(')')).map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[test]
fn descriptions_are_plain_text() {
    let comment = "[`Fit`](super::Fit) of\n[`of`]; `None` if there\nis none.\n\nMore.";
    assert_eq!(in_words_of_json(comment), "`Fit` of `of`; `null` if there is none.\n\nMore.");
}
