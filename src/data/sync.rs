//! Makes sure that what was written has reached the disk.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes sure that the names in a folder have reached the disk: syncing a file does not save its
/// entry in the folder (fsync(2)).
///
/// # Errors
/// If the folder cannot be synced. A file system that syncs no folders is no error.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}
