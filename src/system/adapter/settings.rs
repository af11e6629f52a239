//! `[system.NAME]` of kind `adapter`.

use serde::{Deserialize, Serialize};

use crate::config::{Fields, Problems, Timeout, is_default, settings};
use crate::model::{Accepted, Dialer, QuorumControl, RestartState, Settling, refusal, yes};
use crate::system::delays::DelaysBy;
use crate::system::start::{Environment, StartSettings};

settings! {
    /// How the store is reached, and what its adapter can tell.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct AdapterSettings {
        /// The adapter and its arguments; it starts in the folder of experiments.toml.
        session: CommandLine = CommandLine::default(), read_by CommandLine::read_required;
        /// How the store is told W.
        quorum: QuorumControl = QuorumControl::PerWrite;
        /// Whether the store's own number counts the leader: it is told W + 1 then.
        counts_leader: bool = false;
        /// Whether the store numbers its writes, so that reads and dumps tell the number.
        versions: bool = false;
        /// Whether the adapter answers `read`.
        #[serde(default = "yes", skip_serializing_if = "bool::clone")]
        reads: bool = true;
        /// Who injects the delays of the network.
        delays: DelaysBy = DelaysBy::Proxies;
        /// Whether the store replicates one log, in which no write overtakes another.
        ordered_log: bool = false;
        /// How it is known that nothing is under way any more.
        settles: Settling = Settling::Quiet;
        /// How long every dump has to stay as it is until a run counts as settled. `None`: somewhat longer than the
        /// longest delay.
        settle_quiet_s: Option<Timeout> = None, read_by read_timeout;
        /// Whether one process takes requests while it works on others.
        overlap: bool = false;
        /// How labctl starts the nodes; if nothing is said, it starts none.
        #[serde(default, skip_serializing_if = "is_default")]
        start: StartSettings = StartSettings::default(), read_by StartSettings::optional;
        /// Variables of a node that labctl starts.
        #[serde(default, skip_serializing_if = "is_default")]
        environment: Environment = Environment::default();
        /// Who opens the connections between nodes that labctl starts.
        dialer: Dialer = Dialer::Leader;
        /// What a node that was killed has when it comes back.
        restart: RestartState = RestartState::Empty;
    }
}

/// Reads a time limit that may be left out.
fn read_timeout(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: Option<Timeout>,
    problems: &mut Problems<'_>,
) -> Option<Timeout> {
    fields.optional(key, problems).value.or(default)
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub(super) struct CommandLine(Vec<String>);

impl CommandLine {
    /// The program and its arguments.
    pub(super) fn words(&self) -> &[String] {
        &self.0
    }

    /// Reads a command that has to be given.
    fn read_required(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        fields.required(key, problems).unwrap_or(default)
    }
}

impl Accepted for CommandLine {
    fn accepted() -> String {
        "a list of texts in quotes, a program and its arguments: [\"python3\", \"adapter.py\"]".to_owned()
    }
}

impl TryFrom<Vec<String>> for CommandLine {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        let is_sound = |word: &String| !word.contains('\0');
        match words.first() {
            Some(program) if !program.is_empty() && words.iter().all(is_sound) => Ok(Self(words)),
            _ => Err(refusal::<Self>("a command", format_args!("{words:?}"))),
        }
    }
}

impl From<CommandLine> for Vec<String> {
    fn from(command: CommandLine) -> Self {
        command.0
    }
}
