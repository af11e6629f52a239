//! How to get these numbers again.

use crate::data::{HostFacts, Manifest};
use crate::report::document::{Block, Section, Table};
use crate::report::model::Report;

pub(super) fn section(report: &Report) -> Section {
    let mut blocks = Vec::new();
    if let Some(run) = report.runs.first() {
        let manifest = &run.manifest;
        blocks.push(Block::Commands { text: commands(manifest) });
        let table = Table::new("Conditions, from the first run's manifest.")
            .text(&["what", "value"])
            .rows(conditions(manifest).into_iter().map(|(name, value)| vec![name.to_owned(), value]));
        blocks.push(Block::Table { table });
    }
    Section { id: "reproduce", heading: "How to reproduce it", blocks }
}

fn commands(manifest: &Manifest) -> String {
    format!(
        "labctl run all -e {} --seed {}{}\nlabctl report",
        manifest.experiment,
        manifest.seed,
        if manifest.backend.name == "sim" { " --backend sim" } else { "" }
    )
}

fn conditions(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let backend = &manifest.backend;
    let rows = [
        ("backend", Some(backend.name.clone())),
        ("why this backend", backend.reason.clone()),
        ("Docker Engine", backend.engine.clone()),
        ("Docker Compose", backend.compose.clone()),
        ("node image", backend.image.clone()),
        ("node sha256", manifest.node_sha256.clone()),
        ("config sha256", Some(manifest.config_sha256.clone())),
        ("seed", Some(manifest.seed.to_string())),
        ("labctl", Some(manifest.labctl_version.clone())),
        (
            "commit",
            manifest.git.as_ref().map(|git| format!("{}{}", git.commit, if git.dirty { ", with changes" } else { "" })),
        ),
        ("host", manifest.host.as_ref().map(host)),
        ("command", Some(manifest.argv.join(" ")).filter(|command| !command.is_empty())),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn host(host: &HostFacts) -> String {
    let kernel = host.kernel.as_ref().map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
    let memory = host.memory_mib.map(|mib| format!(", {mib} MiB")).unwrap_or_default();
    format!("{}{kernel}, {} CPUs{memory}", host.os, host.cpus)
}
