//! Claims about consistency. They rest on a mechanism or a counterexample, never on one run
//! that matched.

use super::claim::{Claim, ClaimFinding, Counterexample, Divergence, Evidence, quorum_list};
use crate::analysis::consistency::{Cause, Mechanism, Verdict};
use crate::analysis::figures::ExperimentFigures;
use crate::analysis::run_figures::RunFigures;
use crate::analysis::theory::Prediction;
use crate::config::ExperimentName;
use crate::model::{LinkOrder, Quorum};

impl Divergence {
    /// Of a run that the claim expects to end like this.
    fn of(run: &RunFigures, expected: Verdict) -> Self {
        let settled = &run.consistency.settled;
        let verdict = run.consistency.verdict;
        let caused =
            |is: fn(Cause) -> bool| settled.differing().filter(|cell| cell.cause.is_some_and(is)).count() as u64;
        Self {
            quorum: run.quorum(),
            verdict,
            held: (verdict != Verdict::Unknown).then_some(verdict == expected),
            pairs: settled.total.pairs(),
            diverged: settled.total.differing(),
            overtaken: caused(|cause| matches!(cause, Cause::Overtaken { .. })),
            lost: caused(|cause| matches!(cause, Cause::Lost { .. } | Cause::Erased { .. })),
            behind_at_last_ack: run.consistency.at_last_ack.total.differing(),
            replaced: run.replaced,
            mechanism: run.mechanism,
            chance_of_any: run.expected.as_ref().map(|expected| expected.chance_of_any),
            trials: run.expected.as_ref().map(|expected| expected.trials),
        }
    }

    /// Whether this run, or a simulated one, shows that a follower may lack what W
    /// acknowledgements stood for.
    fn may_differ(&self) -> bool {
        let is_simulated = self.mechanism.is_none() && self.chance_of_any.is_some_and(|chance| chance > 0.0);
        self.verdict == Verdict::Inconsistent || self.replaced.is_some_and(|replaced| replaced > 0) || is_simulated
    }

    /// Why no pair may differ, where a run that matched bears it out.
    fn guarantee(&self) -> Option<Mechanism> {
        self.mechanism.filter(|_| self.verdict == Verdict::Consistent && !self.may_differ())
    }

    /// How the run ended, as in "2 of 50 copies differed in the end (in 2 an older write arrived last)".
    fn end(&self) -> String {
        match (self.diverged, self.pairs) {
            (0, 1) => return "the one copy matched in the end".to_owned(),
            (0, pairs) => return format!("all {pairs} copies matched in the end"),
            _ => {}
        }
        let unexplained = self.diverged.saturating_sub(self.overtaken + self.lost);
        let causes: Vec<String> = [
            (self.overtaken, "an older write arrived last"),
            (self.lost, "the newest write was lost"),
            (unexplained, "no trace says why"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, why)| format!("in {number} {why}"))
        .collect();
        let which = match self.pairs {
            1 => "the one copy".to_owned(),
            pairs => format!("{} of {pairs} copies", self.diverged),
        };
        format!("{which} differed in the end ({})", causes.join(", "))
    }

    /// What shows that a run that matched need not have, as a clause; empty if nothing does.
    fn against(&self) -> String {
        let replaced = match self.replaced {
            None | Some(0) => None,
            Some(1) => Some("an older write replaced one acknowledged write on some follower for a while".to_owned()),
            Some(many) => {
                Some(format!("older writes replaced {many} acknowledged writes on some follower for a while"))
            }
        };
        let share = self.share().map(|share| format!("some copy differs in {share} of simulated runs"));
        replaced.into_iter().chain(share).collect::<Vec<_>>().join(", and ")
    }

    /// The share of simulated runs in which some copy differs; `None` if none does.
    fn share(&self) -> Option<String> {
        let chance = self.chance_of_any.filter(|chance| *chance > 0.0)?;
        Some(match chance * 100.0 {
            percent if percent < 0.5 => "fewer than 1 %".to_owned(),
            percent if percent > 99.5 && percent < 100.0 => "more than 99 %".to_owned(),
            percent => format!("{percent:.0} %"),
        })
    }
}

