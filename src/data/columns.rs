//! The columns of the CSV files of a run.

/// The columns of a CSV file, there even when it has no row.
pub(super) trait Columns: Sized {
    const COLUMNS: &'static [&'static str];
    /// Those of them that older files lack.
    const OPTIONAL: &'static [&'static str] = &[];

    /// Those of a file with these rows.
    fn columns(_rows: &[Self]) -> &'static [&'static str] {
        Self::COLUMNS
    }
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
