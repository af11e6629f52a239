//! Proxies between nodes: which links lead through one, what each is told of its link, and orders to it.
//!
//! A link joins the leader and one follower. Its writes go from leader to follower and its acknowledgements back, no
//! matter which of the two opens the connection.

mod link;
pub mod program;
mod proxies;

pub use link::{ProxiedLink, link_between, proxied_links};
pub use proxies::{Proxies, ProxyError};
