//! Runs filters on an answer, without limits: in a process that can be stopped.

use std::collections::HashMap;

use jaq_core::{Ctx, Vars, data, unwrap_valr};
use jaq_json::Val;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::shortened;
use super::{Compiled, compile};

/// How many outputs of a filter are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum Take {
    /// The first.
    First,
    /// All.
    All,
}

/// What one filter gave: its outputs, or its own message.
pub(in super::super) type Outputs = Result<Vec<Value>, String>;

/// Filters that were compiled before.
#[derive(Default)]
pub(super) struct Evaluator(HashMap<String, Compiled>);

impl Evaluator {
    /// What each filter gives for an answer.
    pub(super) fn run(&mut self, filters: &[String], take: Take, body: &[u8]) -> Vec<Outputs> {
        let input = input(body);
        filters.iter().map(|filter| self.outputs(filter, take, input.clone())).collect()
    }

    fn outputs(&mut self, text: &str, take: Take, input: Val) -> Outputs {
        if !self.0.contains_key(text) {
            let filter = compile(text).map_err(|wrong| wrong.message)?;
            self.0.insert(text.to_owned(), filter);
        }
        let Some(filter) = self.0.get(text) else { return Ok(Vec::new()) };
        let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
        let outputs = filter.id.run((context, input)).map(unwrap_valr);
        let wanted = if take == Take::First { 1 } else { usize::MAX };
        outputs
            .take(wanted)
            .map(|output| output.map(|value| json(&value)).map_err(|error| shortened(&error.to_string())))
            .collect()
    }
}

/// An answer as filters see it: JSON, or else a text without the line break at its end.
fn input(body: &[u8]) -> Val {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(body);
        Val::from(text.trim_end_matches(['\r', '\n']).to_owned())
    })
}

/// A value of jq as JSON. Numbers that JSON does not have become null.
fn json(value: &Val) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Val::Null => Value::Null,
        Val::Bool(value) => Value::Bool(*value),
        Val::Num(number) => serde_json::from_str(&number.to_string()).unwrap_or_default(),
        Val::BStr(bytes) | Val::TStr(bytes) => Value::String(text(bytes)),
        Val::Arr(items) => items.iter().map(json).collect(),
        Val::Obj(fields) => fields.iter().map(|(key, value)| (key_of(key), json(value))).collect(),
    }
}

/// The key of an object. In jq it may be any value.
fn key_of(key: &Val) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
