#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::config::Experiment;
use crate::model::Followers;

fn json(network: &Network) -> String {
    serde_json::to_string(network).unwrap()
}

fn of(text: &str) -> Distribution {
    text.parse().unwrap()
}

#[test]
fn a_uniform_network_is_written_as_it_always_was() {
    assert_eq!(
        json(&Network::default()),
        r#"{"min_delay_ms":0,"max_delay_ms":1000,"replication_timeout_s":2.0,"global_request_timeout_s":5.0,"order":"arrival"}"#
    );
    // What manifests of the lab have said from the beginning.
    let sha256 = crate::data::config_sha256(&Experiment::default()).unwrap();
    assert_eq!(sha256, "c1e82dba6f6ee7b85d32583183afe9b9bf2c105d98d569cea6834597aaae79cb");
}

#[test]
fn every_network_survives_its_manifest() {
    let far = FollowerNetwork {
        delay: Some(of("lognormal(90,0.2)")),
        ack_delay: Some(of("constant(3)")),
        ..FollowerNetwork::default()
    };
    let slow = FollowerNetwork { extra_ms: 1500.0.try_into().unwrap(), ..FollowerNetwork::default() };
    let network = Network {
        delay: of("2.5+mixture(0.38*pareto(1.05,1.51),0.62*exponential(5.46))"),
        ack_delay: Some(of("empirical(1,2,2.5,9)")),
        follower: [(NodeId::Follower(4), far), (NodeId::Follower(2), slow)].into(),
        catch_up: CatchUp::Snapshot,
        ..Network::default()
    };
    let text = json(&network);
    assert!(text.contains(r#""follower":{"f3":{"extra_ms":1500.0},"f5":{"delay":{"kind":"lognormal""#), "{text}");
    assert!(!text.contains("min_delay_ms"), "{text}");
    assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
}

#[test]
fn links_that_are_left_out_leave_no_trace_and_others_survive_their_manifest() {
    assert!(!json(&Network::default()).contains("link") && !json(&Network::default()).contains("coherence"));
    let network =
        Network { link: Some(LinkOrder::Ordered), coherence_ms: Some(2.5.try_into().unwrap()), ..Network::default() };
    let text = json(&network);
    assert!(text.contains(r#""link":"ordered","coherence_ms":2.5"#), "{text}");
    assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
    assert!(network.in_words().contains(&"ordered links".to_owned()));
    assert!(network.in_words().contains(&"a new delay every 2.5 ms".to_owned()));
}

#[test]
fn a_uniform_delay_in_whole_milliseconds_has_one_form() {
    let as_distribution = json(&Network { delay: of("uniform(0,1000)"), ..Network::default() });
    assert_eq!(as_distribution, json(&Network::default()));
    for other in ["uniform(0,0.5)", "1+uniform(0,1)", "constant(1)"] {
        let network = Network { delay: of(other), ..Network::default() };
        assert!(json(&network).starts_with(r#"{"delay":{"kind""#), "{other}");
        assert_eq!(serde_json::from_str::<Network>(&json(&network)).unwrap(), network);
    }
}

#[test]
fn a_manifest_with_both_forms_or_none_is_refused() {
    let limits = r#""replication_timeout_s":2.0,"global_request_timeout_s":5.0,"order":"arrival""#;
    let constant = r#""delay":{"kind":"constant","ms":1}"#;
    for delays in ["", r#""min_delay_ms":0,"#, &format!(r#""min_delay_ms":0,"max_delay_ms":1,{constant},"#)] {
        let error = serde_json::from_str::<Network>(&format!("{{{delays}{limits}}}")).unwrap_err().to_string();
        assert!(error.contains("either delay, or min_delay_ms and max_delay_ms"), "{error}");
    }
}

#[test]
fn links_are_the_networks_but_for_overrides() {
    let slow = FollowerNetwork { extra_ms: 10.0.try_into().unwrap(), ..FollowerNetwork::default() };
    let far = FollowerNetwork { delay: Some(of("constant(90)")), ack_delay: Some(of("constant(80)")), ..slow.clone() };
    let network = Network {
        delay: of("constant(5)"),
        follower: [(NodeId::Follower(1), slow), (NodeId::Follower(2), far)].into(),
        ..Network::default()
    };
    let links = network.links(3);
    let shown = |link: &LinkDelays| (link.write.to_string(), link.ack.as_ref().map(ToString::to_string));
    assert_eq!(shown(&links[0]), ("constant(5)".to_owned(), None));
    assert_eq!(shown(&links[1]), ("10+constant(5)".to_owned(), None));
    assert_eq!(shown(&links[2]), ("10+constant(90)".to_owned(), Some("constant(80)".to_owned())));
    assert_eq!((network.common_delay(3), network.common_delay(1)), (None, Some(of("constant(5)"))));
}

#[test]
fn an_acknowledgement_that_takes_no_time_is_none() {
    let instant = Network { ack_delay: Some(of("constant(0)")), ..Network::default() };
    assert_eq!(instant.common_delay(5), Some(of("uniform(0,1000)")));
    let late = Network { ack_delay: Some(of("constant(1)")), delay: of("constant(0)"), ..Network::default() };
    assert_eq!((late.common_delay(5), late.has_delays(5)), (None, true));
    assert!(!Network { delay: of("uniform(0,0)"), ..instant }.has_delays(5));
}

#[test]
fn networks_in_words() {
    assert_eq!(Network::default().delays_in_words(Followers::constant(5)), "0 to 1000 ms");
    let far = FollowerNetwork { delay: Some(of("lognormal(90,0.2)")), ..FollowerNetwork::default() };
    let slow = FollowerNetwork { extra_ms: 1500.0.try_into().unwrap(), ..FollowerNetwork::default() };
    let network = Network {
        delay: of("mixture(0.38*pareto(1.05,1.51),0.62*exponential(5.46448087431694))"),
        ack_delay: Some(of("1+constant(3)")),
        follower: [
            (NodeId::Follower(4), far),
            (NodeId::Follower(2), slow),
            (NodeId::Follower(0), FollowerNetwork::default()),
        ]
        .into(),
        ..Network::default()
    };
    assert_eq!(
        network.delays_in_words(Followers::constant(5)),
        "38 % Pareto (from 1.05 ms, shape 1.51) or 62 % exponential (mean 5.4645 ms), acknowledgements always 3 ms \
         plus 1 ms; f1: as the others; f3: 1500 ms more; f5: log-normal (median 90 ms, sigma 0.2)"
    );
    let far = FollowerNetwork {
        delay: Some(of("constant(9)")),
        ack_delay: Some(of("constant(9)")),
        ..FollowerNetwork::default()
    };
    let network = Network {
        delay: of("constant(0)"),
        ack_delay: Some(of("uniform(0,0)")),
        follower: [(NodeId::Follower(1), far.clone()), (NodeId::Follower(4), far)].into(),
        ..Network::default()
    };
    assert_eq!(
        network.delays_in_words(Followers::constant(5)),
        "no delay, acknowledgements no delay; f2 and f5: always 9 ms each way"
    );
}
