#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::config::Pacing;
use crate::model::ReplicationOrder;
use crate::system::KINDS;
use crate::system::fake::FAKES;

const COMMITTED: &str = include_str!("../../../experiments.toml");

/// A file that names no other.
fn parse_alone(input: &str) -> Result<Config, Vec<Problem>> {
    parse(input, &|_| Err(std::io::ErrorKind::NotFound.into()), &KINDS)
}

fn problems(input: &str) -> Vec<(usize, usize, String)> {
    parse_alone(input).unwrap_err().into_iter().map(|problem| (problem.line, problem.column, problem.message)).collect()
}

fn network(line: &str) -> String {
    format!("schema = 1\ndefault = \"a\"\n[experiment.a]\n[experiment.a.network]\n{line}\n")
}

#[test]
fn the_committed_file_holds_the_lab_and_its_counterexamples() {
    let config = parse_alone(COMMITTED).unwrap();
    assert_eq!(config.default.as_str(), "quorum");
    let get = |name: &str| &config.experiments[&name.parse::<ExperimentName>().unwrap()];
    assert_eq!(get("quorum"), &Experiment::default());
    assert_eq!(get("barrier").workload.pacing, Pacing::Batch);
    assert_eq!(get("barrier").expect.consistent_at.iter().map(|w| w.get()).collect::<Vec<_>>(), [5]);
    assert_eq!(get("versioned").network.order, ReplicationOrder::Version);
    assert_eq!(get("versioned").expect.consistent_at.len(), 5);
    assert_eq!(get("throughput").workload.writes.get(), 20_000);
    assert_eq!(get("throughput").workload.concurrency.get(), 64);
    assert!(!get("throughput").network.has_delays(5));
    assert_eq!(get("pbs-disk").network.common_delay(3), None);
    assert_eq!(get("pbs-disk").reads.replicas.len(), 1);
    assert_eq!(get("three-regions").network.follower.len(), 3);
}

#[test]
fn an_experiment_that_says_nothing_is_the_lab() {
    let config = parse_alone("default = \"mine\"\n[experiment.mine]\n").unwrap();
    assert_eq!(config.experiments.values().next().unwrap(), &Experiment::default());
}

#[test]
fn every_problem_is_found_in_one_go_with_its_place() {
    let input = "schema = 1\n\
                 default = \"nobody\"\n\
                 [experiment.a]\n\
                 quorums = [1, 6, 1]\n\
                 folowers = 5\n\
                 [experiment.a.network]\n\
                 min_delay_ms = -5\n\
                 order = \"random\"\n\
                 [experiment.a.workload]\n\
                 writes = 0\n\
                 [experiment.Bad]\n";
    let found = problems(input);
    let places: Vec<(usize, usize)> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(2, 11), (4, 15), (4, 18), (5, 1), (7, 16), (8, 9), (10, 10), (11, 13)], "{found:#?}");
    assert!(found[0].2.contains("default must be an experiment of this file (a), not `nobody`"), "{}", found[0].2);
    assert!(found[1].2.contains("a write quorum must be at most 5, the number of followers, not 6"), "{}", found[1].2);
    assert!(found[2].2.contains("quorums lists 1 twice"), "{}", found[2].2);
    assert!(found[3].2.contains("did you mean `followers`?"), "{}", found[3].2);
    assert!(found[5].2.ends_with("network.order must be \"arrival\" or \"version\", not \"random\""), "{}", found[5].2);
    assert!(found[6].2.contains("workload.writes must be a whole number from 1 to 10000000, not 0"), "{}", found[6].2);
}

#[test]
fn delays_and_limits_have_bounds() {
    assert!(
        problems(&network("min_delay_ms = 10\nmax_delay_ms = 5"))[0].2.contains("must not exceed max_delay_ms (5)")
    );
    assert!(
        problems(&network("max_delay_ms = 9999999"))[0]
            .2
            .contains("max_delay_ms must be a whole number from 0 to 3600000, not 9999999")
    );
    for limit in ["0", "-1.0", "nan", "inf", "1e9"] {
        let found = problems(&network(&format!("replication_timeout_s = {limit}")));
        assert!(found[0].2.contains("must be a number of seconds from 0.001 to 3600, not "), "{limit}: {found:?}");
    }
    assert!(
        problems(&network("replication_timeout_s = \"2\""))[0]
            .2
            .ends_with("must be a number of seconds from 0.001 to 3600, not \"2\"")
    );
}

#[test]
fn syntax_errors_duplicates_and_other_shapes_are_located() {
    assert_eq!(problems("schema = 1\nschema = 1\n")[0].0, 2);
    assert_eq!(problems("schema = = 1\n")[0].0, 1);
    assert!(problems("schema = 2\ndefault = \"a\"\n[experiment.a]\n")[0].2.contains("schema must be 1, not 2"));
    assert!(
        problems("default = \"a\"\nexperiment = 3\n")[0].2.contains("experiment must be a table, [experiment], not 3")
    );
    assert!(problems("")[0].2.contains("no experiment"));
    assert!(problems("default = \"a\"\n[experiment.a]\nquorums = []\n")[0].2.contains("must have at least one value"));
    assert!(problems("default = \"all\"\n[experiment.all]\n")[0].2.contains("other than all, not \"all\""));
    let expect =
        problems("default = \"a\"\n[experiment.a]\nquorums = [1]\n[experiment.a.expect]\nconsistent_at = [5]\n");
    assert!(expect[0].2.contains("each value must be among quorums (1), not 5"));
}

