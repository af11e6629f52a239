//! Adapters: programs of the user's own through which any store can be measured, whatever its client library.
//! An adapter speaks JSON lines on its standard streams; docs/adapter.md tells the protocol.

mod adapters;
mod explain;
mod failure;
mod lines;
mod process;
mod protocol;
mod session;
mod settings;
mod system;
mod tail;

pub(super) use self::system::AdapterKind;
