//! The chance of an event, from how often it came.

use serde::Serialize;

use super::stats::{Interval, t_quantile};

/// The standard normal's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// A chance, 0 to 1, and how well it is known.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Chance {
    /// The estimate.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub value: f64,
    /// Its standard error; none from a single value.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub standard_error: Option<f64>,
    /// Where it lies with 95 % confidence, within 0 to 1.
    #[cfg_attr(test, schemars(schema_with = "crate::model::schema::interval_of_shares"))]
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

    /// The mean of `n` chances, given their sum and the sum of their squares; `None` of none.
    #[must_use]
    pub fn of_mean(n: u64, sum: f64, squares: f64) -> Option<Self> {
        let count = (n > 0).then_some(n as f64)?;
        let value = settled(sum / count);
        let variance = settled(squares / count - value * value);
        let error = (n > 1).then(|| (variance / (count - 1.0)).sqrt());
        let open = Self { value, standard_error: None, interval: Interval { lower: None, upper: None } };
        Some(error.map_or(open, |error| Self::of_parts(value, error, n)))
    }

    /// A chance whose standard error is told by the spread of independent parts. Its interval is the
    /// score interval of as many independent trials as leave that error: E. L. Korn and
    /// B. I. Graubard, "Confidence intervals for proportions with small expected number of positive
    /// counts estimated from survey data", Survey Methodology 24 (1998), 193-201. Near 0 and 1
    /// Student's interval is too narrow, and where no part shows the event it has no width.
    pub(crate) fn of_parts(value: f64, standard_error: f64, parts: u64) -> Self {
        let of_trials = |trials: f64| {
            let few = Z / t_quantile(parts as f64 - 1.0)?;
            Some(score_interval(value, trials * few * few))
        };
        let interval = match value * (1.0 - value) / (standard_error * standard_error) {
            // Nothing varies: the value is known, unless it is that nothing ever happens.
            trials if trials.is_infinite() => Some(Interval { lower: Some(value), upper: Some(value) }),
            trials if trials.is_nan() => of_trials(parts as f64),
            trials => of_trials(trials),
        };
        let interval = interval.unwrap_or(Interval { lower: None, upper: None });
        Self { value, standard_error: Some(standard_error), interval }
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
    Some((share, score_interval(share, n)))
}

fn score_interval(share: f64, n: f64) -> Interval {
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Interval { lower: Some(settled(centre - half).max(0.0)), upper: Some(settled(centre + half).min(1.0)) }
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
    fn a_mean_of_chances_has_the_interval_of_as_many_trials_as_leave_its_error() {
        // Of 0, 0.5 and 1 the standard deviation is 0.5, as of three trials. With t = 4.303 of 2 degrees
        // they count as 3 (1.960 / 4.303)^2 = 0.6225: half = 1.96 / 7.171 sqrt(0.4016 + 2.479).
        let mean = Chance::of_mean(3, 1.5, 1.25).unwrap();
        assert_eq!(mean.value, 0.5);
        assert!((mean.standard_error.unwrap() - 0.5 / 3_f64.sqrt()).abs() < 1e-12);
        assert!((mean.interval.lower.unwrap() - 0.0362).abs() < 1e-3, "{mean:?}");
        assert!((mean.interval.upper.unwrap() - 0.9638).abs() < 1e-3, "{mean:?}");
        // What no write showed may still be, at most as of a hundred trials.
        let never = Chance::of_mean(100, 0.0, 0.0).unwrap().interval;
        assert!(never.lower == Some(0.0) && (0.03..0.04).contains(&never.upper.unwrap()), "{never:?}");
        // What every write shows alike is known.
        let alike = Chance::of_mean(4, 1.0, 0.25).unwrap().interval;
        assert_eq!(alike, Interval { lower: Some(0.25), upper: Some(0.25) });
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
