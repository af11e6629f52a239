//! Several data folders as systems side by side.

use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::Serialize;

use super::layout::Layout;
use crate::analysis::{ExperimentFigures, ExperimentRuns, SideBySide};
use crate::cli::{Compare, CompareFormat, Exit};
use crate::commands::output::{paths_as_text, say};
use crate::commands::saved::{self, Saved};
use crate::data::{DataError, RunData};
use crate::report::files;
use crate::report::side_by_side::{NamedSystems, Noted};

/// What `--format json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    /// The folders of `systems`, in their order.
    #[serde(serialize_with = "paths_as_text")]
    folders: Vec<PathBuf>,
    #[serde(flatten)]
    side_by_side: &'a SideBySide,
}

/// Compares the runs of all folders. Those behind delays and without faults are set side by side, or if there are none, all
/// of them; the others tell what these systems do without delays and what is lost with their leaders.
pub(super) fn run(args: &Compare, paths: &[&Path], all: &[Saved]) -> anyhow::Result<Exit> {
    let rounds: Vec<RunData> = all.iter().map(saved::rounds).collect::<Result<Vec<_>, DataError>>()?.concat();
    let figures: Vec<Option<ExperimentFigures>> =
        all.iter().map(|saved| ExperimentFigures::with_trials(&saved.runs, |_| None)).collect();
    let mut beside: Vec<_> = (paths.iter().zip(all).zip(&figures))
        .filter_map(|((path, saved), figures)| Some((*path, saved, figures.as_ref()?)))
        .collect();
    let is_system = |figures: &ExperimentFigures| {
        let config = &figures.config;
        config.network.has_delays(config.followers.get()) && config.faults.is_empty()
    };
    if beside.iter().any(|(_, _, figures)| is_system(figures)) {
        beside.retain(|(_, _, figures)| is_system(figures));
    }
    if beside.len() > MAX_SYSTEMS {
        bail!("{} folders are more than can be told apart: name at most {MAX_SYSTEMS} behind delays", beside.len());
    }
    let measured: Vec<ExperimentRuns<'_>> =
        beside.iter().map(|(_, saved, figures)| ExperimentRuns::new(&saved.runs, figures)).collect();
    let runs: Vec<&RunData> = all.iter().flat_map(|saved| &saved.runs).chain(&rounds).collect();
    let side_by_side = SideBySide::of(&measured, &runs);
    let letters = ('A'..).zip(&beside).map(|(letter, (_, _, figures))| format!("{letter} {}", figures.system_name()));
    let named = NamedSystems::new(&side_by_side, letters.collect());
    let folders: Vec<PathBuf> = beside.iter().map(|(path, ..)| path.to_path_buf()).collect();
    let render = |layout: &Layout| {
        let others = paths.iter().filter(|path| !folders.iter().any(|folder| folder == *path));
        render(layout, &named, &side_by_side, &folders, others.copied())
    };
    match args.format {
        CompareFormat::Text => say!("{}", render(&Layout::text()).trim_end()),
        CompareFormat::Markdown => say!("{}", render(&Layout::markdown()).trim_end()),
        CompareFormat::Json => {
            let printed = Printed { folders: folders.clone(), side_by_side: &side_by_side };
            say!("{}", serde_json::to_string_pretty(&printed)?);
        }
    }
    if let Some(file) = &args.figure {
        draw(&named, file)?;
    }
    all.iter().try_for_each(Saved::check_sound)?;
    Ok(Exit::Success)
}

/// As many letters as there are.
const MAX_SYSTEMS: usize = 26;

/// Draws latency against W into a PNG file.
fn draw(named: &NamedSystems<'_>, file: &Path) -> anyhow::Result<()> {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        bail!("--figure {}: must be the name of a file", file.display());
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let title = "Write latency of the systems against the write quorum";
    let png = named.figure(Some((title, "Solid: measured. Dashed: predicted of the network"))).png()?;
    Ok(files::write_all(folder, &[(name, &png)], &[])?)
}

fn render<'a>(
    layout: &Layout,
    named: &NamedSystems<'_>,
    of: &SideBySide,
    folders: &[PathBuf],
    others: impl Iterator<Item = &'a Path>,
) -> String {
    let (heading, item) = (layout.heading, layout.item);
    let mut text = format!("{heading}Systems side by side\n\n");
    for ((system, name), folder) in of.systems.iter().zip(named.names()).zip(folders) {
        let version = system.version.as_deref().unwrap_or("of unknown version");
        text += &format!("{item}{name} = {} ({version}, experiment {})\n", folder.display(), system.experiment);
    }
    let others: Vec<String> = others.map(|path| path.display().to_string()).collect();
    if !others.is_empty() {
        text +=
            &format!("\nFor what they do without delays, and for what is lost with a leader: {}\n", others.join(", "));
    }
    text += &format!("\n{heading}Conditions that differ\n\n");
    match named.conditions() {
        None => text += "None.\n",
        Some(table) => text += &layout.rendered(&table),
    }
    text += &layout.list(&named.differences());
    text += &section(layout, "What each costs, and what its nodes hold", &named.overview());
    text += &section(layout, "Latency", &named.latency());
    if let Some(throughput) = named.throughput() {
        text += &section(layout, "Writes a second without delays", &throughput);
    }
    text
}

fn section(layout: &Layout, name: &str, Noted { table, notes }: &Noted) -> String {
    let heading = layout.heading;
    format!("\n{heading}{name}\n\n{}\n\n{}{}", table.caption, layout.rendered(table), layout.list(notes))
}
