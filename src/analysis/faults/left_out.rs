//! Planned faults that did not come up.

use crate::data::{FaultEvent, RunData};
use crate::model::NodeId;

/// The planned steps that were never carried out because the load was over before their time, as
/// in "kill f1 at 60s", in the order of the configuration.
#[must_use]
pub fn faults_left_out(run: &RunData) -> Vec<String> {
    let mut rows: Vec<(NodeId, FaultEvent)> = run.faults.iter().map(|row| (row.node, row.kind)).collect();
    let mut was_done = |node: NodeId, kind: FaultEvent| {
        let place = rows.iter().position(|row| *row == (node, kind));
        place.map(|place| rows.remove(place)).is_some()
    };
    let mut left_out = Vec::new();
    for fault in &run.manifest.config.faults {
        let (begin, end) = (fault.beginning().event, fault.ending().event);
        let has_begun = was_done(fault.node, begin);
        if !has_begun {
            left_out.push(format!("{begin} {} at {}", fault.node, fault.at));
        }
        if let Some(until) = fault.until
            && !(has_begun && was_done(fault.node, end))
        {
            left_out.push(format!("{end} {} at {until}", fault.node));
        }
    }
    left_out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;
    use crate::data::FaultRow;
    use crate::model::Micros;

    fn left_out(done: &[(&str, FaultEvent)]) -> Vec<String> {
        let mut run = RunBuilder::new(1).build();
        run.manifest.config.faults = [
            r#"{"at":4,"node":"f1","kind":"kill","until":8}"#,
            r#"{"at":"60s","node":"f2","kind":"partition","from":"leader","until":"61s"}"#,
        ]
        .map(|fault| serde_json::from_str(fault).unwrap())
        .into();
        let row = |(node, kind): &(&str, FaultEvent)| FaultRow {
            begun_us: Micros::ZERO,
            ended_us: Micros::new(1),
            node: (*node).parse().unwrap(),
            kind: *kind,
            detail: None,
        };
        run.faults = done.iter().map(row).collect();
        faults_left_out(&run)
    }

    #[test]
    fn what_was_not_done_is_named_beginning_or_end() {
        use FaultEvent::{Heal, Kill, Partition, Restart};
        assert!(left_out(&[("f1", Kill), ("f2", Partition), ("f1", Restart), ("f2", Heal)]).is_empty());
        assert_eq!(left_out(&[("f1", Kill), ("f2", Partition), ("f2", Heal)]), ["restart f1 at write 8"]);
        assert_eq!(left_out(&[("f1", Kill), ("f1", Restart)]), ["partition f2 at 60s", "heal f2 at 61s"]);
    }
}
