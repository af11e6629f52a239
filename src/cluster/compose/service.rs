//! What services have in common, whatever Compose file they are of.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::project::control_port;
use crate::network::ProxiedLink;
use crate::network::program::COMMAND;

/// The labels by which a labctl finds what another has left behind.
pub(super) type Labels = BTreeMap<&'static str, String>;

/// What all services of labctl have; `ports` are published.
pub(super) fn common(image: &str, labels: &Labels, ports: &[String]) -> Map<String, Value> {
    let service = json!({
        "image": image,
        // It is there: see `Deployment::prepare`.
        "pull_policy": "never",
        "restart": "no",
        "stop_grace_period": "2s",
        // A health check is a process in the container. labctl asks the nodes itself.
        "healthcheck": { "disable": true },
        "logging": logging(),
        "labels": labels,
        "ports": ports,
    });
    match service {
        Value::Object(service) => service,
        _ => Map::new(),
    }
}

/// Where the engine keeps what a service prints, within bounds.
pub(super) fn logging() -> Value {
    json!({ "driver": "json-file", "options": { "max-size": "10m", "max-file": "2" } })
}

/// The service of a proxy in front of `to`, the host at which its node listens on `port`. It listens on the same port.
pub(super) fn proxy(link: &ProxiedLink, to: &str, port: u16, image: &str, labels: &Labels) -> Map<String, Value> {
    let control = control_port(port);
    let mut ports = vec![format!("127.0.0.1:0:{control}")];
    // Clients reach the leader through this one.
    ports.extend(link.is_for_clients().then(|| format!("127.0.0.1:0:{port}")));
    let mut service = common(image, labels, &ports);
    service.insert("command".into(), json!([COMMAND]));
    let (to, listen) = (format!("{to}:{port}"), format!("0.0.0.0:{port}"));
    let environment = link.environment(&to, &listen, &format!("0.0.0.0:{control}"));
    let escaped: BTreeMap<String, String> =
        environment.into_iter().map(|(name, value)| (name, escaped(&value))).collect();
    service.insert("environment".into(), json!(escaped));
    service
}

/// Text that Compose takes as it is: to it a dollar sign begins a variable, but a doubled one does not.
pub(super) fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}
