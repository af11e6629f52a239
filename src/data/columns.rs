//! The columns of the CSV files of a run.

use std::str::FromStr;

use crate::model::{Micros, TimeSpan, Version, WriteId, WriteOutcome};

/// The columns of a CSV file, there even when it has no row.
pub(super) trait Columns: Sized {
    const COLUMNS: &'static [&'static str];
    /// Those of them that older files lack.
    const OPTIONAL: &'static [&'static str] = &[];

    /// Those of a file with these rows.
    fn columns(_rows: &[Self]) -> &'static [&'static str] {
        Self::COLUMNS
    }

    /// A row from its fields, in the order of [`Self::COLUMNS`] without, or with, those that older files lack. `None` of
    /// fields that are not written plainly: serde then reads the row, or tells what is wrong with it. Where there is a row,
    /// it is the one that serde reads, which looks every column up by its name and takes three times as long.
    fn from_plain(_fields: &csv::StringRecord) -> Option<Self> {
        None
    }
}

/// A whole number in decimal digits alone.
fn plain<T: FromStr>(field: &str) -> Option<T> {
    let is_plain = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| field.parse().ok()).flatten()
}

/// The same, or nothing.
fn plain_or_none<T: FromStr>(field: &str) -> Option<Option<T>> {
    if field.is_empty() { Some(None) } else { plain(field).map(Some) }
}

impl Columns for super::WriteRow {
    const COLUMNS: &'static [&'static str] = &[
        "write",
        "key",
        "value",
        "start_us",
        "latency_us",
        "outcome",
        "http_status",
        "version",
        "acks",
        "error",
        "sent_us",
    ];
    const OPTIONAL: &'static [&'static str] = &["sent_us"];

    fn columns(rows: &[Self]) -> &'static [&'static str] {
        match rows.first() {
            Some(Self { sent_us: Some(_), .. }) => Self::COLUMNS,
            _ => &Self::COLUMNS[..Self::COLUMNS.len() - 1],
        }
    }

    fn from_plain(fields: &csv::StringRecord) -> Option<Self> {
        let field = |index: usize| fields.get(index);
        let text = |index: usize| field(index).map(str::to_owned);
        Some(Self {
            write: WriteId::new(plain(field(0)?)?),
            key: text(1)?,
            value: text(2)?,
            start_us: Micros::new(plain(field(3)?)?),
            latency_us: TimeSpan::new(plain(field(4)?)?),
            outcome: match field(5)? {
                "ok" => WriteOutcome::Ok,
                "failed" => WriteOutcome::Failed,
                "unknown" => WriteOutcome::Unknown,
                _ => return None,
            },
            http_status: plain_or_none(field(6)?)?,
            version: plain_or_none(field(7)?)?.map(Version::new),
            acks: plain_or_none(field(8)?)?,
            error: text(9).filter(|error| !error.is_empty()),
            sent_us: field(10).map_or(Some(None), plain_or_none)?.map(Micros::new),
        })
    }
}

impl Columns for super::ReplicationRow {
    const COLUMNS: &'static [&'static str] =
        &["write", "version", "key", "follower", "delay_us", "ack_delay_us", "sent_us", "acked_us", "outcome"];
    const OPTIONAL: &'static [&'static str] = &["ack_delay_us"];
}

impl Columns for super::ArrivalRow {
    const COLUMNS: &'static [&'static str] = &["follower", "version", "key", "applied", "at_us", "catch_up"];
    const OPTIONAL: &'static [&'static str] = &["catch_up"];
}

impl Columns for super::FaultRow {
    const COLUMNS: &'static [&'static str] = &["begun_us", "ended_us", "node", "kind", "detail"];
}

impl Columns for super::ForecastRow {
    const COLUMNS: &'static [&'static str] =
        &["write", "node", "key", "at_us", "latency_us", "outcome", "delay_us", "kept"];
}

impl Columns for super::ReadRow {
    const COLUMNS: &'static [&'static str] = &[
        "read",
        "purpose",
        "session",
        "node",
        "key",
        "start_us",
        "latency_us",
        "outcome",
        "write",
        "version",
        "error",
    ];
}
