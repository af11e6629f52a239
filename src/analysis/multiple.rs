//! Tests on one page, corrected for their number.

use super::ks::Tested;
use super::paired::PairedTest;

/// The chance that a page rejects anything that is true.
pub(super) const LEVEL: f64 = 0.05;

/// Corrects all tests of one experiment together: the fit of each run's latencies, and each rise of
/// latency between two quorums.
pub(super) fn correct(fits: Vec<Tested<'_>>, rises: Vec<&mut PairedTest>) {
    let p_values = fits.iter().map(Tested::p_value).chain(rises.iter().map(|test| test.p_value)).collect::<Vec<f64>>();
    let tests = p_values.len();
    let mut adjusted = holm(&p_values).into_iter();
    fits.into_iter().zip(adjusted.by_ref()).for_each(|(fit, p_adjusted)| fit.set(p_adjusted, LEVEL / tests as f64));
    rises.into_iter().zip(adjusted).for_each(|(test, p_adjusted)| test.p_adjusted = p_adjusted);
}

/// The p-values of tests, corrected for their number, in the same order: S. Holm, "A simple
/// sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979),
/// 65-70. It holds although runs that share their delays do not test independently.
fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let (mut adjusted, mut greatest) = (vec![0.0; p_values.len()], 0.0_f64);
    for (place, index) in order.into_iter().enumerate() {
        greatest = greatest.max(p_values[index] * (p_values.len() - place) as f64).min(1.0);
        adjusted[index] = greatest;
    }
    adjusted
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::ExperimentFigures;
    use crate::analysis::fixture::{Drawn, LeaderAnswer, RunBuilder, right_leader};
    use crate::data::RunData;

    #[test]
    fn each_p_value_counts_the_tests_that_are_not_below_it() {
        // 5 * 0.01, 4 * 0.02, 3 * 0.03, no less than that for 2 * 0.04, and 0.9.
        let adjusted = holm(&[0.04, 0.01, 0.02, 0.9, 0.03]);
        for (adjusted, expected) in adjusted.into_iter().zip([0.09, 0.05, 0.08, 0.9, 0.09]) {
            assert!((adjusted - expected).abs() < 1e-12, "{adjusted} for {expected}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn fits_and_rises_of_a_page_are_one_family() {
        // 20 ms faster at W = 3 than theory says: too little for one run to tell by its fit.
        let leader = |drawn: &Drawn<'_>| LeaderAnswer::after(right_leader(drawn).latency_us);
        let runs: Vec<RunData> = (1..=3).map(|w| RunBuilder::new(w).load(leader).build()).collect();
        let figures = ExperimentFigures::with_trials(&runs, |_| None).unwrap();
        let fits: Vec<_> = figures.runs.iter().map(|run| run.latency.ks.unwrap()).collect();
        let rises: Vec<_> = figures.paired.iter().map(|pair| pair.test.unwrap()).collect();
        assert_eq!((fits.len(), rises.len()), (3, 3));
        let p_values: Vec<f64> =
            fits.iter().map(|fit| fit.test.p_value).chain(rises.iter().map(|test| test.p_value)).collect();
        let adjusted: Vec<f64> =
            fits.iter().map(|fit| fit.p_adjusted).chain(rises.iter().map(|test| test.p_adjusted)).collect();
        assert_eq!(adjusted, holm(&p_values));
        // The least of six counts six times.
        let least = p_values.iter().copied().fold(1.0, f64::min);
        assert!(adjusted.iter().any(|p| (*p - (6.0 * least).min(1.0)).abs() < 1e-12), "{adjusted:?}");
    }
}
