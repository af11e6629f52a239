//! Integration over the unit interval of functions that may have a pole at its ends.

/// The mean of `f` over (0, 1), given its argument and 1 less it, each exact where it is small.
///
/// Double exponential quadrature: Takahasi and Mori, "Double exponential formulas for numerical
/// integration", Publications of RIMS 9 (1974), with x = (1 + tanh(pi / 2 sinh t)) / 2.
pub(super) fn mean_over_unit(f: impl Fn(f64, f64) -> f64) -> f64 {
    /// Steps to a unit of t: enough for any function that is smooth but for its ends.
    const STEPS: i32 = 32;
    /// Beyond it the weights are below 10^-270.
    const LIMIT: i32 = 6;
    let term = |step: i32| {
        let t = f64::from(step) / f64::from(STEPS);
        let half = std::f64::consts::FRAC_PI_2 * t.sinh();
        let (low, high) = (1.0 / (1.0 + (-2.0 * half).exp()), 1.0 / (1.0 + (2.0 * half).exp()));
        let weight = std::f64::consts::PI * t.cosh() * low * high;
        if weight > 0.0 { weight * f(low, high) } else { 0.0 }
    };
    (-LIMIT * STEPS..=LIMIT * STEPS).map(term).sum::<f64>() / f64::from(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_integrals() {
        for (name, integral, exact) in [
            ("x^2", mean_over_unit(|x, _| x * x), 1.0 / 3.0),
            ("ln x", mean_over_unit(|x, _| x.ln()), -1.0),
            ("1 / sqrt(1 - x)", mean_over_unit(|_, rest| rest.powf(-0.5)), 2.0),
            ("(1 - x)^-0.9", mean_over_unit(|_, rest| rest.powf(-0.9)), 10.0),
        ] {
            assert!((integral - exact).abs() < 1e-9, "{name}: {integral}");
        }
    }
}
