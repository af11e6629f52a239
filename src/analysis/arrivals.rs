//! What follows from when each copy arrived.

use serde::Serialize;

use super::account::Account;
use super::copies::Copies;
use super::durability::Durability;
use super::lag::Lag;
use super::need::{Need, Withheld};
use super::staleness::Staleness;
use crate::data::RunData;

/// The figures of one run that rest on when each copy arrived.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArrivalFigures {
    /// How long followers lagged behind acknowledgements.
    pub lag: Lag,
    /// How stale reads from followers are.
    pub staleness: Staleness,
    /// What the leader's death would have cost. `None` if readers do not see what followers have received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durability: Option<Durability>,
}

impl ArrivalFigures {
    /// By the nodes' traces, or by what readers saw if the system keeps none.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        Self::by(run, &Copies::of(run))
    }

    /// The same by an account of the run that others use too.
    #[must_use]
    pub fn by_account(account: &Account<'_>) -> Self {
        Self::by(account.run, account.copies())
    }

    /// By one account of the run.
    pub(super) fn by(run: &RunData, copies: &Copies<'_>) -> Self {
        Self {
            lag: Lag::by(run, copies),
            staleness: Staleness::by(run, copies),
            durability: Withheld::of(run, &[Need::Received]).is_none().then(|| Durability::by(run, copies)),
        }
    }

    /// With what the model says of the leader's death in runs that differ in their seed.
    #[must_use]
    pub fn with_model(self, run: &RunData) -> Self {
        Self { durability: self.durability.map(|durability| durability.with_model(run)), ..self }
    }
}
