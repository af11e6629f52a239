//! `labctl staleness`.

use anyhow::bail;
use comfy_table::Table;
use serde::Serialize;

use super::output::say;
use super::saved::{self, Saved};
use super::tables;
use crate::analysis::{Bounds, Need, ReadStaleness, Reader, SeenAt, StaleAtAck, Staleness as Figures, Withheld};
use crate::cli::Exit;
use crate::cli::{Format, Paths, Staleness};
use crate::config::{ExperimentName, Reads};
use crate::data::RunData;
use crate::model::ReadQuorum;
use crate::report::number::{bounds, share};
use crate::report::visible_after;

/// One run as `--format json` prints it.
#[derive(Serialize)]
struct Told {
    experiment: ExperimentName,
    #[serde(flatten)]
    staleness: RunStaleness,
}

/// What one run tells.
#[derive(Serialize)]
#[serde(untagged)]
enum RunStaleness {
    Figures(Box<Figures>),
    /// The measured system does not let it be known.
    Withheld {
        quorum: u32,
        withheld: String,
    },
}

impl RunStaleness {
    fn of(run: &RunData) -> Self {
        match Withheld::of(run, &[Need::Arrivals]) {
            Some(why) => Self::Withheld { quorum: run.manifest.quorum.get(), withheld: why.to_string() },
            None => Self::Figures(Box::new(Figures::of(run))),
        }
    }

    fn figures(&self) -> Option<&Figures> {
        match self {
            Self::Figures(figures) => Some(figures),
            Self::Withheld { .. } => None,
        }
    }
}

/// Says how stale reads would have been. The arguments, or else the experiment, say how many
/// followers a read asks, and how late.
pub(super) fn staleness(paths: &Paths, args: &Staleness) -> anyhow::Result<Exit> {
    let mut all = saved::load(&paths.data, args.experiment.as_ref())?;
    for saved in &all {
        check_replicas(saved, &args.replicas)?;
    }
    let (mut told, mut has_table) = (Vec::new(), false);
    // Before the runs are told: every run of an experiment is of one system.
    let is_outside = all.iter().flat_map(|saved| &saved.runs).any(|run| Withheld::of(run, &[Need::Trace]).is_some());
    for saved in &mut all {
        let figures = figures(saved, args);
        if args.format == Format::Text {
            say!("experiment {} ({})", saved.name, saved.folder.path().display());
            match figures.iter().find_map(|of| match of {
                RunStaleness::Withheld { withheld, .. } => Some(withheld),
                RunStaleness::Figures(_) => None,
            }) {
                // All runs of an experiment are of one system.
                Some(why) => say!("not known here: {why}"),
                None => {
                    say!("{}", table(&figures.iter().filter_map(RunStaleness::figures).collect::<Vec<_>>()));
                    has_table = true;
                }
            }
        }
        told.extend(figures.into_iter().map(|staleness| Told { experiment: saved.name.clone(), staleness }));
    }
    match args.format {
        Format::Text if !has_table => {}
        Format::Text => say!(
            "What reads would have seen, computed from {}. In brackets: predicted from the injected \
             delays alone. R: followers that a read asks. misses it at ack: when a write is acknowledged, none of them has got \
             it. older at ack: what they hold then is older than the write, or nothing, since an older write may have replaced it.",
            if is_outside {
                "the traces, or where a system keeps none from what its followers answered during the run (seen from outside)"
            } else {
                "the traces: no read was made"
            }
        ),
        Format::Json => say!("{}", serde_json::to_string_pretty(&told)?),
    }
    all.iter().for_each(Saved::tell_left_out);
    all.iter().try_for_each(Saved::check_sound)?;
    all.iter().try_for_each(Saved::check_complete)?;
    Ok(Exit::Success)
}

/// Refuses a read that is to ask more followers than a run has.
fn check_replicas(saved: &Saved, replicas: &[ReadQuorum]) -> anyhow::Result<()> {
    let followers = saved.runs.iter().map(|run| run.manifest.config.followers.get()).min();
    let above = |followers| replicas.iter().find(|asked| asked.get() > followers).map(|asked| (asked, followers));
    if let Some((asked, followers)) = followers.and_then(above) {
        bail!("--replicas {asked}: a read can ask at most the {followers} followers of {}", saved.name);
    }
    Ok(())
}

fn figures(saved: &mut Saved, args: &Staleness) -> Vec<RunStaleness> {
    let figures = |run: &mut RunData| {
        let reads: &mut Reads = &mut run.manifest.config.reads;
        if !args.replicas.is_empty() {
            reads.replicas.clone_from(&args.replicas);
        }
        if !args.at_ms.is_empty() {
            reads.at_ms.clone_from(&args.at_ms);
        }
        RunStaleness::of(run)
    };
    saved.runs.iter_mut().map(figures).collect()
}

/// A line for each quorum and kind of read.
fn table(all: &[&Figures]) -> Table {
    let times = all.first().and_then(|figures| figures.reads.first()).map_or_else(Vec::new, |read| read.at.clone());
    let times = times.iter().map(|at| format!("seen after\n{} ms", at.at_ms));
    let header = [
        "W",
        "R",
        "asked",
        "writes",
        "misses it\nat ack",
        "older\nat ack",
        "99 % see it\nafter ms",
        "99.9 %\nafter ms",
    ];
    let rows = all.iter().flat_map(|figures| figures.reads.iter().map(|read| row(figures, read)));
    tables::figures(tables::PLAIN, header.into_iter().map(str::to_owned).chain(times), rows)
}

fn row(figures: &Figures, read: &ReadStaleness) -> Vec<String> {
    let asked = match read.reader {
        Reader::Random => "R random",
        Reader::First => "all, first R",
    };
    let at_ack = figures.at_ack.iter().find(|at| at.replicas == read.replicas && read.reader == Reader::Random);
    let older = at_ack.and_then(|at: &StaleAtAck| at.returns_older);
    let (traced, latest) = (read.from_trace.as_ref(), read.at_latest.as_ref());
    let missed = traced
        .map(|traced| Bounds { lower: traced.stale_at_ack.value, upper: latest.unwrap_or(traced).stale_at_ack.value });
    let predicted = read.predicted.as_ref();
    let mut row = vec![
        figures.quorum.to_string(),
        read.replicas.to_string(),
        asked.to_owned(),
        figures.n.to_string(),
        beside(missed, predicted.map(|of| of.stale_at_ack.value)),
        older.map_or_else(|| "-".to_owned(), |older| bounds(older, share)),
        format!("{} ({})", visible_after(traced, latest, |of| of.p99), visible_after(predicted, None, |of| of.p99)),
        format!("{} ({})", visible_after(traced, latest, |of| of.p999), visible_after(predicted, None, |of| of.p999)),
    ];
    row.extend(read.at.iter().map(|SeenAt { from_trace, at_latest, predicted, .. }| {
        let latest = at_latest.or(*from_trace);
        let seen = from_trace.zip(latest).map(|(from, latest)| Bounds { lower: latest.value, upper: from.value });
        beside(seen, predicted.map(|chance| chance.value))
    }));
    row
}

fn beside(from_trace: Option<Bounds<f64>>, predicted: Option<f64>) -> String {
    let from_trace = from_trace.map_or_else(|| "-".to_owned(), |chance| bounds(chance, share));
    format!("{from_trace} ({})", predicted.map_or_else(|| "-".to_owned(), share))
}
