//! docs/your-own-node.md: every command on it is run, and says what the page says.

use std::fs;
use std::path::Path;

use crate::lab::Ended;
use crate::python_node::Student;

/// Where the page turns from local processes to containers.
const IN_CONTAINERS: &str = "\n## In containers\n";

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/your-own-node.md")).unwrap()
}

/// Commands of the page's `console` blocks, each with the lines that it prints.
fn commands(page: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for block in page.split("\n```console\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()) {
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), Vec::new())),
                None => commands.last_mut().unwrap().1.push(masked(line)),
            }
        }
    }
    commands
}

/// A line with each number as N, and each run of blanks or dashes as one: figures differ from run to run, and the widths of
/// columns with them.
fn masked(line: &str) -> String {
    let mut masked = String::new();
    for c in line.trim().chars() {
        let class = if c.is_ascii_digit() { 'N' } else { c };
        let repeats = masked.ends_with(class) && matches!(class, 'N' | ' ' | '─');
        if !repeats {
            masked.push(class);
        }
    }
    masked.replace("N.N", "N")
}

#[test]
fn numbers_and_widths_are_masked_and_words_are_not() {
    assert_eq!(masked("  W=1  100 ok  mean 326.2 ms"), "W=N N ok mean N ms");
    assert_eq!(masked("────"), "─");
}

/// Runs every command of a part of the page, and holds what it prints against the page.
fn follow(part: &str, student: &Student) {
    let commands = commands(part);
    assert!(commands.len() >= 3, "{commands:?}");
    for (command, expected) in commands {
        let ended: Ended = student.command("sh", &["-c", &command]).output().unwrap().into();
        // The only failure on the page is the rule that is made wrong on purpose.
        let code = if expected.iter().any(|line| line.starts_with("problem: ")) { 2 } else { 0 };
        assert_eq!(ended.code, Some(code), "{command}: {}", ended.stderr);
        let printed: Vec<String> = ended.stdout.lines().map(masked).collect();
        let mut rest = printed.iter();
        for line in expected.iter().filter(|line| *line != "...") {
            assert!(rest.any(|one| one == line), "{command} does not print, in this order: {line}\n{}", ended.stdout);
        }
    }
    assert!(student.folder.path().join("report/report.html").exists());
}

#[test]
fn every_command_on_the_page_says_what_the_page_says() {
    let Some(student) = Student::new() else { return };
    follow(page().split_once(IN_CONTAINERS).unwrap().0, &student);
}

#[test]
fn every_command_on_the_page_says_in_containers_what_the_page_says() {
    let Some(student) = Student::in_containers() else { return };
    follow(page().split_once(IN_CONTAINERS).unwrap().1, &student);
    student.assert_nothing_left();
}
