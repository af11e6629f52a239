//! How to get these numbers again, and which of them one gets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::excess;
use crate::analysis::Need;
use crate::config::{Experiment, FollowersByQuorum, SCHEMA, SystemConfig, SystemSettings};
use crate::data::{HostFacts, Manifest};
use crate::model::{SystemName, TimeSpan};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::labels;
use crate::report::model::{Report, RunReport};
use crate::report::number::{count, fixed, grouped, list, maybe};
use crate::report::topic::{Finding, Page, Topic};

/// The name of the file that holds the experiment.
const RECIPE: &str = "recipe.toml";

pub(super) const TOPIC: Topic = Topic {
    id: "reproduce",
    heading: "How to reproduce it",
    file: None,
    needs: &[],
    finding: Finding::None,
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, _: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    Ok(report.runs.first().map_or_else(Vec::new, |run| {
        let manifest = &run.manifest;
        let mut blocks = vec![Block::Code { language: "sh", text: commands(report, manifest) }];
        blocks.extend(configuration(manifest));
        blocks.push(Block::List { items: reproduces(report, manifest) });
        blocks.push(Block::Table { table: conditions(manifest) });
        blocks.push(Block::Table { table: runs(&report.runs) });
        blocks
    }))
}

fn commands(report: &Report, manifest: &Manifest) -> String {
    let run: Vec<u32> = report.runs.iter().map(|run| run.quorum).collect();
    let mut planned: Vec<u32> = manifest.config.quorums.iter().map(|quorum| quorum.get()).collect();
    planned.sort_unstable();
    let quorums =
        if run == planned { "all".to_owned() } else { run.iter().map(u32::to_string).collect::<Vec<_>>().join(",") };
    let checkout = manifest.git.as_ref().map(|git| format!("git checkout {}\n", git.commit)).unwrap_or_default();
    let (name, backend, seed) = (&manifest.experiment, &manifest.backend.name, manifest.seed);
    format!("{checkout}labctl run {quorums} -e {name} --config {RECIPE} --backend {backend} --seed {seed}")
}

/// What comes out the same again, what does not, and how that was checked here.
fn reproduces(report: &Report, manifest: &Manifest) -> Vec<String> {
    let is_drawn_by_write = report.runs.iter().all(|run| run.withheld(&[Need::OwnDelays]).is_none());
    let delays = if is_drawn_by_write {
        format!("keys, values and every injected delay follow from the seed.{}", same_delays(report))
    } else {
        "keys and values follow from the seed, and so do the delays of each link; which write meets which does not."
            .to_owned()
    };
    let mut items = vec![format!("The plan reproduces: {delays}")];
    items.push("This report reproduces: the same data give the same files, byte for byte, on any machine.".to_owned());
    if manifest.backend.is_virtual_time() {
        items.push("Everything else reproduces too, since this run was simulated in virtual time.".to_owned());
        return items;
    }
    let distances: Vec<String> = report
        .runs
        .iter()
        .filter(|_| excess::reason(&report.runs).is_none())
        .filter_map(|run| Some((run.quorum, run.overhead.figures.p50?.value_ms)))
        .map(|(quorum, value)| format!("{} ms at W = {quorum}", fixed(value, 2)))
        .collect();
    if !distances.is_empty() {
        items.push(format!(
            "The distance from theory reproduces within the noise of the machine: median overhead {}.",
            list(&distances)
        ));
    }
    items.push(
        "Latencies to the microsecond do not reproduce, nor which of two copies that arrive within that noise comes \
         first; a copy may be wrong in one run and right in the next for that reason alone."
            .to_owned(),
    );
    items
}

/// Whether all runs drew the same delays.
fn same_delays(report: &Report) -> String {
    let compared: u64 = report.paired.iter().map(|pair| pair.same_delays + pair.other_delays).sum();
    let same: u64 = report.paired.iter().map(|pair| pair.same_delays).sum();
    if compared == 0 {
        String::new()
    } else if same == compared {
        " Here every write met the same delays at every W.".to_owned()
    } else {
        format!(" Here {} of {} met other delays at the next W.", grouped(compared - same), count(compared, "write"))
    }
}

