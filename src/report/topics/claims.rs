//! The original lab's statements, tested.

use crate::analysis::{Claim, ClaimFinding as Verdict, Divergence, Evidence};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::number::{NONE, list};
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
    Ok(vec![Block::Table { table }])
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
