//! One fault.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kinds::{FaultEvent, FaultKind};
use super::moment::Trigger;
use crate::model::{Act, NodeId};

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

/// The beginning or the end of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultAction {
    /// The node it is done to.
    pub node: NodeId,
    /// What it is called.
    pub event: FaultEvent,
    /// How it is done, for `faults.csv`.
    pub detail: Option<String>,
    /// What is done, in this order.
    pub acts: Vec<Act>,
}

impl Fault {
    /// What begins it.
    #[must_use]
    pub fn beginning(&self) -> FaultAction {
        let (event, detail) = (self.kind.event(), self.kind.settings().detail());
        FaultAction { node: self.node, event, detail, acts: self.kind.acts() }
    }

    /// What ends it.
    #[must_use]
    pub fn ending(&self) -> FaultAction {
        let (event, detail) = (self.kind.event(), self.kind.settings().end_detail());
        FaultAction { node: self.node, event: event.ended_by().unwrap_or(event), detail, acts: self.kind.undoing() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{} at {}", self.kind.event(), self.node, self.kind.settings().in_words(), self.at)?;
        self.until.map_or(Ok(()), |until| write!(f, " until {until}"))
    }
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.event, self.node)
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
        for kind in [r#""kill""#, r#""stop""#, r#""pause""#, r#""slow","delay_ms":1500"#, r#""mute""#] {
            let text = format!(r#"{{"at":0,"node":"f3","kind":{kind}}}"#);
            let fault: Fault = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&fault).unwrap(), text);
        }
        for bad in [r#""heal""#, r#""explode""#, r#""slow""#, r#""partition","from":"f1""#] {
            let text = format!(r#"{{"at":0,"node":"f3","kind":{bad}}}"#);
            assert!(serde_json::from_str::<Fault>(&text).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_end_of_a_fault_undoes_its_acts_the_last_first() {
        let ended = |kind: &str| {
            let fault: Fault = serde_json::from_str(&format!(r#"{{"at":0,"node":"f3","kind":{kind}}}"#)).unwrap();
            let (begun, ended) = (fault.beginning(), fault.ending());
            (begun.to_string(), begun.detail, begun.acts, ended.to_string(), ended.detail, ended.acts)
        };
        let told = |event: &str| format!("{event} f3");
        let detail = |text: &str| Some(text.to_owned());
        assert_eq!(
            ended(r#""kill""#),
            (told("kill"), detail("SIGKILL"), vec![Act::Kill], told("restart"), detail("empty"), vec![Act::Start])
        );
        assert_eq!(
            ended(r#""stop""#),
            (told("stop"), detail("SIGTERM"), vec![Act::Stop], told("restart"), detail("empty"), vec![Act::Start])
        );
        assert_eq!(
            ended(r#""pause""#),
            (told("pause"), None, vec![Act::Freeze], told("resume"), None, vec![Act::Thaw])
        );
        let (from, cut) = (detail("from leader"), vec![Act::Cut]);
        assert_eq!(
            ended(r#""partition","from":"leader""#),
            (told("partition"), from.clone(), cut, told("heal"), from, vec![Act::Pass])
        );
        let (from, cut) = (detail("from all"), vec![Act::Cut, Act::Hide]);
        assert_eq!(
            ended(r#""partition","from":"all""#),
            (told("partition"), from.clone(), cut, told("heal"), from, vec![Act::Show, Act::Pass])
        );
        assert_eq!(
            ended(r#""slow","delay_ms":9"#),
            (told("slow"), detail("+9 ms"), vec![Act::Slow { added_ms: 9 }], told("heal"), None, vec![Act::Pass])
        );
    }

    #[test]
    fn what_a_row_of_faults_csv_tells_agrees_with_what_is_done() {
        for kind in [
            r#""kill""#,
            r#""stop""#,
            r#""pause""#,
            r#""partition","from":"leader""#,
            r#""partition","from":"all""#,
            r#""slow","delay_ms":9"#,
            r#""mute""#,
        ] {
            let fault: Fault = serde_json::from_str(&format!(r#"{{"at":0,"node":"f3","kind":{kind}}}"#)).unwrap();
            let FaultAction { event, detail, .. } = fault.beginning();
            assert_eq!(event.hides_the_node(detail.as_deref()), fault.kind.hides_the_node(), "{kind}");
            assert_eq!(event.ends_the_node(), fault.kind.ends_the_node(), "{kind}");
            assert_eq!(event.to_string().parse(), Ok(event));
            assert_eq!(fault.ending().event.ended_by(), None);
        }
    }
}
