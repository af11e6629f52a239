#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::bounds::{MAX_DURATION, MAX_FOLLOWERS};
use crate::delay::Uniform;
use proptest::prelude::*;

fn parse(vars: &[(&str, &str)]) -> Result<NodeConfig, VariableError> {
    NodeConfig::from_vars(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

fn leader(name: &str, value: &str) -> Result<NodeConfig, VariableError> {
    parse(&[("ROLE", "leader"), (name, value)])
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = parse(&[("ROLE", "leader")]).unwrap();
    assert_eq!(
        config,
        NodeConfig {
            role: Role::Leader,
            name: "leader".to_owned(),
            listen: "0.0.0.0:8000".parse().unwrap(),
            followers: Vec::new(),
            write_quorum: 1,
            links: Vec::new(),
            link_order: LinkOrder::Independent,
            coherence: None,
            delay_seed: None,
            replication_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5),
            order: ReplicationOrder::Arrival,
            catch_up: CatchUp::Off,
            trace_capacity: 1_000_000,
        }
    );
    assert_eq!(parse(&[("ROLE", "follower")]).unwrap().name, "follower");
}

#[test]
fn every_variable_is_read() {
    let config = parse(&[
        ("ROLE", "leader"),
        ("NODE_NAME", "l1"),
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("FOLLOWERS", "http://f1:8000, http://[::1]:9/,http://f3"),
        ("WRITE_QUORUM", "3"),
        ("MIN_DELAY_MS", "0.5"),
        ("MAX_DELAY_MS", "10"),
        ("DELAY_SEED", "18446744073709551615"),
        ("REPLICATION_TIMEOUT_S", "0.25"),
        ("GLOBAL_REQUEST_TIMEOUT_S", "1.5"),
        ("REPLICATION_ORDER", "version"),
        ("REPLICATION_CATCH_UP", "snapshot"),
        ("REPLICATION_LINK", "ordered"),
        ("REPLICATION_COHERENCE_MS", "2.5"),
        ("TRACE_CAPACITY", "0"),
    ])
    .unwrap();
    let followers: Vec<String> = config.followers.iter().map(BaseUrl::to_string).collect();
    assert_eq!(followers, ["http://f1:8000", "http://[::1]:9", "http://f3"]);
    assert_eq!(config.name, "l1");
    assert_eq!(config.listen, "127.0.0.1:0".parse().unwrap());
    assert_eq!(config.write_quorum, 3);
    let link = LinkDelays { write: Uniform::from_us(500, 10_000).unwrap().into(), ack: None };
    assert_eq!(config.links, vec![link; 3]);
    assert_eq!(config.delay_seed, Some(u64::MAX));
    assert_eq!(config.replication_timeout, Duration::from_millis(250));
    assert_eq!(config.request_timeout, Duration::from_millis(1_500));
    assert_eq!(config.order, ReplicationOrder::Version);
    assert_eq!(config.catch_up, CatchUp::Snapshot);
    assert_eq!((config.link_order, config.coherence), (LinkOrder::Ordered, Some(Duration::from_micros(2_500))));
    assert_eq!(config.trace_capacity, 0);
}

#[test]
fn every_follower_has_its_link() {
    let links = |vars: &[(&str, &str)]| {
        let base = [("ROLE", "leader"), ("FOLLOWERS", "http://f1,http://f2,http://f3")];
        let config = parse(&[&base, vars].concat()).unwrap();
        let text =
            |link: &LinkDelays| format!("{} {}", link.write, link.ack.as_ref().map_or("-".into(), ToString::to_string));
        config.links.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(links(&[]), ["uniform(0,1000) -"; 3]);
    assert_eq!(links(&[("DELAY", "pareto(1,2)"), ("MAX_DELAY_MS", "5")]), ["pareto(1,2) -"; 3]);
    let each = links(&[
        ("MAX_DELAY_MS", "10"),
        ("ACK_DELAY", "constant(1)"),
        ("FOLLOWER_DELAYS", "f3=1500+uniform(0,10); f1=constant(2)"),
        ("FOLLOWER_ACK_DELAYS", "f2=exponential(3)"),
    ]);
    assert_eq!(each, ["constant(2) constant(1)", "uniform(0,10) exponential(3)", "1500+uniform(0,10) constant(1)"]);
    // On a follower there are no followers; it accepts what a leader accepts.
    let vars = [("ROLE", "follower"), ("FOLLOWER_DELAYS", "f3=constant(1)")];
    assert_eq!(parse(&vars).unwrap().links, []);
}

#[test]
fn a_bad_distribution_is_named_with_its_reason() {
    for (name, value, expected) in [
        ("DELAY", "gamma(1)", "DELAY=\"gamma(1)\" is not accepted: a distribution must be constant, uniform"),
        ("ACK_DELAY", "pareto(1,0.5)", "shape of a Pareto distribution must be 1.01 to 1000, not 0.5"),
        ("FOLLOWER_DELAYS", "f1=constant(1);f9=constant(2)", "FOLLOWER_DELAYS=\"f9=constant(2)\" is not accepted: the"),
        ("FOLLOWER_DELAYS", "f1=constant(1);f1=constant(2)", "f1 is there twice"),
        ("FOLLOWER_DELAYS", "constant(1)", "expected a follower, ="),
        ("FOLLOWER_ACK_DELAYS", "f0=constant(1)", "the followers are f1 to f2"),
    ] {
        let base = [("ROLE", "leader"), ("FOLLOWERS", "http://f1,http://f2"), (name, value)];
        let message = parse(&base).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn a_blank_value_counts_as_unset() {
    assert_eq!(leader("DELAY_SEED", "").unwrap().delay_seed, None);
    assert_eq!(leader("WRITE_QUORUM", "  ").unwrap().write_quorum, 1);
    assert!(matches!(parse(&[("ROLE", " ")]), Err(VariableError::Missing { name: "ROLE", .. })));
}

#[test]
fn an_error_names_variable_value_and_what_is_accepted_on_one_line() {
    for (name, value, expected) in [
        ("ROLE", "boss", "leader or follower"),
        ("NODE_NAME", "a\u{7}b", "1 to 64 characters"),
        ("LISTEN_ADDR", "localhost", "an IP address and a port"),
        ("FOLLOWERS", "ftp://f1", "different base URLs separated"),
        ("WRITE_QUORUM", "-1", "a whole number"),
        ("MIN_DELAY_MS", "-0.1", "a number of milliseconds"),
        ("MAX_DELAY_MS", "3600001", "a number of milliseconds"),
        ("MAX_DELAY_MS", "NaN", "a number of milliseconds"),
        ("DELAY_SEED", "18446744073709551616", "a whole number"),
        ("REPLICATION_TIMEOUT_S", "0", "a number of seconds"),
        ("REPLICATION_TIMEOUT_S", "inf", "a number of seconds"),
        ("GLOBAL_REQUEST_TIMEOUT_S", "soon", "a number of seconds"),
        ("REPLICATION_ORDER", "random", "arrival or version"),
        ("REPLICATION_CATCH_UP", "on", "off or snapshot"),
        ("REPLICATION_LINK", "tcp", "independent or ordered"),
        ("REPLICATION_COHERENCE_MS", "0", "a number of milliseconds from 0.001"),
        ("REPLICATION_COHERENCE_MS", "20", "only ordered links have it"),
        ("TRACE_CAPACITY", "1e6", "a whole number"),
    ] {
        let message = parse(&[(name, value), ("ROLE", "leader")]).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{name}={value:?} ")), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
    let missing = parse(&[]).unwrap_err().to_string();
    assert_eq!(missing, "ROLE is not set: expected leader or follower");
}

#[test]
fn delays_the_wrong_way_round_are_named_with_their_defaults() {
    let message = leader("MIN_DELAY_MS", "1500").unwrap_err().to_string();
    assert_eq!(message, "MIN_DELAY_MS=1500 is not accepted: expected at most MAX_DELAY_MS=1000");
}

#[test]
fn the_bad_follower_of_a_list_is_named() {
    for bad in [
        "https://f2:8000",
        "f2:8000",
        "http://f2:8000/path",
        "http://f2:8000?x",
        "http://f2:8000#x",
        "http://user@f2",
        "http://f2:99999",
        "http://f2:0",
        "http://f2:",
        "http://",
        "",
        "http://f1:8000/",
    ] {
        let list = format!("http://f1:8000,{bad},http://f3:8000");
        let error = leader("FOLLOWERS", &list).unwrap_err().to_string();
        assert!(error.starts_with(&format!("FOLLOWERS={bad:?} ")), "{error}");
    }
}

#[test]
fn the_follower_that_is_one_too_many_is_named() {
    let urls = |n: usize| -> Vec<String> { (1..=n).map(|i| format!("http://f{i}")).collect() };
    let most = leader("FOLLOWERS", &urls(usize::from(MAX_FOLLOWERS)).join(",")).unwrap();
    assert_eq!(most.followers.len(), usize::from(MAX_FOLLOWERS));
    let error = leader("FOLLOWERS", &urls(usize::from(MAX_FOLLOWERS) + 1).join(",")).unwrap_err();
    assert!(error.to_string().starts_with("FOLLOWERS=\"http://f1001\" "), "{error}");
}

#[test]
fn a_quorum_beyond_the_followers_warns_on_the_leader_only() {
    let config = leader("FOLLOWERS", "http://f1:1").unwrap();
    assert_eq!(config.warning(), None);
    let warning = leader("WRITE_QUORUM", "6").unwrap().warning().unwrap();
    assert!(warning.starts_with("WRITE_QUORUM=6 is more than the 0 FOLLOWERS"));
    let follower = parse(&[("ROLE", "follower"), ("WRITE_QUORUM", "6")]).unwrap();
    assert_eq!(follower.warning(), None);
}

#[test]
fn a_switch_is_on_only_with_1() {
    let of = |value: &'static str| switch("EXIT_WITH_PARENT", move |_| Some(value.to_owned()));
    assert_eq!(of("1"), Ok(true));
    assert_eq!(of("0"), Ok(false));
    assert_eq!(of(""), Ok(false));
    assert!(of("yes").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic_or_break_a_bound(
        name in prop::sample::select(vec![
            "NODE_NAME", "LISTEN_ADDR", "FOLLOWERS", "WRITE_QUORUM", "MIN_DELAY_MS", "MAX_DELAY_MS",
            "DELAY", "ACK_DELAY", "FOLLOWER_DELAYS", "FOLLOWER_ACK_DELAYS", "DELAY_SEED", "REPLICATION_TIMEOUT_S", "GLOBAL_REQUEST_TIMEOUT_S", "TRACE_CAPACITY",
            "REPLICATION_COHERENCE_MS",
        ]),
        value in prop_oneof![any::<String>(), "[-+.0-9eE]{0,24}", "http://[a-z0-9.:/,@\\[\\]-]{0,30}", "(f[0-9]=)?(uniform|mixture|pareto)\\([0-9.,;=f*+]{0,12}\\)"],
    ) {
        if let Ok(config) = leader(name, &value) {
            prop_assert!(config.replication_timeout > Duration::ZERO);
            prop_assert!(config.replication_timeout <= MAX_DURATION);
            prop_assert!(config.request_timeout > Duration::ZERO);
            prop_assert!(config.request_timeout <= MAX_DURATION);
        }
    }
}
