//! A Compose file of the user's, of which the nodes are services.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::placeholders::of_the_node;
use super::read;
use super::template::Template;
use crate::config::{Fields, Problems, Setting};
use crate::model::{Accepted, Followers, NodeId, ranged_integer};

ranged_integer!(
    /// A port on which a node listens in its container.
    ContainerPort(u16), "a port", 1..=65_535
);

/// Which services of a Compose file are the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ComposeStart {
    /// The Compose file, from the folder of experiments.toml.
    pub(super) file: PathBuf,
    /// The leader's service.
    pub(super) leader: String,
    /// The followers' services.
    pub(super) followers: FollowerServices,
    /// The port on which every node listens in its container.
    pub(super) port: ContainerPort,
    /// The port on which the leader listens, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leader_port: Option<ContainerPort>,
}

/// The services of followers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum FollowerServices {
    /// A name with the follower's number in it, e.g. `follower{index}`.
    Pattern(Template),
    /// The name of each.
    Names(Vec<String>),
}

impl FollowerServices {
    /// The service of each follower. `None` if there are not enough.
    pub(super) fn of(&self, followers: Followers) -> Option<Vec<String>> {
        let nodes = NodeId::followers(followers);
        match self {
            Self::Pattern(name) => {
                Some(nodes.map(|node| name.fill(|placeholder| of_the_node(node, placeholder))).collect())
            }
            Self::Names(names) => names.get(..nodes.len()).map(<[String]>::to_vec),
        }
    }
}

/// The placeholders of a pattern.
const KNOWN: [&str; 2] = ["index", "name"];

impl Setting for Option<ComposeStart> {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let value = fields.take(key)?;
        let mut table = fields.nested(value, format!("{}{key}.", fields.path), problems);
        let file = table.located("file", PathBuf::from("docker-compose.yml"), problems).value;
        let leader = table.located("leader", "leader".to_owned(), problems).value;
        let followers = read_followers(&mut table, problems);
        let port: Option<ContainerPort> = table.required("port", problems);
        let leader_port = table.optional("leader_port", problems).value;
        table.finish(problems);
        let read = port.zip(followers);
        read.map(|(port, followers)| ComposeStart { file, leader, followers, port, leader_port }).or(default)
    }
}

fn read_followers(table: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<FollowerServices> {
    let path = format!("{}followers", table.path);
    let Some(value) = table.take("followers") else {
        return Template::parse("follower{index}", &KNOWN).ok().map(FollowerServices::Pattern);
    };
    let DeValue::Array(names) = value.get_ref() else {
        let pattern = read::template(&value, &path, &KNOWN, problems)?;
        if pattern.names().next().is_none() {
            let message =
                format!("{path}: all followers would be one service; write {{index}} where their number stands");
            problems.add(value.span(), message);
        }
        return Some(FollowerServices::Pattern(pattern));
    };
    problems.record(path.clone(), value.span());
    let mut read: Vec<String> = Vec::new();
    for name in names {
        match name.get_ref().as_str() {
            Some(name) if !read.iter().any(|known| known == name) => read.push(name.to_owned()),
            Some(twice) => problems.add(name.span(), format!("{path} lists {twice} twice")),
            None => {
                let shown = problems.shown(&name.span());
                problems.add(name.span(), format!("{path}: each value must be {}, not {shown}", String::accepted()));
            }
        }
    }
    Some(FollowerServices::Names(read))
}
