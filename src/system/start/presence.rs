//! Whether this machine has what the nodes need to start.

use std::path::Path;

use super::compose::ComposeStart;
use super::placeholders::of_the_node;
use super::settings::StartSettings;
use crate::model::NodeId;
use crate::programs::{NoProgram, find_program};
use crate::system::traits::Presence;

impl StartSettings {
    /// Whether this machine has what nodes need that labctl starts. `base` is the folder of experiments.toml.
    pub(in crate::system) fn presence(&self, base: &Path) -> Presence {
        let base = Path::new(".").join(base);
        let mut found = Vec::new();
        if let Some(running) = &self.urls {
            found.push(format!("nodes that run already, the leader at {}", running.leader));
        }
        if let Some((program, _)) = self.command.parts() {
            let start_in = base.join(&self.folder);
            if !start_in.is_dir() {
                let what = format!("there is no folder {}, in which the command runs", self.folder.display());
                let advice = "make it, or say in start.folder where the command runs".to_owned();
                return Presence::Missing { what, advice };
            }
            let program = program.fill(|placeholder| of_the_node(NodeId::Leader, placeholder));
            // One that may not be executed is told when the nodes start.
            if let Err(NoProgram::Missing(_)) = find_program(Path::new(&program), Some(&start_in)) {
                let advice = "install it, or name its file in start.command".to_owned();
                return Presence::Missing { what: format!("there is no program {program}"), advice };
            }
            found.push(format!("by {program}"));
        }
        if let Some(ComposeStart { file, .. }) = &self.compose {
            if !base.join(file).is_file() {
                let advice = "say in start.compose which file it is".to_owned();
                return Presence::Missing { what: format!("there is no Compose file {}", file.display()), advice };
            }
            found.push(format!("by {}", file.display()));
        }
        Presence::Found(if found.is_empty() { "labctl starts no nodes".to_owned() } else { found.join(", or ") })
    }
}
