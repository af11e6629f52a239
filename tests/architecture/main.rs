//! Keeps the rooms of docs/architecture.md apart: which module may use which, no circles
//! between modules or files, and who may name the crate of the lab's node.
//!
//! Reads the sources with `syn`, so it sees what the code says, not what a comment says. Paths
//! inside macro calls are not seen.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod circles;
mod sources;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use self::circles::circles;
use self::sources::Sources;

/// Which rooms of `src/` each room may use directly. `main` is `main.rs`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("programs", &[]),
    ("config", &["model"]),
    ("data", &["config", "model"]),
    ("analysis", &["data", "config", "model"]),
    ("report", &["analysis", "data", "config", "model"]),
    ("system", &["config", "model", "programs"]),
    ("cluster", &["network", "config", "model", "programs"]),
    ("network", &["config", "model"]),
    ("load", &["system", "cluster", "network", "data", "config", "model"]),
    ("sim", &["load", "system", "cluster", "network", "data", "config", "model"]),
    ("explore", &["sim", "report", "analysis", "data", "config", "model"]),
    ("cli", &["config", "model"]),
    (
        "commands",
        &[
            "cli", "explore", "sim", "load", "network", "cluster", "system", "report", "analysis", "data", "config",
            "model",
        ],
    ),
    ("main", &["commands", "cli"]),
];

/// Folders below a room that may use only these, and themselves.
const ALLOWED_BELOW: &[(&str, &[&str])] = &[("src/report/charts/", &["src/model/"])];

/// The only places that may name the crate `labnode`.
const MAY_NAME_LABNODE: &[&str] = &["src/model/", "src/system/labnode/", "src/sim/"];

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let sources = Sources::read("src");
    let mut wrong = BTreeSet::new();
    for (from, to) in sources.edges() {
        let (room, used) = (room_of(&from), room_of(&to));
        let allowed = ALLOWED.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        match allowed {
            None => wrong.insert(format!("{from}: room `{room}` is not in the list")),
            Some(allowed) if room != used && !allowed.contains(&used.as_str()) => {
                wrong.insert(format!("{from} uses {to}: `{room}` may use {allowed:?}"))
            }
            Some(_) => false,
        };
    }
    assert!(wrong.is_empty(), "{}", list(&wrong));
}

#[test]
fn forms_of_figures_know_no_topic_and_no_data() {
    let edges = Sources::read("src").edges();
    for (folder, allowed) in ALLOWED_BELOW {
        let from_here: Vec<_> = edges.iter().filter(|(from, _)| from.starts_with(folder)).collect();
        assert!(!from_here.is_empty(), "there is nothing in {folder}");
        let is_allowed = |to: &str| to.starts_with(folder) || allowed.iter().any(|place| to.starts_with(place));
        let wrong: Vec<String> = from_here
            .into_iter()
            .filter(|(_, to)| !is_allowed(to))
            .map(|(from, to)| format!("{from} uses {to}: {folder} may use {allowed:?}"))
            .collect();
        assert!(wrong.is_empty(), "{}", list(&wrong));
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let found: Vec<String> = ["src", "node/src"]
        .into_iter()
        .flat_map(|root| circles(&Sources::read(root).edges()))
        .map(|circle| circle.join(" -> "))
        .collect();
    assert!(found.is_empty(), "{}", list(&found));
}

#[test]
fn only_the_border_names_the_crate_of_the_labs_node() {
    let wrong: Vec<String> = Sources::read("src")
        .files
        .values()
        .filter(|file| file.names_labnode && !MAY_NAME_LABNODE.iter().any(|place| file.path.starts_with(place)))
        .map(|file| file.path.clone())
        .collect();
    assert!(wrong.is_empty(), "{}", list(&wrong));
}

/// The first folder or file below `src/`.
fn room_of(path: &str) -> String {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned()
}

fn list(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    lines.into_iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "\n  {}", line.as_ref());
        text
    })
}
