//! Which write a value comes from that a node holds.

use hashbrown::HashMap;

use crate::data::{RunData, StoreDump, WriteRow};

/// The writes of the values that nodes hold. Values are unique to a write. Nodes hold one value of each key, where a run may
/// have a thousand writes of it: only values that are held are indexed.
pub(super) struct WrittenValues<'a> {
    run: &'a RunData,
    /// By name, see [`RunData::name_of`], and value; `None` of a value that no client wrote.
    writes: HashMap<(&'a str, &'a str), Option<&'a WriteRow>>,
}

impl<'a> WrittenValues<'a> {
    /// Of everything that these dumps hold.
    pub(super) fn of(run: &'a RunData, dumps: impl IntoIterator<Item = &'a StoreDump>) -> Self {
        let mut writes: HashMap<(&str, &str), Option<&WriteRow>> = HashMap::new();
        for (key, value) in dumps.into_iter().flat_map(|dump| &dump.store) {
            writes.insert((run.name_of(key, value), value.as_str()), None);
        }
        for row in &run.writes {
            if let Some(write) = writes.get_mut(&(run.name_of(&row.key, &row.value), row.value.as_str())) {
                *write = Some(row);
            }
        }
        Self { run, writes }
    }

    /// The write of this value of this key; `None` of one that no client wrote, or no node holds.
    pub(super) fn find(&self, key: &str, value: &str) -> Option<&'a WriteRow> {
        self.writes.get(&(self.run.name_of(key, value), value)).copied().flatten()
    }
}
