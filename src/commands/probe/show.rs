//! How a probe is shown.

use serde::Serialize;

use super::ask::Probed;
use crate::commands::output::say;
use crate::config::{Experiment, ExperimentName};
use crate::model::{Quorum, TimeSpan};
use crate::system::{Explained, Rule};

/// Prints every request and what came of it, and what is wrong.
pub(super) fn text(probed: &Probed) {
    for (what, step) in &probed.steps {
        lines(what, step).iter().for_each(|line| say!("{line}"));
    }
    match probed.problems.as_slice() {
        [] => say!("every answer is as the mapping says: labctl can measure this system"),
        problems => problems.iter().for_each(|problem| say!("problem: {problem}")),
    }
}

/// One request in lines.
fn lines(what: &str, step: &Explained) -> Vec<String> {
    let mut lines = vec![format!("{}: {what}", step.node)];
    lines.push(format!("  > {}", step.request));
    lines.extend(step.headers.iter().map(|(name, value)| format!("  > {name}: {value}")));
    lines.extend(step.body.iter().map(|body| format!("  > {body}")));
    if let Some(status) = step.status {
        let (bytes, ms) = (step.answer_bytes, step.latency_us.as_ms());
        lines.push(format!("  < {status} {}  ({bytes} bytes, {ms:.1} ms)", step.answer));
    }
    let width = step.rules.iter().map(|rule| rule.key.len()).max().unwrap_or_default();
    for rule in &step.rules {
        let (verdict, gave) = match &rule.gave {
            Ok(gave) => ("matched", gave),
            Err(why) => ("failed", why),
        };
        let place = rule.place.as_ref().map(|place| format!("  ({place})")).unwrap_or_default();
        lines.push(format!("  {verdict:<7}  {:<width$}  {} -> {gave}{place}", rule.key, rule.written));
    }
    match &step.result {
        Ok(result) => lines.push(format!("  = {result}")),
        // The rule says why.
        Err(_) if step.rules.iter().any(|rule| rule.gave.is_err()) => lines.push("  = not usable".to_owned()),
        Err(reason) => lines.push(format!("  = not usable: {reason}")),
    }
    lines
}

/// A probe for programs.
#[derive(Serialize)]
struct Document<'a> {
    experiment: &'a ExperimentName,
    system: &'a str,
    backend: &'a str,
    quorum: Quorum,
    steps: Vec<StepDocument<'a>>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct StepDocument<'a> {
    step: &'a str,
    node: String,
    request: &'a str,
    headers: Vec<[&'a str; 2]>,
    body: Option<&'a str>,
    status: Option<u16>,
    answer: &'a str,
    answer_bytes: usize,
    latency_us: TimeSpan,
    rules: Vec<RuleDocument<'a>>,
    ok: bool,
    result: &'a str,
}

#[derive(Serialize)]
struct RuleDocument<'a> {
    key: &'a str,
    written: &'a str,
    /// `FILE:LINE:COLUMN`; null if the file does not say it.
    place: Option<&'a str>,
    matched: bool,
    gave: &'a str,
}

/// The probe as JSON.
pub(super) fn json(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    backend: &str,
    probed: &Probed,
) -> serde_json::Result<String> {
    let (system, problems) = (experiment.system.name.as_str(), probed.problems.as_slice());
    let steps = probed.steps.iter().map(|(what, step)| document(what, step)).collect();
    serde_json::to_string_pretty(&Document { experiment: name, system, backend, quorum, steps, problems })
}

fn document<'a>(what: &'a str, step: &'a Explained) -> StepDocument<'a> {
    let rule = |rule: &'a Rule| {
        let (matched, gave) = told(&rule.gave);
        RuleDocument { key: rule.key, written: &rule.written, place: rule.place.as_deref(), matched, gave }
    };
    let (ok, result) = told(&step.result);
    StepDocument {
        step: what,
        node: step.node.to_string(),
        request: &step.request,
        headers: step.headers.iter().map(|(name, value)| [name.as_str(), value.as_str()]).collect(),
        body: step.body.as_deref(),
        status: step.status,
        answer: &step.answer,
        answer_bytes: step.answer_bytes,
        latency_us: step.latency_us,
        rules: step.rules.iter().map(rule).collect(),
        ok,
        result,
    }
}

fn told(result: &Result<String, String>) -> (bool, &str) {
    match result {
        Ok(text) => (true, text),
        Err(text) => (false, text),
    }
}
