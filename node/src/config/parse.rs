//! From the text of one variable to one value.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use axum::http::Uri;

use super::error::VariableError;
use crate::bounds::{MAX_DURATION, MAX_FOLLOWERS};

pub(super) const NAME: &str = "1 to 64 characters without control characters";
pub(super) const ADDRESS: &str = "an IP address and a port, such as 0.0.0.0:8000";
pub(super) const COUNT: &str = "a whole number from 0 to 4294967295";
pub(crate) const SEED: &str = "a whole number from 0 to 18446744073709551615";
pub(super) const TIMEOUT: &str = "a number of seconds above 0 and at most 3600";
pub(super) const CAPACITY: &str = "a whole number from 0 to 1000000000";
const FOLLOWERS: &str = "at most 1000 different base URLs separated by commas, such as http://f1:8000,http://f2:8000";

/// An `http://host:port` without path, query or user, as it goes before `/replicate/...`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Parses a base URL; one slash at the end is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        // `Uri` would silently drop a fragment.
        if text.contains(['#', '?', '@']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        let host = authority.host();
        let good = uri.scheme_str() == Some("http")
            && matches!(uri.path(), "" | "/")
            && !host.is_empty()
            && (authority.port_u16().is_some_and(|port| port > 0) || authority.as_str() == host);
        good.then(|| Self(format!("http://{authority}")))
    }

    /// Host and port, as one connects to them.
    pub fn address(&self) -> String {
        let authority = self.host();
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if has_port { authority.to_owned() } else { format!("{authority}:80") }
    }

    /// Host and port as the URL says them.
    pub fn host(&self) -> &str {
        self.0.trim_start_matches("http://")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The environment as seen by the parsers.
pub(crate) struct Vars<'a> {
    var: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(var: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { var }
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let text = (self.var)(name)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(crate) fn get<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, VariableError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match parse(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(VariableError::Invalid { name, value: text, expected }),
        }
    }
}

pub(super) fn name(text: &str) -> Option<String> {
    (text.chars().count() <= 64 && !text.contains(char::is_control)).then(|| text.to_owned())
}

pub(super) fn capacity(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&records| records <= 1_000_000_000)
}

pub(super) fn timeout(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    // Comparisons with NaN are false, so this refuses NaN as well.
    let in_range = seconds > 0.0 && seconds <= MAX_DURATION.as_secs_f64();
    in_range.then(|| Duration::from_secs_f64(seconds).max(Duration::from_micros(1)))
}

pub(super) fn followers(vars: &Vars<'_>) -> Result<Vec<BaseUrl>, VariableError> {
    let Some(list) = vars.text("FOLLOWERS") else {
        return Ok(Vec::new());
    };
    let mut seen = BTreeSet::new();
    list.split(',')
        .map(|part| {
            BaseUrl::parse(part.trim())
                // A follower listed twice would count twice towards the quorum.
                .filter(|url| seen.insert(url.clone()) && seen.len() <= usize::from(MAX_FOLLOWERS))
                .ok_or_else(|| VariableError::Invalid {
                    name: "FOLLOWERS",
                    value: part.to_owned(),
                    expected: FOLLOWERS,
                })
        })
        .collect()
}
