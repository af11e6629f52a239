//! The chance of an event, from how often it came.

use serde::Serialize;

use super::stats::{Interval, t_quantile};

/// The standard normal's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// A chance, 0 to 1, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Chance {
    /// The estimate.
    pub value: f64,
    /// Its standard error; none from a single value.
    pub standard_error: Option<f64>,
    /// Where it lies with 95 % confidence, within 0 to 1.
    pub interval: Interval,
}

impl Chance {
    /// A chance known from theory.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { value, standard_error: Some(0.0), interval: Interval { lower: Some(value), upper: Some(value) } }
    }

    /// The share of `events` in independent `trials`, with its score interval, see [`chance`];
    /// `None` without trials.
    #[must_use]
    pub fn of_trials(events: u64, trials: u64) -> Option<Self> {
        let (value, interval) = chance(events, trials)?;
        Some(Self { value, standard_error: Some((value * (1.0 - value) / trials as f64).sqrt()), interval })
    }

    /// The mean of `n` chances, given their sum and the sum of their squares, with Student's
    /// interval; `None` of none.
    #[must_use]
    pub fn of_mean(n: u64, sum: f64, squares: f64) -> Option<Self> {
        let count = (n > 0).then_some(n as f64)?;
        let value = settled(sum / count);
        let variance = settled(squares / count - value * value);
        let standard_error = (n > 1).then(|| (variance / (count - 1.0)).sqrt());
        let half = standard_error.and_then(|error| Some(error * t_quantile(count - 1.0)?));
        let interval = Interval {
            lower: half.map(|half| (value - half).max(0.0)),
            upper: half.map(|half| (value + half).min(1.0)),
        };
        Some(Self { value, standard_error, interval })
    }

    /// The chance that it does not happen.
    #[must_use]
    pub fn complement(self) -> Self {
        let Interval { lower, upper } = self.interval;
        let interval = Interval { lower: upper.map(|end| 1.0 - end), upper: lower.map(|end| 1.0 - end) };
        Self { value: 1.0 - self.value, interval, ..self }
    }
}

/// What sums of fractions brought within their rounding of 0 or 1 is 0 or 1.
fn settled(chance: f64) -> f64 {
    const ROUNDING: f64 = 1e-9;
    match chance {
        chance if chance < ROUNDING => 0.0,
        chance if chance > 1.0 - ROUNDING => 1.0,
        chance => chance,
    }
}

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
        assert_eq!((Chance::of_trials(0, 0), Chance::of_mean(0, 0.0, 0.0)), (None, None));
    }

    #[test]
    fn a_mean_of_chances_has_student_s_interval() {
        // Of 0, 0.5 and 1 the standard deviation is 0.5, and t with 2 degrees is 4.303.
        let mean = Chance::of_mean(3, 1.5, 1.25).unwrap();
        assert_eq!(mean.value, 0.5);
        assert!((mean.standard_error.unwrap() - 0.5 / 3_f64.sqrt()).abs() < 1e-12);
        assert_eq!(mean.interval, Interval { lower: Some(0.0), upper: Some(1.0) });
        assert_eq!(Chance::of_mean(3, 1.0 / 3.0 * 9.0 - 1e-14, 3.0).unwrap().value, 1.0);
        let one = Chance::of_mean(1, 0.4, 0.16).unwrap();
        assert_eq!((one.standard_error, one.interval), (None, Interval { lower: None, upper: None }));
    }

    #[test]
    fn the_complement_turns_the_interval_round() {
        let seen = Chance::of_trials(81, 263).unwrap();
        let missed = Chance::of_trials(263 - 81, 263).unwrap();
        let turned = seen.complement();
        assert!((turned.value - missed.value).abs() < 1e-12);
        assert!((turned.interval.lower.unwrap() - missed.interval.lower.unwrap()).abs() < 1e-12);
        assert!((turned.interval.upper.unwrap() - missed.interval.upper.unwrap()).abs() < 1e-12);
    }
}
