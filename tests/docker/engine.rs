//! The engine that the tests run on.

use std::process::Command;
use std::sync::OnceLock;

use labctl::cluster::{Deployment, Docker, Programs};
use labctl::system::labnode::LabNode;
use tokio_util::sync::CancellationToken;

use crate::require;

/// The engine and the image, prepared once. `None` if there is no engine and none is required.
pub(crate) fn deployment() -> Option<&'static Deployment> {
    static DEPLOYMENT: OnceLock<Option<Deployment>> = OnceLock::new();
    let prepare = || {
        let docker = match Docker::new(Programs::default(), &CancellationToken::new()) {
            Ok(docker) => docker,
            Err(reason) => {
                require::missing("docker", &reason.to_string());
                return None;
            }
        };
        Some(
            Deployment::prepare(
                docker,
                LabNode.containers(),
                &[],
                None,
                &|text| eprintln!("{text}"),
                &CancellationToken::new(),
            )
            .unwrap(),
        )
    };
    DEPLOYMENT.get_or_init(prepare).as_ref()
}

/// Runs `docker` and returns what it printed.
pub(crate) fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
