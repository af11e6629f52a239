#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::analysis::fixture::{RunBuilder, right_leader};
use crate::config::{Experiment, FollowerNetwork, Pacing, Timeout};
use crate::model::{Capabilities, NodeId, SystemFacts, TimeSpan, uniform_ms};

/// The lab over another network.
fn over(network: Network) -> Experiment {
    Experiment { network, ..Experiment::default() }
}

fn uniform(min_ms: u32, max_ms: u32) -> Experiment {
    over(Network { delay: uniform_ms(min_ms, max_ms).unwrap(), ..Network::default() })
}

/// Delays by their text, from and to as many followers.
fn lab(delay: &str, ack: Option<&str>, followers: i64) -> Experiment {
    let parse = |text: &str| text.parse::<Distribution>().unwrap();
    let network = Network { delay: parse(delay), ack_delay: ack.map(parse), ..Network::default() };
    Experiment { followers: followers.try_into().unwrap(), ..over(network) }
}

fn predict(experiment: &Experiment, quorum: i64) -> Result<Prediction, NotPredicted> {
    Prediction::new(experiment, quorum.try_into().unwrap())
}

fn lag(experiment: &Experiment, quorum: i64) -> PredictedLag {
    PredictedLag::new(experiment, quorum.try_into().unwrap())
}

#[test]
fn a_log_gives_no_copy_up_and_waits_for_links_beyond_the_replication_timeout() {
    let mut run = RunBuilder::new(1).delay_ms(3_000, 3_000).load(right_leader).build();
    let predicted = |run: &RunData| predict(&as_met(run).unwrap(), 1);
    assert_eq!(predicted(&run), Err(NotPredicted::Truncated));
    run.manifest.config.network.link = Some(LinkOrder::Ordered);
    let capabilities = Capabilities { ordered_log: true, ..Capabilities::LABNODE };
    run.manifest.system =
        Some(SystemFacts { name: "log".to_owned(), version: String::new(), capabilities, remarks: Vec::new() });
    assert_eq!(predicted(&run), Ok(Prediction::Constant(3_000.0)));
}

/// Within five standard errors of a simulated mean, and a little for rounding to microseconds.
fn assert_mean(prediction: &Prediction, exact_ms: f64) {
    let figures = prediction.figures();
    let margin_ms = 5.0 * figures.simulated.unwrap().mean_standard_error_ms + 0.001;
    assert!((figures.mean_ms - exact_ms).abs() <= margin_ms, "{} is not {exact_ms} +- {margin_ms}", figures.mean_ms);
}

#[test]
fn the_lab_has_the_figures_of_the_issue() {
    let expected = [
        ["166.7", "129.4", "450.7", "601.9"],
        ["333.3", "313.8", "657.4", "777.9"],
        ["500.0", "500.0", "810.7", "894.4"],
        ["666.7", "686.2", "923.6", "967.3"],
        ["833.3", "870.6", "989.8", "998.0"],
    ];
    for (quorum, row) in (1..).zip(expected) {
        let figures = predict(&uniform(0, 1000), quorum).unwrap().figures();
        let printed = [figures.mean_ms, figures.median_ms, figures.p95_ms, figures.p99_ms].map(|x| format!("{x:.1}"));
        assert_eq!((printed.as_slice(), figures.simulated), (row.map(str::to_owned).as_slice(), None), "W = {quorum}");
    }
}

#[test]
fn exponential_delays_are_sums_of_spacings() {
    // Renyi's representation: the mean of the W-th smallest is sum 1 / (N - i), i < W.
    let experiment = lab("3+exponential(10)", None, 5);
    for quorum in 1..=5 {
        let exact_ms: f64 = 3.0 + (0..quorum).map(|i| 10.0 / (5 - i) as f64).sum::<f64>();
        let figures = predict(&experiment, quorum).unwrap().figures();
        assert!((figures.mean_ms - exact_ms).abs() < 1e-6, "W = {quorum}: {} is not {exact_ms}", figures.mean_ms);
    }
    let median = predict(&experiment, 1).unwrap().figures().median_ms;
    assert!((median - (3.0 + 2.0 * 2.0_f64.ln())).abs() < 1e-6, "{median}");
}

