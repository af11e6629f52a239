//! Claims about consistency.

use super::{Claim, Counterexample, Divergence, Evidence, Finding, quorum_list};
use crate::analysis::consistency::{Cause, Verdict};
use crate::analysis::figures::{ExperimentFigures, RunFigures};
use crate::config::Order;

impl Divergence {
    fn of(run: &RunFigures) -> Self {
        let consistency = &run.consistency;
        Self {
            quorum: run.quorum(),
            verdict: consistency.verdict,
            pairs: consistency.settled.total.pairs(),
            diverged: consistency.settled.total.differing(),
            behind_at_last_ack: consistency.at_last_ack.total.differing(),
            chance_of_any: run.expected.as_ref().map(|expected| expected.chance_of_any),
        }
    }

    /// What speaks for chance where no pair differed; `None` where the model expects just that.
    fn luck(&self) -> Option<String> {
        let chance = self.chance_of_any.filter(|chance| *chance > 0.0)?;
        let percent = chance * 100.0;
        Some(format!(" The model expects some divergence at W = {} in {percent:.0} % of such runs.", self.quorum))
    }

    /// The run as in "37 of 50 at W = 1".
    fn phrase(&self) -> String {
        format!("{} of {} at W = {}", self.diverged, self.pairs, self.quorum)
    }
}

fn claim(statement: &'static str, finding: Finding, sentence: String, runs: Vec<Divergence>) -> Claim {
    Claim { statement, finding, sentence, evidence: Evidence::Divergence { runs } }
}

/// The quorums of runs with this verdict.
fn with_verdict(runs: &[Divergence], verdict: Verdict) -> Vec<u32> {
    runs.iter().filter(|run| run.verdict == verdict).map(|run| run.quorum).collect()
}

pub(super) fn inconsistent_below_n(experiment: &ExperimentFigures) -> Claim {
    let below = experiment.runs.iter().filter(|run| run.quorum() < experiment.followers());
    let runs: Vec<Divergence> = below.map(Divergence::of).collect();
    let consistent = with_verdict(&runs, Verdict::Consistent);
    let unknown = with_verdict(&runs, Verdict::Unknown);
    let (finding, sentence) = if runs.is_empty() {
        (Finding::NotTestable, "No W below N was run.".to_owned())
    } else if !consistent.is_empty() {
        let lagged = runs.iter().filter(|run| run.verdict == Verdict::Consistent && run.behind_at_last_ack > 0);
        let lagged: Vec<u32> = lagged.map(|run| run.quorum).collect();
        let lag = match lagged.as_slice() {
            [] => String::new(),
            some => format!(
                " At {} some pairs lagged when the last write was answered, and then caught up.",
                quorum_list(some)
            ),
        };
        let by_luck = runs.iter().filter(|run| run.verdict == Verdict::Consistent).filter_map(Divergence::luck);
        let luck: String = by_luck.collect();
        (Finding::Refuted, format!("At {} every pair matched in the end.{lag}{luck}", quorum_list(&consistent)))
    } else if !unknown.is_empty() {
        let text = format!("What became of the followers at {} is not known.", quorum_list(&unknown));
        (Finding::NotTestable, text)
    } else {
        let counts: Vec<String> = runs.iter().map(Divergence::phrase).collect();
        (Finding::Confirmed, format!("Pairs that differed for good: {}.", counts.join(", ")))
    };
    claim("Followers are inconsistent for W < N", finding, sentence, runs)
}

pub(super) fn consistent_at_n(experiment: &ExperimentFigures) -> Claim {
    let followers = experiment.followers();
    let runs: Vec<Divergence> = experiment.at(followers).map(Divergence::of).into_iter().collect();
    let (finding, sentence) = match runs.first() {
        None => (Finding::NotTestable, format!("W = {followers} was not run.")),
        Some(run) => {
            let expected = run.chance_of_any.map_or_else(String::new, |chance| {
                format!(" The model expects some divergence in {:.0} % of such runs.", chance * 100.0)
            });
            match run.verdict {
                Verdict::Unknown => {
                    (Finding::NotTestable, format!("What became of the followers at W = {followers} is not known."))
                }
                Verdict::Consistent => {
                    (Finding::Confirmed, format!("No pair of {} differed in the end.{expected}", run.pairs))
                }
                Verdict::Inconsistent => {
                    (Finding::Refuted, format!("Pairs that differed for good: {}.{expected}", run.phrase()))
                }
            }
        }
    };
    claim("Followers are consistent at W = N", finding, sentence, runs)
}

