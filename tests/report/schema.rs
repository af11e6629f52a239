//! `summary.json` is what `schema/summary.schema.json` says it is.

use labctl::config::{Experiment, Network};
use labctl::data::{GapFacts, GapKind, WriteOutcome};
use labctl::model::{Micros, NodeId, ReplicationOrder, TimeSpan};
use labctl::report;
use serde_json::{Map, Value};

use crate::sample;

/// What the schema says against a value: the keywords that it uses, and no others.
pub(crate) struct Schema {
    root: Value,
}

impl Schema {
    pub(crate) fn committed() -> Self {
        Self { root: serde_json::from_str(include_str!("../../schema/summary.schema.json")).unwrap() }
    }

    pub(crate) fn problems(&self, value: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        self.check(&self.root, value, "summary", &mut problems);
        problems
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        for (keyword, rule) in schema.as_object().unwrap() {
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.check(&self.root["$defs"][name], value, at, problems);
                    true
                }
                "anyOf" => self.fitting(rule, value).next().is_some(),
                "oneOf" => self.fitting(rule, value).count() == 1,
                "const" => value == rule,
                "enum" => rule.as_array().unwrap().contains(value),
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|name| is_type(value, name)),
                    name => is_type(value, name),
                },
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{i}]"), problems);
                    }
                    true
                }
                "required" => {
                    let names = rule.as_array().unwrap();
                    value
                        .as_object()
                        .is_none_or(|fields| names.iter().all(|n| fields.contains_key(n.as_str().unwrap())))
                }
                "properties" => {
                    self.check_fields(rule.as_object().unwrap(), value, at, problems);
                    true
                }
                "additionalProperties" => {
                    let known = &schema["properties"];
                    let further = value.as_object().into_iter().flatten().filter(|(name, _)| known.get(name).is_none());
                    match rule {
                        Value::Bool(allowed) => *allowed || further.count() == 0,
                        rule => {
                            further.for_each(|(name, one)| self.check(rule, one, &format!("{at}.{name}"), problems));
                            true
                        }
                    }
                }
                "uniqueItems" => {
                    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    let is_first = |(at, item): (usize, &Value)| !items[..at].contains(item);
                    *rule == Value::Bool(true) && items.iter().enumerate().all(is_first)
                }
                "unevaluatedProperties" => {
                    let choices = ["anyOf", "oneOf"].into_iter().filter_map(|keyword| schema.get(keyword));
                    let chosen: Vec<&Value> = choices.flat_map(|rule| self.fitting(rule, value)).collect();
                    let is_known = |name: &String| {
                        chosen.iter().copied().chain([schema]).any(|part| part["properties"].get(name).is_some())
                    };
                    *rule == Value::Bool(false) && value.as_object().is_none_or(|fields| fields.keys().all(is_known))
                }
                unknown => panic!("the schema uses `{unknown}`, which this test does not know"),
            };
            if !holds {
                problems.push(format!("{at}: {keyword} {rule} against {value:.60}"));
            }
        }
    }

    /// Those of some schemas that a value fits.
    fn fitting<'a>(&'a self, schemas: &'a Value, value: &'a Value) -> impl Iterator<Item = &'a Value> {
        schemas.as_array().unwrap().iter().filter(|option| {
            let mut inside = Vec::new();
            self.check(option, value, "", &mut inside);
            inside.is_empty()
        })
    }

    fn check_fields(&self, properties: &Map<String, Value>, value: &Value, at: &str, problems: &mut Vec<String>) {
        for (name, field) in value.as_object().into_iter().flatten() {
            if let Some(rule) = properties.get(name) {
                self.check(rule, field, &format!("{at}.{name}"), problems);
            }
        }
    }
}

fn is_type(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}