#[test]
fn the_mean_of_a_heavy_tail_is_exact() {
    // E of the W-th smallest of N Pareto delays: x_m N! / (N - W)! Gamma(N - W + 1 - 1 / alpha) /
    // Gamma(N + 1 - 1 / alpha); for W = N = 1 it is alpha x_m / (alpha - 1). The limits are an hour.
    let hour = Timeout::try_from(3600.0).unwrap();
    let mut experiment = lab("pareto(2,3)", None, 1);
    (experiment.network.replication_timeout_s, experiment.network.global_request_timeout_s) = (hour, hour);
    assert!((predict(&experiment, 1).unwrap().mean_ms() - 3.0).abs() < 1e-5);
    experiment.followers = 2.try_into().unwrap();
    // The least of two is Pareto with twice the shape.
    assert!((predict(&experiment, 1).unwrap().mean_ms() - 2.4).abs() < 1e-6);
}

#[test]
fn a_mixture_of_a_mixture_has_its_mean() {
    let mean_ms = predict(&lab("mixture(1*uniform(0,10),3*exponential(20))", None, 1), 1).unwrap().mean_ms();
    assert!((mean_ms - 16.25).abs() < 1e-6, "{mean_ms}");
}

#[test]
fn discrete_delays_have_order_statistics_too() {
    // One of two delays, as a coin falls: the second of three is the one that fell more often.
    let prediction = predict(&lab("mixture(1*constant(10),1*constant(30))", None, 3), 2).unwrap();
    assert!((prediction.mean_ms() - 20.0).abs() < 1e-6, "{}", prediction.mean_ms());
    assert!((prediction.cdf(10.0) - 0.5).abs() < 1e-12 && !prediction.is_continuous());
}

#[test]
fn measured_delays_have_the_mean_of_their_table() {
    // Straight lines between the quantiles 1, 2, 2 and 8: the means of the pieces, a third each.
    let mean_ms = predict(&lab("10+empirical(1,2,2,8)", None, 1), 1).unwrap().mean_ms();
    assert!((mean_ms - (10.0 + (1.5 + 2.0 + 5.0) / 3.0)).abs() < 1e-6, "{mean_ms}");
}

#[test]
fn quorum_nought_waits_for_nothing_whatever_the_network() {
    let prediction = predict(&uniform(500, 60_000), 0).unwrap();
    assert_eq!(prediction, Prediction::Constant(0.0));
    assert_eq!((prediction.mean_ms(), prediction.quantile_ms(0.99)), (0.0, 0.0));
}

#[test]
fn a_constant_delay_is_a_point() {
    let prediction = predict(&uniform(250, 250), 3).unwrap();
    assert_eq!(prediction, Prediction::Constant(250.0));
    assert_eq!((prediction.cdf(249.9), prediction.cdf(250.0)), (0.0, 1.0));
}

#[test]
fn where_every_write_fails_there_is_no_prediction() {
    assert_eq!(predict(&uniform(0, 1000), 6), Err(NotPredicted::QuorumBeyondFollowers));
    assert_eq!(predict(&uniform(2000, 3000), 1), Err(NotPredicted::Truncated));
    assert_eq!(predict(&uniform(2000, 2000), 1), Err(NotPredicted::Truncated));
    assert_eq!(predict(&lab("uniform(0,1000)", Some("constant(2000)"), 5), 1), Err(NotPredicted::Truncated));
}

#[test]
fn a_time_limit_leaves_what_is_below_it() {
    // Of one delay from 0 to 4000 ms those below 2000 ms are acknowledged: uniform again.
    let prediction = predict(&lab("uniform(0,4000)", None, 1), 1).unwrap();
    assert!((prediction.mean_ms() - 1000.0).abs() < 1e-6);
    assert!((prediction.quantile_ms(0.25) - 500.0).abs() < 1e-6);
    assert_eq!((prediction.quantile_ms(1.0), prediction.cdf(2000.0)), (2000.0, 1.0));
    let hasty = Network { global_request_timeout_s: Timeout::try_from(0.5).unwrap(), ..Network::default() };
    assert!(predict(&over(hasty), 5).unwrap().quantile_ms(1.0) <= 500.0);
}

