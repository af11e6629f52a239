//! What an answer means, by the rules of a mapping.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::HttpAnswer;
use super::exchange::Exchange;
use super::filter::{Filter, Outputs, shortened};
use super::rules::{ReadRules, WriteRules};
use crate::model::{Version, WriteOutcome};
use crate::system::explained::Rule;
use crate::system::session::{Found, WriteAnswer};

/// What follows from an answer, and what each rule made of it.
#[derive(Debug)]
pub(super) struct Judged<T> {
    pub(super) rules: Vec<Rule>,
    pub(super) result: T,
}

/// What a node holds: values and versions by key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entries {
    pub(super) store: BTreeMap<String, String>,
    pub(super) versions: BTreeMap<String, u64>,
}

/// Why an answer is none of success.
enum Misfit {
    /// The node said no.
    Refused(String),
    /// It fits no rule.
    Strange(String),
}

impl Misfit {
    fn text(self) -> String {
        match self {
            Self::Refused(text) | Self::Strange(text) => text,
        }
    }
}

impl WriteRules {
    /// The filters that are run on an answer, with their keys.
    pub(super) fn filters(&self) -> Vec<(&'static str, &Filter)> {
        let ok = self.ok.iter().map(|filter| ("write.ok", filter));
        ok.chain(self.version.iter().map(|filter| ("write.version", filter))).collect()
    }

    /// What became of a write that was answered.
    pub(super) fn judge(&self, answer: &HttpAnswer, outputs: Vec<Outputs>) -> Judged<WriteAnswer> {
        let mut outputs = outputs.into_iter();
        let mut rules = vec![status_rule("write.status", &self.exchange, answer.status)];
        let mut misfit = status(&self.exchange, answer).err();
        if let (Some(filter), Some(output)) = (&self.ok, self.ok.as_ref().and_then(|_| outputs.next())) {
            let success = first(output).and_then(|output| match output {
                Value::Bool(is_ok) => Ok(is_ok),
                other => Err(format!("it gave {}, neither true nor false", shown(&other))),
            });
            rules.push(rule("write.ok", filter.as_str(), success.clone().map(|is_ok| is_ok.to_string())));
            if misfit.is_none() {
                misfit = match success {
                    Ok(true) => None,
                    Ok(false) => Some(Misfit::Refused(answered("ok gave false", answer))),
                    Err(message) => Some(Misfit::Strange(answered(&in_rule("ok", filter, &message), answer))),
                };
            }
        }
        let mut number = None;
        if let (Some(filter), Some(output)) = (&self.version, outputs.next()) {
            let read = first(output).and_then(|output| version(&output));
            rules.push(rule("write.version", filter.as_str(), read.clone().map(told)));
            match read {
                Ok(version) => number = version,
                // Of a refusal it is welcome, and not missed.
                Err(message) if misfit.is_none() => {
                    misfit = Some(Misfit::Strange(answered(&in_rule("version", filter, &message), answer)));
                }
                Err(_) => {}
            }
        }
        let (outcome, error) = match misfit {
            None => (WriteOutcome::Ok, None),
            Some(Misfit::Refused(text)) => (WriteOutcome::Failed, Some(text)),
            Some(Misfit::Strange(text)) => (WriteOutcome::Unknown, Some(text)),
        };
        let version = number.map(Version::new);
        let http_status = Some(answer.status);
        let result = WriteAnswer { outcome, http_status, version, acks: None, error, answered_us: None };
        Judged { rules, result }
    }
}

impl ReadRules {
    /// The filters that are run on an answer, with their keys.
    pub(super) fn filters(&self) -> Vec<(&'static str, &Filter)> {
        let version = self.version.iter().map(|filter| ("read.version", filter));
        std::iter::once(("read.value", &self.value)).chain(version).collect()
    }

    /// What a node that was read from has.
    pub(super) fn judge(&self, answer: &HttpAnswer, outputs: Vec<Outputs>) -> Judged<Result<Option<Found>, String>> {
        if self.absent.iter().any(|absent| absent.get() == answer.status) {
            let list = self.absent.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let rules = vec![rule("read.absent", &list, Ok("the node does not have the key".to_owned()))];
            return Judged { rules, result: Ok(None) };
        }
        let mut rules = vec![status_rule("read.status", &self.exchange, answer.status)];
        let misfit = status(&self.exchange, answer).err().map(Misfit::text);
        let mut outputs = outputs.into_iter();
        let value = first(outputs.next().unwrap_or_else(|| Ok(Vec::new()))).and_then(|output| text(&output));
        let told_value =
            value.clone().map(|value| value.unwrap_or_else(|| "null: it does not have the key".to_owned()));
        rules.push(rule("read.value", self.value.as_str(), told_value));
        let mut number = Ok(None);
        if let (Some(filter), Some(output)) = (&self.version, outputs.next()) {
            number = first(output).and_then(|output| version(&output));
            rules.push(rule("read.version", filter.as_str(), number.clone().map(told)));
        }
        let result = misfit.map_or_else(
            || {
                let value = value.map_err(|message| answered(&in_rule("value", &self.value, &message), answer))?;
                let Some(value) = value else { return Ok(None) };
                let version = match (&self.version, number) {
                    (Some(filter), Err(message)) => {
                        return Err(answered(&in_rule("version", filter, &message), answer));
                    }
                    (_, number) => number.ok().flatten().map(Version::new),
                };
                Ok(Some(Found { value, version }))
            },
            Err,
        );
        Judged { rules, result }
    }
}

