//! Networks in a reader's words.

use labnode::delay::{Distribution, Kind};

use super::{Network, Override};

/// A distribution in a few words, e.g. `log-normal (median 5 ms, sigma 0.5)`.
#[must_use]
pub fn distribution_in_words(distribution: &Distribution) -> String {
    let words = match distribution.kind() {
        _ if distribution.as_constant_ms() == Some(0.0) => return "no delay".to_owned(),
        Kind::Constant { ms } => format!("always {ms} ms"),
        Kind::Uniform(range) if range.min_ms() == range.max_ms() => format!("always {} ms", range.min_ms()),
        Kind::Uniform(range) => format!("{} to {} ms", range.min_ms(), range.max_ms()),
        Kind::Exponential { mean_ms } => format!("exponential (mean {} ms)", short(mean_ms.get())),
        Kind::Lognormal { median_ms, sigma } => {
            format!("log-normal (median {} ms, sigma {})", short(median_ms.get()), short(sigma.get()))
        }
        Kind::Pareto { min_ms, shape } => {
            format!("Pareto (from {} ms, shape {})", short(min_ms.get()), short(shape.get()))
        }
        Kind::Empirical(_) => {
            let [median, p99] = [0.5, 0.99].map(|p| short(distribution.quantile_ms(p) - distribution.extra().get()));
            format!("as measured (median {median} ms, p99 {p99} ms)")
        }
        Kind::Mixture(mixture) => {
            let total: f64 = mixture.parts().iter().map(|part| part.weight.get()).sum();
            let part = |part: &labnode::delay::Part| {
                format!("{} % {}", short(part.weight.get() / total * 100.0), distribution_in_words(&part.distribution))
            };
            mixture.parts().iter().map(part).collect::<Vec<_>>().join(" or ")
        }
    };
    if distribution.extra().is_zero() { words } else { format!("{words} plus {} ms", distribution.extra()) }
}

/// At most four digits behind the point, which are enough to tell networks apart.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Network {
    /// Every delay in one line, e.g. `0 to 1000 ms` or `log-normal (...), acknowledgements ...;
    /// f3: ...`.
    #[must_use]
    pub fn delays_in_words(&self) -> String {
        std::iter::once(self.common_delays_in_words()).chain(self.overrides_in_words()).collect::<Vec<_>>().join("; ")
    }

    /// The delays of followers about which nothing is said.
    #[must_use]
    pub fn common_delays_in_words(&self) -> String {
        let write = distribution_in_words(&self.delay);
        match &self.ack_delay {
            Some(ack) if *ack == self.delay => format!("{write} each way"),
            Some(ack) => format!("{write}, acknowledgements {}", distribution_in_words(ack)),
            None => write,
        }
    }

    /// What differs, follower by follower, e.g. `f3 and f4: 1500 ms more`.
    #[must_use]
    pub fn overrides_in_words(&self) -> Vec<String> {
        let mut said: Vec<(&Override, Vec<String>)> = Vec::new();
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

fn override_in_words(own: &Override) -> String {
    let is_same = own.delay.is_some() && own.delay == own.ack_delay;
    let ack = own.ack_delay.as_ref().filter(|_| !is_same);
    let each_way = if is_same { " each way" } else { "" };
    let parts = [
        own.delay.as_ref().map(|delay| format!("{}{each_way}", distribution_in_words(delay))),
        (!own.extra_ms.is_zero()).then(|| format!("{} ms more", own.extra_ms)),
        ack.map(|ack| format!("acknowledgements {}", distribution_in_words(ack))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "as the others".to_owned() } else { parts.join(", ") }
}