fn claim(statement: &'static str, finding: ClaimFinding, sentence: String, runs: Vec<Divergence>) -> Claim {
    Claim { statement, finding, sentence, evidence: Evidence::Divergence { runs } }
}

/// The quorums of these runs.
fn quorums<'a>(runs: impl IntoIterator<Item = &'a Divergence>) -> Vec<u32> {
    runs.into_iter().map(|run| run.quorum).collect()
}

fn below_n(experiment: &ExperimentFigures) -> Vec<Divergence> {
    let below = experiment.runs.iter().filter(|run| run.quorum() < experiment.followers());
    below.map(|run| Divergence::of(run, Verdict::Inconsistent)).collect()
}

fn at_n(experiment: &ExperimentFigures) -> Option<Divergence> {
    experiment.at(experiment.followers()).map(|run| Divergence::of(run, Verdict::Consistent))
}

pub(super) fn inconsistent_below_n(experiment: &ExperimentFigures) -> Claim {
    let runs = below_n(experiment);
    let (finding, sentence) = judge_below_n(&runs);
    claim("Followers are inconsistent for W < N: nothing keeps them at what the leader holds", finding, sentence, runs)
}

fn judge_below_n(runs: &[Divergence]) -> (ClaimFinding, String) {
    if runs.is_empty() {
        return (ClaimFinding::NotTestable, "No W below N was run.".to_owned());
    }
    if let Some(mechanism) = runs.iter().find_map(Divergence::guarantee) {
        let kept: Vec<&Divergence> = runs.iter().filter(|run| run.guarantee().is_some()).collect();
        let lagged = quorums(kept.iter().copied().filter(|run| run.behind_at_last_ack > 0));
        let lag = if lagged.is_empty() {
            String::new()
        } else {
            format!(
                " At {} some copies lagged when the last write was answered, and then caught up.",
                quorum_list(&lagged)
            )
        };
        let text = format!(
            "At {} every copy matched in the end, as it must once every message has arrived: {}.{lag}",
            quorum_list(&quorums(kept)),
            mechanism.reason()
        );
        return (ClaimFinding::Refuted, text);
    }
    let unknown = quorums(runs.iter().filter(|run| run.verdict == Verdict::Unknown));
    if !unknown.is_empty() {
        let text = format!("What became of the followers at {} is not known.", quorum_list(&unknown));
        return (ClaimFinding::NotTestable, text);
    }
    let unproven = quorums(runs.iter().filter(|run| !run.may_differ()));
    if !unproven.is_empty() {
        let text =
            format!("At {} every copy matched in the end, which one run may do by chance.", quorum_list(&unproven));
        return (ClaimFinding::NotTestable, text);
    }
    let counts: Vec<String> =
        runs.iter().map(|run| format!("{} of {} at W = {}", run.diverged, run.pairs, run.quorum)).collect();
    let lucky = runs.iter().filter(|run| run.verdict == Verdict::Consistent);
    let lucky: String =
        lucky.map(|run| format!(" At W = {} they need not have matched: {}.", run.quorum, run.against())).collect();
    (ClaimFinding::Confirmed, format!("Copies that differed in the end: {}.{lucky}", counts.join(", ")))
}

pub(super) fn consistent_at_n(experiment: &ExperimentFigures) -> Claim {
    let run = at_n(experiment);
    let (finding, sentence) = match &run {
        None => (ClaimFinding::NotTestable, format!("W = {} was not run.", experiment.followers())),
        Some(run) => judge_at_n(run),
    };
    let statement = "Followers are consistent at W = N: something keeps them at what the leader holds";
    claim(statement, finding, sentence, run.into_iter().collect())
}

