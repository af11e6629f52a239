#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod sockets;
mod virtual_time;

use std::time::Duration;

use super::*;

/// The configuration that these variables make.
fn config(variables: &[(&str, &str)]) -> Result<ProxyConfig, crate::config::VariableError> {
    ProxyConfig::from_vars(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn variables_are_checked() {
    let all = config(&[
        ("PROXY_TO", "f3:8000"),
        ("NODE_NAME", "link-f3"),
        ("WRITES_FROM", "target"),
        ("DELAY", "uniform(0,200)"),
        ("ACK_DELAY", "2+constant(1)"),
        ("DELAY_SEED", "17"),
        ("REPLICATION_COHERENCE_MS", "2.5"),
    ]);
    let all = all.unwrap();
    assert_eq!((all.to.as_str(), all.name.as_str(), all.writes_from), ("f3:8000", "link-f3", WriteSource::Target));
    assert_eq!(all.write_delay.unwrap().to_string(), "uniform(0,200)");
    assert_eq!(all.ack_delay.unwrap().to_string(), "2+constant(1)");
    assert_eq!((all.seed, all.coherence), (Some(17), Some(Duration::from_micros(2_500))));
    let least = config(&[("PROXY_TO", "[::1]:80"), ("DELAY", " ")]).unwrap();
    assert_eq!((least.writes_from, least.write_delay, least.seed), (WriteSource::Dialer, None, None));
    for (name, value) in [
        ("PROXY_TO", ""),
        ("PROXY_TO", "f3"),
        ("PROXY_TO", ":8000"),
        ("PROXY_TO", "f3:http"),
        ("WRITES_FROM", "leader"),
        ("DELAY", "uniform(5,1)"),
        ("ACK_DELAY", "soon"),
        ("DELAY_SEED", "-1"),
        ("REPLICATION_COHERENCE_MS", "0"),
        ("REPLICATION_COHERENCE_MS", "NaN"),
        ("REPLICATION_COHERENCE_MS", "3600001"),
    ] {
        let error = config(&[(name, value), ("PROXY_TO", "f3:8000")]).unwrap_err().to_string();
        assert!(error.starts_with(name) && !error.contains('\n'), "{name}={value}: {error}");
    }
}

#[test]
fn an_order_is_read_as_it_is_written() {
    for order in [Order::Pass, Order::Slow { added_ms: 450 }, Order::Cut, Order::Mute, Order::Epoch, Order::Drop] {
        assert_eq!(order.to_string().parse(), Ok(order));
    }
    for text in ["", "slow", "slow ", "slow -1", "slow 3600001", "pass 1", "PASS", "slow 1 2"] {
        let error = text.parse::<Order>().unwrap_err();
        assert!(
            error.ends_with("is not an order: expected pass, slow MILLISECONDS, cut, mute, epoch or drop"),
            "{error}"
        );
    }
}
