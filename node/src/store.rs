//! What a node holds: for every key its last value and the leader's number of that write.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::config::ReplicationOrder;
use crate::poison::ignore_poison;

/// A key's place in the store. Keys are never removed, so it stays valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(u32);

/// One key and what it holds; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Arc<str>,
    /// Its value.
    pub value: Arc<str>,
    /// The leader's number of the write that gave it this value.
    pub version: u64,
}

/// What became of a write that a follower received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The key, if the store knows it; an arrival that is applied always makes it known.
    pub key: KeyId,
    /// The number of the write that arrived.
    pub version: u64,
    /// Whether it was applied.
    pub applied: bool,
    /// The version held afterwards.
    pub held: u64,
}

/// A store that one node's tasks share.
///
/// One lock covers applying a write, numbering it and telling an observer of it, so that the
/// numbers, the values and the trace agree on one order.
#[derive(Debug, Default)]
pub struct Store {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_version: u64,
    ids: HashMap<Arc<str>, KeyId>,
    entries: Vec<Entry>,
}

impl Store {
    /// On the leader: applies a write, gives it the next number (the first is 1), and passes
    /// both to `observe` while the lock is held.
    pub fn write<T>(&self, key: &str, value: &str, observe: impl FnOnce(KeyId, u64) -> T) -> T {
        let mut inner = self.lock();
        inner.last_version += 1;
        let version = inner.last_version;
        let id = match inner.ids.get(key).copied() {
            Some(id) => {
                inner.put(id, value, version);
                id
            }
            None => inner.insert(key, value, version),
        };
        observe(id, version)
    }

    /// On a follower: applies a write that arrived, or keeps what is held, as `order` says,
    /// and passes the outcome to `observe` while the lock is held.
    ///
    /// A write without a number gets the one after the version held for its key, so it is
    /// newer and is applied under either order.
    pub fn replicate(
        &self,
        key: &str,
        value: &str,
        version: Option<u64>,
        order: ReplicationOrder,
        observe: impl FnOnce(Received),
    ) -> Received {
        let mut inner = self.lock();
        let held = inner.ids.get(key).map(|&id| (id, inner.at(id).version));
        let version = version.unwrap_or(held.map_or(1, |(_, held)| held.saturating_add(1)));
        let arrival = match held {
            Some((key, held)) if order == ReplicationOrder::Version && version <= held => {
                Received { key, version, applied: false, held }
            }
            Some((id, _)) => {
                inner.put(id, value, version);
                Received::applied(id, version)
            }
            None => Received::applied(inner.insert(key, value, version), version),
        };
        observe(arrival);
        arrival
    }

    /// What `key` holds.
    pub fn get(&self, key: &str) -> Option<Entry> {
        let inner = self.lock();
        inner.ids.get(key).map(|&id| inner.at(id).clone())
    }

    /// Everything the store holds at one moment, sorted by key.
    pub fn snapshot(&self) -> Vec<Entry> {
        let mut entries = self.lock().entries.clone();
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        entries
    }

    /// Everything that was written by a write with number `version` or a later one, as it is
    /// at one moment, in the order of the writes.
    pub fn since(&self, version: u64) -> Vec<Entry> {
        let mut entries: Vec<Entry> =
            self.lock().entries.iter().filter(|entry| entry.version >= version).cloned().collect();
        entries.sort_unstable_by_key(|entry| entry.version);
        entries
    }

    /// The keys with these places, in the same order.
    pub fn keys(&self, ids: impl IntoIterator<Item = KeyId>) -> Vec<Arc<str>> {
        let inner = self.lock();
        ids.into_iter().map(|id| Arc::clone(&inner.at(id).key)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        ignore_poison(self.inner.lock())
    }
}

impl Received {
    fn applied(key: KeyId, version: u64) -> Self {
        Self { key, version, applied: true, held: version }
    }
}

impl Inner {
    fn at(&self, id: KeyId) -> &Entry {
        &self.entries[id.0 as usize]
    }

    fn put(&mut self, id: KeyId, value: &str, version: u64) {
        let entry = &mut self.entries[id.0 as usize];
        entry.value = Arc::from(value);
        entry.version = version;
    }

    fn insert(&mut self, key: &str, value: &str, version: u64) -> KeyId {
        // Four thousand million keys do not fit into memory.
        let id = KeyId(self.entries.len() as u32);
        let key: Arc<str> = Arc::from(key);
        self.ids.insert(Arc::clone(&key), id);
        self.entries.push(Entry { key, value: Arc::from(value), version });
        id
    }
}
