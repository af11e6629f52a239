//! etcd: members of one raft group, which elect their leader; a write waits for a majority of them.

mod gateway;
mod leadership;
mod node;
mod reads;
mod session;
mod settings;
mod status;
mod timing;
mod wire;

pub(super) use self::node::EtcdKind;
