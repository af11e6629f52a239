//! `[experiment.NAME.network.follower.fI]`: what differs for one follower.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::reader::{Fields, Problems};
use crate::config::setting::{Setting, settings};
use crate::model::{Distribution, Millis, NodeId};

settings! {
    /// What differs for one follower.
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct FollowerNetwork {
        /// Replaces the network's delay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::delay"))]
        delay: Option<Distribution> = None;
        /// Replaces the network's delay of acknowledgements.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::delay"))]
        ack_delay: Option<Distribution> = None;
        /// Added to the delay of each write, but not of its acknowledgement.
        #[serde(default, skip_serializing_if = "Millis::is_zero")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::millis"))]
        extra_ms: Millis = Millis::ZERO;
    }
}

impl Setting for BTreeMap<NodeId, FollowerNetwork> {
    fn read(fields: &mut Fields<'_>, key: &'static str, _: Self, problems: &mut Problems<'_>) -> Self {
        let mut table = fields.table(key, problems);
        let followers = table.size.followers;
        let mut read = Self::new();
        for (key, value) in std::mem::take(&mut table.table) {
            match key.get_ref().parse::<NodeId>() {
                Ok(node) if !node.is_leader() && node.is_in(followers) => {
                    let mut own = table.nested(value, format!("{}{node}.", table.path), problems);
                    problems.record(format!("{}{node}", table.path), key.span());
                    read.insert(node, FollowerNetwork::read_from(&mut own, FollowerNetwork::default(), problems));
                    own.finish(problems);
                }
                _ => {
                    let path = table.path.trim_end_matches('.');
                    let message = format!("{path}: the followers are f1 to f{followers}, not `{}`", key.get_ref());
                    problems.add(key.span(), message);
                }
            }
        }
        read
    }
}
