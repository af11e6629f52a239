//! docs/adapter.md shows the example as it is, and what it and labctl really say.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::adapter::is_installed;
use crate::lab::{Ended, Lab};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/adapter")
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/adapter.md")).unwrap()
}

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let begin = format!("\n```{language}\n");
    page.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The example in a folder of its own.
fn example() -> Lab {
    let lab = Lab::new(&fs::read_to_string(folder().join("experiments.toml")).unwrap());
    fs::copy(folder().join("adapter.py"), lab.path("adapter.py")).unwrap();
    lab
}

/// A text with every number in place of which another may stand.
fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    let mut was_digit = false;
    for c in text.chars() {
        let is_digit = c.is_ascii_digit() || (was_digit && c == '.');
        match is_digit {
            true if was_digit => {}
            true => masked.push('N'),
            false => masked.push(c),
        }
        was_digit = is_digit;
    }
    masked
}

#[test]
fn the_code_on_the_page_is_the_example() {
    assert_eq!(blocks(&page(), "python"), [fs::read_to_string(folder().join("adapter.py")).unwrap()]);
    let config = fs::read_to_string(folder().join("experiments.toml")).unwrap();
    for line in blocks(&page(), "toml")[0].lines() {
        assert!(config.lines().any(|one| one == line), "{line}");
    }
}

#[test]
fn the_example_answers_as_the_page_says() {
    if !is_installed() {
        return;
    }
    let lab = example();
    let shown = page();
    let sent = shown.lines().filter_map(|line| line.strip_prefix("> "));
    let expected: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("< ")).collect();
    let mut adapter = Command::new("python3")
        .arg("adapter.py")
        .current_dir(lab.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = adapter.stdin.take().unwrap();
    sent.for_each(|line| writeln!(input, "{line}").unwrap());
    drop(input);
    let answered: Ended = adapter.wait_with_output().unwrap().into();
    let said: Vec<&str> = answered.stdout.lines().collect();
    assert_eq!(said[1..], expected[1..]);
    // The version is that of this machine.
    assert_eq!(without_numbers(said[0]), without_numbers(expected[0]));
}

#[test]
fn a_run_of_the_example_says_what_the_page_says() {
    if !is_installed() {
        return;
    }
    let lab = example();
    let expected = blocks(&page(), "console")[0].clone();
    let (command, expected) = expected.split_once('\n').unwrap();
    let arguments: Vec<&str> = command.strip_prefix("$ labctl ").unwrap().split(' ').collect();
    let said = lab.ok(&arguments);
    let said: String = said.lines().filter(|line| line.starts_with("W=")).map(|line| format!("{line}\n")).collect();
    assert_eq!(without_numbers(&said), without_numbers(expected), "{said}");
    assert_eq!(said.matches(" 60 ok ").count(), 3, "{said}");
    // At W = 3 of 3 an acknowledged write is everywhere, though an older one may still arrive after it.
    for command in ["validate", "check-consistency", "report"] {
        assert_eq!(lab.run(&[command]).code, Some(0), "{command}");
    }
}

#[test]
fn the_error_on_the_page_is_what_a_broken_adapter_ends_with() {
    if !is_installed() {
        return;
    }
    let lab = example();
    lab.edit("adapter.py", |code| {
        code.replace("[\"value\"]", "[\"valu\"]").replace("except Exception", "except OSError")
    });
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let line = ended.stderr.lines().last().unwrap();
    assert!(blocks(&page(), "text").iter().any(|block| block.trim_end() == line), "{line}");
}
