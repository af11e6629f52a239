//! A network in words.

use super::Network;
use super::follower::FollowerNetwork;

impl Network {
    /// Every delay in one line, e.g. `0 to 1000 ms` or `log-normal (...), acknowledgements ...;
    /// f3: ...`.
    #[must_use]
    pub fn delays_in_words(&self) -> String {
        std::iter::once(self.common_delays_in_words()).chain(self.overrides_in_words()).collect::<Vec<_>>().join("; ")
    }

    /// The delays of followers without settings of their own.
    #[must_use]
    pub fn common_delays_in_words(&self) -> String {
        let write = self.delay.in_words();
        match &self.ack_delay {
            Some(ack) if *ack == self.delay => format!("{write} each way"),
            Some(ack) => format!("{write}, acknowledgements {}", ack.in_words()),
            None => write,
        }
    }

    /// What differs for single followers, e.g. `f3 and f4: 1500 ms more`.
    #[must_use]
    pub fn overrides_in_words(&self) -> Vec<String> {
        let mut said: Vec<(&FollowerNetwork, Vec<String>)> = Vec::new();
        for (follower, own) in &self.follower {
            match said.iter_mut().find(|(known, _)| *known == own) {
                Some((_, followers)) => followers.push(follower.to_string()),
                None => said.push((own, vec![follower.to_string()])),
            }
        }
        said.into_iter()
            .map(|(own, followers)| format!("{}: {}", followers.join(" and "), override_in_words(own)))
            .collect()
    }
}

fn override_in_words(own: &FollowerNetwork) -> String {
    let is_same = own.delay.is_some() && own.delay == own.ack_delay;
    let ack = own.ack_delay.as_ref().filter(|_| !is_same);
    let each_way = if is_same { " each way" } else { "" };
    let parts = [
        own.delay.as_ref().map(|delay| format!("{}{each_way}", delay.in_words())),
        (!own.extra_ms.is_zero()).then(|| format!("{} ms more", own.extra_ms)),
        ack.map(|ack| format!("acknowledgements {}", ack.in_words())),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "as the others".to_owned() } else { parts.join(", ") }
}
