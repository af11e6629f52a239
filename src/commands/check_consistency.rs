//! `labctl check-consistency`.

use comfy_table::Table;
use serde::Serialize;

use super::output::{note, say};
use super::saved::{self, Saved};
use super::tables;
use crate::analysis::{Counts, RunConsistency, Survival, Verdict};
use crate::cli::Exit;
use crate::cli::{CheckConsistency, Format, Paths};
use crate::config::ExperimentName;
use crate::data::{Contradiction, RunData};
use crate::report::number::bounds;

/// One run as `--format json` prints it.
#[derive(Serialize)]
struct Checked {
    experiment: ExperimentName,
    /// Whether the experiment expects this run to be consistent.
    expected_consistent: bool,
    /// False if the run was expected to be consistent and is not.
    expectation_held: bool,
    #[serde(flatten)]
    consistency: RunConsistency,
    /// Acknowledged writes that are gone in the end.
    survival: Survival,
    /// Statements of the run's files that cannot all be true. If there are any, there is no verdict.
    contradictions: Vec<Contradiction>,
}

impl Checked {
    fn of(saved: &Saved) -> Vec<Self> {
        let check = |run: &RunData| {
            let consistency = RunConsistency::of(run);
            let expected = run.manifest.config.expect.consistent_at.contains(&run.manifest.quorum);
            Self {
                experiment: saved.name.clone(),
                expected_consistent: expected,
                expectation_held: !expected || consistency.verdict == Verdict::Consistent,
                consistency,
                survival: Survival::of(run),
                contradictions: run.contradictions.clone(),
            }
        };
        saved.all_runs().into_iter().map(check).collect()
    }
}

/// Compares every follower with its leader, and the verdicts with what the experiment expects.
pub(super) fn check_consistency(paths: &Paths, args: &CheckConsistency) -> anyhow::Result<Exit> {
    let all = saved::load(&paths.data, args.experiment.as_ref())?;
    let mut checked = Vec::new();
    for saved in &all {
        let runs = Checked::of(saved);
        if args.format == Format::Text {
            say!("experiment {} ({})", saved.name, saved.folder.path().display());
            say!("{}", table(&runs));
            runs.iter().for_each(|run| say!("{}", sentence(run)));
            say!("{LEGEND}");
        }
        checked.extend(runs);
    }
    if args.format == Format::Json {
        say!("{}", serde_json::to_string_pretty(&checked)?);
    }
    all.iter().for_each(Saved::tell_left_out);
    all.iter().try_for_each(Saved::check_sound)?;
    for run in checked.iter().filter(|run| !run.expectation_held) {
        note!("experiment {} expects W = {} to end consistent, and it did not", run.experiment, run.consistency.quorum);
    }
    if checked.iter().any(|run| !run.expectation_held) {
        return Ok(Exit::Expectation);
    }
    all.iter().try_for_each(Saved::check_complete)?;
    Ok(Exit::Success)
}

/// What the words of the table mean.
const LEGEND: &str = "A copy is one follower's value for one key. match: it holds the leader's value; stale: an older value; missing: none; \
                      foreign: a value that the leader never had. At last ack: when the last write was acknowledged; \
                      settled: after every message had arrived.";

/// Counts of copies by state, a line for each quorum and follower.
fn table(runs: &[Checked]) -> Table {
    let header = [
        "W",
        "follower",
        "at last ack:\nmatch",
        "\nstale",
        "\nmissing",
        "\nforeign",
        "settled:\nmatch",
        "\nstale",
        "\nmissing",
        "\nforeign",
    ];
    let rows = runs.iter().flat_map(|run| {
        let (at_last_ack, settled) = (&run.consistency.at_last_ack, &run.consistency.settled);
        at_last_ack.followers.iter().zip(&settled.followers).map(|(before, after)| {
            let names = [run.consistency.quorum.to_string(), before.follower.to_string()];
            names.into_iter().chain(counts(before.counts)).chain(counts(after.counts))
        })
    });
    tables::figures(tables::PLAIN, header, rows)
}

/// Four cells; dashes if the follower could not be dumped.
fn counts(counts: Option<Counts>) -> [String; 4] {
    counts.map_or_else(
        || std::array::from_fn(|_| "-".to_owned()),
        |counts| [counts.matching, counts.stale, counts.missing, counts.foreign].map(|count| count.to_string()),
    )
}

fn sentence(run: &Checked) -> String {
    let RunConsistency { quorum, at_last_ack, settled, verdict } = &run.consistency;
    if !run.contradictions.is_empty() {
        return format!("W={quorum}  unknown: the files of this run contradict each other");
    }
    let copies = settled.total.pairs();
    let verdict = match verdict {
        Verdict::Consistent => format!("consistent: all {copies} copies match in this run"),
        Verdict::Inconsistent => format!("inconsistent: {} of {copies} copies diverged", settled.total.differing()),
        Verdict::Unknown => "unknown: the run did not settle, or a node could not be dumped".to_owned(),
    };
    let behind = match at_last_ack.total.pairs() {
        0 => "what was up to date at the last acknowledgement is not known".to_owned(),
        _ => format!("{} were not up to date at the last acknowledgement", at_last_ack.total.differing()),
    };
    let expected = match (run.expected_consistent, run.expectation_held) {
        (false, _) => "",
        (true, true) => "; as expected",
        (true, false) => "; expected consistent",
    };
    let lost = run.survival.lost.filter(|lost| lost.upper > 0).map_or_else(String::new, |lost| {
        let acknowledged = run.survival.acknowledged;
        format!("; {} of {acknowledged} acknowledged writes are on no node any more", bounds(lost, |n| n.to_string()))
    });
    format!("W={quorum}  {verdict}; {behind}{lost}{expected}")
}
