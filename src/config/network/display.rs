//! A network in words.

use super::Network;
use super::follower::FollowerNetwork;
use crate::model::Followers;

impl Network {
    /// Every delay of a network with this number of followers in one line, e.g. `0 to 1000 ms` or `log-normal (...),
    /// acknowledgements ...; f3: ...`.
    #[must_use]
    pub fn delays_in_words(&self, followers: Followers) -> String {
        let common = self.has_common_delays(followers).then(|| self.common_delays_in_words());
        common.into_iter().chain(self.overrides_in_words()).collect::<Vec<_>>().join("; ")
    }

    /// Whether a link of some follower has the delays that are not said follower by follower.
    #[must_use]
    pub fn has_common_delays(&self, followers: Followers) -> bool {
        let has_own =
            |own: &FollowerNetwork| own.delay.is_some() && (self.ack_delay.is_none() || own.ack_delay.is_some());
        let own = self.follower.values().filter(|own| has_own(own)).count();
        u32::try_from(own).is_ok_and(|own| own < followers.get())
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
