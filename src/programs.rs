//! Finds the file of a program.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Why there is no program to start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProgram {
    /// There is a file, but not one that may be executed.
    #[error("the program {file} may not be executed: `chmod +x {file}` allows it", file = .0.display())]
    NotExecutable(PathBuf),
    /// There is no such file; the text says where it was looked for.
    #[error("{0}")]
    Missing(String),
}

/// The file that a program's path or name stands for. A relative path begins in `start_in`, where a name that is not on
/// the path is looked up too; without it in the folder in which labctl runs.
///
/// # Errors
/// [`NoProgram`] if there is no such file, or it cannot be executed.
pub fn find_program(program: &Path, start_in: Option<&Path>) -> Result<PathBuf, NoProgram> {
    let is_path = is_path(program);
    let folders = env::var_os("PATH").unwrap_or_default();
    // Absolute, as the program starts in another folder.
    let here = start_in.map_or_else(|| program.to_owned(), |folder| folder.join(program));
    let here = std::path::absolute(&here).unwrap_or(here);
    let candidates: Vec<PathBuf> = if is_path {
        vec![here.clone()]
    } else {
        let on_the_path = env::split_paths(&folders).map(|folder| folder.join(program));
        on_the_path.chain(start_in.map(|_| here.clone())).collect()
    };
    let files: Vec<PathBuf> = candidates.into_iter().filter(|file| file.is_file()).collect();
    if let Some(found) = files.iter().find(|file| is_executable(file)) {
        return Ok(found.clone());
    }
    Err(match (files.into_iter().next(), is_path) {
        (Some(file), _) => NoProgram::NotExecutable(file),
        (None, true) if start_in.is_some() => NoProgram::Missing(format!(
            "there is no program {}, {}: see that it is there",
            program.display(),
            here.display()
        )),
        (None, true) => {
            NoProgram::Missing(format!("there is no program {}: see that it is installed there", program.display()))
        }
        (None, false) => NoProgram::Missing(format!(
            "there is no program `{}` on the path{}: install it, or name its file in experiments.toml",
            program.display(),
            start_in.map(|_| format!(", and no {}", here.display())).unwrap_or_default()
        )),
    })
}

/// Whether a program is named by its path, not by a name that is looked up.
#[must_use]
pub fn is_path(program: &Path) -> bool {
    program.components().count() > 1 || program.is_absolute()
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn refusal(program: &str) -> String {
        find_program(Path::new(program), None).unwrap_err().to_string()
    }

    #[test]
    fn a_program_is_found_on_the_path_or_where_it_is_said_to_be() {
        let sh = find_program(Path::new("sh"), None).unwrap();
        assert!(sh.is_absolute() && sh.ends_with("sh"), "{}", sh.display());
        assert_eq!(find_program(&sh, None).unwrap(), sh);
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
