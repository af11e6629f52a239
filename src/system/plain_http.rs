//! The HTTP client of every system whose nodes speak HTTP.

use std::error::Error;
use std::time::Duration;

use super::limits;

/// A client that sends each request once, and to nobody else, and uses a connection again that was idle for less than
/// `idle`.
///
/// # Errors
/// When it cannot be set up.
pub(super) fn plain_client(idle: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_nodelay(true)
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(idle)
        .build()
}

/// reqwest says what failed only in an error's sources.
pub(super) fn chain(error: &reqwest::Error) -> String {
    limits::note("asking a node", error);
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
