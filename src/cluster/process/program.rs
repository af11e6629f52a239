//! What one process is to run, with every place of its texts filled in.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::supervisor::Supervision;
use crate::model::{NodeProgram, Readiness};

/// What one process is to run.
#[derive(Debug)]
pub(super) struct Program {
    /// The executable.
    pub(super) path: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Its whole environment, but for the mark of its owner.
    pub(super) variables: BTreeMap<OsString, OsString>,
    /// The folder that is its own. `None` if it runs labctl itself, which needs none.
    pub(super) folder: Option<PathBuf>,
    /// The folder in which it starts, if not its own.
    pub(super) start_in: Option<PathBuf>,
    /// How it shows that it listens.
    pub(super) readiness: Readiness,
    /// How long it may take until it listens.
    pub(super) start_limit: Duration,
    /// The labctl that supervises it. `None` if it is labctl itself, which ends by itself once its
    /// parent is gone.
    pub(super) supervisor: Option<PathBuf>,
    /// What the supervisor does for it.
    pub(super) supervision: Supervision,
}

/// Variables of the user's environment that a foreign program gets: what it needs to find its
/// libraries, its files, its user and its language. All else that it depends on the system sets.
const PASSED_ON: [&str; 16] = [
    "DYLD_LIBRARY_PATH",
    "GOROOT",
    "HOME",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "PYTHONPATH",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_RUNTIME_DIR",
];

/// The variables of the user's environment that a program gets.
pub(super) fn passed_on(program: &NodeProgram) -> BTreeMap<OsString, OsString> {
    let is_passed = |name: &OsString| {
        PASSED_ON.iter().any(|passed| name == passed) || name.to_str().is_some_and(|name| name.starts_with("LC_"))
    };
    match program {
        NodeProgram::Labctl => BTreeMap::new(),
        NodeProgram::Executable(_) => env::vars_os().filter(|(name, _)| is_passed(name)).collect(),
    }
}
