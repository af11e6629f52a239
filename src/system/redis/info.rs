//! What `INFO` tells of a server and of its replicas.

use std::collections::BTreeMap;

/// The answer to `INFO server` and `INFO replication`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Info {
    fields: BTreeMap<String, String>,
}

/// A replica as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replica {
    /// Whether its first synchronisation is over.
    pub(super) is_online: bool,
    /// How much of the log it has acknowledged, in bytes.
    pub(super) offset: u64,
    /// Seconds since its last acknowledgement; it sends one a second. `None` if the leader does not say.
    pub(super) lag_s: Option<u64>,
}

impl Replica {
    /// Whether it holds the log up to `end`. Its leader calls it online once a snapshot of all that it holds was sent; by its
    /// first acknowledgement it has taken the snapshot in.
    pub(super) const fn has(&self, end: u64) -> bool {
        self.is_online && self.offset > 0 && self.offset >= end
    }
}

impl Info {
    /// Reads the text of an answer: `name:value` lines under `# Section` headings.
    pub(super) fn parse(text: &str) -> Self {
        let fields = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        Self { fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// One field's text.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The product and its version, e.g. `Redis 7.0.15` or `Valkey 8.0.1`.
    pub(super) fn version(&self) -> Option<String> {
        match self.get("valkey_version") {
            Some(version) => Some(format!("Valkey {version}")),
            None => Some(format!("Redis {}", self.get("redis_version")?)),
        }
    }

    /// The end of the leader's log, in bytes.
    pub(super) fn log_end(&self) -> Option<u64> {
        self.get("master_repl_offset")?.parse().ok()
    }

    /// How much of its leader's log this follower has, in bytes.
    pub(super) fn replica_position(&self) -> Option<u64> {
        self.get("slave_repl_offset")?.parse().ok()
    }

    /// Whether this follower's connection to its leader is up, its first synchronisation included.
    pub(super) fn is_linked(&self) -> bool {
        self.get("master_link_status") == Some("up")
    }

    /// The leader's replicas, by the names that they announce.
    pub(super) fn replicas(&self) -> BTreeMap<String, Replica> {
        let lines = self.fields.iter().filter(|(name, _)| is_replica(name));
        lines.filter_map(|(_, line)| replica(line)).collect()
    }
}

/// `slave0`, `slave1`, ...
fn is_replica(name: &str) -> bool {
    name.strip_prefix("slave").is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
}

/// `ip=f1,port=6379,state=online,offset=42,lag=0`.
fn replica(line: &str) -> Option<(String, Replica)> {
    let parts: BTreeMap<&str, &str> = line.split(',').filter_map(|part| part.split_once('=')).collect();
    let number = |name| parts.get(name).and_then(|text| text.parse::<u64>().ok());
    let replica =
        Replica { is_online: parts.get("state") == Some(&"online"), offset: number("offset")?, lag_s: number("lag") };
    Some(((*parts.get("ip")?).to_owned(), replica))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADER: &str = "# Server\r\nredis_version:7.0.15\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
        slave0:ip=f1,port=40001,state=online,offset=123,lag=0\r\nslave1:ip=f2,port=40002,state=wait_bgsave,offset=0,lag=0\r\n\
        slave_read_only:1\r\nmaster_repl_offset:126\r\n";

    #[test]
    fn a_leader_tells_its_log_and_its_replicas() {
        let info = Info::parse(LEADER);
        assert_eq!(info.version().as_deref(), Some("Redis 7.0.15"));
        assert_eq!(info.log_end(), Some(126));
        let replicas = info.replicas();
        assert_eq!(replicas.keys().collect::<Vec<_>>(), ["f1", "f2"]);
        assert_eq!(replicas.get("f1"), Some(&Replica { is_online: true, offset: 123, lag_s: Some(0) }));
        assert_eq!(replicas.get("f2"), Some(&Replica { is_online: false, offset: 0, lag_s: Some(0) }));
    }

    #[test]
    fn a_replica_has_the_log_only_once_it_has_acknowledged_something() {
        let replica = |is_online, offset| Replica { is_online, offset, lag_s: Some(0) };
        assert!(replica(true, 7).has(7) && replica(true, 7).has(0));
        assert!(!replica(true, 6).has(7) && !replica(false, 7).has(7));
        // Of a leader that was started again, whose log is empty.
        assert!(!replica(true, 0).has(0));
    }

    #[test]
    fn a_follower_tells_whether_it_is_linked() {
        assert!(Info::parse("role:slave\r\nmaster_link_status:up\r\n").is_linked());
        assert!(!Info::parse("role:slave\r\nmaster_link_status:down\r\n").is_linked());
    }

    #[test]
    fn valkey_goes_by_its_own_version() {
        assert_eq!(
            Info::parse("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n").version().as_deref(),
            Some("Valkey 8.0.1")
        );
        assert_eq!(Info::parse("PONG").version(), None);
    }
}