#[test]
fn drawing_agrees_with_the_formula_beyond_a_limit() {
    // An acknowledgement delay that is drawn, and too short to make a difference.
    let exact = predict(&lab("uniform(0,4000)", None, 3), 2).unwrap();
    let drawn = predict(&lab("uniform(0,4000)", Some("constant(0.0004)"), 3), 2).unwrap();
    assert_mean(&drawn, exact.mean_ms());
    let at_median = drawn.cdf(exact.quantile_ms(0.5));
    assert!((at_median - 0.5).abs() < 0.01, "{at_median}");
}

#[test]
fn acknowledgements_take_their_time() {
    // The least of two sums of two exponential delays of 1 ms: P(T > t) = ((1 + t) e^-t)^2, whose
    // integral is 5 / 4.
    let experiment = lab("exponential(1)", Some("exponential(1)"), 2);
    assert_mean(&predict(&experiment, 1).unwrap(), 1.25);
    assert_mean(&predict(&experiment, 2).unwrap(), 2.75);
}

#[test]
fn followers_that_differ_are_drawn() {
    let far = FollowerNetwork { extra_ms: 500.0.try_into().unwrap(), ..FollowerNetwork::default() };
    let slowest = NodeId::Follower(1);
    let mut experiment = lab("uniform(0,100)", None, 2);
    experiment.network.follower = [(slowest, far)].into();
    assert_mean(&predict(&experiment, 1).unwrap(), 50.0);
    assert_mean(&predict(&experiment, 2).unwrap(), 550.0);
    let PredictedLag { lag, behind } = lag(&experiment, 1);
    assert_mean(&lag.unwrap(), 500.0);
    assert_eq!(behind, Some(0.5));
}

#[test]
fn the_same_experiment_gives_the_same_draws_and_another_seed_others() {
    let mut experiment = lab("exponential(1)", Some("exponential(1)"), 3);
    let first = predict(&experiment, 2);
    assert_eq!(first, predict(&experiment, 2));
    experiment.seed += 1;
    assert_ne!(first, predict(&experiment, 2));
}

#[test]
fn the_smallest_of_one_delay_is_that_delay() {
    let prediction = predict(&lab("uniform(100,300)", None, 1), 1).unwrap();
    assert!((prediction.quantile_ms(0.25) - 150.0).abs() < 1e-9);
    assert!((prediction.cdf(250.0) - 0.75).abs() < 1e-12);
}

#[test]
fn the_labs_lag_has_the_means_of_the_issue() {
    let mean = |quorum| lag(&uniform(0, 1000), quorum).lag.unwrap().mean_ms();
    let printed: Vec<String> = (1..=5).map(|quorum| format!("{:.0}", mean(quorum))).collect();
    assert_eq!(printed, ["667", "500", "333", "167", "0"]);
    // Without waiting it is the slowest delay itself, lower bound and all.
    let asynchronous = lag(&uniform(100, 1100), 0).lag.unwrap();
    assert!((asynchronous.mean_ms() - (100.0 + 1000.0 * 5.0 / 6.0)).abs() < 1e-9);
}

#[test]
fn exponential_lag_forgets_what_was_waited_for() {
    // Without memory, what is left after the W-th is the greatest of N - W.
    let PredictedLag { lag, behind } = lag(&lab("exponential(12)", None, 4), 2);
    assert_mean(&lag.unwrap(), 12.0 * 1.5);
    assert_eq!(behind, Some(0.5));
}

#[test]
fn an_acknowledgement_on_its_way_leaves_fewer_behind() {
    // The way back is so long that every copy has arrived.
    let PredictedLag { lag, behind } = lag(&lab("uniform(0,10)", Some("constant(20)"), 5), 1);
    assert_eq!((lag.unwrap().mean_ms(), behind), (0.0, Some(0.0)));
}

#[test]
fn lag_over_a_constant_delay_is_none_but_for_quorum_nought() {
    let constant = uniform(70, 70);
    assert_eq!(lag(&constant, 0), PredictedLag { lag: Ok(Prediction::Constant(70.0)), behind: None });
    assert_eq!(lag(&constant, 3), PredictedLag { lag: Ok(Prediction::Constant(0.0)), behind: None });
    assert_eq!(lag(&constant, 6).lag, Err(NotPredicted::QuorumBeyondFollowers));
}

