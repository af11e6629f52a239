//! What experiments.toml may say of the start of nodes, and which nodes come of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Environment, Replication, StartSettings};
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings, parse, settings};
use crate::model::{
    Capabilities, ContainerSpec, Dialer, Endpoints, Hosting, NodeId, NodeProgram, NodeSpec, Place, Quorum,
};
use crate::system::Clock;
use crate::system::session::{Session, SessionError};
use crate::system::traits::{Presence, System, SystemKind};

settings! {
    /// `[system.NAME]` of a kind that is only started.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Settings {
        /// How its nodes start.
        start: StartSettings = StartSettings::default(), read_by StartSettings::required;
        /// Their variables.
        environment: Environment = Environment::default();
        /// Whether it delays messages itself.
        own_delays: bool = true;
    }
}

#[derive(Debug)]
struct Kind;

impl SystemKind for Kind {
    fn name(&self) -> &'static str {
        "started"
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        SystemSettings::of(&Settings::read_from(fields, Settings::default(), problems))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings: Settings = misfits.settings_of(&experiment.system)?;
        let replication = Replication { dialer: Dialer::Leader, proxied: !settings.own_delays };
        settings.start.check(&settings.environment, experiment, replication, misfits);
        Some(Arc::new(Started(settings)))
    }

    fn presence(&self, _: &SystemSettings) -> Presence {
        Presence::Found(String::new())
    }
}

#[derive(Debug)]
struct Started(Settings);

impl System for Started {
    fn name(&self) -> &str {
        "mine"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { trace: false, versions: false, own_delays: self.0.own_delays, ..Capabilities::LABNODE }
    }

    fn dialer(&self) -> Dialer {
        Dialer::Leader
    }

    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec> {
        self.0.start.nodes(&self.0.environment, experiment, quorum.get() + 1)
    }

    fn hosting(&self, experiment: &Experiment) -> Hosting {
        self.0.start.hosting(experiment)
    }

    fn connect(&self, _: &Endpoints, _: &Experiment, _: Quorum, _: Clock) -> Result<Arc<dyn Session>, SessionError> {
        unreachable!("nothing is started")
    }

    fn connections_to_a_follower(&self, _: u64) -> u64 {
        1
    }

    fn limit_met(&self, _: &[u8]) -> Option<String> {
        None
    }
}

static KINDS: &[&dyn SystemKind] = &[&Kind];

/// The experiment of a file with a table `[system.mine]` (and what follows it), or every problem of the file.
fn read(system: &str, experiment: &str) -> Result<Experiment, String> {
    let quorums = if experiment.starts_with("quorums") { "" } else { "quorums = [2]" };
    let text = format!(
        "default = \"a\"\n[experiment.a]\nsystem = \"mine\"\nfollowers = 2\n{quorums}\n{experiment}\n[system.mine]\nkind \
         = \"started\"\n{system}\n"
    );
    let config = parse(&text, &|_| Err(std::io::ErrorKind::NotFound.into()), &KINDS);
    let told = config.map_err(|problems| {
        problems
            .iter()
            .map(|one| format!("{}:{}: {}", one.line, one.column, one.message))
            .collect::<Vec<_>>()
            .join("\n")
    });
    told.map(|config| config.experiments.into_values().next().unwrap())
}

fn problems(system: &str, experiment: &str) -> String {
    read(system, experiment).unwrap_err()
}

fn system(experiment: &Experiment) -> Started {
    Started(experiment.system.settings.parse().unwrap())
}

/// A node's arguments and variables, with the places by name.
fn shown(spec: &NodeSpec) -> String {
    let fill = |place| match place {
        Place::Host => "HOST".to_owned(),
        Place::Port => "PORT".to_owned(),
        Place::PeerPort => "PEER-PORT".to_owned(),
        Place::Folder => "FOLDER".to_owned(),
        Place::HostOf(node) => format!("HOST-OF-{node}"),
        Place::PortOf(node) => format!("PORT-OF-{node}"),
        Place::Storage | Place::DirectHostOf(_) | Place::DirectPortOf(_) => "not of a command".to_owned(),
    };
    let NodeProgram::Executable(program) = &spec.program else { unreachable!("a program of the user's") };
    let arguments = spec.arguments.iter().map(|text| text.fill(fill));
    let words: Vec<String> = std::iter::once(program.display().to_string()).chain(arguments).collect();
    let variables = spec.environment.iter().map(|(name, text)| format!("\n  {name}={}", text.fill(fill)));
    format!("{}: {}{}", spec.node, words.join(" "), variables.collect::<String>())
}