#[test]
fn a_problem_shows_the_line_and_marks_the_text() {
    let problem = &parse_alone(&network("order = \"random\"")).unwrap_err()[0];
    let shown = problem.to_string();
    assert!(shown.ends_with("  5 | order = \"random\"\n    |         ^^^^^^^^"), "{shown}");
}

#[test]
fn the_corpus_is_judged_as_its_names_say() {
    let mut messages = String::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/experiments");
    let mut judged = 0;
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // With kinds that do not change when labctl learns to measure another.
        match Config::read(&path, &FAKES) {
            Ok(_) => assert!(name.starts_with("good-"), "{name} was accepted"),
            Err(error) => {
                assert!(name.starts_with("bad-"), "{name}: {error}");
                assert!(error.to_string().contains(&name), "{error}");
                messages += &error.to_string().replace(&format!("{folder}/"), "");
                messages += "\n\n";
            }
        }
        judged += 1;
    }
    assert!(judged > 20);
    // Every message in one place, to be read.
    insta::assert_snapshot!("messages", messages);
}

/// The warnings of a file with one experiment, as `line: message`.
fn warnings(text: &str) -> Vec<String> {
    let config = parse_alone(&format!("default = \"a\"\n[experiment.a]\n{text}")).unwrap();
    config.warnings.iter().map(|one| format!("{}: {}", one.problem.line, one.problem.message)).collect()
}

#[test]
fn what_can_have_no_effect_is_warned_of() {
    assert_eq!(
        warnings("quorums = [2, 5]\n[experiment.a.network.follower.f3]\nextra_ms = 2500\n"),
        [
            "3: no write at W = 5 can be acknowledged: only 4 followers can answer within replication_timeout_s",
            "4: every copy to f3 is given up: it takes at least 2500 ms, and replication_timeout_s is 2",
        ]
    );
    assert_eq!(
        warnings("quorums = [0, 1]\n[experiment.a.network]\nmin_delay_ms = 900\nglobal_request_timeout_s = 0.5\n"),
        ["3: no write at W = 1 can be acknowledged: it takes at least 900 ms, and global_request_timeout_s is 0.5"]
    );
    let fault = |lines: &str| format!("[[experiment.a.fault]]\nnode = \"f1\"\n{lines}\n");
    let quick = "[experiment.a.network]\nmax_delay_ms = 100\n";
    assert_eq!(
        warnings(&format!("{quick}{}", fault("kind = \"kill\"\nat = \"60s\""))),
        ["5: `kill f1 at 60s` does not begin while the load lasts: 100 writes, 10 at a time, take at most 2.0 s"]
    );
    assert_eq!(
        warnings(&fault("kind = \"pause\"\nat = 3\nuntil = \"60s\"")),
        [
            "3: `pause f1 at write 3 until 60s` does not end while the load lasts: 100 writes, 10 at a time, take at most 21.0 s"
        ]
    );
    assert_eq!(
        warnings(&fault("kind = \"slow\"\nat = 3\ndelay_ms = 2000")),
        [
            "3: `slow f1 by 2000 ms at write 3`: while it lasts, every copy to f1 is given up: it takes at least 2000 ms, \
          and replication_timeout_s is 2"
        ]
    );
}

#[test]
fn what_may_have_an_effect_is_not_warned_of() {
    assert_eq!(parse_alone(COMMITTED).unwrap().warnings, []);
    let fault = |lines: &str| format!("[[experiment.a.fault]]\n{lines}\nuntil = \"15s\"\n");
    // Writes to a leader that does not answer take as long as their client waits.
    assert!(warnings(&fault("node = \"leader\"\nkind = \"pause\"\nat = \"14s\"")).is_empty());
    assert!(warnings(&fault("node = \"f1\"\nkind = \"slow\"\ndelay_ms = 1999\nat = 3")).is_empty());
    assert!(warnings("[experiment.a.network.follower.f3]\nextra_ms = 1999\n").is_empty());
    assert!(warnings("[experiment.a.network]\ndelay = { kind = \"pareto\", min_ms = 1, shape = 2 }\n").is_empty());
}

proptest::proptest! {
    #[test]
    fn no_input_makes_it_panic(input in ".{0,200}") {
        let _ = parse_alone(&input);
    }

    #[test]
    fn no_mutation_of_the_committed_file_makes_it_panic(at in 0..COMMITTED.len(), junk in ".{0,5}") {
        let at = COMMITTED.floor_char_boundary(at);
        let _ = parse_alone(&format!("{}{junk}{}", &COMMITTED[..at], &COMMITTED[at..]));
    }
}

#[test]
fn paths_among_the_settings_of_a_system_begin_in_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiments.toml");
    let text = "default = \"a\"\n[experiment.a]\nsystem = \"mine\"\nquorums = [1]\n[system.mine]\nkind = \"redis\"\n";
    fs::write(&path, text).unwrap();
    let config = Config::read(&path, &KINDS).unwrap();
    let measured = &config.experiments.values().next().unwrap().system;
    assert_eq!(measured.settings.folder(), folder.path());
    assert_eq!(config.systems.values().next().unwrap().settings.folder(), folder.path());
    // No manifest holds it.
    assert!(!serde_json::to_string(measured).unwrap().contains(folder.path().to_str().unwrap()));
    // A system without settings stays the lab's own wherever the file lies.
    fs::write(&path, "default = \"a\"\n[experiment.a]\n").unwrap();
    let lab = Config::read(&path, &KINDS).unwrap();
    assert_eq!(lab.experiments.into_values().next().unwrap(), super::Experiment::default());
}
