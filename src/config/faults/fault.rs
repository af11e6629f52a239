//! One fault.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::FaultKind;
use super::moment::Trigger;
use crate::model::NodeId;

/// `[[experiment.NAME.fault]]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins.
    pub at: Trigger,
    /// The node it is done to.
    pub node: NodeId,
    /// What is done.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// When it ends. `None`: it lasts to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Trigger>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{} at {}", self.kind.name(), self.node, self.kind.parameters_in_words(), self.at)?;
        self.until.map_or(Ok(()), |until| write!(f, " until {until}"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_the_manifest() {
        let text = r#"{"at":30,"node":"f5","kind":"partition","from":"all","until":"4.5s"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.until, Some(Trigger::After("4.5s".parse().unwrap())));
        assert_eq!(serde_json::to_string(&fault).unwrap(), text);
        assert_eq!(fault.to_string(), "partition f5 from all at write 30 until 4.5s");
        let text = r#"{"at":0,"node":"f3","kind":"slow","delay_ms":1500}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&fault).unwrap(), text);
    }
}
