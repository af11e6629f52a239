//! Puts finished files in place.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ReportError;
use crate::data::sync_folder;

/// Writes files into `folder`, which is made if need be, and removes those of an earlier report
/// that this one does not have. None is replaced before all of them are whole.
///
/// # Errors
/// [`ReportError::Io`]; every file is either whole or as it was before.
pub(crate) fn write_all(folder: &Path, files: &[(&str, &[u8])], absent: &[&str]) -> Result<(), ReportError> {
    let failed = |path: &Path, action| {
        let path = path.to_owned();
        move |source| ReportError::Io { path, action, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder, "make the folder"))?;
    let staged: Vec<_> = files.iter().map(|(name, content)| stage(folder, name, content)).collect::<Result<_, _>>()?;
    for name in absent {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed(&path, "remove the earlier")(error));
            }
            _ => {}
        }
    }
    for (file, path) in staged {
        file.persist(&path).map_err(|error| failed(&path, "write")(error.error))?;
    }
    sync_folder(folder).map_err(failed(folder, "sync the folder"))
}

/// Writes what is to be a file of this name beside its place.
fn stage(folder: &Path, name: &str, content: &[u8]) -> Result<(NamedTempFile, PathBuf), ReportError> {
    let path = folder.join(name);
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(&format!(".{name}-"))
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    match write() {
        Ok(file) => Ok((file, path)),
        Err(source) => Err(ReportError::Io { path, action: "write", source }),
    }
}
