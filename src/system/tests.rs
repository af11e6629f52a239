//! What is said of systems in general, on kinds that differ from the lab's node.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::Presence;
use super::fake::{ChainSettings, FAKES};
use crate::config::{Config, SystemConfig, SystemKinds as _, default_settings, parse};

fn read(text: &str) -> Result<Config, Vec<(usize, usize, String)>> {
    parse(&format!("default = \"a\"\n{text}"), &|_| Err(std::io::ErrorKind::NotFound.into()), &FAKES)
        .map_err(|found| found.into_iter().map(|one| (one.line, one.column, one.message)).collect())
}

/// The problems of a file as `line:column: message`.
fn problems(text: &str) -> Vec<String> {
    let found = read(text).unwrap_err();
    found.into_iter().map(|(line, column, message)| format!("{line}:{column}: {message}")).collect()
}

/// The system of experiment `a`.
fn system(text: &str) -> SystemConfig {
    read(text).unwrap().experiments.into_values().next().unwrap().system
}

#[test]
fn an_experiment_names_a_kind_or_a_table_and_has_its_settings_resolved() {
    let chain = system("[experiment.a]\nsystem = \"chain\"\n");
    assert_eq!((chain.name.as_str(), chain.kind.as_str()), ("chain", "chain"));
    assert_eq!(chain.settings.parse::<ChainSettings>().unwrap(), ChainSettings::default());
    let text = "[experiment.a]\nsystem = \"long\"\n[system.long]\nkind = \"chain\"\nmost_followers = 50\n";
    let long = system(text);
    assert_eq!((long.name.as_str(), long.kind.as_str()), ("long", "chain"));
    let settings: ChainSettings = long.settings.parse().unwrap();
    assert_eq!((settings.most_followers.get(), settings.program.to_str()), (50, Some("chain-server")));
    assert_eq!(
        long.in_words(),
        "system long (chain): majority = false, most_followers = 50, program = \"chain-server\""
    );
    // A table with the name of its kind needs to say no kind.
    let own = system("[experiment.a]\nsystem = \"chain\"\n[system.chain]\nmost_followers = 5\n");
    assert_eq!(own.settings.parse::<ChainSettings>().unwrap().most_followers.get(), 5);
}

#[test]
fn a_manifest_holds_the_settings_and_is_read_where_the_system_is_not_known() {
    let text = "[experiment.a]\nsystem = \"long\"\n[system.long]\nkind = \"chain\"\nmost_followers = 50\n";
    let experiment = read(text).unwrap().experiments.into_values().next().unwrap();
    let json = serde_json::to_string(&experiment).unwrap();
    let expected = r#"{"system":{"name":"long","kind":"chain","settings":{"majority":false,"most_followers":50,"program":"chain-server"}},"quorums""#;
    assert!(json.starts_with(expected), "{json}");
    assert_eq!(serde_json::from_str::<crate::config::Experiment>(&json).unwrap(), experiment);
    // The list has no chain.
    let unknown = super::system_of(&experiment).unwrap_err().to_string();
    assert!(unknown.starts_with("this labctl knows no system long (chain); it can measure labnode"), "{unknown}");
}

#[test]
fn what_the_capabilities_of_a_system_rule_out_is_told_with_its_place() {
    let text = "[experiment.a]\n\
                system = \"chain\"\n\
                backend = \"sim\"\n\
                quorums = [1, 0]\n\
                followers = 3\n\
                [experiment.a.network]\n\
                order = \"version\"\n\
                catch_up = \"snapshot\"\n\
                replication_timeout_s = 3\n";
    assert_eq!(
        problems(text),
        [
            "4:11: experiment.a.backend: chain cannot run in virtual time; backend must be \"auto\", \"compose\" or \
             \"process\", not \"sim\"",
            "5:15: experiment.a.quorums: a chain acknowledges no write by itself; W must be at least 1",
            "8:9: experiment.a.network.order: chain replicates one ordered log, so that a follower never has two writes to \
             choose from; order must be \"arrival\" or left out, not \"version\"",
            "9:12: experiment.a.network.catch_up: chain brings its followers up to date by itself; catch_up must be \"off\" \
             or left out, not \"snapshot\"",
            "10:25: experiment.a.network.replication_timeout_s: the log of chain waits for a slow follower, and no copy is \
             given up; leave replication_timeout_s out",
        ]
    );
}