#[test]
fn there_is_no_rank_nought_and_none_beyond_the_delays() {
    let delay: Distribution = uniform_ms(0, 10).unwrap();
    assert_eq!(OrderStatistic::new(delay.clone(), 0, 5, 1000.0), None);
    assert_eq!(OrderStatistic::new(delay, 6, 5, 1000.0), None);
}

proptest! {
    #[test]
    fn at_most_x_means_that_at_least_w_delays_are(followers in 1..20_i64, quorum in 1..20_i64, x in 0.0..1000.0) {
        prop_assume!(quorum <= followers);
        // The binomial tail, term by term.
        let n = i32::try_from(followers).unwrap();
        let f: f64 = x / 1000.0;
        let term = |k: i32| (0..k).fold(1.0, |c: f64, i| c * f64::from(n - i) / f64::from(i + 1)) * f.powi(k) * (1.0 - f).powi(n - k);
        let tail: f64 = (i32::try_from(quorum).unwrap()..=n).map(term).sum();
        let prediction = predict(&lab("uniform(0,1000)", None, followers), quorum).unwrap();
        prop_assert!((prediction.cdf(x) - tail).abs() < 1e-9);
    }

    #[test]
    fn quantile_and_cdf_are_inverse(followers in 1..100_i64, quorum in 1..100_i64, p in 0.0001..0.9999, kind in 0..4_usize) {
        prop_assume!(quorum <= followers);
        let kinds = ["uniform(100,900)", "lognormal(50,0.5)", "pareto(3,1.5)", "mixture(1*exponential(5),2*uniform(3,40))"];
        let prediction = predict(&lab(kinds[kind], None, followers), quorum).unwrap();
        let x = prediction.quantile_ms(p);
        prop_assert!((prediction.cdf(x) - p).abs() < 1e-6);
    }

    #[test]
    fn a_mean_is_the_area_above_the_distribution_function(quorum in 1..=4_i64, kind in 0..3_usize) {
        let kinds = ["lognormal(20,0.5)", "2+exponential(7)", "mixture(1*pareto(3,4),2*uniform(3,40))"];
        let prediction = predict(&lab(kinds[kind], None, 4), quorum).unwrap();
        let area: f64 = (0..200_000).map(|i| (1.0 - prediction.cdf((f64::from(i) + 0.5) * 0.01)) * 0.01).sum();
        prop_assert!((prediction.mean_ms() - area).abs() < 0.001, "{} {area}", prediction.mean_ms());
    }
}

#[test]
fn constant_delays_are_exact_in_whatever_order_links_keep() {
    let mut experiment = Experiment::default();
    for (follower, ms) in (0..).zip([20, 100, 60, 80, 40]) {
        let delay = Some(format!("constant({ms})").parse().unwrap());
        let own = FollowerNetwork { delay, ..FollowerNetwork::default() };
        experiment.network.follower.insert(NodeId::Follower(follower), own);
    }
    for link in [None, Some(LinkOrder::Ordered)] {
        experiment.network.link = link;
        let at = |w: i64| Prediction::new(&experiment, Quorum::try_from(w).unwrap());
        assert_eq!([1, 2, 3, 4, 5].map(|w| at(w).unwrap().mean_ms()), [20.0, 40.0, 60.0, 80.0, 100.0], "{link:?}");
        assert_eq!(at(5).unwrap(), Prediction::Constant(100.0));
    }
    experiment.network.replication_timeout_s = Timeout::try_from(0.09).unwrap();
    let at = |w: i64| Prediction::new(&experiment, Quorum::try_from(w).unwrap());
    assert_eq!((at(4).unwrap(), at(5)), (Prediction::Constant(80.0), Err(NotPredicted::Truncated)));
}