pub(super) fn guaranteed_only_at_n(experiment: &ExperimentFigures, others: &[ExperimentFigures]) -> Claim {
    let examples: Vec<Counterexample> = [experiment]
        .into_iter()
        .chain(others)
        .flat_map(|other| [diverged_at_n(other), consistent_below_n(other)])
        .flatten()
        .collect();
    let sentences: Vec<String> = examples.iter().map(describe).collect();
    let (finding, sentence) = if examples.is_empty() {
        (Finding::NotTestable, without_counterexample(experiment))
    } else {
        let diverged = examples.iter().any(|example| matches!(example, Counterexample::DivergedAtN { .. }));
        let at_n = experiment.at(experiment.followers()).map(Divergence::of).filter(|_| !diverged);
        let luck = at_n.and_then(|run| run.luck()).unwrap_or_default();
        (Finding::Refuted, format!("{}{luck}", sentences.join(" ")))
    };
    let statement = "Consistency is guaranteed only when W = N";
    Claim { statement, finding, sentence, evidence: Evidence::Counterexamples { examples } }
}

fn diverged_at_n(experiment: &ExperimentFigures) -> Option<Counterexample> {
    let run = experiment.at(experiment.followers()).filter(|run| run.consistency.verdict == Verdict::Inconsistent)?;
    let by_overtaking = |cause: Option<Cause>| matches!(cause, Some(Cause::Overtaken { .. }));
    let overtaken = run.consistency.settled.differing().filter(|cell| by_overtaking(cell.cause)).count() as u64;
    (overtaken > 0).then(|| Counterexample::DivergedAtN {
        experiment: experiment.name.clone(),
        pacing: experiment.config.workload.pacing,
        order: experiment.config.network.order,
        quorum: run.quorum(),
        overtaken,
    })
}

/// In arrival order a small W may end consistent by luck; that is no guarantee and no example.
fn consistent_below_n(experiment: &ExperimentFigures) -> Option<Counterexample> {
    let order = experiment.config.network.order;
    let below: Vec<&RunFigures> = experiment.runs.iter().filter(|run| run.quorum() < experiment.followers()).collect();
    let consistent = below.iter().all(|run| run.consistency.verdict == Verdict::Consistent);
    (order == Order::Version && consistent && !below.is_empty()).then(|| Counterexample::ConsistentBelowN {
        experiment: experiment.name.clone(),
        order,
        quorums: below.iter().map(|run| run.quorum()).collect(),
    })
}

fn describe(example: &Counterexample) -> String {
    match example {
        Counterexample::DivergedAtN { experiment, pacing, quorum, overtaken, .. } => {
            let pairs = if *overtaken == 1 { "one pair was".to_owned() } else { format!("{overtaken} pairs were") };
            format!(
                "W = N does not guarantee it: in `{experiment}` at W = {quorum}, with a {pacing} of concurrent writes, \
                 {pairs} overtaken by an older write."
            )
        }
        Counterexample::ConsistentBelowN { experiment, quorums, .. } => format!(
            "It does not take W = N: in `{experiment}`, whose followers compare versions, every pair matched at {}.",
            quorum_list(quorums)
        ),
    }
}

fn without_counterexample(experiment: &ExperimentFigures) -> String {
    let at_n = experiment.at(experiment.followers()).map(Divergence::of);
    let luck = at_n.and_then(|run| run.luck()).unwrap_or_default();
    format!(
        "No run shows the contrary, but a run cannot show a guarantee.{luck} `quorum` with another seed and `versioned` \
         may show it."
    )
}
