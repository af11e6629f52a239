#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Mutex;

use futures_util::future::join;

use super::*;
use crate::config::{CutFrom, FaultKind, Kill, Partition, Pause, Slow, Stop};
use crate::data::FaultEvent;
use crate::model::NodeId;

/// How long the scripted cluster takes for anything.
const TAKES: Duration = Duration::from_millis(200);

/// A cluster that only notes what is done to it.
struct Scripted {
    clock: Clock,
    done: Mutex<Vec<(u64, String)>>,
    fails_at: Option<&'static str>,
}

impl Scripted {
    fn new() -> Self {
        Self { clock: Clock::at_zero(), done: Mutex::default(), fails_at: None }
    }

    /// What was done, and the millisecond at which it began.
    fn done(&self) -> Vec<(u64, String)> {
        self.done.lock().unwrap().clone()
    }
}

impl Injector for Scripted {
    async fn inject(&self, action: &FaultAction) -> Result<(), ClusterError> {
        let text = action.to_string();
        self.done.lock().unwrap().push((self.clock.now_us() / 1000, text.clone()));
        self.clock.sleep(TAKES).await;
        match self.fails_at {
            Some(fails) if fails == text => Err(ClusterError::Setup("no".to_owned())),
            _ => Ok(()),
        }
    }
}

fn at(text: &str) -> Trigger {
    text.parse().map_or_else(|_| Trigger::After(text.parse().unwrap()), Trigger::Write)
}

fn fault(node: &str, kind: FaultKind, begin: &str, end: Option<&str>) -> Fault {
    Fault { at: at(begin), node: node.parse().unwrap(), kind, until: end.map(at) }
}

/// A load that starts a write every 100 ms, the first at once, and is over after `writes` of them.
async fn load(clock: &Clock, state: watch::Sender<LoadState>, writes: u64) {
    for write in 0..writes {
        state.send_modify(|state| state.started = write + 1);
        clock.sleep(Duration::from_millis(100)).await;
    }
    state.send_modify(|state| state.over = true);
}

/// Runs these faults beside a load of `writes` writes, from 1000 ms on.
async fn run<'a>(
    faults: &[Fault],
    cluster: &'a Scripted,
    writes: u64,
) -> (FaultRun<'a, Scripted>, Result<(), ClusterError>) {
    let clock = &cluster.clock;
    let mut run = FaultRun::new(faults, cluster, clock);
    run.before_load().await.unwrap();
    clock.sleep(Duration::from_micros(1_000_000 - clock.now_us())).await;
    let (sender, state) = watch::channel(LoadState::default());
    let (_, ended) = join(load(clock, sender, writes), run.run(Micros::new(1_000_000), state)).await;
    (run, ended)
}

fn texts(steps: &[(u64, &str)]) -> Vec<(u64, String)> {
    steps.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn each_step_is_done_when_its_write_starts_or_its_time_comes() {
    let cluster = Scripted::new();
    let faults = [
        fault("f5", FaultKind::Kill(Kill {}), "3", Some("7")),
        fault("f1", FaultKind::Pause(Pause {}), "1.5s", Some("8")),
        fault("f2", FaultKind::Partition(Partition { from: CutFrom::Leader }), "0.95s", Some("1.75s")),
    ];
    let (run, ended) = run(&faults, &cluster, 30).await;
    ended.unwrap();
    let expected = [
        (1300, "kill f5"),
        (1700, "restart f5"),
        (1950, "partition f2"),
        (2500, "pause f1"),
        // Write 8 started long before, but the fault had not begun.
        (2700, "resume f1"),
        // Its time came while the cluster was busy.
        (2900, "heal f2"),
    ];
    assert_eq!(cluster.done(), texts(&expected));
    let rows = run.rows(Micros::new(1_000_000));
    assert_eq!((rows[0].begun_us, rows[0].ended_us), (Micros::new(300_000), Micros::new(500_000)));
    assert_eq!(
        (rows[0].node, rows[0].kind, rows[0].detail.as_deref()),
        (NodeId::Follower(4), FaultEvent::Kill, Some("SIGKILL"))
    );
    assert_eq!(rows[2].detail.as_deref(), Some("from leader"));
    assert!(!run.is_hidden(NodeId::Follower(3)));
}

#[tokio::test(start_paused = true)]
async fn what_is_due_together_is_done_in_the_order_of_the_file() {
    let cluster = Scripted::new();
    let faults = ["f3", "f1", "f2"].map(|node| fault(node, FaultKind::Pause(Pause {}), "2", None));
    run(&faults, &cluster, 20).await.1.unwrap();
    assert_eq!(cluster.done(), texts(&[(1200, "pause f3"), (1400, "pause f1"), (1600, "pause f2")]));
}

#[tokio::test(start_paused = true)]
async fn a_fault_from_the_start_is_there_before_the_first_write() {
    let cluster = Scripted::new();
    let slow = fault("f3", FaultKind::Slow(Slow { delay_ms: 1500 }), "0", Some("4"));
    let paused = fault("f4", FaultKind::Pause(Pause {}), "0s", None);
    let (run, ended) = run(&[slow, paused], &cluster, 20).await;
    ended.unwrap();
    assert_eq!(cluster.done(), texts(&[(0, "slow f3"), (200, "pause f4"), (1400, "heal f3")]));
    let rows = run.rows(Micros::new(1_000_000));
    assert_eq!((rows[0].begun_us, rows[0].detail.as_deref()), (Micros::new(-1_000_000), Some("+1500 ms")));
    assert!(run.is_hidden(NodeId::Follower(3)));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_load_is_the_end_of_it_but_what_has_begun_is_finished() {
    let cluster = Scripted::new();
    let faults =
        [fault("f1", FaultKind::Kill(Kill {}), "4", Some("8")), fault("f2", FaultKind::Stop(Stop {}), "60s", None)];
    let (run, ended) = run(&faults, &cluster, 5).await;
    ended.unwrap();
    assert_eq!(cluster.clock.now_us(), 1_600_000);
    assert_eq!(cluster.done(), texts(&[(1400, "kill f1")]));
    assert_eq!(run.rows(Micros::new(1_000_000))[0].ended_us, Micros::new(600_000));
    assert!(run.is_hidden(NodeId::Follower(0)) && !run.is_hidden(NodeId::Follower(1)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_an_error() {
    let cluster = Scripted { fails_at: Some("restart f1"), ..Scripted::new() };
    let (run, ended) = run(&[fault("f1", FaultKind::Kill(Kill {}), "1", Some("5"))], &cluster, 20).await;
    assert_eq!(ended.unwrap_err().to_string(), "no");
    // What did not come about is not in the timeline, and the node stays hidden.
    assert!(run.rows(Micros::ZERO).len() == 1 && run.is_hidden(NodeId::Follower(0)));
}

#[tokio::test(start_paused = true)]
async fn without_faults_there_is_nothing_to_wait_for() {
    let clock = Clock::at_zero();
    let (_sender, state) = watch::channel(LoadState::default());
    FaultRun::new(&[], &NoFaults, &clock).run(Micros::ZERO, state).await.unwrap();
}
