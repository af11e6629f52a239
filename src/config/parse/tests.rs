#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::config::Order;

const COMMITTED: &str = include_str!("../../../experiments.toml");

/// A file that names no other.
fn parse_alone(input: &str) -> Result<Config, Vec<Problem>> {
    parse(input, &|_| Err(std::io::ErrorKind::NotFound.into()))
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
    assert_eq!(get("versioned").network.order, Order::Version);
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
    assert!(found[0].2.contains("`nobody`; there are a"), "{}", found[0].2);
    assert!(found[1].2.contains("a write quorum of 6 can never be reached by 5 followers"), "{}", found[1].2);
    assert!(found[2].2.contains("1 is there twice"), "{}", found[2].2);
    assert!(found[3].2.contains("did you mean `followers`?"), "{}", found[3].2);
    assert!(found[5].2.contains("arrival"), "{}", found[5].2);
    assert!(found[6].2.contains("the number of writes is 1 to 10000000, not 0"), "{}", found[6].2);
}

#[test]
fn delays_and_limits_have_bounds() {
    assert!(
        problems(&network("min_delay_ms = 10\nmax_delay_ms = 5"))[0].2.contains("must not exceed max_delay_ms (5)")
    );
    assert!(problems(&network("max_delay_ms = 9999999"))[0].2.contains("at most 3600000"));
    for limit in ["0", "-1.0", "nan", "inf", "1e9"] {
        let found = problems(&network(&format!("replication_timeout_s = {limit}")));
        assert!(found[0].2.contains("0.001 to 3600 seconds"), "{limit}: {found:?}");
    }
    assert!(problems(&network("replication_timeout_s = \"2\""))[0].2.contains("invalid type: string"));
}

#[test]
fn syntax_errors_duplicates_and_other_shapes_are_located() {
    assert_eq!(problems("schema = 1\nschema = 1\n")[0].0, 2);
    assert_eq!(problems("schema = = 1\n")[0].0, 1);
    assert!(problems("schema = 2\ndefault = \"a\"\n[experiment.a]\n")[0].2.contains("schema is 1, not 2"));
    assert!(problems("default = \"a\"\nexperiment = 3\n")[0].2.contains("is a table"));
    assert!(problems("")[0].2.contains("no experiment"));
    assert!(problems("default = \"a\"\n[experiment.a]\nquorums = []\n")[0].2.contains("at least one"));
    assert!(problems("default = \"all\"\n[experiment.all]\n")[0].2.contains("stands for every experiment"));
    let expect =
        problems("default = \"a\"\n[experiment.a]\nquorums = [1]\n[experiment.a.expect]\nconsistent_at = [5]\n");
    assert!(expect[0].2.contains("5 is not among quorums"));
}

#[test]
fn a_problem_shows_the_line_and_marks_the_text() {
    let problem = &parse_alone(&network("order = \"random\"")).unwrap_err()[0];
    let shown = problem.to_string();
    assert!(shown.ends_with("  5 | order = \"random\"\n    |         ^^^^^^^^"), "{shown}");
}

#[test]
fn the_corpus_is_judged_as_its_names_say() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/experiments");
    let mut judged = 0;
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match Config::read(&path) {
            Ok(_) => assert!(name.starts_with("good-"), "{name} was accepted"),
            Err(error) => {
                assert!(name.starts_with("bad-"), "{name}: {error}");
                assert!(error.to_string().contains(&name), "{error}");
            }
        }
        judged += 1;
    }
    assert!(judged > 20);
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