#[test]
fn ordered_links_that_change_are_simulated_in_runs_and_cost_more() {
    let mut experiment = Experiment::default();
    let independent = Prediction::new(&experiment, Quorum::try_from(1).unwrap()).unwrap().mean_ms();
    experiment.network.link = Some(LinkOrder::Ordered);
    let ordered = Prediction::new(&experiment, Quorum::try_from(1).unwrap()).unwrap();
    let figures = ordered.figures();
    let (method, spread) = (figures.simulated.unwrap(), figures.run_spread.unwrap());
    assert_eq!((method.draws, spread.runs), (50_000, 500));
    assert!(figures.mean_ms > 1.2 * independent, "{} {independent}", figures.mean_ms);
    let (low, high) = (spread.mean_ms.lower.unwrap(), spread.mean_ms.upper.unwrap());
    assert!(low < figures.mean_ms && figures.mean_ms < high && high - low > 20.0, "{spread:?}");
    assert_eq!(ordered, Prediction::new(&experiment, Quorum::try_from(1).unwrap()).unwrap());
    // At the median the slowest follower lags, and only the followers that were waited for have the write.
    let lag = PredictedLag::new(&experiment, Quorum::try_from(2).unwrap());
    assert_eq!(lag.behind, Some(0.6));
    assert!(lag.lag.unwrap().mean_ms() > 0.0);
}

/// Software that takes 1 to 9 ms, 4 ms on average.
fn own_time() -> OwnTime {
    OwnTime::new("still".parse().unwrap(), [1_000, 2_000, 4_000, 9_000].map(TimeSpan::new).to_vec()).unwrap()
}

#[test]
fn constant_links_cost_their_delay_and_the_softwares_own_time() {
    for pacing in [Pacing::Window, Pacing::Batch] {
        let mut experiment = lab("constant(50)", None, 5);
        experiment.network.link = Some(LinkOrder::Ordered);
        experiment.workload.pacing = pacing;
        let quorum = Quorum::try_from(3).unwrap();
        let simulated = Simulated::latency_with_own_time(&experiment, quorum, &own_time()).unwrap();
        // 50,000 draws with a standard deviation of 3.1 ms: 0.06 ms are more than four standard errors.
        assert!((simulated.mean_ms() - 54.0).abs() < 0.06, "{}", simulated.mean_ms());
        // No write waits for another, so each takes exactly one of the four.
        let taken: Vec<f64> = [0.1, 0.4, 0.6, 0.9].map(|p| simulated.quantile_ms(p)).into();
        assert_eq!(taken, [51.0, 52.0, 54.0, 59.0], "{pacing:?}");
        assert_eq!(Prediction::with_own_time(&experiment, quorum, &own_time()), None, "it is exact without");
    }
}

#[test]
fn software_that_takes_no_time_changes_nothing() {
    for pacing in [Pacing::Window, Pacing::Batch] {
        let mut experiment = lab("uniform(0,200)", Some("exponential(5)"), 5);
        experiment.network.link = Some(LinkOrder::Ordered);
        experiment.workload.pacing = pacing;
        let quorum = Quorum::try_from(2).unwrap();
        let none = OwnTime::new("still".parse().unwrap(), vec![TimeSpan::ZERO]).unwrap();
        let with = Prediction::with_own_time(&experiment, quorum, &none).unwrap();
        let without = Prediction::new(&experiment, quorum).unwrap();
        let figures = PredictedFigures { method: PredictionMethod::Simulated, ..with.figures() };
        assert_eq!(figures, without.figures(), "{pacing:?}");
        assert_ne!(with.method(), without.method());
    }
}

#[test]
fn the_figures_of_ordered_links_without_own_time_never_change() {
    let mut experiment = lab("uniform(0,200)", None, 5);
    experiment.network.link = Some(LinkOrder::Ordered);
    experiment.seed = 1;
    let figures = |w: i64| {
        let of = predict(&experiment, w).unwrap().figures();
        [of.mean_ms, of.median_ms, of.p95_ms, of.p99_ms, of.run_spread.unwrap().mean_ms.lower.unwrap()]
    };
    // As labctl printed them before it knew the software's own time, rounded to a nanosecond.
    let known = [
        [42.3820804, 37.485, 106.44, 132.249, 1.003],
        [103.615812, 103.337, 162.452, 179.428, 82.9895],
        [167.30313, 174.717, 197.785, 199.607, 147.6803],
    ];
    for (w, known) in [1, 3, 5].into_iter().zip(known) {
        let differences = figures(w).into_iter().zip(known).map(|(now, before)| (now - before).abs());
        assert!(differences.fold(0.0, f64::max) < 1e-6, "W = {w}: {:?}", figures(w));
    }
}
