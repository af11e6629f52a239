//! Collects what has to be known of a system, from flags and by asking.

use anyhow::{Context, bail};

use super::answers::{Answers, Start};
use super::ask;
use super::questions::Questions;
use crate::cli::{Init, Interface};
use crate::config::ExperimentName;
use crate::model::{Accepted as _, Followers, Millis};

/// Whether every flag bears on the file.
///
/// # Errors
/// A flag that describes the interface, beside the one that says that it is the lab's.
pub(super) fn check_interface(args: &Init) -> anyhow::Result<()> {
    let described = [
        ("--write", args.write.is_some()),
        ("--status", !args.status.is_empty()),
        ("--ok", args.ok.is_some()),
        ("--read", args.read.is_some()),
        ("--value", args.value.is_some()),
        ("--dump", args.dump.is_some()),
        ("--entries", args.entries.is_some()),
    ];
    match described.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) if args.interface == Some(Interface::Lab) => {
            bail!("{flag} describes another interface than the lab's; leave it out, or say --interface paths")
        }
        _ => Ok(()),
    }
}

/// The flags that are required where no questions can be asked.
///
/// # Errors
/// Which of them are missing.
pub(super) fn check_flags(args: &Init) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    if args.command.is_none() && args.compose.is_none() && args.urls.is_empty() {
        missing.push("how nodes start (--command, --compose or --urls)");
    }
    match args.interface {
        None if args.write.is_none() => missing.push("their interface (--interface lab, or --write and --read)"),
        Some(Interface::Lab) => {}
        _ if args.write.is_none() => missing.push("a write (--write)"),
        _ if args.read.is_none() => missing.push("a read (--read)"),
        _ => {}
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("there is no terminal to ask on; say {}", missing.join(" and "))
}

/// Asks for what the flags leave open.
pub(super) fn collect(args: &Init, questions: &mut Questions<'_>) -> anyhow::Result<Answers> {
    let name = args.name.as_ref().map(ToString::to_string);
    let parse = |name: &str| name.parse::<ExperimentName>().map_err(|error| error.to_string());
    let name = questions.text("--name", name.as_deref(), "Name of your system", "mine", parse)?;
    let start = ask::start(args, questions)?;
    let followers = match (&start, args.followers) {
        (_, Some(followers)) => followers,
        (Start::Running(urls), None) => urls
            .len()
            .saturating_sub(1)
            .to_string()
            .parse::<Followers>()
            .map_err(anyhow::Error::msg)
            .context("--urls needs the address of the leader and of each follower")?,
        (Start::Started { .. }, None) => {
            questions.text("--followers", None, "Number of followers", "5", |number| number.parse::<Followers>())?
        }
    };
    let given = args.interface.or_else(|| args.write.is_some().then_some(Interface::Paths));
    let interface = questions.choose(
        given,
        "Which interface does a node have?",
        &[
            (
                Interface::Lab,
                "the lab's: PUT and GET /kv/{key}, GET /debug/store, variables ROLE, FOLLOWERS, WRITE_QUORUM, ...",
            ),
            (Interface::Paths, "another one"),
        ],
    )?;
    let paths = match interface {
        Interface::Lab => None,
        Interface::Paths => Some(ask::paths(args, questions)?),
    };
    let quorum = ask::quorum(args, &start, paths.as_ref(), questions)?;
    let counts_leader = questions.is_so(args.counts_leader, "Does its number count the leader too?")?;
    let delays = ask::delays(args, &start, interface, questions)?;
    let mut bound = |flag, given: Option<Millis>, question, default| {
        let given = given.map(|millis| millis.to_string());
        questions.text(flag, given.as_deref(), question, default, millis)
    };
    let shortest = bound("--min-delay-ms", args.min_delay_ms, "Shortest delay of a copy, in ms", "0")?;
    let longest = bound("--max-delay-ms", args.max_delay_ms, "Longest delay of a copy, in ms", "1000")?;
    Ok(Answers { name, followers, start, paths, quorum, counts_leader, delays, bounds_ms: (shortest, longest) })
}

fn millis(text: &str) -> Result<Millis, String> {
    let millis = text.parse::<f64>().ok().and_then(|number| Millis::try_from(number).ok());
    millis.ok_or_else(|| format!("it must be {}", Millis::accepted()))
}
