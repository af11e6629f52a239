//! Experiments whose number of followers follows from the quorum of each run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::reader::{Fields, Problems};
use super::setting::Setting;
use crate::model::{Followers, Quorum};

/// Whether the number of followers follows from the quorum of each run. It does where a system waits for a majority and the
/// experiment leaves `followers` out: the leader and W followers are a majority of 2 W followers and the leader.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FollowersByQuorum(pub bool);

impl FollowersByQuorum {
    /// The followers of which W and the leader are a majority. `None` if there are too few or too many.
    #[must_use]
    pub fn of(quorum: Quorum) -> Option<Followers> {
        Followers::try_from(i64::from(quorum.get()) * 2).ok()
    }
}

impl fmt::Display for FollowersByQuorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("2 W of them at each W")
    }
}

impl Setting for FollowersByQuorum {
    /// No key says it: it follows from the system, and from `followers` being left out.
    fn read(_: &mut Fields<'_>, _: &'static str, default: Self, _: &mut Problems<'_>) -> Self {
        default
    }
}