#[test]
fn a_system_that_waits_for_a_majority_has_no_other_quorum() {
    let text = |quorums: &str, followers: u32| {
        format!(
            "[experiment.a]\nsystem = \"raft\"\nquorums = {quorums}\nfollowers = {followers}\n[system.raft]\nkind = \
             \"chain\"\nmajority = true\n"
        )
    };
    for (majority, followers) in [(1, 1), (1, 2), (2, 3), (2, 4), (3, 5)] {
        assert!(read(&text(&format!("[{majority}]"), followers)).is_ok(), "{followers} followers");
    }
    assert_eq!(
        problems(&text("[2, 3]", 4)),
        [
            "4:15: experiment.a.quorums: raft waits for a majority, which with 4 followers is the leader and 2; quorums must \
          be [2], not 3"
        ]
    );
}

#[test]
fn only_a_leader_that_comes_back_empty_must_stay_away() {
    let fault = |system: &str| {
        format!(
            "[experiment.a]\nsystem = \"{system}\"\n[[experiment.a.fault]]\nnode = \"leader\"\nkind = \"kill\"\nat = \
             3\nuntil = 5\n"
        )
    };
    assert!(read(&fault("chain")).is_ok());
    let found = problems(&fault("labnode"));
    assert!(found[0].starts_with("8:9: experiment.a.fault.until: a leader that was killed"), "{found:?}");
    assert_eq!(found.len(), 1);
}

#[test]
fn what_only_the_system_knows_is_told_where_it_stands() {
    let table = "[system.short]\nkind = \"chain\"\nmost_followers = 2\n";
    let text = format!("[experiment.a]\nsystem = \"short\"\n{table}");
    assert_eq!(problems(&text), ["6:18: system.short.most_followers: the experiment has 5 followers, more than 2"]);
    let fault = "[[experiment.a.fault]]\nnode = \"f1\"\nkind = \"kill\"\nat = 3\n";
    let text = format!("[experiment.a]\nsystem = \"there\"\n{fault}[system.there]\nkind = \"remote\"\nurl = \"u\"\n");
    let found = problems(&text);
    assert_eq!(
        found,
        ["4:1: experiment.a.fault: `kill f1 at write 3`: labctl cannot reach the nodes of a remote store"]
    );
}

#[test]
fn a_kind_that_needs_a_table_says_so_where_it_is_used_without() {
    assert_eq!(
        problems("[experiment.a]\nsystem = \"remote\"\n"),
        ["3:10: system.remote.url is missing; it must be a text in quotes"]
    );
    assert_eq!(default_settings("remote", &FAKES), None);
    assert!(default_settings("chain", &FAKES).is_some_and(|settings| !settings.is_empty()));
}

#[test]
fn a_slow_follower_of_a_log_is_waited_for() {
    let far = "[experiment.a.network.follower.f1]\nextra_ms = 2500\n";
    let warned = |system: &str| read(&format!("[experiment.a]\nsystem = \"{system}\"\n{far}")).unwrap().warnings.len();
    assert_eq!((warned("labnode"), warned("chain")), (2, 0));
}

#[test]
fn links_that_keep_order_cannot_be_independent() {
    let text = |system: &str, link: &str| {
        let table = "[system.remote]\nurl = \"u\"\n";
        format!("[experiment.a]\nsystem = \"{system}\"\n[experiment.a.network]\nlink = \"{link}\"\n{table}")
    };
    let only = "; link must be \"ordered\" or left out, not \"independent\"";
    let log = format!("5:8: experiment.a.network.link: chain replicates one ordered log over one connection{only}");
    assert_eq!(problems(&text("chain", "independent")), [log]);
    let proxied = format!(
        "5:8: experiment.a.network.link: remote is delayed by proxies, which keep what passes through them in order{only}"
    );
    assert_eq!(problems(&text("remote", "independent")), [proxied]);
    for (system, link) in [("labnode", "independent"), ("labnode", "ordered"), ("chain", "ordered")] {
        assert!(read(&text(system, link)).is_ok(), "{system} {link}");
    }
}

#[test]
fn each_kind_says_what_this_machine_has_of_it() {
    let presence = |name: &str| {
        let settings = default_settings(name, &FAKES).unwrap();
        FAKES.iter().find(|kind| kind.name() == name).unwrap().presence(&settings)
    };
    assert!(matches!(presence("labnode"), Presence::Found(_)));
    assert!(matches!(presence("chain"), Presence::Missing { what, .. } if what == "there is no chain-server"));
    assert_eq!((&FAKES).names(), ["labnode", "chain", "remote"]);
}
