//! The nodes of one run.

use std::collections::BTreeMap;

use super::environment::Environment;
use super::placeholders::of_the_node;
use super::settings::StartSettings;
use super::values::StartValues;
use crate::config::Experiment;
use crate::model::{Lifecycle, NodeId, NodeProgram, NodeSpec, Readiness, Text};

impl StartSettings {
    /// The nodes of one run, the followers first: some leaders look for their followers when they start. `quorum` is
    /// the number that the system is told for W.
    pub(in crate::system) fn nodes(
        &self,
        environment: &Environment,
        experiment: &Experiment,
        quorum: u32,
    ) -> Vec<NodeSpec> {
        let values = StartValues { experiment, quorum, list: &self.follower_list };
        let followers = NodeId::followers(experiment.followers);
        followers.chain([NodeId::Leader]).map(|node| self.node(node, environment, values)).collect()
    }

    fn node(&self, node: NodeId, environment: &Environment, values: StartValues<'_>) -> NodeSpec {
        let text = |placeholder: &str| values.text(node, placeholder);
        let (program, arguments) = self.command.parts().map_or_else(Default::default, |(program, arguments)| {
            let arguments = arguments.iter().map(|argument| argument.text(text)).collect::<Vec<Text>>();
            (program.fill(|placeholder| of_the_node(node, placeholder)), arguments)
        });
        NodeSpec {
            node,
            program: NodeProgram::Executable(program.into()),
            arguments,
            environment: environment.iter().map(|(name, value)| (name.to_owned(), value.text(text))).collect(),
            files: BTreeMap::new(),
            start_in: Some(self.start_in(values.experiment)),
            readiness: Readiness::Accepts,
            start_limit: self.start_limit_s.duration(),
            lifecycle: Lifecycle::default(),
        }
    }
}