fn judge_at_n(run: &Divergence) -> (ClaimFinding, String) {
    let end = run.end();
    if run.verdict == Verdict::Unknown {
        return (
            ClaimFinding::NotTestable,
            format!("What became of the followers at W = {} is not known.", run.quorum),
        );
    }
    if run.verdict == Verdict::Inconsistent {
        let simulated =
            run.share().map_or_else(String::new, |share| format!(" Some copy does in {share} of simulated runs."));
        return (ClaimFinding::Refuted, format!("In this run it did not hold: {end}.{simulated}"));
    }
    if run.may_differ() {
        return (ClaimFinding::Refuted, format!("In this run it held: {end}. It need not have: {}.", run.against()));
    }
    match run.guarantee() {
        Some(mechanism) => {
            let reason = mechanism.reason();
            (
                ClaimFinding::Confirmed,
                format!("In this run it held, as it must once every message has arrived: {end}, since {reason}."),
            )
        }
        None => (
            ClaimFinding::NotTestable,
            format!("In this run it held: {end}. One run that matched does not show that all do."),
        ),
    }
}

pub(super) fn guaranteed_only_at_n(experiment: &ExperimentFigures, others: &[ExperimentFigures]) -> Claim {
    let examples: Vec<Counterexample> = [experiment]
        .into_iter()
        .chain(others)
        .flat_map(|other| [diverged_at_n(other), consistent_below_n(other)])
        .flatten()
        .collect();
    let (finding, sentence) = if examples.is_empty() {
        (ClaimFinding::NotTestable, without_counterexample(experiment))
    } else {
        (ClaimFinding::Refuted, describe_all(&examples))
    };
    let statement = "Consistency is guaranteed only when W = N";
    Claim { statement, finding, sentence, evidence: Evidence::Counterexamples { examples } }
}

fn diverged_at_n(experiment: &ExperimentFigures) -> Option<Counterexample> {
    let run = at_n(experiment).filter(|run| judge_at_n(run).0 == ClaimFinding::Refuted)?;
    Some(Counterexample::DivergedAtN {
        experiment: experiment.name.clone(),
        pacing: experiment.config.workload.pacing,
        order: experiment.config.network.order,
        run,
    })
}

fn consistent_below_n(experiment: &ExperimentFigures) -> Option<Counterexample> {
    let runs = below_n(experiment);
    let mechanism = runs.iter().find_map(Divergence::guarantee)?;
    Some(Counterexample::ConsistentBelowN {
        experiment: experiment.name.clone(),
        order: experiment.config.network.order,
        mechanism,
        quorums: quorums(runs.iter().filter(|run| run.guarantee().is_some())),
    })
}

