//! The original lab's statements, tested.

use crate::analysis::{Claim, ClaimFinding as Verdict, Divergence, Evidence};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{ComparedExperiment, ComparedRun, Report};
use crate::report::number::{NONE, grouped, list, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "claims",
    heading: "The lab's claims",
    file: None,
    needs: &[],
    finding: Finding::None,
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, _: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let row = |claim: &Claim| {
        vec![
            claim.statement.to_owned(),
            verdict(claim.finding).to_owned(),
            outcome(&claim.evidence),
            claim.sentence.clone(),
        ]
    };
    let table = Table::new(
        "What the original lab concluded, tested on this experiment. A verdict needs more than the outcome of these runs: \
         a difference beyond chance, a mechanism that allows no other outcome, or a counterexample, measured or \
         simulated.",
    )
    .text(&["the lab said", "verdict", "in these runs", "because"])
    .rows(report.claims.iter().map(row));
    let guards = guards(&report.experiments).map(|table| Block::Table { table });
    Ok(std::iter::once(Block::Table { table }).chain(guards).collect())
}

/// What keeps followers from diverging in each experiment that has data, and what it costs; `None` if
/// there are no others, or none of them has anything that does.
fn guards(experiments: &[ComparedExperiment]) -> Option<Table> {
    let has_guard = |experiment: &ComparedExperiment| experiment.runs.iter().any(|run| run.mechanism.is_some());
    if !experiments.iter().any(has_guard) {
        return None;
    }
    let at = |run: &ComparedRun, value: String| format!("{value} at W = {}", run.quorum);
    let row = |experiment: &ComparedExperiment| {
        let kept: Vec<&ComparedRun> = experiment.runs.iter().filter(|run| run.mechanism.is_some()).collect();
        let guard = match (kept.as_slice(), kept.first().and_then(|run| run.mechanism)) {
            ([], _) | (_, None) if experiment.runs.iter().any(|run| run.diverged.is_some_and(|copies| copies > 0)) => {
                "nothing".to_owned()
            }
            ([], _) | (_, None) => "nothing known".to_owned(),
            (kept, Some(mechanism)) if kept.len() == experiment.runs.len() => mechanism.reason().to_owned(),
            (kept, Some(mechanism)) => {
                let quorums: Vec<String> = kept.iter().map(|run| run.quorum.to_string()).collect();
                format!("at W = {}: {}", list(&quorums), mechanism.reason())
            }
        };
        let ends = [experiment.runs.first(), experiment.runs.last().filter(|_| experiment.runs.len() > 1)];
        let cells = |cell: &dyn Fn(&ComparedRun) -> String| {
            ends.into_iter().flatten().map(|run| at(run, cell(run))).collect::<Vec<_>>().join(", ")
        };
        vec![
            experiment.name.to_string(),
            guard,
            cells(&|run| format!("{} of {}", maybe(run.diverged, grouped), grouped(run.pairs))),
            cells(&|run| maybe(run.mean_ms, |mean| format!("{} ms", ms(mean)))),
        ]
    };
    let table = Table::new(
        "What keeps followers at what the leader holds, in each experiment that has data: copies wrong for good in one run, \
         and what a write took on average. A run without anything that does may match by luck.",
    )
    .text(&["experiment", "what keeps them together", "copies wrong for good", "mean latency"]);
    Some(table.rows(experiments.iter().map(row)))
}

const fn verdict(finding: Verdict) -> &'static str {
    match finding {
        Verdict::Confirmed => "confirmed",
        Verdict::Refuted => "refuted",
        Verdict::NotTestable => "not testable here",
    }
}

/// Whether the statement held in the runs at hand. A guarantee is nothing that a run can hold.
fn outcome(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Steps { steps } if !steps.is_empty() => held(steps.iter().all(|step| step.rise.value_ms > 0.0)),
        Evidence::Tails { shapes } => match shapes.as_slice() {
            [low, high] => held(high.median_to_p95 > low.median_to_p95),
            _ => NONE.to_owned(),
        },
        Evidence::Divergence { runs } => of_runs(runs),
        Evidence::Steps { .. } | Evidence::Counterexamples { .. } => NONE.to_owned(),
    }
}

fn held(held: bool) -> String {
    if held { "held" } else { "did not hold" }.to_owned()
}

/// `held`, or where it did and did not, as in "held at W = 1, did not hold at W = 2".
fn of_runs(runs: &[Divergence]) -> String {
    let outcomes = [(Some(true), "held"), (Some(false), "did not hold"), (None, "not known")];
    let parts: Vec<(&str, Vec<String>)> = outcomes
        .into_iter()
        .map(|(is, name)| (name, runs.iter().filter(|run| run.held == is).map(|run| run.quorum.to_string()).collect()))
        .filter(|(_, quorums): &(_, Vec<String>)| !quorums.is_empty())
        .collect();
    match parts.as_slice() {
        [] => NONE.to_owned(),
        [(only, _)] => (*only).to_owned(),
        parts => {
            let parts: Vec<String> =
                parts.iter().map(|(name, quorums)| format!("{name} at W = {}", list(quorums))).collect();
            parts.join(", ")
        }
    }
}
