//! A connection in virtual time that keeps copies in order, whatever breaks.

use std::sync::{Arc, Mutex, RwLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use labnode::clock::Clock;
use labnode::transport::{Answer, Closed, Connection, Transport, TransportError};
use labnode::wire::{Replicate, Replicated};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::link_state::{NodeLink, Refused};
use crate::model::ignore_poison;

/// Where a connection leads, and through what.
#[derive(Clone)]
pub(super) struct Route {
    /// How the leader is.
    pub(super) leader: NodeLink,
    /// How the follower is, and the link to it.
    pub(super) link: NodeLink,
    /// Leads to the followers that there are now.
    pub(super) followers: Arc<RwLock<Arc<dyn Transport>>>,
    /// The follower's index.
    pub(super) follower: usize,
    pub(super) clock: Clock,
}

/// A connection from the leader to one follower.
pub(super) struct SimConnection {
    route: Route,
    closed: CancellationToken,
    /// Ends when the copy that was sent last has arrived or is lost.
    last: Mutex<oneshot::Receiver<()>>,
}

impl SimConnection {
    pub(super) fn open(route: Route) -> Arc<dyn Connection> {
        // Nothing is ahead of the first copy.
        let (_, nothing) = oneshot::channel();
        Arc::new(Self { route, closed: CancellationToken::new(), last: Mutex::new(nothing) })
    }

    /// Lets a copy be the last in the queue; returns what ends the wait of the next one, and what
    /// this one waits for.
    fn queue(&self) -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
        let (arrived, turn) = oneshot::channel();
        let mut last = ignore_poison(self.last.lock());
        (arrived, std::mem::replace(&mut last, turn))
    }
}

impl Connection for SimConnection {
    fn send<'a>(&'a self, key: &'a str, body: &'a Replicate) -> BoxFuture<'a, Result<Answer, Closed>> {
        async move {
            if let Err(refused) = self.route.leader.thawed().await {
                return Ok(async move { Err(refused.into()) }.boxed());
            }
            if self.closed.is_cancelled() {
                return Err(Closed);
            }
            let (arrived, turn) = self.queue();
            let (answer, answered) = oneshot::channel();
            let (route, closed, key, body) =
                (self.route.clone(), self.closed.clone(), Arc::from(key), Arc::new(body.clone()));
            tokio::spawn(async move {
                let exchanged = carry(&route, &closed, turn, &key, &body).await;
                // The next copy goes on, if there is one.
                let _ = arrived.send(());
                let exchanged = answered_over(&route.link, &closed, exchanged).await;
                // The leader may have given this one up.
                let _ = answer.send(exchanged);
            });
            let leader = self.route.leader.clone();
            let answer = async move {
                let answer = answered.await.unwrap_or_else(|_ended| Err(Closed.into()))?;
                leader.thawed().await?;
                Ok(answer)
            };
            Ok(answer.boxed())
        }
        .boxed()
    }

    fn close(&self) {
        self.closed.cancel();
    }
}

impl Drop for SimConnection {
    fn drop(&mut self) {
        self.close();
    }
}

/// Gets an answer back to the leader, unless the leader closes the connection before.
async fn answered_over(
    link: &NodeLink,
    closed: &CancellationToken,
    exchanged: Result<Replicated, TransportError>,
) -> Result<Replicated, TransportError> {
    let answer = exchanged?;
    tokio::select! {
        biased;
        passed = link.answers_pass() => passed?,
        () = closed.cancelled() => return Err(Closed.into()),
    }
    Ok(answer)
}

/// Gets one copy to its follower, after those ahead of it.
async fn carry(
    route: &Route,
    closed: &CancellationToken,
    turn: oneshot::Receiver<()>,
    key: &Arc<str>,
    body: &Arc<Replicate>,
) -> Result<Replicated, TransportError> {
    let passed = async {
        route.link.pass(&route.clock).await?;
        // Whether the one ahead arrived or is lost: it is no longer ahead.
        let _ = turn.await;
        Ok::<_, Refused>(())
    };
    tokio::select! {
        biased;
        () = closed.cancelled() => return Err(Closed.into()),
        passed = passed => passed?,
    }
    // With the leader ends what it had under way.
    if route.leader.state().down {
        return Err(Refused.into());
    }
    // What has got to the machine of a frozen node waits there, whatever the leader does.
    route.link.thawed().await?;
    let followers = Arc::clone(&*ignore_poison(route.followers.read()));
    followers.replicate(route.follower, key, body).await
}
