#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io;
use std::path::Path;

use crate::config::{Experiment, Network, parse};
use crate::model::{CatchUp, Followers};

/// The delays of one folder.
fn read_file(name: &Path) -> io::Result<String> {
    match name.to_str() {
        Some("delays.csv") => Ok("delay_ms\n3\n1\n\n2.5\n".to_owned()),
        Some("words.csv") => Ok("1\n2\nthree\n".to_owned()),
        Some("negative.csv") => Ok("1\n-2\n".to_owned()),
        Some("one.csv") => Ok("ms\n1\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

const HEAD: &str = "schema = 1\ndefault = \"a\"\n[experiment.a]\nfollowers = 3\nquorums = [1]\n";

fn read(text: &str) -> Result<Experiment, Vec<(usize, usize, String)>> {
    let config = parse(&format!("{HEAD}{text}"), &read_file, &crate::system::KINDS);
    config
        .map(|config| config.experiments.into_values().next().unwrap())
        .map_err(|found| found.into_iter().map(|one| (one.line - 5, one.column, one.message)).collect())
}

fn network(text: &str) -> Network {
    read(&format!("[experiment.a.network]\n{text}\n")).unwrap().network
}

/// The messages of what is wrong in one line of the network's table.
fn wrong(line: &str) -> Vec<String> {
    let found = read(&format!("[experiment.a.network]\n{line}\n")).unwrap_err();
    assert!(found.iter().all(|(at, _, _)| *at == 2), "{found:?}");
    found.into_iter().map(|(_, _, message)| message).collect()
}

#[test]
fn every_kind_of_distribution_is_read() {
    for (table, text) in [
        ("{ kind = \"constant\", ms = 5 }", "constant(5)"),
        ("{ kind = \"uniform\", min_ms = 0.5, max_ms = 2 }", "uniform(0.5,2)"),
        ("{ kind = \"exponential\", mean_ms = 5.5, extra_ms = 2 }", "2+exponential(5.5)"),
        ("{ kind = \"lognormal\", median_ms = 5, sigma = 0.5 }", "lognormal(5,0.5)"),
        ("{ kind = \"pareto\", min_ms = 1.05, shape = 1.51 }", "pareto(1.05,1.51)"),
        ("{ kind = \"empirical\", file = \"delays.csv\" }", "empirical(1,2.5,3)"),
        ("{ kind = \"empirical\", quantiles_ms = [1, 2.5, 3] }", "empirical(1,2.5,3)"),
        (
            "{ kind = \"mixture\", parts = [{ weight = 1, kind = \"constant\", ms = 1 }, \
             { weight = 2, kind = \"pareto\", min_ms = 3, shape = 2, extra_ms = 1 }] }",
            "mixture(1*constant(1),2*1+pareto(3,2))",
        ),
    ] {
        let network = network(&format!("delay = {table}\nack_delay = {table}"));
        assert_eq!((network.delay.to_string(), network.ack_delay.unwrap().to_string()), (text.into(), text.into()));
    }
}

#[test]
fn a_distribution_may_have_a_table_of_its_own() {
    let network = network("catch_up = \"snapshot\"\n[experiment.a.network.delay]\nkind = \"constant\"\nms = 7");
    assert_eq!((network.delay.to_string().as_str(), network.catch_up), ("constant(7)", CatchUp::Snapshot));
}

#[test]
fn followers_differ() {
    let network = network(
        "min_delay_ms = 1\nmax_delay_ms = 3\n[experiment.a.network.follower.f3]\nextra_ms = 1500\n\
         [experiment.a.network.follower.f1]\nack_delay = { kind = \"constant\", ms = 2 }",
    );
    assert_eq!(
        network.delays_in_words(Followers::constant(5)),
        "1 to 3 ms; f1: acknowledgements always 2 ms; f3: 1500 ms more"
    );
}

#[test]
fn what_is_wrong_with_a_distribution_is_said_in_one_go() {
    assert!(wrong("delay = 5")[0].contains("network.delay must be a table such as { kind = \"lognormal\""));
    assert!(wrong("delay = { ms = 5 }")[0].contains("delay.kind is missing"));
    assert!(wrong("delay = { kind = \"lognorml\" }")[0].ends_with("\"empirical\" or \"mixture\", not \"lognorml\""));
    let found = wrong("delay = { kind = \"lognormal\", median = 5, sigma = 99 }");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("delay.median_ms is missing"), "{found:?}");
    assert!(found[1].contains("did you mean `median_ms`?"), "{found:?}");
    assert!(found[2].contains("delay.sigma must be a number from 0.001 to 5, not 99"), "{found:?}");
    let uniform = "delay = { kind = \"uniform\", min_ms = 3, max_ms = 2 }";
    assert!(wrong(uniform)[0].contains("network.delay: a uniform delay's lower bound (3 ms) must not exceed"));
    assert!(
        wrong("ack_delay = { kind = \"mixture\", parts = [] }")[0]
            .contains("ack_delay.parts: a mixture must have 1 to")
    );
    let part = wrong("delay = { kind = \"mixture\", parts = [{ kind = \"constant\", ms = -1 }] }");
    assert!(
        part[0].contains("delay.parts.weight is missing")
            && part[1].contains("delay.parts.ms must be a number of milliseconds from 0 to 3600000, not -1"),
        "{part:?}"
    );
    assert!(wrong("catch_up = \"on\"")[0].ends_with("catch_up must be \"off\" or \"snapshot\", not \"on\""));
}

#[test]
fn one_delay_has_one_form() {
    let found =
        read("[experiment.a.network]\nmax_delay_ms = 5\ndelay = { kind = \"constant\", ms = 1 }\n").unwrap_err();
    assert_eq!((found.len(), found[0].0), (1, 2));
    assert!(found[0].2.contains("leave out one or the other"), "{found:?}");
}

#[test]
fn a_follower_that_is_not_there_has_no_delay() {
    for name in ["f4", "f0", "leader"] {
        let found = read(&format!("[experiment.a.network.follower.{name}]\nextra_ms = 1\n")).unwrap_err();
        assert!(found[0].2.contains("network.follower: the followers are f1 to f3, not `"), "{found:?}");
    }
    let found = read("[experiment.a.network.follower.f1]\nextra_m = 1\n").unwrap_err();
    assert!(found[0].2.contains("did you mean `extra_ms`?"), "{found:?}");
}

#[test]
fn problems_of_a_file_name_it_and_the_line() {
    for (file, message) in [
        ("words.csv", "delay.file: words.csv:3: each line must be one number of milliseconds, not `three`"),
        ("negative.csv", "negative.csv:2: a delay in ms must be 0 to 3600000, not -2"),
        ("one.csv", "one.csv: must have at least two delays"),
        ("none.csv", "none.csv: entity not found"),
    ] {
        let found = wrong(&format!("delay = {{ kind = \"empirical\", file = \"{file}\" }}"));
        assert!(found[0].ends_with(message), "{found:?}");
    }
    assert!(wrong("delay = { kind = \"empirical\" }")[0].contains("file is missing"));
    let descending = "delay = { kind = \"empirical\", quantiles_ms = [2, 1] }";
    assert!(wrong(descending)[0].contains("delay.quantiles_ms: the quantiles of a distribution must ascend"));
    let both = "delay = { kind = \"empirical\", quantiles_ms = [1, 2], file = \"delays.csv\" }";
    assert!(wrong(both)[0].contains("delay.file and quantiles_ms exclude each other"));
}

#[test]
fn reads_are_checked_against_the_followers() {
    let reads = read(
        "[experiment.a.reads]\nreplicas = [1, 3]\nat_ms = [0, 0.5, 10]\n\
         request_delay = { kind = \"exponential\", mean_ms = 1 }\n",
    );
    let reads = reads.unwrap().reads;
    assert_eq!(reads.replicas.iter().map(|r| r.get()).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(reads.at_ms.iter().map(|at| at.get()).collect::<Vec<_>>(), [0.0, 0.5, 10.0]);
    assert_eq!((reads.request_delay.unwrap().to_string().as_str(), reads.response_delay), ("exponential(1)", None));
    let found = read("[experiment.a.reads]\nreplicas = [4, 1, 1, 0]\nat_ms = [-1]\n").unwrap_err();
    assert!(found.iter().any(|(_, _, message)| {
        message.ends_with("reads.replicas: each value must be a whole number from 1 to 99, not 0")
    }));
    assert!(
        found
            .iter()
            .any(|(_, _, message)| message.contains("reads.at_ms: each value must be a number of milliseconds from 0")),
        "{found:?}"
    );
    let found = read("[experiment.a.reads]\nreplicas = [4, 1, 1]\n").unwrap_err();
    assert!(found[0].2.contains("each value must be at most 3, the number of followers, not 4"), "{found:?}");
    assert!(found[1].2.contains("replicas lists 1 twice"), "{found:?}");
    assert!(read("[experiment.a.reads]\nreplicas = []\n").unwrap_err()[0].2.contains("must have at least one value"));
}
