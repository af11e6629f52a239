//! The questions about a system, each left out where a flag has answered it.

use super::answers::{Compose, DelayAnswer, Paths, QuorumAnswer, Start};
use super::questions::Questions;
use super::words;
use crate::cli::{DelayUnit, DelayedBy, Init, Interface, QuorumTold};

/// An answer that is taken as it is, if there is one.
fn anything(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// How its nodes start.
pub(super) fn start(args: &Init, questions: &mut Questions<'_>) -> anyhow::Result<Start> {
    #[derive(Clone, Copy, PartialEq)]
    enum How {
        Command,
        Compose,
        Running,
    }
    let is_given = args.command.is_some() || args.compose.is_some();
    let given = if is_given { Some(How::Command) } else { (!args.urls.is_empty()).then_some(How::Running) };
    let how = questions.choose(
        given,
        "How do its nodes start?",
        &[
            (How::Command, "a command starts one node, as a local process"),
            (How::Compose, "they are services of a Docker Compose file"),
            (How::Running, "they run already"),
        ],
    )?;
    if how == How::Running {
        let given = (!args.urls.is_empty()).then(|| args.urls.join(","));
        let default = "http://127.0.0.1:8080,http://127.0.0.1:8081";
        let urls = |text: &str| Ok(text.split(',').map(|url| url.trim().to_owned()).collect());
        return questions
            .text("--urls", given.as_deref(), "Their addresses, the leader's first", default, urls)
            .map(Start::Running);
    }
    let command = (args.command.is_some() || !is_given && how == How::Command).then(|| {
        let question = "The command; {port} is the node's port";
        questions.text("--command", args.command.as_deref(), question, "python3 node.py {port}", words::command)
    });
    let command = command.transpose()?;
    let compose = (args.compose.is_some() || how == How::Compose).then(|| compose(args, questions)).transpose()?;
    Ok(Start::Started { command, compose })
}

fn compose(args: &Init, questions: &mut Questions<'_>) -> anyhow::Result<Compose> {
    let mut ask =
        |flag, given: Option<&str>, question, default| questions.text(flag, given, question, default, anything);
    let file = ask("--compose", args.compose.as_deref(), "The Compose file", "docker-compose.yml")?;
    let leader = ask("--leader-service", args.leader_service.as_deref(), "The leader's service", "leader")?;
    let services = "The followers' services; {index} counts from 1";
    let followers = ask("--follower-services", args.follower_services.as_deref(), services, "follower{index}")?;
    let given = args.container_port.map(|port| port.to_string());
    let port = |text: &str| text.parse().map_err(|_| "it must be a port from 1 to 65535".to_owned());
    let port = questions.text(
        "--container-port",
        given.as_deref(),
        "The port on which each node listens in its container",
        "8080",
        port,
    )?;
    Ok(Compose { file, leader, followers, port })
}

/// What is sent to a node whose interface is not the lab's.
pub(super) fn paths(args: &Init, questions: &mut Questions<'_>) -> anyhow::Result<Paths> {
    questions.tell(
        "A request is a method, a path, and JSON if it has a body; a filter is one of jq. A write that says W itself",
    )?;
    questions.tell("has {quorum} where it stands, or \"{quorum_number}\" for a number in JSON.")?;
    let write = r#"PUT /kv/{key} {"value": "{value}"}"#;
    let write = questions.text("--write", args.write.as_deref(), "A write", write, words::request)?;
    let given: Vec<String> = args.status.iter().map(ToString::to_string).collect();
    let given = (!given.is_empty()).then(|| given.join(","));
    let statuses = |text: &str| {
        let read: Result<Vec<u16>, _> = text.split(',').map(|status| status.trim().parse()).collect();
        read.map_err(|_| "it must be a list of statuses, such as 200,201".to_owned())
    };
    let status =
        questions.text("--status", given.as_deref(), "Statuses of a write that has its quorum", "200", statuses)?;
    let question = "A filter on its answer that tells whether it has its quorum; - if the status tells";
    let ok =
        questions.text("--ok", args.ok.as_deref(), question, "-", |text| Ok((text != "-").then(|| text.to_owned())))?;
    let read = questions.text("--read", args.read.as_deref(), "A read", "GET /kv/{key}", words::request)?;
    let value =
        questions.text("--value", args.value.as_deref(), "The value in its answer, as a filter", ".value", anything)?;
    let question = "A request that tells everything a node holds; reads if there is none";
    let dump = questions.text("--dump", args.dump.as_deref(), question, "reads", |text| match text {
        "reads" => Ok(None),
        request => words::request(request).map(Some),
    })?;
    let dump = dump.map(|dump| {
        let question = "Its entries, each with key and value, as a filter";
        let entries = questions.text("--entries", args.entries.as_deref(), question, "to_entries[]", anything)?;
        anyhow::Ok((dump, entries))
    });
    Ok(Paths { write, status, ok, read, value, dump: dump.transpose()? })
}

/// How W is told.
pub(super) fn quorum(
    args: &Init,
    start: &Start,
    paths: Option<&Paths>,
    questions: &mut Questions<'_>,
) -> anyhow::Result<QuorumAnswer> {
    let in_writes = paths.is_some_and(|paths| {
        let body = paths.write.json.as_ref().map(ToString::to_string).unwrap_or_default();
        ["{quorum}", "{quorum_number}"].iter().any(|name| paths.write.line.contains(name) || body.contains(name))
    });
    let given = args.quorum.or_else(|| match (&args.set_quorum, &args.quorum_variable) {
        (Some(_), _) => Some(QuorumTold::ByRequest),
        (None, Some(_)) => Some(QuorumTold::PerStart),
        (None, None) => in_writes.then_some(QuorumTold::PerWrite),
    });
    let by_request = (QuorumTold::ByRequest, "by a request to the leader");
    let per_start = match start {
        Start::Started { .. } => (QuorumTold::PerStart, "by a variable when a node starts"),
        Start::Running(_) => (QuorumTold::PerStart, "not by labctl: they were started with it"),
    };
    // With each write is found out by itself: the write has {quorum} in it.
    Ok(match questions.choose(given, "How is the system told W, the write quorum?", &[per_start, by_request])? {
        QuorumTold::PerStart => {
            let question = "The variable";
            let is_asked = matches!(start, Start::Started { .. }) && paths.is_some();
            let given = args.quorum_variable.as_deref().or((!is_asked).then_some("WRITE_QUORUM"));
            QuorumAnswer::PerStart(questions.text("--quorum-variable", given, question, "WRITE_QUORUM", anything)?)
        }
        QuorumTold::ByRequest => {
            let default = r#"POST /config {"quorum": "{quorum_number}"}"#;
            QuorumAnswer::ByRequest(questions.text(
                "--set-quorum",
                args.set_quorum.as_deref(),
                "The request",
                default,
                words::request,
            )?)
        }
        QuorumTold::PerWrite => QuorumAnswer::PerWrite,
    })
}

/// Who delays copies.
pub(super) fn delays(
    args: &Init,
    start: &Start,
    interface: Interface,
    questions: &mut Questions<'_>,
) -> anyhow::Result<DelayAnswer> {
    let is_started = matches!(start, Start::Started { .. });
    let given = args.delays.or((!is_started).then_some(DelayedBy::Own));
    let by = questions.choose(
        given,
        "Who delays the copies of a write?",
        &[
            (DelayedBy::Own, "each node by itself, as variables tell it"),
            (DelayedBy::Proxies, "labctl, by proxies between the nodes"),
        ],
    )?;
    if by == DelayedBy::Proxies {
        return Ok(DelayAnswer::Proxies);
    }
    let pair = |text: &str| match text.split_once(',') {
        Some((shortest, longest)) if !shortest.is_empty() && !longest.is_empty() => {
            Ok((shortest.trim().to_owned(), longest.trim().to_owned()))
        }
        _ => Err("it must be two variables, such as MIN_DELAY_MS,MAX_DELAY_MS".to_owned()),
    };
    let default = "MIN_DELAY_MS,MAX_DELAY_MS";
    // The lab's interface has these variables; nodes that run already are given none.
    let is_asked = is_started && interface == Interface::Paths;
    let given = args.delay_variables.as_deref().or((!is_asked).then_some(default));
    let variables = questions.text(
        "--delay-variables",
        given,
        "The variables of the shortest and the longest delay",
        default,
        pair,
    )?;
    let unit = match args.delay_unit {
        Some(unit) => unit,
        None if !is_asked => DelayUnit::Ms,
        None => questions.choose(None, "Their unit?", &[(DelayUnit::Ms, "milliseconds"), (DelayUnit::S, "seconds")])?,
    };
    Ok(DelayAnswer::Own { variables, unit })
}
