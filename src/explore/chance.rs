//! The chance of an event, from how often it came.

use crate::analysis::Interval;

/// The standard normal's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// The share of `events` in `trials`, and the score interval in which the true chance lies with
/// 95 % confidence; `None` without trials.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
/// Journal of the American Statistical Association 22 (1927), 209-212. Unlike the interval of
/// the normal approximation it stays within 0 to 1 and has a width where the share is 0 or 1.
#[must_use]
pub fn chance(events: u64, trials: u64) -> Option<(f64, Interval)> {
    let n = (trials > 0).then_some(trials as f64)?;
    let share = events as f64 / n;
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let interval = Interval { lower: Some((centre - half).max(0.0)), upper: Some((centre + half).min(1.0)) };
    Some((share, interval))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// The interval to four decimals.
    fn ends(events: u64, trials: u64) -> [f64; 2] {
        let (_, interval) = chance(events, trials).unwrap();
        [interval.lower, interval.upper].map(|end| (end.unwrap() * 1e4).round() / 1e4)
    }

    #[test]
    fn has_published_values() {
        // R. G. Newcombe, "Two-sided confidence intervals for the single proportion",
        // Statistics in Medicine 17 (1998), 857-872, table I, method 3.
        assert_eq!(ends(81, 263), [0.2553, 0.3662]);
        assert_eq!(ends(15, 148), [0.0624, 0.1605]);
        assert_eq!(ends(0, 20), [0.0, 0.1611]);
        assert_eq!(ends(1, 29), [0.0061, 0.1718]);
    }

    #[test]
    fn nothing_is_said_without_trials() {
        assert_eq!(chance(0, 0), None);
    }
}
