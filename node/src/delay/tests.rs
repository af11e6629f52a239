#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

fn of(text: &str) -> Distribution {
    text.parse().unwrap()
}

fn lab() -> Distribution {
    of("uniform(0,1000)")
}

/// The fit of a disk in "Probabilistically Bounded Staleness for Practical Partial Quorums".
const DISK: &str = "mixture(0.38*pareto(1.05,1.51),0.62*exponential(5.46448087431694))";

#[test]
fn known_draws_never_change() {
    let draws = |path, text| -> Vec<u32> { (0..5).map(|f| seeded_delay_us(42, 0, f, path, &of(text))).collect() };
    assert_eq!(draws(LinkPath::Write, "uniform(0,1000)"), [681_896, 771_249, 575_393, 38_454, 202_636]);
    assert_eq!(draws(LinkPath::Write, "1500+uniform(0,1000)"), [2_181_896, 2_271_249, 2_075_393, 1_538_454, 1_702_636]);
    assert_eq!(draws(LinkPath::Write, "constant(5)"), [5_000; 5]);
    assert_eq!(draws(LinkPath::Ack, "uniform(0,1000)"), [950_276, 238_585, 171_762, 261_821, 219_205]);
    assert_eq!(draws(LinkPath::Write, "exponential(100)"), [114_538, 147_512, 85_659, 3_921, 22_644]);
    assert_eq!(draws(LinkPath::Write, "lognormal(100,0.5)"), [126_681, 144_988, 109_973, 41_294, 65_960]);
    assert_eq!(draws(LinkPath::Write, "pareto(100,2)"), [177_303, 209_083, 153_464, 101_980, 111_988]);
    assert_eq!(draws(LinkPath::Write, "empirical(0,10,100)"), [42_741, 58_825, 23_571, 769, 4_053]);
    assert_eq!(draws(LinkPath::Write, DISK), [3_647, 5_449, 2_069, 1_127, 1_739]);
}

#[test]
fn the_mean_is_the_middle_of_the_range() {
    let n = 20_000_u32;
    let drawn = |write| u64::from(seeded_delay_us(7, write, 3, LinkPath::Write, &lab()));
    let sum: u64 = (0..u64::from(n)).map(drawn).sum();
    // Five standard errors of the mean of U(0, 1): 5 / sqrt(12 n) = 0.0102.
    let mean = sum as f64 / f64::from(n) / 1e6;
    assert!((mean - 0.5).abs() < 0.0102, "{mean}");
}

#[test]
fn distributions_have_their_known_quantiles() {
    for (text, p, expected) in [
        ("uniform(100,300)", 0.25, 150.0),
        ("exponential(10)", 0.5, 6.931_471_805_599_453),
        ("lognormal(20,0.5)", 0.5, 20.0),
        ("lognormal(20,0.5)", 0.975, 53.288_165),
        ("pareto(1.05,1.51)", 0.5, 1.661_678),
        ("pareto(2,2)", 0.75, 4.0),
        ("empirical(0,10,100)", 0.75, 55.0),
        ("30+pareto(2,2)", 0.75, 34.0),
        ("mixture(1*uniform(0,10),1*uniform(20,30))", 0.75, 25.0),
        ("mixture(3*constant(5),1*constant(7))", 0.75, 5.0),
        ("mixture(3*constant(5),1*constant(7))", 0.76, 7.0),
        (DISK, 0.5, 2.462_381),
    ] {
        let found = of(text).quantile_ms(p);
        assert!((found - expected).abs() < 1e-5, "{text} at {p}: {found} is not {expected}");
    }
    assert!((of("lognormal(20,0.5)").cdf(20.0 * 0.5_f64.exp()) - 0.841_344_746).abs() < 1e-9);
    assert!((of("pareto(2,2)").survival(2_000.0) - 1e-6).abs() < 1e-18);
    // The least and the greatest delay, and a tail beyond the hour.
    assert_eq!((of("pareto(2,2)").quantile_ms(0.0), of("pareto(2,2)").quantile_ms(1.0)), (2.0, Millis::MAX));
    assert_eq!(of("lognormal(2,2)").quantile_ms(0.0), 0.0);
    assert_eq!(of("30+empirical(1,2)").upper_bound_ms(), Some(32.0));
    assert_eq!(of("mixture(1*constant(1),1*uniform(0,9))").upper_bound_ms(), Some(9.0));
    assert_eq!(of(DISK).upper_bound_ms(), None);
}

