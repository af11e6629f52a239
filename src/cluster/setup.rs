//! The preparation of a node before its first start, as a command of the shell that local processes and containers share.

use std::path::Path;

use crate::model::{SetupStep, Text};

/// The file in the durable folder that tells that the node has been prepared.
const MARK: &str = "labctl-prepared";
/// The pause before a step is tried again, in seconds.
const PAUSE_S: &str = "0.1";

/// How a backend writes down what a step needs.
pub(super) struct StepWriter<'a> {
    /// The path or name by which it starts a program.
    pub(super) program: &'a dyn Fn(&Path) -> String,
    /// A text with every place filled in.
    pub(super) fill: &'a dyn Fn(&Text) -> String,
    /// The node's own folder.
    pub(super) folder: &'a str,
    /// Its durable folder.
    pub(super) storage: &'a str,
}

/// The arguments with which a shell runs these steps, unless they have been run before, and then becomes `program`, its
/// path and its arguments. What steps print is dropped but for their errors.
pub(super) fn shell_arguments(steps: &[SetupStep], writer: &StepWriter<'_>, program: Vec<String>) -> Vec<String> {
    let mark = quoted(&format!("{}/{MARK}", writer.storage));
    let lines: Vec<String> = steps.iter().map(|step| line(step, writer)).collect();
    let script = format!("set -e\nif [ ! -e {mark} ]; then\n{}\n: >{mark}\nfi\nexec \"$@\"", lines.join("\n"));
    ["-c".to_owned(), script, "labctl".to_owned()].into_iter().chain(program).collect()
}

/// The line of the shell that runs a step.
fn line(step: &SetupStep, writer: &StepWriter<'_>) -> String {
    let arguments = step.arguments.iter().map(|argument| (writer.fill)(argument));
    let words: Vec<String> = std::iter::once((writer.program)(&step.program)).chain(arguments).collect();
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let input = step.input.as_ref().map_or("/dev/null".to_owned(), |file| format!("{}/{file}", writer.folder));
    let command = format!("{} <{} >/dev/null", words.join(" "), quoted(&input));
    if step.is_retried { format!("until {command}; do sleep {PAUSE_S}; done") } else { command }
}

/// A word that the shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::model::Place;

    /// Runs a node that prints its argument, after these steps in a folder.
    fn run(folder: &str, steps: &[SetupStep]) -> (bool, String) {
        let writer = StepWriter {
            program: &|path| path.display().to_string(),
            fill: &|text| text.fill(|_| folder.to_owned()),
            folder,
            storage: folder,
        };
        let program = ["echo", "it's $HOME"].map(str::to_owned).to_vec();
        let output = Command::new("sh").args(shell_arguments(steps, &writer, program)).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    fn step(program: &str, arguments: Vec<Text>) -> SetupStep {
        SetupStep { program: program.into(), arguments, input: None, is_retried: false }
    }

    #[test]
    fn a_node_is_prepared_once_and_started_each_time() {
        let folder = tempfile::Builder::new().prefix("it's $a ").tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        fs::write(folder.path().join("input"), "12").unwrap();
        let tee = Text::new().place(Place::Storage).text("/out");
        let read = SetupStep { input: Some("input".to_owned()), ..step("tee", vec![Text::from("-a"), tee]) };
        // Fails until its folder is there, which the second try makes.
        let made = Text::new().place(Place::Storage).text("/made");
        let script = Text::from("mkdir \"$0\" 2>/dev/null && exit 1; exit 0");
        let tried = SetupStep { is_retried: true, ..step("sh", vec![Text::from("-c"), script, made]) };
        for _ in 0..2 {
            assert_eq!(run(path, &[read.clone(), tried.clone()]), (true, "it's $HOME\n".to_owned()));
            assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "12");
        }
    }

    #[test]
    fn a_node_whose_preparation_fails_is_not_started_and_prepared_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(run(path, &[step("false", Vec::new())]), (false, String::new()));
        assert_eq!(run(path, &[step("true", Vec::new())]), (true, "it's $HOME\n".to_owned()));
    }
}
