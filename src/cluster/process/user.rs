//! The user who runs a node where labctl itself is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use rustix::process::geteuid;

use crate::cluster::ClusterError;
use crate::model::{NodeUser, RunAs};

/// The file that lists the users of a machine (passwd(5)).
const USERS: &str = "/etc/passwd";

/// The user who has to run a node. `None` if it is the one who runs labctl.
///
/// # Errors
/// When this machine lists no such user, or labctl may not start programs as another user.
pub(super) fn find(wanted: &NodeUser) -> Result<Option<RunAs>, ClusterError> {
    let (own, name) = (geteuid(), &wanted.name);
    if !own.is_root() && !wanted.is_required {
        return Ok(None);
    }
    let users = fs::read_to_string(USERS).unwrap_or_default();
    let found = users.lines().find_map(|line| user(line, name));
    match found {
        Some(user) if user.uid == own.as_raw() => Ok(None),
        Some(user) if own.is_root() => Ok(Some(user)),
        Some(_) => Err(ClusterError::Setup(format!(
            "labctl may not start nodes as the user {name} (run_as): run labctl as root or as {name}, or leave run_as out"
        ))),
        None => Err(ClusterError::Setup(format!(
            "the nodes do not run as root, and {USERS} lists no user {name}: name another one by run_as, or run labctl as \
             another user than root"
        ))),
    }
}

/// Gives a folder to a user.
///
/// # Errors
/// When the user may not enter a folder above it, or it cannot be given away.
pub(super) fn give(folder: &Path, user: RunAs) -> Result<(), ClusterError> {
    if let Some(closed) = folder.ancestors().skip(1).find(|above| !may_enter(user, above)) {
        return Err(ClusterError::Setup(format!(
            "the user {user} (UID:GID), who is to run the nodes, may not enter {}: set TMPDIR to a folder that everybody \
             may enter",
            closed.display()
        )));
    }
    chown(folder, Some(user.uid), Some(user.gid)).map_err(ClusterError::temporary)
}

fn may_enter(user: RunAs, folder: &Path) -> bool {
    folder.metadata().is_ok_and(|meta| {
        let right = match (meta.uid() == user.uid, meta.gid() == user.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        meta.mode() & right != 0
    })
}

/// The user of a line of the list, `name:x:101:104:...`, if it is of this name.
fn user(line: &str, name: &str) -> Option<RunAs> {
    let mut fields = line.split(':');
    let is_of_name = fields.next() == Some(name);
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    is_of_name.then_some(RunAs { uid, gid })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_user_is_found_by_name() {
        let line = "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash";
        let postgres = user(line, "postgres").unwrap();
        assert_eq!(postgres, RunAs { uid: 101, gid: 104 });
        assert_eq!(postgres.to_string().parse(), Ok(postgres));
        assert_eq!(user(line, "post"), None);
        assert!("postgres".parse::<RunAs>().is_err());
    }

    #[test]
    fn whether_a_user_may_enter_a_folder_is_told_by_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let meta = folder.path().metadata().unwrap();
        let (owner, group) = (RunAs { uid: meta.uid(), gid: meta.gid() }, RunAs { uid: 65_533, gid: meta.gid() });
        let other = RunAs { uid: 65_533, gid: 65_533 };
        for (mode, expected) in [(0o700, [true, false, false]), (0o611, [false, true, true]), (0o751, [true; 3])] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!([owner, group, other].map(|user| may_enter(user, folder.path())), expected, "{mode:o}");
        }
    }
}