#[test]
fn one_delay_alone_is_a_constant_whatever_it_is_called() {
    for text in
        ["constant(5)", "uniform(5,5)", "2+constant(3)", "empirical(5,5)", "mixture(1*constant(5),2*uniform(5,5))"]
    {
        assert_eq!(of(text).as_constant_ms(), Some(5.0), "{text}");
        assert!(!of(text).is_continuous(), "{text}");
        assert_eq!((of(text).cdf(4.9), of(text).cdf(5.0), of(text).pick_us(u64::MAX)), (0.0, 1.0, 5_000), "{text}");
    }
    assert_eq!(lab().as_constant_ms(), None);
    assert!(of(DISK).is_continuous());
    assert!(!of("mixture(1*constant(1),1*uniform(0,9))").is_continuous());
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    for (text, expected) in [
        ("", "a distribution must be a name and its parameters"),
        ("uniform", "as in uniform(0,1000), not `uniform`"),
        ("uniform(0,1000", "a name and its parameters"),
        ("gamma(1,2)", "constant, uniform, exponential, lognormal, pareto, weibull, empirical or mixture, not `gamma`"),
        ("uniform(0)", "uniform must have two parameters, the bounds in ms, not `0`"),
        ("uniform(0,1,2)", "two parameters"),
        ("uniform(2,1)", "lower bound (2 ms) must not exceed its upper one (1 ms)"),
        ("uniform(0,4000000)", "a delay in ms must be 0 to 3600000, not 4000000"),
        ("constant(-1)", "not -1"),
        ("constant(NaN)", "not NaN"),
        ("constant(x)", "each parameter must be a number, not `x`"),
        ("exponential(0)", "a positive delay in ms must be 0.001 to 3600000, not 0"),
        ("lognormal(1,0)", "sigma must be 0.001 to 5, not 0"),
        ("pareto(1,1)", "the shape of a Pareto distribution must be 1.01 to 1000, not 1"),
        ("empirical(1)", "2 to 1001 quantiles"),
        ("empirical(2,1)", "ascend"),
        ("mixture()", "a part of a mixture must be a weight, * and a distribution, not ``"),
        ("mixture(constant(1))", "a part of a mixture must be a weight"),
        ("mixture(0*constant(1))", "a weight must be 0.000001 to 1000000, not 0"),
        ("mixture(1*mixture(1*constant(1)))", "a part of a mixture must not be a mixture"),
        ("-3+constant(1)", "not -3"),
    ] {
        let error = text.parse::<Distribution>().unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let many = vec!["1*constant(1)"; 17].join(",");
    assert!(format!("mixture({many})").parse::<Distribution>().unwrap_err().contains("1 to 16 parts, not 17"));
}

#[test]
fn the_json_form_is_flat_and_has_its_kind() {
    let json = |text: &str| serde_json::to_string(&of(text)).unwrap();
    assert_eq!(json("pareto(1.05,1.51)"), r#"{"kind":"pareto","min_ms":1.05,"shape":1.51}"#);
    assert_eq!(json("3+uniform(0,9)"), r#"{"kind":"uniform","min_ms":0.0,"max_ms":9.0,"extra_ms":3.0}"#);
    assert_eq!(json("empirical(1,2)"), r#"{"kind":"empirical","quantiles_ms":[1.0,2.0]}"#);
    let mixture = r#"{"kind":"mixture","parts":[{"weight":2.0,"kind":"constant","ms":1.0}]}"#;
    assert_eq!(json("mixture(2*constant(1))"), mixture);
}

/// A member of any family but mixtures, as its text.
fn simple() -> impl Strategy<Value = String> {
    let member = prop::sample::select(FAMILIES).prop_flat_map(|family| {
        let name = family.name;
        match &family.parameters {
            Parameters::Numbers { numbers, .. } => {
                let values: Vec<_> = numbers.iter().map(|number| number.min..=number.max.min(5_000.0)).collect();
                values.prop_map(move |values| with_parameters(name, &values)).boxed()
            }
            Parameters::Quantiles(_) => prop::collection::vec(0_u16..2_000, 2..20)
                .prop_map(move |mut sample| {
                    sample.sort_unstable();
                    with_parameters(name, &sample)
                })
                .boxed(),
            Parameters::Parts(_) => Just("constant(3)".to_owned()).boxed(),
        }
    });
    let member = member.prop_filter("bounds in order", |text| text.parse::<Distribution>().is_ok());
    (prop::option::of(0.0..100.0_f64), member)
        .prop_map(|(extra, member)| extra.map_or_else(|| member.clone(), |extra| format!("{extra}+{member}")))
}

fn with_parameters<T: ToString>(name: &str, values: &[T]) -> String {
    format!("{name}({})", values.iter().map(T::to_string).collect::<Vec<_>>().join(","))
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    let mixture = prop::collection::vec((0.01..10.0_f64, simple()), 1..5).prop_map(|parts| {
        let parts: Vec<String> = parts.iter().map(|(weight, part)| format!("{weight}*{part}")).collect();
        format!("mixture({})", parts.join(","))
    });
    prop_oneof![3 => simple(), 2 => mixture].prop_map(|text| of(&text))
}

proptest! {
    #[test]
    fn text_and_json_lead_back_to_the_same_distribution(distribution in any_distribution()) {
        prop_assert_eq!(&of(&distribution.to_string()), &distribution);
        let json = serde_json::to_string(&distribution).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Distribution>(&json).unwrap(), &distribution);
    }

    /// The least x with F(x) >= p, whatever jumps and gaps F has.
    #[test]
    fn quantile_and_cdf_belong_together(distribution in any_distribution(), p in 0.000_1..0.999_9) {
        let x = distribution.quantile_ms(p);
        prop_assert!(x >= 0.0);
        if x < Millis::MAX {
            prop_assert!(distribution.cdf(x + x * 1e-9 + 1e-9) >= p - 1e-9, "{}", distribution);
            prop_assert!(distribution.cdf(x - x * 1e-9 - 1e-9) <= p + 1e-9, "{}", distribution);
            prop_assert!((distribution.cdf(x) + distribution.survival(x) - 1.0).abs() < 1e-12);
            let upper = distribution.upper_quantile_ms(1.0 - p);
            prop_assert!((upper - x).abs() <= x * 1e-6 + 1e-6 || !distribution.is_continuous()
                || distribution.cdf(upper.min(x)) > p - 1e-9, "{}: {} {}", distribution, upper, x);
        }
    }

    /// The share of draws up to any point is what the distribution function says, within five
    /// standard errors. Draws are whole microseconds.
    #[test]
    fn draws_follow_the_distribution(distribution in any_distribution(), p in 0.05..0.95, seed: u64) {
        let x = distribution.quantile_ms(p);
        let n = 1_000_u32;
        let draw = |i| f64::from(seeded_delay_us(seed, i, 0, LinkPath::Write, &distribution)) / 1_000.0;
        let up_to = |x: f64| (0..u64::from(n)).filter(|i| draw(*i) <= x).count() as f64 / f64::from(n);
        let error = 5.0 * (0.25 / f64::from(n)).sqrt();
        prop_assert!(up_to(x + 0.000_6) >= distribution.cdf(x - 0.000_6) - error);
        prop_assert!(up_to(x - 0.000_6) <= distribution.cdf(x + 0.000_6) + error);
    }

    #[test]
    fn a_draw_is_pure_and_independent_of_the_order_of_draws(
        seed: u64, write: u64, follower in 0_u32..1_000, distribution in any_distribution(),
    ) {
        let drawn = [LinkPath::Write, LinkPath::Ack].map(|path| seeded_delay_us(seed, write, follower, path, &distribution));
        prop_assert!(drawn.iter().all(|us| *us <= 3_600_000_000));
        let link = LinkDelays { write: distribution.clone(), ack: Some(distribution) };
        let source = DelaySource::new(vec![link; 1_000], Some(seed));
        source.draw(write, (follower + 1) % 1_000);
        let [write_us, ack_us] = drawn;
        prop_assert_eq!(source.draw(write, follower), Delays { write_us, ack_us });
    }

    #[test]
    fn followers_writes_paths_and_passes_meet_different_delays(seed: u64, write in 0_u64..u64::MAX) {
        let wide = of("uniform(0,3600000)");
        let of = |w, f, path| Duration::from_micros(seeded_delay_us(seed, w, f, path, &wide).into());
        let source = DelaySource::new(vec![LinkDelays { write: wide.clone(), ack: None }], Some(seed));
        let mut seen = [
            of(write, 0, LinkPath::Write), of(write, 0, LinkPath::Ack), of(write, 1, LinkPath::Write), of(write, 1, LinkPath::Ack),
            of(write + 1, 0, LinkPath::Write), source.draw_for_pass(write, 0),
        ];
        seen.sort_unstable();
        // Two equal draws of 32 bits are no error, three are.
        prop_assert!(seen.windows(3).all(|three| three[0] != three[2]));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![
        any::<String>(), "[a-z0-9.+*(),eE-]{0,80}", "(mixture\\(1\\*){1,40}",
    ]) {
        let _ = text.parse::<Distribution>();
    }
}

#[test]
fn without_a_seed_delays_differ_from_call_to_call() {
    let source = DelaySource::new(vec![LinkDelays { write: of("uniform(0,3600000)"), ack: None }], None);
    let draws: std::collections::BTreeSet<_> = (0..8).map(|_| source.draw(1, 0)).collect();
    assert!(draws.len() > 1);
    assert!(draws.iter().all(|drawn| drawn.ack_us == 0));
}
