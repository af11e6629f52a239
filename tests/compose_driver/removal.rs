//! How a cluster is removed, and what is found of one that was not.

use labctl::cluster::{Cluster, Owner, projects_left};
use tokio_util::sync::CancellationToken;

use crate::fake_docker::Fake;
use crate::{ENGINE, RUNNING, cluster};

#[test]
fn what_compose_leaves_behind_is_removed_by_id() {
    // Compose fails, as it does when the engine still adds containers to the network.
    let stubborn = r#"
        case "$*" in
            *" down "*) echo 'network has active endpoints' >&2; exit 1 ;;
            "ps --all --quiet "*) [ -e "$here/removed" ] || { echo c7; echo c8; } ;;
            "network ls --quiet "*) [ -e "$here/removed" ] || echo n1 ;;
            "volume ls --quiet "*) [ -e "$here/removed" ] || echo v1 ;;
            "volume rm "*) touch "$here/removed" ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, RUNNING, stubborn]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    cluster.down().unwrap();
    let calls = fake.calls(cluster.project());
    assert_eq!(calls[8..11], ["docker rm --force --volumes c7 c8", "docker network rm n1", "docker volume rm v1"]);
}

#[test]
fn what_cannot_be_removed_is_an_error() {
    let stubborn = r#"
        case "$*" in
            "ps --all --quiet "*) echo c7 ;;
            "rm "*) echo 'cannot remove container c7' >&2; exit 1 ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, RUNNING, stubborn]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    let error = cluster.down().unwrap_err().to_string();
    assert!(error.ends_with("(exit status 1)\n    cannot remove container c7"), "{error}");
    cluster.detach();
}

/// Docker 20.10 sometimes counts one endpoint too many on a network until it is started anew.
#[test]
fn an_empty_network_that_the_engine_keeps_is_no_error_and_one_in_use_is() {
    for (containers, is_error) in [("", false), ("c7", true)] {
        let keeps = r#"
            case "$*" in
                "ps --all --quiet "*) echo CONTAINERS ;;
                "network ls --quiet "*) echo n1 ;;
                "network rm "*) echo 'network n1 has active endpoints' >&2; exit 1 ;;
            esac"#;
        let keeps = keeps.replace("CONTAINERS", containers);
        let fake = Fake::new(&[ENGINE, RUNNING, &keeps]);
        let mut cluster = cluster(&fake);
        cluster.up(&CancellationToken::new()).unwrap();
        assert_eq!(cluster.down().is_err(), is_error);
        cluster.detach();
    }
}

#[test]
fn projects_left_are_those_with_an_owner() {
    let left = r#"
        case "$*" in
            "ps "*) echo 'labctl-a|12|/x'; echo 'labctl-a|12|/x'; echo 'lab||' ;;
            "network "*) echo 'labctl-a|12|/x'; echo 'labctl-b|13|/y' ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, left]);
    let found = projects_left(&fake.docker(), &CancellationToken::new()).unwrap();
    let found: Vec<_> = found.iter().map(|left| (left.name.as_str(), left.owner.clone())).collect();
    assert_eq!(found, [("labctl-a", Owner::from("12")), ("labctl-b", Owner::from("13"))]);
}