#[test]
fn every_placeholder_is_filled_in_for_the_leader_and_for_a_follower() {
    let experiment = read(
        r#"
        start.command = ["./{role}", "--listen", "{host}:{port}", "{{{index}}}"]
        start.folder = "app"
        start.start_limit_s = 60
        start.follower_list = { each = "{name}={host}:{port}#{index}", separator = ";" }
        [system.mine.environment]
        FOLLOWERS = "{followers}"
        LEADER = "{leader} {leader_url}"
        W = "{quorum} of {follower_count}"
        NAME = "{name} in {folder}"
        DELAYS = "{min_delay_ms} {max_delay_ms} {min_delay_s} {max_delay_s}"
        LIMITS = "{replication_timeout_s} {request_timeout_s}"
        SEED = "{seed}"
        "#,
        "network.min_delay_ms = 5\nnetwork.max_delay_ms = 1500",
    );
    let experiment = experiment.unwrap();
    let nodes = system(&experiment).nodes(&experiment, Quorum::constant(2));
    assert_eq!(nodes.iter().map(|spec| spec.node.to_string()).collect::<Vec<_>>(), ["f1", "f2", "leader"]);
    assert!(nodes.iter().all(|spec| spec.start_in.as_deref() == Some(Path::new("./app"))));
    assert!(nodes.iter().all(|spec| spec.start_limit.as_secs() == 60));
    insta::assert_snapshot!(format!("{}\n{}", shown(&nodes[2]), shown(&nodes[1])), @r##"
    leader: ./leader --listen HOST:PORT {0}
      DELAYS=5 1500 0.005 1.5
      FOLLOWERS=f1=HOST-OF-f1:PORT-OF-f1#1;f2=HOST-OF-f2:PORT-OF-f2#2
      LEADER=HOST-OF-leader:PORT-OF-leader http://HOST-OF-leader:PORT-OF-leader
      LIMITS=2 5
      NAME=leader in FOLDER
      SEED=42
      W=3 of 2
    f2: ./follower --listen HOST:PORT {2}
      DELAYS=5 1500 0.005 1.5
      FOLLOWERS=f1=HOST-OF-f1:PORT-OF-f1#1;f2=HOST-OF-f2:PORT-OF-f2#2
      LEADER=HOST-OF-leader:PORT-OF-leader http://HOST-OF-leader:PORT-OF-leader
      LIMITS=2 5
      NAME=f2 in FOLDER
      SEED=42
      W=3 of 2
    "##);
}

#[test]
fn the_follower_list_is_one_of_urls_unless_another_form_is_given() {
    let experiment = read("start.command = [\"a\", \"{followers}\"]", "").unwrap();
    let nodes = system(&experiment).nodes(&experiment, Quorum::constant(2));
    assert_eq!(shown(&nodes[2]), "leader: a http://HOST-OF-f1:PORT-OF-f1,http://HOST-OF-f2:PORT-OF-f2");
    let hosts = read("start.command = [\"a\", \"{followers}\"]\nstart.follower_list.each = \"{host}\"", "").unwrap();
    assert_eq!(shown(&system(&hosts).nodes(&hosts, Quorum::constant(2))[2]), "leader: a HOST-OF-f1,HOST-OF-f2");
}

#[test]
fn a_table_says_where_nodes_run() {
    let hosting = |start: &str| {
        let experiment = read(start, "").unwrap();
        system(&experiment).hosting(&experiment)
    };
    let command = hosting("start.command = [\"a\"]");
    assert_eq!(command, Hosting::Started { processes: true, containers: None });
    let Hosting::Started { processes: false, containers: Some(ContainerSpec::Project(project)) } = hosting(
        "start.compose = { file = \"lab/compose.yml\", leader = \"main\", followers = \"copy-{index}\", port = 80, leader_port = 81 }",
    ) else {
        panic!("containers alone")
    };
    let services: Vec<String> = project.services.iter().map(|(node, service)| format!("{node}={service}")).collect();
    assert_eq!(services, ["leader=main", "f1=copy-1", "f2=copy-2"]);
    assert_eq!((project.port(NodeId::Leader), project.port(NodeId::Follower(1))), (81, 80));
    assert_eq!(
        (project.file.as_path(), project.setting.as_str()),
        (Path::new("./lab/compose.yml"), "[system.mine.start] compose")
    );
    let by_name = hosting("start.command = [\"a\"]\nstart.compose = { followers = [\"x\", \"y\", \"z\"], port = 80 }");
    let Hosting::Started { processes: true, containers: Some(ContainerSpec::Project(project)) } = by_name else {
        panic!("both")
    };
    assert_eq!(project.services.values().collect::<Vec<_>>(), ["leader", "x", "y"]);
    let urls = "start.urls = { leader = \"http://a:1\", followers = [\"b:2\", \"http://[::1]:3/\", \"c\"] }";
    let endpoints = Endpoints { leader: "a:1".to_owned(), followers: vec!["b:2".to_owned(), "[::1]:3".to_owned()] };
    assert_eq!(hosting(urls), Hosting::Running(endpoints));
}

#[test]
fn what_is_wrong_with_a_table_is_told_with_its_place_and_what_is_accepted() {
    let wrong = [
        "",
        "start.folder = \"x\"",
        "start = 3",
        "start.command = \"python3 app.py\"",
        "start.command = []",
        "start.command = [\"\"]",
        "start.command = [\"a\", 5]",
        "start.command = [\"{port}\", \"{quorom}\"]",
        "start.command = [\"a\"]\nenvironment.X = \"{followrs}\"\nenvironment.\"\" = \"\"\nenvironment.Y = 3",
        "start.command = [\"a\"]\nstart.follower_list.each = \"{ip}\"",
        "start.command = [\"a\"]\nstart.start_limit_s = 0",
        "start.compose = { }",
        "start.compose = { port = 0, folowers = [] }",
        "start.compose = { port = 80, followers = \"follower\" }",
        "start.compose = { port = 80, followers = [\"a\", \"a\", 3] }",
        "start.urls = { leader = \"http://a/b\" }",
        "start.urls = { leader = \"https://a\", followers = [\"a:0\", \"\"] }",
        "start.command = [\"a\"]\nstart.urls = { leader = \"a:1\", followers = [\"b:1\", \"c:1\"] }",
    ];
    let told: Vec<String> =
        wrong.iter().map(|system| format!("{system}\n    {}", problems(system, "").replace('\n', "\n    "))).collect();
    insta::assert_snapshot!(told.join("\n"), @r##"

        7:1: system.mine.start is missing; it must be a table that has command (starts one node), compose (a Compose file of which the nodes are services), or urls (of nodes that run already)
    start.folder = "x"
        9:1: system.mine.start must have command (starts one node), compose (a Compose file of which the nodes are services), or urls (of nodes that run already)
        9:7: system.mine.start.folder is where the command runs, and there is no command
    start = 3
        9:9: system.mine.start must be a table, [system.mine.start], not 3
    start.command = "python3 app.py"
        9:17: system.mine.start.command must be a list of texts in brackets, the program first, not "python3 app.py"
    start.command = []
        9:17: system.mine.start.command must be a list of texts in brackets, the program first, not []
    start.command = [""]
        9:18: system.mine.start.command: the program must not be empty
    start.command = ["a", 5]
        9:23: system.mine.start.command[1] must be a text in quotes, not 5
    start.command = ["{port}", "{quorom}"]
        9:18: system.mine.start.command[0]: unknown placeholder {port}; the placeholders here are {role}, {name}, {index}; write {{ and }} for braces
        9:28: system.mine.start.command[1]: unknown placeholder {quorom}; did you mean {quorum}?
    start.command = ["a"]
    environment.X = "{followrs}"
    environment."" = ""
    environment.Y = 3
        10:17: system.mine.environment.X: unknown placeholder {followrs}; did you mean {followers}?
        11:13: "" is no name of a variable: it is empty or has a = in it
        12:17: system.mine.environment.Y must be a text in quotes, not 3
    start.command = ["a"]
    start.follower_list.each = "{ip}"
        10:28: system.mine.start.follower_list.each: unknown placeholder {ip}; the placeholders here are {host}, {port}, {name}, {index}; write {{ and }} for braces
    start.command = ["a"]
    start.start_limit_s = 0
        10:23: system.mine.start.start_limit_s must be a number of seconds from 0.001 to 3600, not 0
    start.compose = { }
        9:17: system.mine.start.compose.port is missing; it must be a whole number from 1 to 65535
    start.compose = { port = 0, folowers = [] }
        9:26: system.mine.start.compose.port must be a whole number from 1 to 65535, not 0
        9:29: unknown key `system.mine.start.compose.folowers`; did you mean `followers`?
    start.compose = { port = 80, followers = "follower" }
        9:42: system.mine.start.compose.followers: all followers would be one service; write {index} where their number stands
    start.compose = { port = 80, followers = ["a", "a", 3] }
        9:48: system.mine.start.compose.followers lists a twice
        9:53: system.mine.start.compose.followers: each value must be a text in quotes, not 3
    start.urls = { leader = "http://a/b" }
        9:14: system.mine.start.urls.followers is missing; it must be a list in brackets, each value the address of a node without a path, such as "http://127.0.0.1:8000"
        9:25: system.mine.start.urls.leader must be the address of a node without a path, such as "http://127.0.0.1:8000", not "http://a/b"
    start.urls = { leader = "https://a", followers = ["a:0", ""] }
        9:25: system.mine.start.urls.leader must be the address of a node without a path, such as "http://127.0.0.1:8000", not "https://a"
        9:51: system.mine.start.urls.followers: each value must be the address of a node without a path, such as "http://127.0.0.1:8000", not "a:0"
        9:58: system.mine.start.urls.followers: each value must be the address of a node without a path, such as "http://127.0.0.1:8000", not ""
    start.command = ["a"]
    start.urls = { leader = "a:1", followers = ["b:1", "c:1"] }
        10:7: system.mine.start.urls are of nodes that run already: leave out either urls or command
    "##);
}

#[test]
fn what_an_experiment_cannot_have_is_told_with_what_to_do() {
    let (command, compose) = ("start.command = [\"a\"]", "start.compose.port = 80");
    let urls = "start.urls = { leader = \"a:1\", followers = [\"b:1\", \"c:1\"] }";
    let cases = [
        (command.to_owned(), "backend = \"compose\"".to_owned()),
        (compose.to_owned(), "backend = \"process\"".to_owned()),
        (format!("{command}\nown_delays = false"), String::new()),
        (
            format!("{command}\nenvironment.MAX = \"{{max_delay_ms}}\""),
            "network.delay = { kind = \"exponential\", mean_ms = 5 }".to_owned(),
        ),
        (
            format!("{command}\nenvironment.MAX = \"{{max_delay_s}}\""),
            "network.ack_delay = { kind = \"constant\", ms = 5 }".to_owned(),
        ),
        ("start.compose = { followers = [\"x\"], port = 80 }".to_owned(), String::new()),
        (urls.replace(", \"c:1\"", ""), String::new()),
        (urls.to_owned(), "backend = \"process\"".to_owned()),
        (urls.to_owned(), "quorums = [1, 2]".to_owned()),
        (format!("{urls}\nown_delays = false"), String::new()),
        (urls.to_owned(), "[[experiment.a.fault]]\nkind = \"kill\"\nnode = \"f1\"\nat = 3".to_owned()),
    ];
    let told = cases.iter().map(|(system, experiment)| {
        let problems = problems(system, experiment).replace('\n', "\n    ");
        format!("{}\n    {problems}", [system.as_str(), experiment].join(" | ").replace('\n', " "))
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r##"
    start.command = ["a"] | backend = "compose"
        6:11: experiment.a.backend: nothing says how the nodes of mine run in containers; add compose = { file = ..., port = ... } to [system.mine.start]; or leave backend out
    start.compose.port = 80 | backend = "process"
        6:11: experiment.a.backend: nothing says how the nodes of mine run as local processes; add command = [...], which runs one node, to [system.mine.start]; or leave backend out
    start.command = ["a"] own_delays = false | 
        9:1: system.mine.start: labctl's proxies stand between the nodes, and nothing tells the nodes to connect to them; {followers} is where the leader reaches its followers: use it in environment or in the command
    start.command = ["a"] environment.MAX = "{max_delay_ms}" | network.delay = { kind = "exponential", mean_ms = 5 }
        6:1: experiment.a.network: {max_delay_ms} in [system.mine] environment.MAX needs one uniform or constant delay for all followers, and none for acknowledgements
    start.command = ["a"] environment.MAX = "{max_delay_s}" | network.ack_delay = { kind = "constant", ms = 5 }
        6:1: experiment.a.network: {max_delay_s} in [system.mine] environment.MAX needs one uniform or constant delay for all followers, and none for acknowledgements
    start.compose = { followers = ["x"], port = 80 } | 
        9:31: system.mine.start.compose.followers: the experiment has 2 followers, and these are 1; add the others, or set followers = 1 in the experiment
    start.urls = { leader = "a:1", followers = ["b:1"] } | 
        9:44: system.mine.start.urls.followers: the experiment has 2 followers, and these are 1; add the others, or set followers = 1 in the experiment
    start.urls = { leader = "a:1", followers = ["b:1", "c:1"] } | backend = "process"
        6:11: experiment.a.backend: labctl does not start the nodes of mine; backend must be "auto" or left out, not "process"
    start.urls = { leader = "a:1", followers = ["b:1", "c:1"] } | quorums = [1, 2]
        6:11: experiment.a.quorums: the nodes of mine run already, with the quorum with which they were started; quorums must have one value, not 2
    start.urls = { leader = "a:1", followers = ["b:1", "c:1"] } own_delays = false | 
        2:1: experiment.a.network: labctl has no proxies between the nodes of mine, which it does not start; set min_delay_ms = 0 and max_delay_ms = 0, or have the nodes delay messages themselves
    start.urls = { leader = "a:1", followers = ["b:1", "c:1"] } | [[experiment.a.fault]] kind = "kill" node = "f1" at = 3
        6:1: experiment.a.fault: labctl does not start the nodes of mine, so it can break none; leave out the fault of f1
    "##);
    assert!(read(urls, "").is_ok());
    assert!(read(&format!("{urls}\nown_delays = false"), "network.max_delay_ms = 0").is_ok());
}