/// The first example of each kind in full, this experiment's where it gives one; the others by name.
fn describe_all(examples: &[Counterexample]) -> String {
    let is_at_n = |example: &&Counterexample| matches!(example, Counterexample::DivergedAtN { .. });
    let (at_n, below_n): (Vec<_>, Vec<_>) = examples.iter().partition(is_at_n);
    let of_kind = |kind: Vec<&Counterexample>| {
        let (first, more) = kind.split_first()?;
        let names: Vec<String> = more.iter().map(|example| format!("`{}`", example.experiment())).collect();
        let more = if names.is_empty() { String::new() } else { format!(" Likewise in {}.", names.join(", ")) };
        Some(format!("{}{more}", describe(first)))
    };
    [of_kind(at_n), of_kind(below_n)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

impl Counterexample {
    fn experiment(&self) -> &ExperimentName {
        match self {
            Self::DivergedAtN { experiment, .. } | Self::ConsistentBelowN { experiment, .. } => experiment,
        }
    }
}

fn describe(example: &Counterexample) -> String {
    match example {
        Counterexample::DivergedAtN { experiment, run, .. } => {
            let but = match (run.verdict, run.against()) {
                (Verdict::Consistent, against) => format!(", but need not have: {against}"),
                _ => String::new(),
            };
            format!("W = N does not guarantee it: in `{experiment}` at W = {}, {}{but}.", run.quorum, run.end())
        }
        Counterexample::ConsistentBelowN { experiment, mechanism, quorums, .. } => format!(
            "It does not take W = N: in `{experiment}` even W = {} is enough, since {}.",
            quorums.iter().min().copied().unwrap_or_default(),
            mechanism.reason()
        ),
    }
}

fn without_counterexample(experiment: &ExperimentFigures) -> String {
    let here = at_n(experiment).and_then(|run| run.guarantee()).map_or_else(String::new, |mechanism| {
        format!(" Here W = {} is enough, since {}.", experiment.followers(), mechanism.reason())
    });
    format!(
        "Nothing here shows the contrary, but no run shows a guarantee under other conditions.{here} The experiments \
         `quorum` and `versioned` put it to the test."
    )
}

/// What ordered links buy and cost; `None` of an experiment whose links are independent.
pub(super) fn never_diverge(experiment: &ExperimentFigures) -> Option<Claim> {
    if experiment.config.link_order() == LinkOrder::Independent {
        return None;
    }
    let runs: Vec<Divergence> = experiment.runs.iter().map(|run| Divergence::of(run, Verdict::Consistent)).collect();
    let (finding, sentence) = judge_ordered(&runs);
    let sentence = format!("{sentence}{}", cost_of_order(experiment));
    let statement = "Over ordered links no follower diverges, at any W, unless a message is lost; \
                     writes pay for it by waiting behind late ones";
    Some(Claim { statement, finding, sentence, evidence: Evidence::Divergence { runs } })
}

fn judge_ordered(runs: &[Divergence]) -> (ClaimFinding, String) {
    let has_whole_links = |run: &&Divergence| run.mechanism == Some(Mechanism::OrderedLinks);
    if let Some(run) = runs.iter().filter(has_whole_links).find(|run| run.verdict == Verdict::Inconsistent) {
        let text = format!("At W = {} every message arrived, and yet {}.", run.quorum, run.end());
        return (ClaimFinding::Refuted, text);
    }
    let is_kept = |run: &&Divergence| run.guarantee() == Some(Mechanism::OrderedLinks);
    let kept = quorums(runs.iter().filter(is_kept));
    let others = quorums(runs.iter().filter(|run| !is_kept(run)));
    if kept.is_empty() {
        return (ClaimFinding::NotTestable, "In no run is it known that every message arrived.".to_owned());
    }
    let reason = Mechanism::OrderedLinks.reason();
    let held = format!("At {} every copy matched in the end, as it must: {reason}.", quorum_list(&kept));
    if others.is_empty() {
        return (ClaimFinding::Confirmed, held);
    }
    let rest = quorum_list(&others);
    (
        ClaimFinding::NotTestable,
        format!("{held} At {rest} it is not known that every message arrived, or versions decide."),
    )
}

/// What a write takes by theory at the lowest and the highest W, and would take over independent links,
/// as a sentence that follows another.
fn cost_of_order(experiment: &ExperimentFigures) -> String {
    let mut independent = experiment.config.clone();
    independent.network.link = Some(LinkOrder::Independent);
    let compare = |run: &RunFigures| {
        let quorum = Quorum::try_from(i64::from(run.quorum())).ok()?;
        let alone = Prediction::new(&independent, quorum).ok()?.mean_ms();
        Some((quorum, run.latency.predicted?.mean_ms, alone))
    };
    let compared: Vec<_> = experiment.runs.iter().filter(|run| run.quorum() > 0).filter_map(compare).collect();
    if !compared.is_empty() && compared.iter().all(|(_, ordered, alone)| ordered == alone) {
        return " By theory the order costs nothing here: no link's delay changes.".to_owned();
    }
    let ends = compared.first().into_iter().chain(compared.last().filter(|_| compared.len() > 1));
    let ends: Vec<String> = ends
        .map(|(quorum, ordered, alone)| format!("{ordered:.1} ms instead of {alone:.1} ms at W = {quorum}"))
        .collect();
    if ends.is_empty() {
        return String::new();
    }
    let ends = ends.join(" and ");
    format!(" By theory a write takes {ends} on average: what is late holds up what is behind it.")
}