fn conditions(manifest: &Manifest) -> Table {
    let backend = &manifest.backend;
    let git = manifest.git.as_ref();
    let rows = [
        ("experiment", Some(manifest.experiment.to_string())),
        ("seed", Some(manifest.seed.to_string())),
        ("backend", Some(backend.name.clone())),
        ("why this backend", backend.reason.clone()),
        ("Docker Engine", backend.engine.clone()),
        ("Docker Compose", backend.compose.clone()),
        ("node image", backend.image.clone()),
        ("system", manifest.system.as_ref().map(|system| labels::system(&system.name, &system.version))),
        ("node SHA-256", manifest.node_sha256.clone()),
        ("configuration SHA-256", Some(manifest.config_sha256.clone())),
        ("labctl", Some(manifest.labctl_version.clone())),
        ("commit", git.map(|git| format!("{}{}", git.commit, if git.dirty { ", with local changes" } else { "" }))),
        ("host", manifest.host.as_ref().map(host)),
        ("runs at a time", manifest.jobs.map(|jobs| jobs.to_string())),
        ("command line", Some(manifest.argv.join(" ")).filter(|argv| !argv.is_empty())),
    ];
    Table::new("The conditions of the first run.")
        .text(&["condition", "value"])
        .rows(rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])))
}

fn host(host: &HostFacts) -> String {
    let kernel = host.kernel.as_ref().map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
    let memory = maybe(host.memory_mib, |mib| format!("{} MiB of memory", grouped(mib)));
    format!("{}{kernel}, {}, {memory}", host.os, count(u64::from(host.cpus), "processor"))
}

fn runs(runs: &[RunReport]) -> Table {
    let seconds = |time: TimeSpan| fixed(time.as_secs(), 2);
    let row = |run: &RunReport| {
        let manifest = &run.manifest;
        vec![
            run.quorum.to_string(),
            manifest.started.as_deref().map_or_else(|| "-".to_owned(), to_the_second),
            seconds(manifest.load_us),
            seconds(manifest.settle_us),
            seconds(manifest.wall_us),
            maybe(run.expected.as_ref(), |e| fixed(e.load_ms.mean / 1000.0, 2)),
        ]
    };
    Table::new(
        "Each run in seconds: the load, then until every message had arrived, and all with the cluster's start and end.",
    )
    .numbers(&["W"])
    .text(&["started"])
    .numbers(&["load", "settling", "wall", "load expected"])
    .rows(runs.iter().map(row))
}

/// A time in RFC 3339 without its fraction of a second.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}

/// The file that the commands name: the experiment as it was resolved, whatever other files say.
fn configuration(manifest: &Manifest) -> Vec<Block> {
    // What a manifest holds, TOML can hold; were it otherwise, the hash below would still name it.
    recipe(manifest).map_or_else(
        |_| Vec::new(),
        |text| {
            let intro = format!("The file `{RECIPE}` that these commands read holds the experiment as it was run:");
            vec![Block::paragraph(intro), Block::Code { language: "toml", text }]
        },
    )
}

/// An experiment that names its system, where the manifest holds all of it.
#[derive(Serialize)]
struct RecipeExperiment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    #[serde(flatten)]
    config: Experiment,
}

/// `[system.NAME]`.
#[derive(Serialize)]
struct SystemTable<'a> {
    kind: &'a SystemName,
    #[serde(flatten)]
    settings: &'a SystemSettings,
}

