//! The form in which nodes are told of their followers.

use serde::{Deserialize, Serialize};

use super::placeholders::of_the_node;
use super::read;
use super::template::Template;
use crate::config::{Fields, Problems, Setting, settings};
use crate::model::{NodeId, Place, Text};

settings! {
    /// What `{followers}` stands for.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct FollowerList {
        /// One follower, e.g. `http://{host}:{port}`.
        each: Each = Each::default();
        /// What stands between two followers.
        separator: String = ",".to_owned();
    }
}

impl FollowerList {
    /// The list of these followers.
    pub(super) fn text(&self, followers: impl Iterator<Item = NodeId>) -> Text {
        Text::joined(followers.map(|follower| self.each.text(follower)), &self.separator)
    }
}

/// How one follower is named to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Each(Template);

/// The placeholders of [`Each`].
const KNOWN: [&str; 4] = ["host", "port", "name", "index"];

impl Each {
    fn text(&self, follower: NodeId) -> Text {
        self.0.text(|placeholder| match placeholder {
            "host" => Text::new().place(Place::HostOf(follower)),
            "port" => Text::new().place(Place::PortOf(follower)),
            own => Text::from(of_the_node(follower, own)),
        })
    }
}

impl Default for Each {
    #[expect(clippy::expect_used, reason = "this template is sound")]
    fn default() -> Self {
        Self(Template::parse("http://{host}:{port}", &KNOWN).expect("a template"))
    }
}

impl Setting for Each {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let Some(value) = fields.take(key) else { return default };
        read::template(&value, &format!("{}{key}", fields.path), &KNOWN, problems).map_or(default, Self)
    }
}
