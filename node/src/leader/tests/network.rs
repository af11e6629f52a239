//! A network between a leader and its followers that fails in every way that replication has to bear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{FOLLOWERS, config};
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::follower::Follower;
use crate::transport::{Transport, TransportError};
use crate::wire::{Replicate, Replicated};

/// A network that is late, loses requests and answers, and whose followers die and return
/// empty.
pub(super) struct LossyNetwork {
    clock: Clock,
    config: NodeConfig,
    fates: Mutex<ChaCha8Rng>,
    loss: Mutex<f64>,
    followers: Vec<Mutex<Option<Arc<Follower>>>>,
    /// What has reached each follower, in order; the model of what it may hold.
    pub(super) reached: Mutex<Vec<Vec<Reached>>>,
}

/// A request that reached a follower, whatever became of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reached {
    Write {
        key: String,
        value: String,
        version: u64,
    },
    /// Everything before is forgotten.
    Restart,
}

impl LossyNetwork {
    pub(super) fn new(order: &str, clock: Clock, seed: u64) -> Arc<Self> {
        let config = config("follower", "independent", order, "off");
        let fates = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        let reached = Mutex::new(vec![Vec::new(); FOLLOWERS]);
        let network = Self { clock, config, fates, loss: Mutex::new(0.0), followers: vec![], reached };
        let followers = (0..FOLLOWERS).map(|_| Mutex::new(Some(network.fresh()))).collect();
        Arc::new(Self { followers, ..network })
    }

    fn fresh(&self) -> Arc<Follower> {
        Arc::new(Follower::new(self.config.clone(), self.clock))
    }

    pub(super) fn lose(&self, share: f64) {
        *self.loss.lock().unwrap() = share;
    }

    pub(super) fn kill(&self, follower: usize) {
        *self.followers[follower].lock().unwrap() = None;
    }

    pub(super) fn restart(&self, follower: usize) {
        self.reached.lock().unwrap()[follower].push(Reached::Restart);
        *self.followers[follower].lock().unwrap() = Some(self.fresh());
    }

    pub(super) fn alive(&self, follower: usize) -> Option<Arc<Follower>> {
        self.followers[follower].lock().unwrap().clone()
    }

    /// Up to 30 ms, or never.
    async fn leg(&self) {
        let (lost, late) = {
            let loss = *self.loss.lock().unwrap();
            let mut fates = self.fates.lock().unwrap();
            (fates.random_bool(loss), fates.random_range(0..30_u64))
        };
        if lost {
            pending::<()>().await;
        }
        self.clock.sleep(Duration::from_millis(late)).await;
    }

    async fn round_trip<T>(&self, follower: usize, ask: impl FnOnce(&Follower) -> T) -> Result<T, TransportError> {
        self.leg().await;
        let follower = self.alive(follower).ok_or_else(|| TransportError::NoAnswer("dead".to_owned()))?;
        let answer = ask(&follower);
        self.leg().await;
        Ok(answer)
    }
}

impl Transport for LossyNetwork {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        let (key_owned, value) = (key.to_string(), body.value.clone());
        let reached = Reached::Write { key: key_owned, value, version: body.version.unwrap_or_default() };
        self.round_trip(follower, move |alive| {
            self.reached.lock().unwrap()[follower].push(reached);
            alive.replicate(key, body)
        })
        .boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        self.round_trip(follower, |follower| Some(follower.started_us())).boxed()
    }
}
