//! The folders of a cluster's nodes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::user;
use crate::cluster::ClusterError;
use crate::cluster::folder::{MEMORY, OwnedFolder};
use crate::model::{NodeProgram, NodeSpec, RunAs, Storage};

/// What the durable folder of a node on disk is called, in its own folder.
const STORAGE: &str = "storage";

/// The folders of all nodes of a cluster. They are there until this is dropped, also while a node is down.
#[derive(Debug, Default)]
pub(super) struct NodeFolders {
    /// Holds each node's own folder.
    disk: Option<OwnedFolder>,
    /// Holds durable folders in memory.
    memory: Option<OwnedFolder>,
}

/// The folders of one node.
#[derive(Debug, Default)]
pub(super) struct NodeFolder {
    /// Its own. Empty if it runs labctl itself, and needs none.
    pub(super) own: PathBuf,
    /// Its durable one. Empty if it has none.
    pub(super) storage: PathBuf,
}

impl NodeFolders {
    /// Makes the folders of a node, or finds them if it has been started before. They belong to `user`, if one is given.
    ///
    /// # Errors
    /// When they cannot be made, or the user may not enter them.
    pub(super) fn make(&mut self, spec: &NodeSpec, user: Option<RunAs>) -> Result<NodeFolder, ClusterError> {
        if spec.program == NodeProgram::Labctl {
            return Ok(NodeFolder::default());
        }
        let name = spec.node.to_string();
        let own = below(&mut self.disk, None, &name, user)?;
        let storage = match spec.lifecycle.storage {
            None => PathBuf::new(),
            Some(Storage::Disk) => made(own.join(STORAGE), user)?,
            Some(Storage::Memory) => below(&mut self.memory, Some(Path::new(MEMORY)), &name, user)?,
        };
        Ok(NodeFolder { own, storage })
    }
}

/// The folder of this name in one of labctl's, which is made in `place` if it is not there.
fn below(
    all: &mut Option<OwnedFolder>,
    place: Option<&Path>,
    name: &str,
    user: Option<RunAs>,
) -> Result<PathBuf, ClusterError> {
    let folder = match all.take() {
        Some(folder) => folder,
        None => place.map_or_else(OwnedFolder::new, OwnedFolder::new_in).map_err(ClusterError::temporary)?,
    };
    let folder = all.insert(folder);
    if user.is_some() {
        // The user may pass through, and see nothing.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).map_err(ClusterError::temporary)?;
    }
    made(folder.path().join(name), user)
}

/// A folder that is there, and belongs to `user`, if one is given.
fn made(folder: PathBuf, user: Option<RunAs>) -> Result<PathBuf, ClusterError> {
    fs::create_dir_all(&folder).map_err(ClusterError::temporary)?;
    user.map_or(Ok(()), |user| user::give(&folder, user))?;
    Ok(folder)
}
