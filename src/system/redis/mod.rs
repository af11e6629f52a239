//! Redis and Valkey: a leader and its replicas, which fetch its log; writes by `SET` and `WAIT`.

mod connections;
mod info;
mod node;
mod session;
mod settings;

pub(super) use self::node::RedisKind;
