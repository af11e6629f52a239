//! Where a run is written before it is whole, and what of that a killed labctl has left behind.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::DataError;

/// What the name of a replaced run ends with, where it could not be swapped in one step.
const ASIDE: &str = ".old";

/// A folder beside `path` to write the run in; removed when dropped.
pub(super) fn beside(path: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!(".{}-", path.file_name().unwrap_or_default().display()))
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(path.parent().unwrap_or(Path::new(".")))
}

/// Where an earlier run goes while `staged` takes its place.
pub(super) fn aside(staged: &Path) -> PathBuf {
    let mut name = staged.as_os_str().to_owned();
    name.push(ASIDE);
    name.into()
}

/// Removes what is left of unfinished runs directly in `folder`, and puts back a run that was
/// moved aside and never replaced; returns what was removed. The caller holds the lock.
pub(super) fn clear(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| DataError::Io { path: folder.to_owned(), action: "list", source })?,
    };
    let mut removed = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let Some(run) = run_of(&path) else { continue };
        let run = folder.join(run);
        if path.to_string_lossy().ends_with(ASIDE) && !run.exists() {
            let io = |source| DataError::Io { path: path.clone(), action: "put the earlier run back", source };
            fs::rename(&path, &run).map_err(io)?;
            continue;
        }
        fs::remove_dir_all(&path).map_err(|source| DataError::Io { path: path.clone(), action: "remove", source })?;
        removed.push(path);
    }
    removed.sort();
    Ok(removed)
}

/// The run that a folder was to become: `W3` of `.W3-x7Yz12`.
fn run_of(path: &Path) -> Option<&str> {
    let (run, _) = path.file_name()?.to_str()?.strip_prefix('.')?.split_once('-')?;
    let digits = run.strip_prefix('W')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && path.is_dir()).then_some(run)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfinished_goes_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".W3-abc", ".W12-x", ".W3-old.old", "W3", ".W-1", ".Wx-1", "barrier", ".git"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path(".W4-file"), "").unwrap();
        fs::write(path(".W3-abc/writes.csv"), "half").unwrap();
        let removed = clear(folder.path()).unwrap();
        assert_eq!(removed, [".W12-x", ".W3-abc", ".W3-old.old"].map(path));
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 6);
        assert!(clear(&path("nowhere")).unwrap().is_empty());
    }

    #[test]
    fn a_folder_whose_name_is_no_text_keeps_its_name() {
        use std::os::unix::ffi::OsStrExt as _;
        let staged = Path::new(std::ffi::OsStr::from_bytes(b"x\xff/.W3-abc"));
        assert_eq!(aside(staged).as_os_str().as_bytes(), b"x\xff/.W3-abc.old");
    }

    #[test]
    fn a_run_moved_aside_and_never_replaced_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let staged = folder.path().join(".W3-abc");
        fs::create_dir(aside(&staged)).unwrap();
        fs::write(aside(&staged).join("manifest.json"), "whole").unwrap();
        assert!(clear(folder.path()).unwrap().is_empty());
        assert_eq!(fs::read_to_string(folder.path().join("W3/manifest.json")).unwrap(), "whole");
    }
}
