//! One connection of a client, and what the server says on it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls};

use super::server::{DATABASE, DATABASE_USER};
use crate::model::ignore_poison;

/// The name by which the leader tells connections of writes from all others.
pub(super) const WRITER: &str = "labctl-writer";
/// The name of other connections.
const READER: &str = "labctl-reader";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionPurpose {
    /// Writes, which wait for standbys as the server is configured.
    Writes,
    /// Questions, which wait for nobody.
    Questions,
}

/// A connection, which is closed when this is dropped, also while it waits for an answer.
#[derive(Debug)]
pub(super) struct Connected {
    /// What sends requests.
    pub(super) client: Client,
    /// The first warning that the server has sent.
    warning: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        // The task has the socket.
        self.task.abort();
    }
}

/// Why there is no connection, or no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresError {
    /// The server has refused something, or the connection is gone.
    #[error("{}", text(.0))]
    Answered(#[from] Error),
    /// Nothing has come in this time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
}

impl PostgresError {
    /// Whether waiting cannot mend it: the server does not let labctl in.
    pub(super) fn is_lasting(&self) -> bool {
        let Self::Answered(error) = self else { return false };
        let lasting = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
        wants_password(error) || error.code().is_some_and(|code| lasting.contains(code))
    }

    /// Whether the server takes no connections for the moment, as while it starts.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Answered(error) => match error.code() {
                Some(code) => [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN].contains(code),
                None => !wants_password(error),
            },
            Self::Silent(_) => false,
        }
    }

    /// Whether the server has refused a request and goes on with the connection: what was asked for was not done.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Answered(error) => error.as_db_error().is_some_and(|said| said.severity() == "ERROR"),
            Self::Silent(_) => false,
        }
    }
}

impl Connected {
    /// Connects to the server at `HOST:PORT`.
    ///
    /// # Errors
    /// When it does not answer within `limit`, or does not let labctl in.
    pub(super) async fn to(address: &str, purpose: ConnectionPurpose, limit: Duration) -> Result<Self, PostgresError> {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let mut config = Config::new();
        config.host(host).port(port.parse().unwrap_or_default()).user(DATABASE_USER).dbname(DATABASE);
        config.ssl_mode(SslMode::Disable);
        match purpose {
            ConnectionPurpose::Writes => config.application_name(WRITER),
            ConnectionPurpose::Questions => config.application_name(READER).options("-c synchronous_commit=local"),
        };
        let (client, mut connection) = within(limit, config.connect(NoTls)).await?;
        let warning = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&warning);
        let task = tokio::spawn(async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notice(notice) = message
                    && notice.severity() == "WARNING"
                {
                    ignore_poison(noted.lock()).get_or_insert(notice.message().to_owned());
                }
            }
        });
        Ok(Self { client, warning, task })
    }

    /// The first warning that the server has sent over this connection. One that comes with an answer is there before it.
    pub(super) fn warning(&self) -> Option<String> {
        ignore_poison(self.warning.lock()).clone()
    }
}

/// What the server answers within a time.
///
/// # Errors
/// When it answers with an error, or not in time.
pub(super) async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, PostgresError> {
    Ok(timeout(limit, asked).await.map_err(|_| PostgresError::Silent(limit))??)
}

fn wants_password(error: &Error) -> bool {
    // The client finds out itself that it has none, and its error has no code.
    error.to_string().contains("password missing")
}

/// An error in words, and what to do where labctl knows it.
fn text(error: &Error) -> String {
    if wants_password(error) || error.code() == Some(&SqlState::INVALID_PASSWORD) {
        return "the server wants a password; labctl starts its servers without one: use an image or programs that set none"
            .to_owned();
    }
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("{}: {}", said.severity(), said.message()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
