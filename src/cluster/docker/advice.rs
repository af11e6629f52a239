//! What to do about what the engine says.

/// Words of an engine, in lower case, and what to do about them.
const KNOWN: [(&str, &str); 2] =
    [("non-overlapping ipv4 address pool", ADDRESS_POOLS), ("address pools have been fully subnetted", ADDRESS_POOLS)];

/// Each cluster takes one network, and an engine has addresses for some thirty.
const ADDRESS_POOLS: &str = "the engine has no addresses left for another network: remove networks that nothing uses \
                             (`docker network prune`), or give it more (`default-address-pools` in \
                             /etc/docker/daemon.json)";

/// What to do about what a tool or the engine printed; empty where there is nothing to advise.
pub(in crate::cluster) fn advice(said: &str) -> &'static str {
    let said = said.to_lowercase();
    KNOWN.iter().find(|(words, _)| said.contains(words)).map_or("", |(_, advice)| advice)
}