fn recipe(manifest: &Manifest) -> Result<String, toml::ser::Error> {
    #[derive(Serialize)]
    struct File<'a> {
        schema: i64,
        default: &'a str,
        experiment: BTreeMap<&'a str, RecipeExperiment<'a>>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        system: BTreeMap<&'a str, SystemTable<'a>>,
    }
    let (name, system) = (manifest.experiment.as_str(), &manifest.config.system);
    let table = (*system != SystemConfig::default()).then_some(system);
    let Experiment { followers, followers_by_quorum, .. } = manifest.config;
    let config = Experiment {
        system: SystemConfig::default(),
        followers_by_quorum: FollowersByQuorum::default(),
        ..manifest.config.clone()
    };
    let experiment = RecipeExperiment { system: table.map(|system| system.name.as_str()), config };
    let table =
        table.map(|system| (system.name.as_str(), SystemTable { kind: &system.kind, settings: &system.settings }));
    let file = File {
        schema: SCHEMA,
        default: name,
        experiment: [(name, experiment)].into(),
        system: table.into_iter().collect(),
    };
    let mut text = toml::to_string(&file)?;
    if followers_by_quorum.0 {
        // They follow from each quorum only where the file leaves them out.
        text = text.replacen(&format!("\nfollowers = {followers}"), "", 1);
    }
    if manifest.capabilities().ordered_log {
        // A log brings followers no older writes, and the key would be read as if it meant something.
        text = text.replacen("\norder = \"arrival\"", "", 1);
    }
    // The file says `fault`, of each one; the manifest `faults`, of them all.
    Ok(text.trim_end().replace(".faults]]", ".fault]]"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::path::Path;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::config::Config;
    use crate::model::{Capabilities, Quorum, SystemFacts};
    use crate::sim::simulate_direct;
    use crate::system::KINDS;
    use crate::system::fake::FAKES;

    #[test]
    fn a_recipe_is_a_configuration_file_that_gives_the_same_experiment() {
        let lab = Config::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments.toml"), &KINDS).unwrap();
        let mut one = Experiment::default();
        one.workload.writes = 1.try_into().unwrap();
        let quorum = Quorum::try_from(1).unwrap();
        let name = "mine".parse().unwrap();
        let manifest = simulate_direct(&name, &one, quorum, &CancellationToken::new()).unwrap().manifest;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(RECIPE);
        for (lab_name, experiment) in &lab.experiments {
            let manifest = Manifest { config: experiment.clone(), ..manifest.clone() };
            std::fs::write(&path, recipe(&manifest).unwrap()).unwrap();
            let read = Config::read(&path, &KINDS).unwrap();
            assert_eq!((read.default.as_str(), &read.experiments[&name]), ("mine", experiment), "{lab_name}");
        }
        // A system with a log has no order of its own to say.
        let capabilities = Capabilities { ordered_log: true, ..Capabilities::LABNODE };
        let system =
            Some(SystemFacts { name: "redis".to_owned(), version: String::new(), capabilities, remarks: Vec::new() });
        let config = lab.experiments[&"redis".parse().unwrap()].clone();
        let text = recipe(&Manifest { config: config.clone(), system, ..manifest.clone() }).unwrap();
        std::fs::write(&path, &text).unwrap();
        assert!(!text.contains("order"), "{text}");
        assert_eq!(Config::read(&path, &KINDS).unwrap().experiments[&name], config);
        let table = "[system.long]\nkind = \"chain\"\nmost_followers = 50\n";
        let text = format!("default = \"mine\"\n[experiment.mine]\nsystem = \"long\"\n{table}");
        std::fs::write(&path, text).unwrap();
        let config = Config::read(&path, &FAKES).unwrap().experiments.remove(&name).unwrap();
        let text = recipe(&Manifest { config: config.clone(), ..manifest.clone() }).unwrap();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Config::read(&path, &FAKES).unwrap().experiments[&name], config, "{text}");
        assert!(text.contains("[experiment.mine]\nsystem = \"long\"\n"), "{text}");
        assert!(text.contains("[system.long]\nkind = \"chain\"\nmajority = false\n"), "{text}");
    }
}
