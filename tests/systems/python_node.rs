//! `examples/python-node`, the node of a student: `labctl init` asks about it on a terminal, and the file that comes of
//! the answers is run, as local processes and in containers.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::engine_left::{assert_nothing_left, folder_label};
use crate::lab::Ended;
use crate::require::missing;
use crate::terminal::Terminal;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// An image of this machine's Python.
pub(crate) const BASE: &str = "labctl-test-python";

/// The example in a folder of its own, and the way to `labctl` and Python.
pub(crate) struct Student {
    pub(crate) folder: TempDir,
    path: OsString,
}

impl Student {
    /// `None` where no Python has what the node imports.
    pub(crate) fn new() -> Option<Self> {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        for file in ["node.py", "requirements.txt", "Dockerfile", "docker-compose.yml"] {
            fs::copy(Path::new(ROOT).join("examples/python-node").join(file), folder.path().join(file)).unwrap();
        }
        let labctl = Path::new(env!("CARGO_BIN_EXE_labctl")).parent().unwrap().to_owned();
        let search = std::env::var_os("PATH").unwrap_or_default();
        let folders = [labctl, python].into_iter().chain(std::env::split_paths(&search));
        Some(Self { folder, path: std::env::join_paths(folders).unwrap() })
    }

    /// The same with an image for its containers. `None` where there is no engine, or no such Python.
    pub(crate) fn in_containers() -> Option<Self> {
        let student = Self::new()?;
        has_image().then(|| {
            fs::write(student.folder.path().join(".env"), format!("BASE={BASE}\n")).unwrap();
            student
        })
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env("PATH", &self.path);
        command
    }

    fn labctl(&self, args: &[&str]) -> Ended {
        self.command(env!("CARGO_BIN_EXE_labctl"), args).output().unwrap().into()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Runs two quorums. Each has to settle, the report has to be there, and nothing may be left.
    fn measure(&self, quorums: [u32; 2], backend: &str) {
        let [first, second] = quorums;
        let ended = self.labctl(&["run", &format!("{first},{second}"), "--backend", backend]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for quorum in quorums {
            let manifest: Value = serde_json::from_str(&self.read(&format!("data/W{quorum}/manifest.json"))).unwrap();
            assert_eq!((&manifest["settled"], &manifest["backend"]["name"]), (&true.into(), &backend.into()));
            let writes = self.read(&format!("data/W{quorum}/writes.csv"));
            // Six Pythons on a busy machine may miss the time limit of some writes.
            assert!(writes.lines().count() == 101 && writes.contains(",ok,200,"), "{writes}");
        }
        assert!(self.read("report/report.md").contains("## "));
    }

    /// Asserts that nothing is left on the engine.
    pub(crate) fn assert_nothing_left(&self) {
        assert_nothing_left(&folder_label(self.folder.path()));
    }
}

/// The folder of a Python that has what the node imports. `None` if none is found.
fn python() -> Option<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&search).chain(["/usr/bin".into()]);
    let imports = |folder: &PathBuf| {
        let asked = Command::new(folder.join("python3")).args(["-c", "import fastapi, httpx, uvicorn"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    let found = folders.find(imports);
    if found.is_none() {
        missing("python3", "no python3 has fastapi, httpx and uvicorn");
    }
    found
}

/// Whether there is an engine, which has an image of this machine's Python then.
pub(crate) fn has_image() -> bool {
    static IMAGE: OnceLock<bool> = OnceLock::new();
    *IMAGE.get_or_init(|| {
        let engine = Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success());
        if !engine {
            missing("docker", "no Docker engine answers");
            return false;
        }
        let script = Path::new(ROOT).join("scripts/image-from-python");
        let built = Command::new(script).args([BASE, "fastapi", "httpx", "uvicorn", "pip"]).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        true
    })
}

/// What `labctl init` asks, and what is typed; `start` is how the nodes start.
fn dialogue(student: &Student, start: &[(&str, &str)]) {
    let mut terminal = Terminal::start(student.command(env!("CARGO_BIN_EXE_labctl"), &["init"]));
    terminal.answer("Name of your system [mine]: ", "");
    start.iter().for_each(|(question, line)| terminal.answer(question, line));
    let rest = [
        ("Number of followers [5]: ", "two"),
        // It asks again.
        ("Number of followers [5]: ", "2"),
        // Which interface, how it is told W.
        ("Number [1]: ", "1"),
        ("Number [1]: ", ""),
        ("Does its number count the leader too? [no]: ", "n"),
        // Who delays copies.
        ("Number [1]: ", ""),
        ("Shortest delay of a copy, in ms [0]: ", ""),
        ("Longest delay of a copy, in ms [1000]: ", "40"),
    ];
    rest.iter().for_each(|(question, line)| terminal.answer(question, line));
    let (status, shown) = terminal.end();
    assert!(status.success() && shown.contains("wrote experiments.toml"), "{shown}");
    let validated = student.labctl(&["validate"]);
    assert_eq!(validated.code, Some(0), "{}", validated.stderr);
    assert!(validated.stdout.contains("W = 1, 2 of 2 followers"), "{}", validated.stdout);
}

#[test]
fn init_asks_on_a_terminal_and_its_file_is_run_as_local_processes() {
    let Some(student) = Student::new() else { return };
    dialogue(
        &student,
        &[
            ("Number [1]: ", ""),
            ("The command; {port} is the node's port [python3 node.py {port}]: ", "python3 node.py"),
        ],
    );
    student.measure([1, 2], "process");
}

#[test]
fn init_asks_on_a_terminal_and_its_file_is_run_in_containers() {
    let Some(student) = Student::in_containers() else { return };
    dialogue(
        &student,
        &[
            ("Number [1]: ", "2"),
            ("The Compose file [docker-compose.yml]: ", ""),
            ("The leader's service [leader]: ", ""),
            ("The followers' services; {index} counts from 1 [follower{index}]: ", "f{index}"),
            ("The port on which each node listens in its container [8080]: ", ""),
        ],
    );
    student.measure([1, 2], "compose");
    student.assert_nothing_left();
}

#[test]
fn the_examples_own_file_is_run_in_containers() {
    let Some(student) = Student::in_containers() else { return };
    let file = "experiments.toml";
    fs::copy(Path::new(ROOT).join("examples/python-node").join(file), student.folder.path().join(file)).unwrap();
    student.measure([1, 5], "compose");
    student.assert_nothing_left();
}
