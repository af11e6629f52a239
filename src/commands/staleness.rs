//! `labctl staleness`.

use comfy_table::Table;
use serde::Serialize;

use super::output::say;
use super::saved::{self, Saved};
use super::tables;
use crate::analysis::{Chance, ReadStaleness, Reader, SeenAt, Staleness as Figures, Visibility, VisibleAfter};
use crate::cli::{Format, Paths, Staleness};
use crate::config::{ExperimentName, Reads};
use crate::exit::Exit;

/// One run as `--format json` prints it.
#[derive(Serialize)]
struct Told {
    experiment: ExperimentName,
    #[serde(flatten)]
    staleness: Figures,
}

/// Says how stale reads are that ask as many followers, and as late, as the arguments say or the
/// experiment does.
pub(super) fn staleness(paths: &Paths, args: &Staleness) -> anyhow::Result<Exit> {
    let mut all = saved::load(&paths.data, args.experiment.as_ref())?;
    let mut told = Vec::new();
    for saved in &mut all {
        let figures = figures(saved, args);
        if args.format == Format::Text {
            say!("experiment {} ({})", saved.name, saved.folder.path().display());
            say!("{}", table(&figures));
        }
        told.extend(figures.into_iter().map(|staleness| Told { experiment: saved.name.clone(), staleness }));
    }
    match args.format {
        Format::Text => say!("Measured from the traces, and in brackets predicted from the injected delays alone."),
        Format::Json => say!("{}", serde_json::to_string_pretty(&told)?),
    }
    all.iter().for_each(Saved::tell_left_out);
    all.iter().try_for_each(Saved::check_sound)?;
    all.iter().try_for_each(Saved::check_complete)?;
    Ok(Exit::Success)
}

fn figures(saved: &mut Saved, args: &Staleness) -> Vec<Figures> {
    let figures = |run: &mut crate::data::RunData| {
        let reads: &mut Reads = &mut run.manifest.config.reads;
        if !args.replicas.is_empty() {
            reads.replicas.clone_from(&args.replicas);
        }
        if !args.at_ms.is_empty() {
            reads.at_ms.clone_from(&args.at_ms);
        }
        Figures::of(run)
    };
    saved.runs.iter_mut().map(figures).collect()
}

/// A line a quorum and kind of read.
fn table(all: &[Figures]) -> Table {
    let times = all.first().and_then(|figures| figures.reads.first()).map_or_else(Vec::new, |read| read.at.clone());
    let times = times.iter().map(|at| format!("seen after\n{} ms", at.at_ms));
    let header = ["W", "R", "asked", "writes", "stale\nat ack", "99 % see it\nafter ms", "99.9 %\nafter ms"];
    let rows = all.iter().flat_map(|figures| figures.reads.iter().map(|read| row(figures, read)));
    tables::figures(tables::PLAIN, header.into_iter().map(str::to_owned).chain(times), rows)
}

fn row(figures: &Figures, read: &ReadStaleness) -> Vec<String> {
    let asked = match read.reader {
        Reader::Random => "R random",
        Reader::First => "all, first R",
    };
    let [measured, predicted] = [&read.measured, &read.predicted].map(Option::as_ref);
    let stale = |of: Option<&Visibility>| of.map(|of| of.stale_at_ack);
    let mut row = vec![
        figures.quorum.to_string(),
        read.replicas.to_string(),
        asked.to_owned(),
        figures.n.to_string(),
        beside(stale(measured), stale(predicted)),
        format!("{} ({})", after(measured, |of| of.p99), after(predicted, |of| of.p99)),
        format!("{} ({})", after(measured, |of| of.p999), after(predicted, |of| of.p999)),
    ];
    row.extend(read.at.iter().map(|SeenAt { measured, predicted, .. }| beside(*measured, *predicted)));
    row
}

fn beside(measured: Option<Chance>, predicted: Option<Chance>) -> String {
    let percent = |chance: Chance| format!("{:.1} %", chance.value * 100.0);
    let [measured, predicted] = [measured, predicted].map(|chance| chance.map_or_else(|| "-".to_owned(), percent));
    format!("{measured} ({predicted})")
}

fn after(of: Option<&Visibility>, p: fn(&Visibility) -> Option<VisibleAfter>) -> String {
    of.map_or_else(|| "-".to_owned(), |of| p(of).map_or_else(|| "never".to_owned(), |after| format!("{:.1}", after.ms)))
}
