//! A scripted `docker` for tests; the script beside this file says how it works.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use labctl::cluster::{Docker, Programs, Unavailable};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A folder with a scripted `docker` in it.
pub(crate) struct Fake(TempDir);

impl Fake {
    pub(crate) fn new(answers: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-docker/docker");
        // A link, since a copy might still be open for writing when it is executed.
        symlink(&script, dir.path().join("docker")).unwrap();
        symlink(&script, dir.path().join("docker-compose")).unwrap();
        fs::write(dir.path().join("answers"), answers.concat()).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn programs(&self) -> Programs {
        Programs { docker: self.path("docker").into(), standalone: self.path("docker-compose").into() }
    }

    pub(crate) fn docker(&self) -> Docker {
        Docker::new(self.programs(), &CancellationToken::new()).unwrap()
    }

    pub(crate) fn probe(&self) -> Unavailable {
        Docker::new(self.programs(), &CancellationToken::new()).unwrap_err()
    }

    /// Every call so far, with the project's name, the folder and temporary folders replaced by
    /// `P`, `R` and `T`.
    pub(crate) fn calls(&self, project: &str) -> Vec<String> {
        let root = self.0.path().to_string_lossy().into_owned();
        let temporary = std::env::temp_dir().join("labctl-").to_string_lossy().into_owned();
        let text = fs::read_to_string(self.path("calls")).unwrap();
        let line = |line: &str| {
            let words = line.replace(project, "P").replace(&root, "R");
            // Folders of a name that changes from one labctl to the next.
            let word = |word: &str| match word.strip_prefix(&temporary) {
                Some(rest) => format!("T{}", rest.find('/').map_or("", |at| &rest[at..])),
                None => word.to_owned(),
            };
            words.split(' ').map(word).collect::<Vec<_>>().join(" ")
        };
        text.lines().map(line).collect()
    }

    /// What the last `up` or `build` saw of a variable.
    pub(crate) fn env(&self, verb: &str, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.path(&format!("env.{verb}"))).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    }

    /// A folder like a checkout without sources; with this node binary, if any.
    pub(crate) fn checkout(&self, binary: Option<&[u8]>) {
        fs::write(self.path("docker-compose.yml"), "").unwrap();
        fs::create_dir(self.path("node")).unwrap();
        fs::write(self.path("node/Dockerfile"), "FROM scratch\n").unwrap();
        if let Some(bytes) = binary {
            let release = self.path("target/x86_64-unknown-linux-gnu/release");
            fs::create_dir_all(&release).unwrap();
            fs::write(release.join("labnode"), bytes).unwrap();
        }
    }
}
