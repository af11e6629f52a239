//! Whose a listening port is: a connection alone does not tell which program took it.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use rustix::process::Pid;

use super::family;

/// Whether some process listens on this port of the machine that neither is `root` nor descends from
/// it. False where that cannot be told: without `/proc`, or if a process of another user may be the one.
pub(super) fn is_anothers(port: u16, root: Pid) -> bool {
    let sockets = listening(port);
    if sockets.is_empty() {
        return false;
    }
    for pid in family::descendants(root).into_iter().chain([root]) {
        match open_sockets(pid) {
            Ok(open) if open.is_disjoint(&sockets) => {}
            Ok(_) => return false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return false,
        }
    }
    true
}

/// The ports on which `root` and what descends from it listen. Empty where that cannot be told.
pub(super) fn ports_of(root: Pid) -> BTreeSet<u16> {
    let own = family::descendants(root).into_iter().chain([root]).filter_map(|pid| open_sockets(pid).ok());
    let own: BTreeSet<u64> = own.flatten().collect();
    listeners().into_iter().filter(|(_, inode)| own.contains(inode)).map(|(port, _)| port).collect()
}

/// The inodes of the sockets that listen on this port, whatever their address.
fn listening(port: u16) -> BTreeSet<u64> {
    listeners().into_iter().filter(|(own, _)| *own == port).map(|(_, inode)| inode).collect()
}

/// Every socket that listens: its port and inode.
fn listeners() -> Vec<(u16, u64)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).filter_map(listener).collect()
}

/// Port and inode, if this row of the kernel's table (proc_net_tcp in the kernel's documentation) is a
/// socket that listens: `0: 0100007F:1F90 00000000:0000 0A ... INODE ...`.
fn listener(row: &str) -> Option<(u16, u64)> {
    let fields: Vec<&str> = row.split_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (*fields.get(3)? == "0A").then_some((port, fields.get(9)?.parse().ok()?))
}

/// The inodes of a process's sockets.
fn open_sockets(pid: Pid) -> io::Result<BTreeSet<u64>> {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))?;
    let targets = descriptors.flatten().filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    let inode = |target: String| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    Ok(targets.filter_map(|target| inode(target.to_str()?.to_owned())).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::net::TcpListener;

    use rustix::process::getpid;

    use super::*;

    #[test]
    fn a_row_of_the_table_is_read() {
        let row = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 5501 1 0 100 0";
        assert_eq!(listener(row), Some((8080, 5501)));
        assert_eq!(listener(&row.replace(" 0A ", " 01 ")), None);
        assert_eq!(listener("  sl  local_address rem_address   st tx_queue"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_port_is_told_apart_from_anothers() {
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = own.local_addr().unwrap().port();
        assert!(!is_anothers(port, getpid()));
        assert!(ports_of(getpid()).contains(&port));
        // A process without the socket.
        let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        assert!(is_anothers(port, Pid::from_child(&other)));
        assert!(ports_of(Pid::from_child(&other)).is_empty());
        other.kill().unwrap();
        other.wait().unwrap();
        drop(own);
        assert!(!is_anothers(port, getpid()), "nobody listens there");
    }
}
