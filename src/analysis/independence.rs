//! Whether the statistics of independent writes hold for a run.

use crate::data::RunData;
use crate::model::{Capabilities, LinkOrder};

/// Whether the latencies of one run's writes are independent draws, each from delays that are known.
/// Pairing write by write, order statistics, the Kolmogorov-Smirnov test and the intervals of one
/// run's sample rest on that: the system has to draw a delay for each copy itself, and a link must
/// not keep its copies in order, since one that is late then holds up those behind it.
const fn are_writes_independent(capabilities: &Capabilities, link: LinkOrder) -> bool {
    capabilities.own_delays && matches!(link, LinkOrder::Independent)
}

/// Whether the latencies of a run's writes hang together, so that no statistic of independent writes
/// holds for it.
pub(super) fn hangs_together(run: &RunData) -> bool {
    // Schema 1 names no system: all its runs are of the lab's node, which draws its own delays.
    let capabilities = run.manifest.system.as_ref().map(|system| &system.capabilities);
    let link = run.manifest.config.link_order();
    match capabilities {
        Some(capabilities) => !are_writes_independent(capabilities, link),
        None => link == LinkOrder::Ordered,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(crate) mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader};
    use crate::analysis::stats::Interval;
    use crate::analysis::{Lag, Latency, NoInterval, NotPredicted, Overhead, Pairable, Paired, Staleness};
    use crate::model::{QuorumControl, RestartState, Settling, SystemFacts};

    fn capabilities(own_delays: bool) -> Capabilities {
        Capabilities {
            trace: true,
            versions: true,
            reads: true,
            own_delays,
            quorum: QuorumControl::PerStart,
            counts_leader: false,
            settles: Settling::Reported,
            restart: RestartState::Empty,
            ordered_log: false,
            append_log: false,
            acks_unseen: false,
        }
    }

    fn between(from: &RunData, to: &RunData) -> Paired {
        Paired::between(&Pairable::of_any(from), &Pairable::of_any(to))
    }

    fn run(quorum: u32, own_delays: bool) -> RunData {
        let mut run = RunBuilder::new(quorum).load(right_leader).build();
        let (name, version) = ("store".to_owned(), "1".to_owned());
        run.manifest.system =
            Some(SystemFacts { name, version, capabilities: capabilities(own_delays), remarks: Vec::new() });
        run
    }

    #[test]
    fn only_own_delays_on_independent_links_make_independent_writes() {
        let of = |own_delays, link| are_writes_independent(&capabilities(own_delays), link);
        assert!(of(true, LinkOrder::Independent));
        assert!(!of(true, LinkOrder::Ordered));
        assert!(!of(false, LinkOrder::Independent));
        assert!(!of(false, LinkOrder::Ordered));
        assert!(!hangs_together(&RunBuilder::new(1).load(right_leader).build()), "schema 1");
    }

    #[test]
    fn a_run_whose_writes_hang_together_has_no_statistic_of_independent_writes() {
        let own = Latency::of(&run(2, true));
        assert!(own.ks.is_some() && own.predicted.is_some() && own.median.unwrap().interval_ms.upper.is_some());
        let open = Interval { lower: None, upper: None };
        let run = run(2, false);
        let (latency, lag, overhead) = (Latency::of(&run), Lag::of(&run), Overhead::of(&run));
        assert_eq!((latency.ks, latency.predicted), (None, None));
        assert_eq!(latency.not_predicted, Some(NotPredicted::HangsTogether));
        assert_eq!(NotPredicted::HangsTogether.to_string(), "latencies of one run hang together");
        assert_eq!(latency.median.unwrap().value_ms, own.median.unwrap().value_ms);
        assert_eq!((latency.median.unwrap().interval_ms, latency.mean.unwrap().interval_ms), (open, open));
        assert_eq!((lag.not_predicted, overhead.p50.unwrap().interval_ms), (Some(NotPredicted::HangsTogether), open));
        for dependence in [latency.dependence, lag.dependence, overhead.dependence] {
            assert_eq!(dependence.no_interval, Some(NoInterval::HangsTogether));
        }
        let dependence = Staleness::of(&run).reads[0].dependence;
        assert!(dependence.is_none_or(|of| of.no_interval == Some(NoInterval::HangsTogether)), "{dependence:?}");
    }

    #[test]
    fn writes_that_hang_together_are_not_paired() {
        assert_eq!(between(&run(1, true), &run(2, true)).same_delays, 100);
        let paired = between(&run(1, true), &run(2, false));
        assert_eq!((paired.same_delays, paired.mean), (0, None));
    }
}
