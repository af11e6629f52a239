#![expect(clippy::unwrap_used, reason = "a test may panic")]

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command, Init};

/// The arguments after `labctl init`.
fn args(arguments: &[&str]) -> Init {
    match Cli::try_parse_from(["labctl", "init"].iter().chain(arguments)).unwrap().command {
        Command::Init(args) => *args,
        other => unreachable!("{other:?}"),
    }
}

/// What is asked, and the file that comes of it, where a user types these lines.
fn dialogue(arguments: &[&str], typed: &str) -> (String, anyhow::Result<String>) {
    let (mut input, mut output) = (typed.as_bytes(), Vec::new());
    let answers = collect(&args(arguments), &mut Questions::on(&mut input, &mut output));
    let file = answers.map(|answers| render::render(&answers));
    file.iter().for_each(|file| super::check(file).unwrap());
    (String::from_utf8(output).unwrap(), file)
}

/// The file that these flags make without a question.
fn file(arguments: &[&str]) -> String {
    let args = args(arguments);
    check_flags(&args).unwrap();
    let file = render::render(&collect(&args, &mut Questions::nobody()).unwrap());
    super::check(&file).unwrap();
    file
}

fn told(arguments: &[&str]) -> String {
    check_flags(&args(arguments)).unwrap_err().to_string()
}

#[test]
fn empty_answers_describe_the_labs_interface_as_a_local_process() {
    let (asked, file) = dialogue(&[], &"\n".repeat(20));
    insta::assert_snapshot!(format!("{asked}\n\n{}", file.unwrap()));
}

#[test]
fn another_interface_is_asked_for_request_by_request() {
    let typed = [
        "mine2",
        "2",
        "",
        "node",
        "node{index}",
        "x",
        "5000",
        "3",
        "2",
        "POST /set?key={key}&value={value}",
        "",
        ".success",
        "",
        ".",
        "GET /dump",
        "",
        "2",
        r#"POST /config {"writeQuorum": "{quorum_number}"}"#,
        "yes",
        "1",
        "MIN,MAX",
        "2",
        "",
        "200",
    ];
    let (asked, file) = dialogue(&[], &typed.map(|line| format!("{line}\n")).concat());
    insta::assert_snapshot!(format!("{asked}\n\n{}", file.unwrap()));
}

#[test]
fn input_that_ends_early_writes_nothing() {
    let (_, file) = dialogue(&[], "mine\n1\n");
    assert_eq!(file.unwrap_err().to_string(), "the questions are not all answered: nothing was written");
}

#[test]
fn flags_answer_everything_where_nobody_can_be_asked() {
    insta::assert_snapshot!(file(&[
        "--name=kv",
        "--command=go run . --port={port}",
        "--followers=3",
        "--write",
        r#"POST /write {"key": "{key}", "value": "{value}"}"#,
        "--status=200,201",
        "--ok",
        r#".status == "success""#,
        "--read=GET /read?key={key}",
        "--dump=reads",
        "--quorum-variable=W",
        "--counts-leader",
        "--delays=proxies",
        "--max-delay-ms=80",
    ]));
}

#[test]
fn nodes_that_run_already_have_as_many_followers_as_addresses() {
    let running = file(&["--urls=http://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", "--interface=lab", "--quorum=per_start"]);
    assert!(running.contains("followers = 2\n") && running.contains("quorums = [1] "), "{running}");
    assert!(running.contains("# the W that the running nodes were started with\n"), "{running}");
    assert!(running.contains("# Where the nodes run. labctl starts and stops none of them.\n"), "{running}");
    assert!(!running.contains("fresh system") && !running.contains("How nodes start"), "{running}");
    assert!(
        running.contains(r#"urls = { leader = "http://127.0.0.1:1", followers = ["127.0.0.1:2", "127.0.0.1:3"] }"#)
    );
    let alone = collect(&args(&["--urls=http://127.0.0.1:1", "--interface=lab"]), &mut Questions::nobody());
    assert!(alone.unwrap_err().to_string().contains("the address of the leader and of each follower"));
}

#[test]
fn a_flag_that_describes_an_interface_is_refused_beside_the_labs() {
    let told = |flags: &[&str]| check_interface(&args(flags)).map_err(|error| error.to_string());
    for flag in ["--write", "--status", "--ok", "--read", "--value", "--dump", "--entries"] {
        let given = format!("{flag}=200");
        let refusal =
            format!("{flag} describes another interface than the lab's; leave it out, or say --interface paths");
        assert_eq!(told(&["--interface=lab", &given]), Err(refusal));
        assert_eq!(told(&["--interface=paths", &given]), Ok(()));
        assert_eq!(told(&[&given]), Ok(()));
    }
    assert_eq!(told(&["--interface=lab", "--quorum=per_start"]), Ok(()));
}

#[test]
fn flags_that_are_missing_are_named_in_one_line() {
    assert_eq!(
        told(&[]),
        "there is no terminal to ask on; say how nodes start (--command, --compose or --urls) and their interface \
         (--interface lab, or --write and --read)"
    );
    assert_eq!(told(&["--command=a", "--interface=paths"]), "there is no terminal to ask on; say a write (--write)");
    assert_eq!(told(&["--compose=a", "--write=PUT /"]), "there is no terminal to ask on; say a read (--read)");
}
