//! What one process is to run, with every place of its texts filled in.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cluster::ClusterError;
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

/// The file that a program's path or name stands for.
///
/// # Errors
/// [`ClusterError::Setup`] if there is no such file, or it cannot be executed.
pub fn find(program: &Path) -> Result<PathBuf, ClusterError> {
    let is_path = program.components().count() > 1 || program.is_absolute();
    let folders = env::var_os("PATH").unwrap_or_default();
    let candidates: Vec<PathBuf> = if is_path {
        // A relative path would be looked up in the folder in which the program starts.
        vec![std::path::absolute(program).unwrap_or_else(|_| program.to_owned())]
    } else {
        env::split_paths(&folders).map(|folder| folder.join(program)).collect()
    };
    let files: Vec<PathBuf> = candidates.into_iter().filter(|file| file.is_file()).collect();
    if let Some(found) = files.iter().find(|file| is_executable(file)) {
        return Ok(found.clone());
    }
    Err(ClusterError::Setup(match (files.first(), is_path) {
        (Some(file), _) => {
            let file = file.display();
            format!("the program {file} may not be executed: `chmod +x {file}` allows it")
        }
        (None, true) => format!("there is no program {}: see that it is installed there", program.display()),
        (None, false) => format!(
            "there is no program `{}` on the path: install it, or name its file in experiments.toml",
            program.display()
        ),
    }))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn refusal(program: &str) -> String {
        find(Path::new(program)).unwrap_err().to_string()
    }

    #[test]
    fn a_program_is_found_on_the_path_or_where_it_is_said_to_be() {
        let sh = find(Path::new("sh")).unwrap();
        assert!(sh.is_absolute() && sh.ends_with("sh"), "{}", sh.display());
        assert_eq!(find(&sh).unwrap(), sh);
    }

    #[test]
    fn what_cannot_be_run_is_told_with_what_to_do() {
        assert_eq!(
            refusal("no-such-program"),
            "there is no program `no-such-program` on the path: install it, or name its file in experiments.toml"
        );
        assert_eq!(refusal("/no/such"), "there is no program /no/such: see that it is installed there");
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(refusal(path), format!("the program {path} may not be executed: `chmod +x {path}` allows it"));
        // A folder is no program, though it may be entered.
        assert!(refusal("/usr").starts_with("there is no program /usr"));
    }
}