#[test]
fn every_kind_of_run_is_within_the_schema() {
    let schema = Schema::committed();
    for (name, config) in sample::unusual() {
        let runs = sample::runs("quorum", &config);
        let summary: Value = serde_json::from_str(&report::render(&runs, &[]).unwrap().json).unwrap();
        assert_eq!(schema.problems(&summary), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn faults_and_other_experiments_are_within_the_schema() {
    let mut runs = sample::runs("quorum", &Experiment::default());
    runs[0].settled.remove(&NodeId::Follower(2));
    runs[1].replication.clear();
    runs[1].arrivals.clear();
    runs[2].writes[4].latency_us = TimeSpan::new(5);
    runs[3].writes[0].outcome = WriteOutcome::Unknown;
    // A leader that waits for everyone.
    for run in &mut runs {
        run.writes.iter_mut().for_each(|row| row.latency_us = TimeSpan::new(833_000 + row.write.get() * 10));
    }
    let network = Network { order: ReplicationOrder::Version, ..Experiment::default().network };
    let versioned = sample::runs("versioned", &Experiment { network, ..Experiment::default() });
    let rendered = report::render(&runs, &[("versioned".parse().unwrap(), versioned)]).unwrap();
    let summary: Value = serde_json::from_str(&rendered.json).unwrap();
    assert_ne!(summary["diagnoses"], Value::Array(Vec::new()));
    assert_ne!(summary["experiments"], Value::Array(Vec::new()));
    assert_eq!(Schema::committed().problems(&summary), Vec::<String>::new());
}

#[test]
fn runs_with_faults_and_forecasts_are_within_the_schema() {
    let schema = Schema::committed();
    let config = Experiment { quorums: vec![1.try_into().unwrap()], ..Experiment::default() };
    let mut runs = sample::runs("quorum", &config);
    let forecasts = labctl::explore::forecast(&runs, &tokio_util::sync::CancellationToken::new()).unwrap();
    let extras = report::Extras { forecasts: &forecasts, ..report::Extras::default() };
    let summary: Value = serde_json::from_str(&report::render_with(&runs, &[], extras).unwrap().json).unwrap();
    assert_eq!(summary["forecasts"].as_array().map(Vec::len), Some(1));
    assert_eq!(schema.problems(&summary), Vec::<String>::new());
    crate::edge::with_faults(&mut runs);
    runs[0].faults[1].node = NodeId::Leader;
    runs[0].faults[0].node = NodeId::Leader;
    runs[0].manifest.absent_nodes = vec![NodeId::Follower(4)];
    runs[0].manifest.gaps =
        vec![GapFacts { start_us: Micros::new(-5), length_us: TimeSpan::new(200_000), kind: GapKind::Stalled }];
    runs[0].writes[40].outcome = WriteOutcome::Failed;
    let summary: Value = serde_json::from_str(&report::render(&runs, &[]).unwrap().json).unwrap();
    assert!(summary["runs"][0]["faults"]["leader_loss"].is_object());
    assert_eq!(schema.problems(&summary), Vec::<String>::new());
}

#[test]
fn a_run_whose_files_contradict_each_other_is_within_the_schema() {
    let runs = sample::runs("quorum", &Experiment { quorums: vec![1.try_into().unwrap()], ..Experiment::default() });
    let sound: Vec<_> = runs.iter().cloned().map(labctl::data::RunData::without_contradicted).collect();
    assert_eq!(sound[0].contradictions, []);
    let mut run = runs[0].clone();
    run.arrivals.swap(3, 4);
    let summary = report::render(&[run.without_contradicted()], &[]).unwrap().json;
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["runs"][0]["consistency"]["verdict"], "unknown");
    assert_eq!(summary["runs"][0]["summary"]["diverged"], Value::Null);
    assert_ne!(summary["runs"][0]["contradictions"], Value::Null);
    assert_eq!(Schema::committed().problems(&summary), Vec::<String>::new());
}

#[test]
fn the_check_sees_what_is_wrong() {
    let schema = Schema::committed();
    let runs = sample::runs("quorum", &Experiment { quorums: vec![1.try_into().unwrap()], ..Experiment::default() });
    let summary: Value = serde_json::from_str(&report::render(&runs, &[]).unwrap().json).unwrap();
    let spoil: [fn(&mut Value); 4] = [
        |summary| summary["answer"] = Value::from(3),
        |summary| summary["more"] = Value::Null,
        |summary| summary["runs"][0]["latency"]["ks"]["p_value"] = Value::from(1.5),
        |summary| drop(summary["runs"][0].as_object_mut().unwrap().remove("survival")),
    ];
    for spoil in spoil {
        let mut summary = summary.clone();
        spoil(&mut summary);
        assert_eq!(schema.problems(&summary).len(), 1);
    }
}
