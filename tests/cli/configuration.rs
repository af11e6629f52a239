//! What labctl says of its configuration and command line.

use crate::lab::{Lab, SMALL};

#[test]
fn the_committed_experiments_are_sound() {
    let lab = Lab::new(include_str!("../../experiments.toml"));
    insta::assert_snapshot!(lab.ok(&["validate"]));
}

#[test]
fn every_problem_of_a_file_is_told_in_one_go() {
    let lab = Lab::new(&SMALL.replace("max_delay_ms = 20", "max_delay = 20").replace("writes = 20", "writes = 0"));
    for command in [&["validate"][..], &["run", "all"], &["run", "all", "--dry-run"]] {
        let ended = lab.run(command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        insta::assert_snapshot!("problems", ended.stderr);
    }
}

#[test]
fn what_can_have_no_effect_is_told_by_validate_and_before_a_run() {
    let fault = "[[experiment.small.fault]]\nat = \"60s\"\nnode = \"f1\"\nkind = \"kill\"\n";
    let far = "[experiment.versioned.network.follower.f3]\nextra_ms = 2500\n";
    let lab = Lab::new(&format!("{SMALL}{fault}{far}"));
    let ended = lab.run(&["validate"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("experiments.toml: 2 experiments, 2 warnings\n"), "{}", ended.stdout);
    insta::assert_snapshot!("warnings", ended.stderr);
    // A run is told of what it does itself, and no more.
    let ended = lab.run(&["run", "1", "-e", "versioned", "--backend", "sim"]);
    assert!(ended.stderr.contains("every copy to f3 is given up"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("kill f1"), "{}", ended.stderr);
}

#[test]
fn a_system_of_a_table_is_told_run_and_recorded() {
    let table = "[system.mine]\nkind = \"labnode\"\n";
    let small = SMALL.replace("[experiment.small]\n", "[experiment.small]\nsystem = \"mine\"\n");
    let lab = Lab::new(&format!("{small}{table}"));
    let validated = lab.ok(&["validate"]);
    assert_eq!(validated.matches("\n    system mine (labnode)\n").count(), 1, "{validated}");
    assert!(lab.ok(&["doctor"]).contains("system    mine (labnode): version"));
    lab.ok(&["run", "1", "--backend", "sim"]);
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("data/W1/manifest.json")).unwrap();
    assert_eq!(manifest["config"]["system"], serde_json::json!({ "name": "mine", "kind": "labnode" }));
    assert_eq!(manifest["system"]["version"], env!("CARGO_PKG_VERSION"));
    let report = lab.read("report/report.md");
    assert!(report.contains("system = \"mine\"") && report.contains("[system.mine]\nkind = \"labnode\"\n"));

    lab.edit("experiments.toml", |text| text.replace("\"labnode\"", "\"redos\""));
    let ended = lab.run(&["validate"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("system.mine.kind must be "), "{}", ended.stderr);
}

#[test]
fn measured_delays_lie_beside_the_configuration_and_are_recorded_with_the_run() {
    let measured = "delay = { kind = \"empirical\", file = \"measured/delays.csv\" }";
    let lab = Lab::new("");
    std::fs::create_dir_all(lab.path("lab/measured")).unwrap();
    std::fs::write(lab.path("lab/experiments.toml"), SMALL.replace("max_delay_ms = 20", measured)).unwrap();
    std::fs::write(lab.path("lab/measured/delays.csv"), "ms\n1\n2.5\nx\n").unwrap();
    let run = ["run", "1", "--backend", "sim", "--config", "lab/experiments.toml"];
    let ended = lab.run(&run);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("measured/delays.csv:4: each line must be one number of milliseconds"),
        "{}",
        ended.stderr
    );

    lab.edit("lab/measured/delays.csv", |text| text.replace('x', "4"));
    lab.ok(&run);
    std::fs::remove_file(lab.path("lab/measured/delays.csv")).unwrap();
    assert!(lab.read("data/W1/manifest.json").contains("quantiles_ms"));
    // What the report prints of the configuration can be run again.
    let report = lab.read("report/report.md");
    let (_, rest) = report.split_once("```toml\n").unwrap();
    let (config, _) = rest.split_once("```").unwrap();
    std::fs::write(lab.path("experiments.toml"), config).unwrap();
    lab.ok(&["run", "1", "--backend", "sim", "--data", "again"]);
    assert_eq!(lab.read("data/W1/writes.csv"), lab.read("again/W1/writes.csv"));
}

#[test]
fn a_missing_file_and_a_missing_experiment_are_named() {
    let lab = Lab::new(SMALL);
    let ended = lab.run(&["validate", "--config", "no.toml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("no.toml: no such file"), "{}", ended.stderr);
    let ended = lab.run(&["run", "all", "-e", "smal"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("there is no experiment `smal`; choose one of small, versioned, or `all`"));
}

#[test]
fn usage_errors_exit_with_two() {
    let lab = Lab::new(SMALL);
    for args in [&[][..], &["run"], &["run", "1,1"], &["run", "x"], &["run", "all", "--backend", "cloud"], &["fly"]] {
        let ended = lab.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[test]
fn completions_know_the_subcommands() {
    let lab = Lab::new(SMALL);
    for shell in ["bash", "zsh", "fish"] {
        assert!(lab.ok(&["completions", shell]).contains("check-consistency"), "{shell}");
    }
}

#[test]
fn doctor_says_what_auto_would_take_and_why() {
    let lab = Lab::new(&SMALL.replace("backend = \"process\"", "backend = \"auto\""));
    let output = lab.command(&["doctor"]).env("DOCKER_HOST", "tcp://127.0.0.1:1").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(printed.ends_with("\n`labctl run all` will use local processes\n"), "{printed}");
    lab.edit("experiments.toml", |text| text.replace("schema = 1", "schema = 0"));
    let unread = String::from_utf8(lab.command(&["doctor"]).output().unwrap().stdout).unwrap();
    assert!(unread.contains("missing  config") && !unread.contains("will use"), "{unread}");
    for part in ["machine", "docker", "ports", "disk", "config", "system    labnode: version"] {
        assert!(printed.contains(part), "{printed}");
    }
}

#[test]
fn auto_falls_back_to_processes_and_says_so_everywhere() {
    let lab = Lab::new(&SMALL.replace("backend = \"process\"", "backend = \"auto\""));
    let output = lab.command(&["run", "1"]).env("DOCKER_HOST", "tcp://127.0.0.1:1").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("backend process: no Docker engine answers") || stderr.contains("there is no `docker`"));
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("data/W1/manifest.json")).unwrap();
    assert_eq!(manifest["backend"]["name"], "process");
    assert!(manifest["backend"]["reason"].as_str().is_some_and(|reason| reason.to_lowercase().contains("docker")));
}
