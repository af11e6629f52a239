//! The columns of the CSV files of a run.

use std::str::FromStr;

use crate::model::{Keys, Micros, ReplicationOutcome, TimeSpan, Version, WriteId, WriteOutcome};

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
    fn from_plain(_fields: &csv::StringRecord, _keys: &mut Keys) -> Option<Self> {
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

    fn from_plain(fields: &csv::StringRecord, keys: &mut Keys) -> Option<Self> {
        let field = |index: usize| fields.get(index);
        let text = |index: usize| field(index).map(str::to_owned);
        Some(Self {
            write: WriteId::new(plain(field(0)?)?),
            key: keys.share(field(1)?),
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

    fn from_plain(fields: &csv::StringRecord, keys: &mut Keys) -> Option<Self> {
        let field = |index: usize| fields.get(index);
        Some(Self {
            write: WriteId::new(plain(field(0)?)?),
            version: Version::new(plain(field(1)?)?),
            key: keys.share(field(2)?),
            follower: field(3)?.parse().ok()?,
            delay_us: TimeSpan::new(plain(field(4)?)?),
            ack_delay_us: plain_or_none(field(5)?)?.map(TimeSpan::new),
            sent_us: plain_or_none(field(6)?)?.map(Micros::new),
            acked_us: plain_or_none(field(7)?)?.map(Micros::new),
            outcome: match field(8)? {
                "acked" => ReplicationOutcome::Acked,
                _ => return None,
            },
        })
    }
}

impl Columns for super::ArrivalRow {
    const COLUMNS: &'static [&'static str] = &["follower", "version", "key", "applied", "at_us", "catch_up"];
    const OPTIONAL: &'static [&'static str] = &["catch_up"];

    fn from_plain(fields: &csv::StringRecord, keys: &mut Keys) -> Option<Self> {
        let field = |index: usize| fields.get(index);
        Some(Self {
            follower: field(0)?.parse().ok()?,
            version: Version::new(plain(field(1)?)?),
            key: keys.share(field(2)?),
            applied: field(3)?.parse().ok()?,
            at_us: Micros::new(plain(field(4)?)?),
            catch_up: field(5)?.parse().ok()?,
        })
    }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::data::{ArrivalRow, ReplicationRow, WriteRow};

    /// Which of these lines are read plainly. Those are the same as serde reads.
    fn plainly<T: Columns + DeserializeOwned + Debug + PartialEq>(lines: &[&str]) -> Vec<bool> {
        let mut keys = Keys::default();
        let mut is_plain = |line: &&str| {
            let mut csv = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let record = csv.records().next().unwrap().unwrap();
            let headers = csv::StringRecord::from(T::COLUMNS[..record.len().min(T::COLUMNS.len())].to_vec());
            let row = T::from_plain(&record, &mut keys);
            if let Some(row) = &row {
                assert_eq!(*row, record.deserialize(Some(&headers)).unwrap(), "{line}");
            }
            row.is_some()
        };
        lines.iter().map(&mut is_plain).collect()
    }

    #[test]
    fn a_row_that_is_read_plainly_is_what_serde_reads() {
        let writes = [
            "0,k0,v0,0,120,ok,200,1,3,",
            "1,\"k,0\",v1,5,120,unknown,,,,no answer within 3 s",
            "2,k0,v2,5,120,failed,503,,2,\"a, b\",7",
            "3,k0,v3,-5,120,ok,200,1,3,",
            "4,k0,v4,5,120,fine,200,1,3,",
        ];
        assert_eq!(plainly::<WriteRow>(&writes), [true, true, true, false, false]);
        let copies = [
            "0,1,k0,f1,500,0,620,700,acked",
            "0,1,k0,f99,500,,,,acked",
            "0,1,k0,f1,500,0,620,,timeout",
            "0,1,k0,f1,500,0,-620,700,acked",
            "0,1,k0,f0,500,0,620,700,acked",
            "0,1,k0,f1,500,620,700,acked",
        ];
        assert_eq!(plainly::<ReplicationRow>(&copies), [true, true, false, false, false, false]);
        let arrivals =
            ["f1,1,k0,true,650,false", "f1,1,k0,false,650,true", "f1,1,k0,true,650", "f1,1,k0,yes,650,false"];
        assert_eq!(plainly::<ArrivalRow>(&arrivals), [true, true, false, false]);
    }
}
