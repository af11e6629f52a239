//! Chooses a backend from the list in `config/backend.rs`.

use std::sync::Arc;

use super::ClusterError;
use super::backend::{Backend, BackendKind, BackendRequest, Refusal};
use super::docker::ignored_variables;
use super::running::RunningBackend;
use crate::config::{BackendChoice, backends};
use crate::model::{ContainerSpec, Hosting, RunsAs};

macro_rules! kinds {
    ($($(#[$help:meta])+ $name:ident runs $runs_as:ident by $module:ident::$kind:ident;)+) => {
        /// Every backend by its choice, in the order in which `auto` tries those that start nodes.
        pub static BACKENDS: &[(BackendChoice, &dyn BackendKind)] =
            &[$((BackendChoice::$name, &super::$module::$kind)),+];
    };
}
backends!(kinds);

/// Makes ready what was asked for; `auto` takes the first backend of real nodes that is there. `hosting` is where the
/// nodes can run. Blocks: an image may have to be built or pulled.
///
/// # Errors
/// When a backend that was named is not to be had, a program is missing, or an image is not to be had.
pub fn choose(
    choice: BackendChoice,
    hosting: &Hosting,
    request: &BackendRequest<'_>,
) -> Result<Arc<dyn Backend>, ClusterError> {
    let is_virtual_time = choice.runs_as() == Some(RunsAs::VirtualTime);
    if let Hosting::Running(endpoints) = hosting
        && !is_virtual_time
    {
        return Ok(Arc::new(RunningBackend { endpoints: endpoints.clone(), system: request.system.to_owned() }));
    }
    if let Some(ContainerSpec::File(file)) = request.containers
        && !is_virtual_time
    {
        let ignored = ignored_variables(file.user_variables);
        if !ignored.is_empty() {
            (request.tell)(&format!("ignored: {} (nodes get what experiments.toml says)", ignored.join(", ")));
        }
    }
    match BACKENDS.iter().find(|(named, _)| *named == choice) {
        Some(named) if !is_possible(named, hosting) => Err(ClusterError::Setup(impossible(named))),
        Some((_, kind)) => Ok(kind.prepare(request, None)?),
        None => first_there(BACKENDS, hosting, request),
    }
}

/// What people call the backend that [`choose`] takes on a machine that has those in `there`. `None` if it has none that
/// will do.
pub fn foresee(choice: BackendChoice, hosting: &Hosting, there: &[BackendChoice]) -> Option<&'static str> {
    if matches!(hosting, Hosting::Running(_)) && choice.runs_as() != Some(RunsAs::VirtualTime) {
        return Some("the nodes that run already");
    }
    let is_named = |(named, _): &&Entry| *named == choice;
    let named = BACKENDS.iter().any(|entry| is_named(&entry));
    let is_asked_for = |entry: &&Entry| if named { is_named(entry) } else { entry.0.starts_nodes() };
    let mut wanted = BACKENDS.iter().filter(is_asked_for);
    let (_, kind) = wanted.find(|entry| is_possible(entry, hosting) && there.contains(&entry.0))?;
    Some(kind.title())
}

/// An entry of the list.
type Entry = (BackendChoice, &'static dyn BackendKind);

/// The first of the backends that start nodes that is there; the last error if none is.
fn first_there(
    backends: &[Entry],
    hosting: &Hosting,
    request: &BackendRequest<'_>,
) -> Result<Arc<dyn Backend>, ClusterError> {
    let mut untried = backends.iter().filter(|(choice, _)| choice.starts_nodes());
    // Why the one before was not taken.
    let mut passed_over = None;
    while let Some(entry) = untried.next() {
        if !is_possible(entry, hosting) {
            passed_over = Some(impossible(entry));
            continue;
        }
        let others: Vec<&Entry> = untried.clone().collect();
        let is_last = !others.iter().any(|other| is_possible(other, hosting));
        let only_one = || others.first().filter(|_| is_last).map(|other| impossible(other));
        let reason = passed_over.or_else(only_one).unwrap_or_else(|| entry.1.merit().to_owned());
        match entry.1.prepare(request, Some(reason)) {
            Err(Refusal::NotHere { found, .. }) if !is_last => passed_over = Some(found),
            prepared => return Ok(prepared?),
        }
    }
    Err(ClusterError::Setup(passed_over.unwrap_or_default()))
}

/// Whether the system says how its nodes run there.
fn is_possible((choice, _): &Entry, hosting: &Hosting) -> bool {
    match (hosting, choice.runs_as()) {
        (Hosting::Started { containers, .. }, Some(RunsAs::Containers)) => containers.is_some(),
        (Hosting::Started { processes, .. }, Some(RunsAs::Processes)) => *processes,
        (_, runs_as) => runs_as == Some(RunsAs::VirtualTime),
    }
}

/// Why nodes cannot run there.
fn impossible((choice, _): &Entry) -> String {
    let place = choice.runs_as().map(|runs_as| runs_as.to_string()).unwrap_or_default();
    format!("nothing says how the nodes run {place}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio_util::sync::CancellationToken;

    use super::super::{Cluster, ClusterSpec, PlayCluster};
    use super::*;
    use crate::model::ProjectSpec;

    /// A kind that is there, or is not.
    #[derive(Debug)]
    struct Candidate {
        name: &'static str,
        is_there: bool,
    }

    /// What it makes ready: a backend that says why it was taken.
    #[derive(Debug)]
    struct Taken(String);

    impl BackendKind for Candidate {
        fn name(&self) -> &'static str {
            self.name
        }

        fn title(&self) -> &'static str {
            self.name
        }

        fn merit(&self) -> &'static str {
            "it is there"
        }

        fn prepare(&self, _: &BackendRequest<'_>, reason: Option<String>) -> Result<Arc<dyn Backend>, Refusal> {
            let found = format!("no {}", self.name);
            match self.is_there {
                true => Ok(Arc::new(Taken(format!("{}: {}", self.name, reason.unwrap_or_default())))),
                false => Err(Refusal::NotHere { error: ClusterError::Setup(format!("{found}; get one")), found }),
            }
        }
    }

    impl Backend for Taken {
        fn name(&self) -> &'static str {
            "taken"
        }

        fn describe(&self) -> String {
            self.0.clone()
        }

        fn cluster(&self, _: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
            Err(ClusterError::Interrupted)
        }

        fn play(&self, _: ClusterSpec) -> Result<PlayCluster, String> {
            Err(String::new())
        }
    }

    static THERE: [Candidate; 2] =
        [Candidate { name: "containers", is_there: true }, Candidate { name: "processes", is_there: true }];
    static NOT_THERE: [Candidate; 2] =
        [Candidate { name: "containers", is_there: false }, Candidate { name: "processes", is_there: false }];

    fn taken(containers: &'static Candidate, processes: &'static Candidate, hosting: &Hosting) -> String {
        let never = CancellationToken::new();
        let request = BackendRequest {
            system: "lab",
            nodes: &[],
            containers: None,
            presence: &|| Ok(()),
            tell: &|_| {},
            cancel: &never,
        };
        let list: [Entry; 3] = [
            (BackendChoice::Compose, containers),
            (BackendChoice::Process, processes),
            (BackendChoice::Sim, &super::super::sim::SimKind),
        ];
        match first_there(&list, hosting, &request) {
            Ok(backend) => backend.describe(),
            Err(error) => format!("error: {error}"),
        }
    }

    fn hosting(processes: bool, containers: bool) -> Hosting {
        let project = || ProjectSpec {
            file: "compose.yml".into(),
            services: BTreeMap::new(),
            port: 1,
            leader_port: 1,
            setting: "compose".to_owned(),
        };
        Hosting::Started { processes, containers: containers.then(|| ContainerSpec::Project(project())) }
    }

    #[test]
    fn auto_takes_the_first_that_is_there_and_says_why() {
        let [both, only_containers, only_processes, neither] =
            [(true, true), (false, true), (true, false), (false, false)].map(|(one, other)| hosting(one, other));
        let [containers, processes] = &THERE;
        let [no_containers, no_processes] = &NOT_THERE;
        assert_eq!(taken(containers, processes, &both), "containers: it is there");
        let reason = "containers: nothing says how the nodes run as local processes";
        assert_eq!(taken(containers, processes, &only_containers), reason);
        let reason = "processes: nothing says how the nodes run in containers";
        assert_eq!(taken(containers, processes, &only_processes), reason);
        assert_eq!(taken(no_containers, processes, &both), "processes: no containers");
        assert_eq!(taken(no_containers, processes, &only_containers), "error: no containers; get one");
        assert_eq!(taken(no_containers, no_processes, &both), "error: no processes; get one");
        let reason = "error: nothing says how the nodes run as local processes";
        assert_eq!(taken(containers, processes, &neither), reason);
    }

    #[test]
    fn each_backend_has_the_name_of_its_line_in_the_list() {
        let names: Vec<&str> = BACKENDS.iter().map(|(_, kind)| kind.name()).collect();
        let choices: Vec<String> = BACKENDS.iter().map(|(choice, _)| choice.to_string()).collect();
        assert_eq!(names, choices);
        let virtual_time: Vec<&str> =
            BACKENDS.iter().filter(|(choice, _)| !choice.starts_nodes()).map(|(_, kind)| kind.name()).collect();
        assert_eq!(virtual_time, [crate::model::VIRTUAL_TIME]);
    }

    #[test]
    fn a_backend_is_foreseen_as_it_is_chosen() {
        let (everywhere, here) = (hosting(true, true), hosting(true, false));
        let all = &[BackendChoice::Compose, BackendChoice::Process, BackendChoice::Sim];
        assert_eq!(foresee(BackendChoice::Auto, &everywhere, all), Some("Docker Compose"));
        assert_eq!(foresee(BackendChoice::Auto, &here, all), Some("local processes"));
        assert_eq!(foresee(BackendChoice::Auto, &everywhere, &all[1..]), Some("local processes"));
        assert_eq!(foresee(BackendChoice::Process, &everywhere, all), Some("local processes"));
        assert_eq!(foresee(BackendChoice::Compose, &here, all), None);
        assert_eq!(foresee(BackendChoice::Compose, &everywhere, &all[1..]), None);
    }
}
