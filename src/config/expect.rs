//! `[experiment.NAME.expect]`: what must hold.

use serde::{Deserialize, Serialize};

use super::setting::settings;
use crate::model::Quorum;

settings! {
    /// What `check-consistency` requires of the runs.
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Expect {
        /// Quorums at which every follower must end equal to the leader.
        consistent_at: Vec<Quorum> = Vec::new();
    }
}
