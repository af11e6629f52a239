//! `labctl doctor`.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

use super::output::say;
use crate::cli::Exit;
use crate::cli::Paths;
use crate::cluster::{BACKENDS, DoctorLine, foresee};
use crate::commands::host;
use crate::config::{BackendChoice, Config, SystemConfig, default_settings};
use crate::model::SystemName;
use crate::report::number::count;
use crate::system::{KINDS, Presence, system_of};

/// The ports of docker-compose.yml and of `labctl up`.
const PORTS: std::ops::RangeInclusive<u16> = 8080..=8085;
/// What a run of the lab, its report and a build of the image may take, in MiB.
const DISK_MIB: u64 = 500;

/// Says what this machine has, and what to do about what is missing.
pub(super) fn doctor(paths: &Paths) -> anyhow::Result<Exit> {
    let facts = host::facts();
    let memory = facts.memory_mib.map_or_else(String::new, |mib| format!(", {} GiB of memory", mib / 1024));
    found("machine", &format!("{}, {} processors{memory}", facts.os, facts.cpus));
    let there = backends()?;
    ports();
    disk(paths.data.parent().unwrap_or(Path::new(".")));
    let config = Config::read(&paths.config, &KINDS);
    match &config {
        Ok(config) => {
            let experiments = count(config.experiments.len() as u64, "experiment");
            found("config", &format!("{}: {experiments}", paths.config.display()));
        }
        Err(error) => missing("config", &error.to_string(), "mend it; `labctl validate` checks it again"),
    }
    systems(config.as_ref().map(|config| &config.systems).unwrap_or(&BTreeMap::new()));
    if let Some(outlook) = config.ok().and_then(|config| outlook(&config, &there)) {
        say!("{outlook}");
    }
    Ok(Exit::Success)
}

/// Which backend a run of the default experiment takes on this machine. `None` if it cannot be told.
fn outlook(config: &Config, there: &[BackendChoice]) -> Option<String> {
    let experiment = config.experiments.get(&config.default)?;
    let hosting = system_of(experiment).ok()?.hosting(experiment);
    Some(match foresee(experiment.backend, &hosting, there) {
        Some(backend) => format!("`labctl run all` will use {backend}"),
        None => format!("`labctl run all` finds no backend here that experiment {} can use", config.default),
    })
}

fn found(what: &str, detail: &str) {
    say!("ok       {what:<9} {detail}");
}

fn missing(what: &str, detail: &str, advice: &str) {
    say!("missing  {what:<9} {detail}");
    say!("                   -> {advice}");
}

/// Says what this machine has of every backend. Returns those of which it lacks nothing.
fn backends() -> anyhow::Result<Vec<BackendChoice>> {
    let mut there = Vec::new();
    for (choice, kind) in BACKENDS {
        let lines = kind.examine()?;
        for DoctorLine { what, detail, advice } in &lines {
            advice.map_or_else(|| found(what, detail), |advice| missing(what, detail, advice));
        }
        if lines.iter().all(|line| line.advice.is_none()) {
            there.push(*choice);
        }
    }
    Ok(there)
}

/// Says which systems can be measured here: each kind, and each table of the configuration.
fn systems(tables: &BTreeMap<SystemName, SystemConfig>) {
    for kind in KINDS {
        let of_this_kind = || tables.values().filter(|table| table.kind.as_str() == kind.name());
        if !of_this_kind().any(|table| table.name == table.kind) {
            match default_settings(kind.name(), &KINDS) {
                Some(settings) => system(kind.name(), kind.presence(&settings)),
                None => {
                    found("system", &format!("{0}: with a table [system.NAME] that has kind = \"{0}\"", kind.name()))
                }
            }
        }
        of_this_kind().for_each(|table| system(&table.to_string(), kind.presence(&table.settings)));
    }
}

fn system(name: &str, presence: Presence) {
    match presence {
        Presence::Found(what) => found("system", &format!("{name}: {what}")),
        Presence::Missing { what, advice } => missing("system", &format!("{name}: {what}"), &advice),
    }
}

fn ports() {
    let taken: Vec<String> =
        PORTS.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_err()).map(|port| port.to_string()).collect();
    if taken.is_empty() {
        found("ports", "8080 to 8085 are free, for `labctl up` and `docker compose up`");
    } else {
        let advice = "`labctl run` takes free ports by itself; for `docker compose up` set LEADER_PORT, F1_PORT, ...";
        missing("ports", &format!("{} taken", taken.join(", ")), advice);
    }
}

fn disk(folder: &Path) {
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    match host::free_disk_mib(folder) {
        Some(free) if free >= DISK_MIB => found("disk", &format!("{} GiB free", free / 1024)),
        Some(free) => {
            missing("disk", &format!("only {free} MiB free"), &format!("make room: a run wants some {DISK_MIB} MiB"));
        }
        None => missing("disk", "free space cannot be told", "see that the data folder can be written"),
    }
}