/// What a node that was dumped holds. `is_log`: each output of `entries` is one message of a log.
pub(super) fn dump(
    exchange: &Exchange,
    entries: &Filter,
    is_log: bool,
    answer: &HttpAnswer,
    outputs: Vec<Outputs>,
) -> Judged<Result<Entries, String>> {
    let mut rules = vec![status_rule("dump.status", exchange, answer.status)];
    let misfit = status(exchange, answer).err().map(Misfit::text);
    let outputs = outputs.into_iter().next().unwrap_or_else(|| Ok(Vec::new()));
    let read = outputs.and_then(|outputs| if is_log { log(outputs) } else { pairs(outputs) });
    let count = |entries: &Entries| {
        let (count, first) = (entries.store.len(), entries.store.iter().next());
        let first = first.map(|(key, value)| format!(", first {key} = {}", shortened(value))).unwrap_or_default();
        format!("{count} entries{first}")
    };
    rules.push(rule("dump.entries", entries.as_str(), read.as_ref().map(count).map_err(Clone::clone)));
    let read = read.map_err(|message| answered(&in_rule("entries", entries, &message), answer));
    Judged { rules, result: misfit.map_or(read, Err) }
}

/// Whether an answer that is nothing but a status is one of success.
pub(super) fn plain(key: &'static str, exchange: &Exchange, answer: &HttpAnswer) -> Judged<Result<(), String>> {
    let result = status(exchange, answer).map_err(Misfit::text);
    Judged { rules: vec![status_rule(key, exchange, answer.status)], result }
}

/// A store of entries with `key`, `value` and perhaps `version`.
fn pairs(outputs: Vec<Value>) -> Result<Entries, String> {
    let mut entries = Entries::default();
    for output in outputs {
        let refuse = |what: &str| format!("it gave {}{what}", shown(&output));
        let Value::Object(fields) = &output else { return Err(refuse(", not an object with key and value")) };
        let field = |name: &str| fields.get(name).unwrap_or(&Value::Null);
        let key = text(field("key"))?.ok_or_else(|| refuse(", which has no key"))?;
        let Some(value) = text(field("value"))? else { continue };
        if let Some(version) = version(field("version"))? {
            entries.versions.insert(key.clone(), version);
        }
        entries.store.insert(key, value);
    }
    Ok(entries)
}

/// The messages of a log by their places, from `#0001`.
fn log(outputs: Vec<Value>) -> Result<Entries, String> {
    let mut store = BTreeMap::new();
    for (place, output) in (1..).zip(outputs) {
        let message = text(&output)?.ok_or("it gave null, not a message")?;
        store.insert(format!("#{place:04}"), message);
    }
    Ok(Entries { store, versions: BTreeMap::new() })
}

/// Why a status is none of success.
fn status(exchange: &Exchange, answer: &HttpAnswer) -> Result<(), Misfit> {
    let code = answer.status;
    match (code, &answer.location) {
        _ if exchange.accepts(code) => Ok(()),
        (300..=399, Some(to)) => Err(Misfit::Strange(format!(
            "status {code}: it redirects to {}, which labctl does not follow",
            shortened(to)
        ))),
        (400.., _) => Err(Misfit::Refused(answered("", answer))),
        _ => Err(Misfit::Strange(answered(&format!("not among the statuses of success ({})", list(exchange)), answer))),
    }
}

fn status_rule(key: &'static str, exchange: &Exchange, code: u16) -> Rule {
    let gave = if exchange.accepts(code) { Ok(code.to_string()) } else { Err(format!("the status is {code}")) };
    rule(key, &list(exchange), gave)
}

fn list(exchange: &Exchange) -> String {
    let all = exchange.status.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if all.is_empty() { "any".to_owned() } else { all }
}

fn rule(key: &'static str, written: &str, gave: Result<String, String>) -> Rule {
    Rule { key, written: written.to_owned(), place: None, gave: gave.map(|gave| shortened(&gave)) }
}

fn told(version: Option<u64>) -> String {
    version.map_or_else(|| "null".to_owned(), |version| version.to_string())
}

/// What is wrong, with the answer.
fn answered(what: &str, answer: &HttpAnswer) -> String {
    let body = shortened(&String::from_utf8_lossy(&answer.body));
    let mut text = format!("status {}", answer.status);
    for part in [what, &body].into_iter().filter(|part| !part.is_empty()) {
        text = format!("{text}: {part}");
    }
    text
}

fn in_rule(key: &str, filter: &Filter, message: &str) -> String {
    format!("{key} = `{filter}`: {message}; the answer was")
}

/// The first output of a filter.
fn first(outputs: Outputs) -> Result<Value, String> {
    outputs?.into_iter().next().ok_or_else(|| "it gave nothing".to_owned())
}

/// A value as text; `None` of null.
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(format!("it gave {}, not a text", shown(value))),
    }
}

/// A value as a version; `None` of null.
fn version(value: &Value) -> Result<Option<u64>, String> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| format!("it gave {}, not a version, which is a whole number", shown(value)))
}

fn shown(value: &Value) -> String {
    shortened(&value.to_string())
}
