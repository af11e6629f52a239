//! The five checks of the lab, each on a cluster of its own.

use labctl::cluster::{Cluster, ClusterSpec, ComposeCluster};
use labctl::config::Experiment;
use labctl::data::{WriteOutcome, WriteRow};
use labctl::load::{NoFaults, Progress, await_ready, record};
use labctl::model::{NodeId, ReplicationOrder, Version, WriteId, uniform_ms};
use labctl::system::labnode::{Client, LabNode, LabNodeClient, LabSession};
use labctl::system::{PlannedWrite, System as _, WriteAnswer};
use labnode::clock::Clock;
use labnode::wire::Role;
use tokio_util::sync::CancellationToken;

use crate::engine::{deployment, docker};

/// A cluster of the lab whose delays are short enough for a test.
struct Lab {
    cluster: ComposeCluster,
    client: LabNodeClient,
}

/// An experiment of five followers with delays of up to 50 ms.
fn experiment() -> Experiment {
    let mut experiment = Experiment::default();
    experiment.network.delay = uniform_ms(0, 50).unwrap();
    experiment
}

impl Lab {
    /// A running cluster. `None` if there is no engine.
    async fn start(quorum: i64, experiment: &Experiment) -> Option<Self> {
        let quorum = quorum.try_into().unwrap();
        let nodes = LabNode.nodes(experiment, quorum);
        let spec = ClusterSpec::new(&"checks".parse().unwrap(), experiment, quorum, nodes, LabNode.dialer(), true);
        let started = tokio::task::spawn_blocking(move || {
            let mut cluster = ComposeCluster::new(deployment()?, spec);
            let endpoints = cluster.up(&CancellationToken::new()).unwrap();
            Some((cluster, endpoints))
        });
        let (cluster, endpoints) = started.await.unwrap()?;
        let client = LabNodeClient::new(&endpoints, experiment.network.global_request_timeout_s.duration()).unwrap();
        let clock = Clock::monotonic();
        let session = LabSession::new(client.clone(), experiment, clock);
        await_ready(&session, experiment.followers, &clock).await.unwrap();
        Some(Self { cluster, client })
    }

    async fn write(&self, id: u64) -> WriteAnswer {
        let write = PlannedWrite { id: WriteId::new(id), key: format!("k{id}").into(), value: format!("v{id}") };
        self.client.put(&write).await
    }

    /// Waits until no replication is under way.
    async fn settle(&self) {
        while self.client.health(NodeId::Leader).await.unwrap().in_flight > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.cluster.project());
        let service = format!("label=com.docker.compose.service={service}");
        docker(&["ps", "--quiet", "--filter", &project, "--filter", &service])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_becomes_healthy() {
    let Some(lab) = Lab::start(3, &experiment()).await else { return };
    let leader = lab.client.health(NodeId::Leader).await.unwrap();
    assert_eq!((leader.role, leader.write_quorum, leader.followers.len()), (Role::Leader, 3, 5));
    for node in (0..5).map(NodeId::Follower) {
        let (name, follower) = (node.to_string(), lab.client.health(node).await.unwrap());
        assert_eq!((follower.role, follower.node), (Role::Follower, name.clone()));
        // The image's own check, which needs no shell in it.
        docker(&["exec", &lab.container(&name), "/labnode", "health"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_accepts_writes_and_answers_correctly() {
    let Some(lab) = Lab::start(2, &experiment()).await else { return };
    for id in 0..5 {
        let answer = lab.write(id).await;
        assert_eq!((answer.outcome, answer.http_status, answer.error), (WriteOutcome::Ok, Some(200), None));
        assert_eq!(answer.version, Some(Version::new(id + 1)));
        assert!(answer.acks >= Some(2), "{:?}", answer.acks);
    }
    let store = lab.client.store(NodeId::Leader).await.unwrap();
    assert_eq!(store.store.len(), 5);
    assert_eq!((store.store["k3"].as_str(), store.versions["k3"]), ("v3", 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_apply_replication() {
    let Some(lab) = Lab::start(1, &experiment()).await else { return };
    assert_eq!(lab.write(7).await.outcome, WriteOutcome::Ok);
    lab.settle().await;
    for name in (0..5).map(NodeId::Follower) {
        let store = lab.client.store(name).await.unwrap();
        assert_eq!((store.store["k7"].as_str(), store.versions["k7"]), ("v7", 1), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_quorum_fails_every_write_at_once() {
    let Some(lab) = Lab::start(6, &experiment()).await else { return };
    let answer = lab.write(0).await;
    assert_eq!((answer.outcome, answer.http_status), (WriteOutcome::Failed, Some(503)));
    assert!(answer.acks < Some(6), "{:?}", answer.acks);
    assert!(answer.error.unwrap().contains("quorum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_follower_stopped_five_fails_and_four_succeeds() {
    for (quorum, expected) in [(5, WriteOutcome::Failed), (4, WriteOutcome::Ok)] {
        let Some(lab) = Lab::start(quorum, &experiment()).await else { return };
        assert_eq!(lab.write(0).await.outcome, WriteOutcome::Ok);
        docker(&["stop", &lab.container("f3")]);
        let answer = lab.write(1).await;
        assert_eq!(answer.outcome, expected, "W = {quorum}: {answer:?}");
        // A refusal comes as soon as it is certain, so some of the four may not have answered yet.
        assert!(answer.acks <= Some(4), "W = {quorum}: {answer:?}");
    }
}

struct Quiet;

impl Progress for Quiet {
    fn write_done(&self, _: &WriteRow) {}
    fn settling(&self, _: u64) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn after_many_writes_followers_equal_the_leader() {
    let mut experiment = experiment();
    experiment.network.order = ReplicationOrder::Version;
    let Some(lab) = Lab::start(1, &experiment).await else { return };
    let clock = Clock::monotonic();
    let recorded =
        record(&LabSession::new(lab.client.clone(), &experiment, clock), &experiment, &NoFaults, &clock, &Quiet)
            .await
            .unwrap();
    assert!(recorded.is_settled);
    assert_eq!(recorded.writes.iter().filter(|write| write.outcome == WriteOutcome::Ok).count(), 100);
    assert_eq!(recorded.replication.len(), 500);
    assert_eq!(recorded.settled.len(), 6);
    let leader = &recorded.settled[&NodeId::Leader];
    assert_eq!(leader.store.len(), 10);
    assert!(recorded.settled.values().all(|node| node.store == leader.store && node.versions == leader.versions));
}
