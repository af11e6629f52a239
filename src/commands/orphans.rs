//! Orphans: processes and folders whose labctl is gone.

use crate::cluster::{Orphans, end_orphans};

/// Ends the processes and removes the folders of labctls that were killed. Says what was done, a line each.
pub(super) fn end_processes() -> Vec<String> {
    let Orphans { processes, folders, left } = end_orphans();
    let ended = processes.iter().map(|name| format!("ended {name}, a process"));
    let removed = folders.iter().map(|folder| format!("removed {}, a folder", folder.display()));
    let done = ended.chain(removed).map(|what| format!("{what} which a labctl that was killed had left behind"));
    done.chain(left.iter().map(|folder| format!("cannot remove the folder {folder}"))).collect()
}
