//! What tests need beyond this checkout, and what happens where it is missing: they say so and
//! pass, unless the variable `LABCTL_REQUIRE` (`docker`, or `chromium,docker`) names it.

use std::io::Write as _;

/// All that can be required.
const KNOWN: [&str; 6] = ["chromium", "docker", "etcd", "postgres", "python3", "redis"];

/// Tells why tests are skipped; fails if what they need is required.
pub(crate) fn missing(what: &str, reason: &str) {
    let required = std::env::var("LABCTL_REQUIRE").unwrap_or_default();
    assert!(!is_required(what, &required), "LABCTL_REQUIRE={required}: {reason}");
    // Not `eprintln!`: the test harness would keep it to itself.
    let _ = writeln!(std::io::stderr(), "skipping the tests on {what}: {reason}");
}

/// Whether a list of requirements names this one. Fails on an unknown word: a misspelt requirement
/// would require nothing.
fn is_required(what: &str, list: &str) -> bool {
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let unknown = names.iter().find(|name| !KNOWN.contains(name));
    assert_eq!(unknown, None, "LABCTL_REQUIRE={list}: expected a list of {}", KNOWN.join(", "));
    names.contains(&what)
}

#[test]
fn what_is_required_is_a_list_of_known_names() {
    assert!(is_required("docker", "chromium, docker") && is_required("docker", "docker"));
    assert!(!is_required("docker", "") && !is_required("docker", "chromium"));
    assert!(std::panic::catch_unwind(|| is_required("docker", "dokcer")).is_err());
}
