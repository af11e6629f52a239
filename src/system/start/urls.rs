//! Nodes that run already.

use serde::{Deserialize, Serialize};

use crate::config::{Fields, Problems, Setting};
use crate::model::{Accepted, Endpoints};

/// Where nodes run that labctl does not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningNodes {
    pub(super) leader: NodeUrl,
    pub(super) followers: Vec<NodeUrl>,
}

impl RunningNodes {
    /// Where the leader and so many followers are reached. `None` if there are fewer.
    pub(super) fn endpoints(&self, followers: usize) -> Option<Endpoints> {
        let followers = self.followers.get(..followers)?.iter().map(NodeUrl::address).collect();
        Some(Endpoints { leader: self.leader.address(), followers })
    }
}

impl Setting for Option<RunningNodes> {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let value = fields.take(key)?;
        let mut table = fields.nested(value, format!("{}{key}.", fields.path), problems);
        let leader = table.required("leader", problems);
        table.require("followers", &format!("a list in brackets, each value {}", NodeUrl::accepted()), problems);
        let followers = Vec::read(&mut table, "followers", Vec::new(), problems);
        table.finish(problems);
        leader.map(|leader| RunningNodes { leader, followers }).or(default)
    }
}

/// Where a node listens: `http://HOST:PORT`, or `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct NodeUrl(String);

impl NodeUrl {
    /// `HOST:PORT`.
    fn address(&self) -> String {
        let address = self.0.strip_prefix(SCHEME).unwrap_or(&self.0).trim_end_matches('/');
        // An IPv6 address in brackets has colons too.
        let has_port = address.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        if has_port { address.to_owned() } else { format!("{address}:80") }
    }
}

const SCHEME: &str = "http://";

impl Accepted for NodeUrl {
    fn accepted() -> String {
        "the address of a node without a path, such as \"http://127.0.0.1:8000\"".to_owned()
    }
}

impl TryFrom<String> for NodeUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        let read = Self(url);
        let address = read.address();
        let (host, port) = address.rsplit_once(':').unwrap_or_default();
        let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/?#@\\".contains(c));
        match port.parse::<u16>() {
            Ok(1..) if is_host => Ok(read),
            _ => Err(format!("{:?} is not {}", read.0, Self::accepted())),
        }
    }
}

impl From<NodeUrl> for String {
    fn from(url: NodeUrl) -> Self {
        url.0
    }
}

impl std::fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
