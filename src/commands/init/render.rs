//! The experiments.toml of a user's own system.

use std::fmt::Write as _;

use serde_json::Value;

use super::answers::{Answers, Compose, DelayAnswer, Paths, QuorumAnswer, Start};
use super::words::RequestText;
use crate::cli::DelayUnit;

/// The lab's variables, which the preset sets: those that need not be written.
const LAB_QUORUM: &str = "WRITE_QUORUM";
const LAB_DELAYS: (&str, &str) = ("MIN_DELAY_MS", "MAX_DELAY_MS");

/// The text of the file.
pub(super) fn render(answers: &Answers) -> String {
    let name = answers.name.as_str();
    let mut text = format!(
        r#"# How labctl starts {name}, and how it talks to it. `labctl validate` checks this file, `labctl probe {name}` tries
# it on running nodes, and `labctl run all` measures the system.
schema = 1
default = "{name}"

# What is measured.
[experiment.{name}]
system = "{name}"
{quorums}
followers = {followers}

# How long a copy takes from the leader to a follower.
[experiment.{name}.network]
min_delay_ms = {shortest}
max_delay_ms = {longest}

[experiment.{name}.workload]
writes = 100                         # at each W
concurrency = 10                     # writes at a time
keys = 10

# The system.
[system.{name}]
kind = "http"
"#,
        quorums = commented(&format!("quorums = {}", quorums(answers)), each_quorum(answers)),
        followers = answers.followers,
        shortest = answers.bounds_ms.0,
        longest = answers.bounds_ms.1,
    );
    head(&mut text, answers);
    start(&mut text, name, &answers.start);
    environment(&mut text, name, answers);
    if let QuorumAnswer::ByRequest(request) = &answers.quorum {
        let _ = write!(text, "\n# Sets W before the load.\n[system.{name}.set_quorum]\n{}", request_keys(request));
    }
    if let Some(paths) = &answers.paths {
        mapping(&mut text, name, paths);
    }
    text
}

/// A setting with a comment, in a column of its own.
fn commented(setting: &str, comment: &str) -> String {
    format!("{setting:<36} # {comment}")
}

fn push(text: &mut String, setting: &str, comment: &str) {
    let _ = writeln!(text, "{}", commented(setting, comment));
}

/// The quorums to run: each from 1 to the followers, if labctl can set W.
fn quorums(answers: &Answers) -> String {
    if matches!((&answers.start, &answers.quorum), (Start::Running(_), QuorumAnswer::PerStart(_))) {
        return "[1]".to_owned();
    }
    let all: Vec<String> = (1..=answers.followers.get()).map(|quorum| quorum.to_string()).collect();
    format!("[{}]", all.join(", "))
}

/// What a quorum of the list is.
fn each_quorum(answers: &Answers) -> &'static str {
    match (&answers.start, &answers.quorum) {
        (Start::Started { .. }, _) => "W: a fresh system is started for each",
        (Start::Running(_), QuorumAnswer::PerStart(_)) => "the W that the running nodes were started with",
        (Start::Running(_), _) => "W: the same running nodes for each",
    }
}

fn head(text: &mut String, answers: &Answers) {
    if answers.paths.is_none() {
        push(text, "preset = \"lab\"", "PUT and GET /kv/{key}, GET /debug/store, and the lab's variables");
    }
    let (quorum, how) = match answers.quorum {
        QuorumAnswer::PerStart(_) => ("quorum = \"per_start\"", "W is told when nodes start"),
        QuorumAnswer::ByRequest(_) => ("quorum = \"by_request\"", "W is told by a request to the leader"),
        QuorumAnswer::PerWrite => ("quorum = \"per_write\"", "W is told with each write"),
    };
    push(text, quorum, how);
    let (counts, told) = match answers.counts_leader {
        true => ("counts_leader = true", "the system is told W + 1"),
        false => ("counts_leader = false", "the system is told W itself"),
    };
    push(text, counts, told);
    let (delays, who) = match answers.delays {
        DelayAnswer::Own { .. } => ("delays = \"own\"", "the nodes delay copies themselves"),
        DelayAnswer::Proxies => ("delays = \"proxies\"", "labctl's proxies between the nodes delay copies"),
    };
    push(text, delays, who);
}

