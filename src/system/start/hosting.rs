//! Where the nodes can run, and which settings of an experiment do not fit that.

use std::path::{Path, PathBuf};

use super::compose::{ComposeStart, FollowerServices};
use super::environment::Environment;
use super::placeholders::DELAYS;
use super::settings::StartSettings;
use super::template::Template;
use super::values::delay_bounds_ms;
use crate::config::{Experiment, Misfits};
use crate::model::{ContainerSpec, Dialer, Endpoints, Followers, Hosting, NodeId, ProjectSpec, RunsAs};

/// How the nodes replicate, as far as the way they start has to fit it.
#[derive(Debug, Clone, Copy)]
pub(in crate::system) struct Replication {
    /// Who opens the connections.
    pub(in crate::system) dialer: Dialer,
    /// Whether proxies stand between the nodes of every run.
    pub(in crate::system) proxied: bool,
}

impl StartSettings {
    /// Where the nodes of an experiment can run.
    pub(in crate::system) fn hosting(&self, experiment: &Experiment) -> Hosting {
        let followers = experiment.followers;
        if let Some(running) = &self.urls {
            // Too few are a misfit.
            let none = || Endpoints { leader: String::new(), followers: Vec::new() };
            return Hosting::Running(running.endpoints(followers.get() as usize).unwrap_or_else(none));
        }
        let base = experiment.system.settings.folder();
        let containers =
            self.compose.as_ref().map(|compose| compose.project(base, followers, &experiment.system.name.to_string()));
        Hosting::Started { processes: self.command.is_given(), containers: containers.map(ContainerSpec::Project) }
    }

    /// The folder in which the command of a node runs.
    pub(super) fn start_in(&self, experiment: &Experiment) -> PathBuf {
        Path::new(".").join(experiment.system.settings.folder()).join(&self.folder)
    }

    /// Reports the settings of an experiment that do not fit the way its nodes start.
    pub(in crate::system) fn check(
        &self,
        environment: &Environment,
        experiment: &Experiment,
        replication: Replication,
        misfits: &mut Misfits,
    ) {
        self.check_backend(experiment, misfits);
        self.check_number(experiment.followers, misfits);
        if self.urls.is_some() {
            return;
        }
        self.check_delays(environment, experiment, misfits);
        if replication.proxied {
            self.check_addresses(environment, replication.dialer, misfits);
        }
    }

    /// Reports a backend on which nothing says how the nodes run.
    fn check_backend(&self, experiment: &Experiment, misfits: &mut Misfits) {
        let name = &experiment.system.name;
        let Some(place) = experiment.backend.runs_as() else { return };
        let missing = match place {
            _ if self.urls.is_some() || !self.is_given() => return,
            RunsAs::Processes if !self.command.is_given() => "command = [...], which runs one node,",
            RunsAs::Containers if self.compose.is_none() => "compose = { file = ..., port = ... }",
            _ => return,
        };
        misfits.add(
            "backend",
            format!(
                "nothing says how the nodes of {name} run {place}; add {missing} to [system.{name}.start]; or leave \
                 backend out"
            ),
        );
    }

    /// Reports fewer nodes than the experiment has.
    fn check_number(&self, followers: Followers, misfits: &mut Misfits) {
        let mut report = |key: &str, there: usize| {
            let message = format!(
                "the experiment has {followers} followers, and these are {there}; add the others, or \
                                   set followers = {there} in the experiment"
            );
            misfits.add(key, message);
        };
        let wanted = followers.get() as usize;
        if let Some(running) = self.urls.as_ref().filter(|running| running.followers.len() < wanted) {
            report("system.start.urls.followers", running.followers.len());
        }
        if let Some(ComposeStart { followers: FollowerServices::Names(names), .. }) = &self.compose
            && names.len() < wanted
        {
            report("system.start.compose.followers", names.len());
        }
    }

    /// Reports placeholders for the bounds of a delay that has none.
    fn check_delays(&self, environment: &Environment, experiment: &Experiment, misfits: &mut Misfits) {
        if delay_bounds_ms(&experiment.network, experiment.followers.get()).is_some() {
            return;
        }
        let system = &experiment.system.name;
        for (key, template) in self.templates(environment) {
            if let Some(name) = template.names().find(|name| DELAYS.contains(name)) {
                let key = key.replacen("system", &format!("[system.{system}]"), 1).replacen("].", "] ", 1);
                let needs = "needs one uniform or constant delay for all followers, and none for acknowledgements";
                misfits.add("network", format!("{{{name}}} in {key} {needs}"));
            }
        }
    }

    /// Reports nodes that are not told where the others are, so that no proxy could stand between them.
    fn check_addresses(&self, environment: &Environment, dialer: Dialer, misfits: &mut Misfits) {
        let (names, told): (&[&str], _) = match dialer {
            Dialer::Leader => (&["followers"], "{followers} is where the leader reaches its followers"),
            Dialer::Follower | Dialer::Both => {
                (&["leader", "leader_url"], "{leader} is where followers reach the leader")
            }
        };
        let mut templates = self.templates(environment);
        if !templates.any(|(_, template)| template.names().any(|name| names.contains(&name))) {
            let message = format!(
                "labctl's proxies stand between the nodes, and nothing tells the nodes to connect to \
                                   them; {told}: use it in environment or in the command"
            );
            misfits.add("system.start", message);
        }
    }

    /// Whether the command or the environment of a node that labctl starts has this placeholder; always of nodes that
    /// run already.
    pub(in crate::system) fn mentions(&self, environment: &Environment, placeholder: &str) -> bool {
        let has = |template: &Template| template.names().any(|name| name == placeholder);
        self.urls.is_some() || self.templates(environment).any(|(_, template)| has(template))
    }

    /// Every template of the command and the environment, with its key.
    fn templates<'a>(&'a self, environment: &'a Environment) -> impl Iterator<Item = (String, &'a Template)> {
        let words = self.command.words().iter().enumerate();
        let words = words.map(|(index, word)| (format!("system.start.command[{index}]"), word));
        words.chain(environment.iter().map(|(name, value)| (format!("system.environment.{name}"), value)))
    }
}

impl ComposeStart {
    /// The Compose project of an experiment. `base` is the folder of experiments.toml.
    fn project(&self, base: &Path, followers: Followers, system: &str) -> ProjectSpec {
        // Too few are a misfit.
        let names = self.followers.of(followers).unwrap_or_default();
        let services = NodeId::followers(followers).zip(names).chain([(NodeId::Leader, self.leader.clone())]);
        ProjectSpec {
            file: Path::new(".").join(base).join(&self.file),
            services: services.collect(),
            port: self.port.get(),
            leader_port: self.leader_port.unwrap_or(self.port).get(),
            setting: format!("[system.{system}.start] compose"),
        }
    }
}
