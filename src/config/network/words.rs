//! Networks in a reader's words.

use labnode::delay::{Distribution, Kind};

use super::{Network, Override};

/// A distribution in a few words, e.g. `log-normal (median 5 ms, sigma 0.5)`.
#[must_use]
pub fn distribution_in_words(distribution: &Distribution) -> String {
    let words = match distribution.kind() {
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
        let mut words = distribution_in_words(&self.delay);
        if let Some(ack) = &self.ack_delay {
            words += &format!(", acknowledgements {}", distribution_in_words(ack));
        }
        for (follower, own) in &self.follower {
            words += &format!("; {follower}: {}", override_in_words(own));
        }
        words
    }
}

fn override_in_words(own: &Override) -> String {
    let parts = [
        own.delay.as_ref().map(distribution_in_words),
        (!own.extra_ms.is_zero()).then(|| format!("{} ms more", own.extra_ms)),
        own.ack_delay.as_ref().map(|ack| format!("acknowledgements {}", distribution_in_words(ack))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "as the others".to_owned() } else { parts.join(", ") }
}