fn start(text: &mut String, name: &str, start: &Start) {
    let comment = match start {
        Start::Started { .. } => "How nodes start. A node is told where its followers are: {followers}.",
        Start::Running(_) => "Where the nodes run. labctl starts and stops none of them.",
    };
    let _ = write!(text, "\n# {comment}\n[system.{name}.start]\n");
    match start {
        Start::Started { command, compose } => {
            if let Some(command) = command {
                let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
                let _ = writeln!(text, "command = [{}]", words.join(", "));
            }
            if let Some(Compose { file, leader, followers, port }) = compose {
                let (file, leader, followers) = (quoted(file), quoted(leader), quoted(followers));
                let _ = writeln!(
                    text,
                    "compose = {{ file = {file}, leader = {leader}, followers = {followers}, port = {port} }}"
                );
            }
        }
        Start::Running(urls) => {
            let (leader, followers) =
                urls.split_first().map_or(("", &[][..]), |(leader, rest)| (leader.as_str(), rest));
            let followers: Vec<String> = followers.iter().map(|url| quoted(url)).collect();
            let _ = writeln!(text, "urls = {{ leader = {}, followers = [{}] }}", quoted(leader), followers.join(", "));
        }
    }
}

fn environment(text: &mut String, name: &str, answers: &Answers) {
    if matches!(answers.start, Start::Running(_)) {
        return;
    }
    let is_lab = answers.paths.is_none();
    let mut variables: Vec<(&str, &str)> = Vec::new();
    if !is_lab {
        variables.extend([("ROLE", "{role}"), ("FOLLOWERS", "{followers}"), ("PORT", "{port}")]);
    }
    if let QuorumAnswer::PerStart(variable) = &answers.quorum
        && !(is_lab && variable == LAB_QUORUM)
    {
        variables.push((variable, "{quorum}"));
    }
    if let DelayAnswer::Own { variables: (shortest, longest), unit } = &answers.delays
        && !(is_lab && *unit == DelayUnit::Ms && (shortest.as_str(), longest.as_str()) == LAB_DELAYS)
    {
        let (min, max) = match unit {
            DelayUnit::Ms => ("{min_delay_ms}", "{max_delay_ms}"),
            DelayUnit::S => ("{min_delay_s}", "{max_delay_s}"),
        };
        variables.extend([(shortest.as_str(), min), (longest.as_str(), max)]);
    }
    if variables.is_empty() {
        return;
    }
    let _ = write!(text, "\n# Variables of each node; {{role}} is leader or follower.\n[system.{name}.environment]\n");
    for (variable, value) in variables {
        let _ = writeln!(text, "{} = {}", key(variable), quoted(value));
    }
}

fn mapping(text: &mut String, name: &str, paths: &Paths) {
    let _ = write!(text, "\n# A write, to the leader.\n[system.{name}.write]\n{}", request_keys(&paths.write));
    let statuses: Vec<String> = paths.status.iter().map(ToString::to_string).collect();
    push(text, &format!("status = [{}]", statuses.join(", ")), "another from 400 on: failed; below 400: unknown");
    if let Some(ok) = &paths.ok {
        let _ = writeln!(text, "ok = {}", quoted(ok));
    }
    let _ = write!(text, "\n# A read, from any node; 404 or null: it does not have the key.\n[system.{name}.read]\n");
    let _ = writeln!(text, "{}value = {}", request_keys(&paths.read), quoted(&paths.value));
    let _ = write!(text, "\n# Everything that a node holds.\n[system.{name}.dump]\n");
    match &paths.dump {
        Some((dump, entries)) => {
            let _ = writeln!(text, "{}entries = {}", request_keys(dump), quoted(entries));
        }
        None => push(text, "by = \"reads\"", "it is read key by key"),
    }
}

/// The keys of a request.
fn request_keys(request: &RequestText) -> String {
    let json = request.json.as_ref().map(|json| format!("json = {}\n", inline(json))).unwrap_or_default();
    format!("request = {}\n{json}", quoted(&request.line))
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    // A literal text shows a filter as it is.
    match text.contains('"') && !text.contains('\'') && !text.contains(char::is_control) {
        true => format!("'{text}'"),
        false => toml::Value::String(text.to_owned()).to_string(),
    }
}

/// A key of TOML, in quotes if it needs them.
fn key(text: &str) -> String {
    let is_bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { text.to_owned() } else { toml::Value::String(text.to_owned()).to_string() }
}

/// JSON as a value of TOML in one line.
fn inline(json: &Value) -> String {
    match json {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => json.to_string(),
    }
}
