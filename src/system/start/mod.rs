//! How the nodes of somebody else's system start: `[system.NAME.start]` and `[system.NAME.environment]`.

mod command;
mod compose;
mod environment;
mod follower_list;
mod hosting;
mod nodes;
mod placeholders;
mod presence;
pub(in crate::system) mod read;
mod settings;
mod template;
mod urls;
mod values;

pub(crate) use self::environment::Environment;
pub(in crate::system) use self::hosting::Replication;
pub(crate) use self::settings::StartSettings;
pub(in crate::system) use self::template::Template;
#[cfg(test)]
mod tests;
