//! What the report says at the head of its page: conditions, answer, method, warnings.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Document;
use super::error::ReportError;
use super::figures::Figures;
use super::labels;
use super::method::method;
use super::model::{Report, RunReport};
use super::number::{count, grouped, list};
use super::system::system;
use super::topic::{Finding, Topic};
use super::topics::TOPICS;
use super::warnings::warnings;
use crate::config::Pacing;
use crate::model::{CatchUp, SystemName};

/// What the report says in words, in `summary.json` and on its page.
#[derive(Debug)]
pub(super) struct Headline {
    /// What came out, a finding an item.
    pub(super) answer: Vec<String>,
    /// What the intervals and times mean, in one paragraph.
    pub(super) method: String,
    /// What a reader must know before believing the rest.
    pub(super) warnings: Vec<String>,
    /// What each topic shows, by its name.
    pub(super) findings: BTreeMap<&'static str, Option<String>>,
}

impl Headline {
    /// Of a report. `notes` are further warnings, without a full stop.
    pub(super) fn of(report: &Report, notes: &[String]) -> Self {
        let notes = notes.iter().map(|note| format!("{note}."));
        let has_finding = |topic: &&Topic| !matches!(topic.finding, Finding::None);
        Self {
            answer: TOPICS.iter().filter_map(|topic| topic.answer(report)).collect(),
            method: method(&report.runs),
            warnings: notes.chain(warnings(report)).collect(),
            findings: TOPICS.iter().filter(has_finding).map(|topic| (topic.id, topic.finding(report))).collect(),
        }
    }

    /// The whole document, and its figures.
    pub(super) fn document(&self, report: &Report, figures: &mut Figures) -> Result<Document, ReportError> {
        let sections: Vec<_> = TOPICS.iter().map(|topic| topic.section(report, figures)).collect::<Result<_, _>>()?;
        Ok(Document {
            title: "What does a write quorum buy, and what does it cost?".to_owned(),
            subtitle: subtitle(report),
            system: system(&report.runs),
            answer: self.answer.clone(),
            method: self.method.clone(),
            warnings: self.warnings.clone(),
            sections: sections.into_iter().flatten().collect(),
        })
    }
}

/// The conditions, in one line.
fn subtitle(report: &Report) -> String {
    let Some(run) = report.runs.first() else {
        return String::new();
    };
    let (manifest, config) = (&run.manifest, &run.manifest.config);
    let workload = &config.workload;
    let run_on = match &manifest.started {
        Some(started) => {
            let date = started.split('T').next().unwrap_or_default();
            format!("Run on {date}, backend {}", manifest.backend.name)
        }
        None => "Simulated in virtual time".to_owned(),
    };
    let delay = if run.has_delays() {
        format!("injected delay {}", config.network.delays_in_words(config.followers))
    } else {
        "no injected delay".to_owned()
    };
    // These are settings of the lab's node.
    let order = (manifest.system_name() == SystemName::LABNODE).then(|| {
        let catch_up = match config.network.catch_up {
            CatchUp::Off => "",
            CatchUp::Snapshot => ", and one that answers again is brought up to date",
        };
        format!("; followers apply in {} order{catch_up}", config.network.order)
    });
    format!(
        "Experiment {}: one leader, {}; {} a quorum over {}, {}; {delay}{}.{} {run_on}.",
        report.experiment,
        followers(&report.runs),
        count(u64::from(workload.writes.get()), "write"),
        labels::keys(workload),
        match workload.pacing {
            Pacing::Open =>
                format!("at {} a second (open loop)", grouped(workload.rate_per_s.map_or(0, |rate| rate.get().into()))),
            closed => format!("{} at a time ({closed} pacing)", grouped(u64::from(workload.concurrency.get()))),
        },
        order.unwrap_or_default(),
        planned(&report.runs),
    )
}

/// How many followers there are, or how many the quorums of a majority take.
fn followers(runs: &[RunReport]) -> String {
    let numbers: BTreeSet<u32> = runs.iter().map(RunReport::followers).collect();
    match (numbers.first(), numbers.last()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most} followers (2 W at each W)"),
        (Some(number), _) => count(u64::from(*number), "follower"),
        (None, _) => String::new(),
    }
}

/// The faults that the configuration plans, and whether none came up; nothing without any.
fn planned(runs: &[RunReport]) -> String {
    let faults = runs.first().map(|run| run.manifest.config.faults.as_slice()).unwrap_or_default();
    if faults.is_empty() {
        return String::new();
    }
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let none = if runs.iter().all(|run| run.faults.is_none()) { "; none came up before the load was over" } else { "" };
    format!(" Planned faults: {}{none}.", list(&faults))
}
