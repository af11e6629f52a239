//! A folder with an experiment small enough for a test, and labctl in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Twenty writes with delays of up to 20 ms.
pub(crate) const SMALL: &str = r#"
schema = 1
default = "small"

[experiment.small]
quorums = [1, 3]
followers = 3
backend = "process"
[experiment.small.network]
max_delay_ms = 20
[experiment.small.workload]
writes = 20
concurrency = 5
keys = 4

[experiment.versioned]
quorums = [1]
followers = 3
backend = "process"
[experiment.versioned.network]
max_delay_ms = 20
order = "version"
[experiment.versioned.workload]
writes = 20
keys = 2
[experiment.versioned.expect]
consistent_at = [1]
"#;

/// How many seconds a command may take: ten times what the longest needs.
const LIMIT_S: &str = "600";

/// A working folder of its own.
pub(crate) struct Lab {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Lab {
    /// A folder with this `experiments.toml`.
    pub(crate) fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("experiments.toml"), config).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Changes a file by `change`.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        fs::write(self.path(name), change(self.read(name))).unwrap();
    }

    /// `labctl` with arguments, in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labctl"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    /// Runs `labctl` to its end. One that hangs is ended with exit code 124, so that the test fails and is named.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let mut command = Command::new("timeout");
        command.args(["--foreground", "--kill-after=30", LIMIT_S, env!("CARGO_BIN_EXE_labctl")]);
        command.args(args).current_dir(self.folder.path()).output().unwrap().into()
    }

    /// Runs `labctl`, which has to succeed, and returns what it printed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        ended.stdout
    }
}

/// Every file below a folder with its bytes, by relative path; without the locks, which say who
/// held them last.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.as_os_str().as_encoded_bytes().ends_with(b".lock") {
                let bytes = fs::read(&path).unwrap();
                found.push((path.strip_prefix(folder).unwrap().to_owned(), bytes));
            }
        }
    }
    found.sort();
    found
}
