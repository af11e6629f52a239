//! Numbers as readers see them.

use crate::analysis::{Bounds, Interval};

/// Stands where there is no figure.
pub(crate) const NONE: &str = "n/a";

/// A time in milliseconds with one decimal, without its unit.
pub(crate) fn ms(value: f64) -> String {
    fixed(value, 1)
}

/// A short time in milliseconds with two decimals, without its unit.
pub(crate) fn short_ms(value: f64) -> String {
    fixed(value, 2)
}

/// A number with this many decimals; what rounds to zero has no sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        _ => text,
    }
}

/// A figure there may not be.
pub(crate) fn maybe<T>(value: Option<T>, format: impl Fn(T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), format)
}

/// `160.1 to 171.2`, or what there is of it.
pub(crate) fn interval(interval: Interval, format: impl Fn(f64) -> String) -> String {
    match (interval.lower, interval.upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", format(lower), format(upper)),
        (Some(lower), None) => format!("from {}, no upper bound", format(lower)),
        (None, Some(upper)) => format!("up to {}, no lower bound", format(upper)),
        (None, None) => "interval not known from one run".to_owned(),
    }
}

/// `1 write`, `2 writes`, `20,000 writes`: for nouns that take an s.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(number))
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share, 0 to 1, as a percentage.
pub(crate) fn percent(share: f64) -> String {
    let decimals = usize::from(share > 0.0 && share < 0.0995);
    format!("{} %", fixed(share * 100.0, decimals))
}

/// A share, 0 to 1, as a percentage with one decimal where that says more.
pub(crate) fn share(value: f64) -> String {
    /// What sums of fractions miss 0 or 1 by.
    const ROUNDING: f64 = 1e-9;
    match value {
        value if value > ROUNDING && value < 0.0005 => "< 0.1 %".to_owned(),
        value if value < 1.0 - ROUNDING && value > 0.9995 => "> 99.9 %".to_owned(),
        value => {
            let text = fixed(value * 100.0, 1);
            format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
        }
    }
}

/// A figure that is known exactly, or `2 to 3` where it is not.
pub(crate) fn bounds<T: Copy>(of: Bounds<T>, format: impl Fn(T) -> String) -> String {
    let (lower, upper) = (format(of.lower), format(of.upper));
    if lower == upper { lower } else { format!("{lower} to {upper}") }
}

/// A p-value.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { fixed(p, 3) }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    joined(items, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn list_of_choices(items: &[String]) -> String {
    joined(items, "or")
}

fn joined(items: &[String], last_word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {last_word} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_number() {
        assert_eq!(count(0, "write"), "0 writes");
        assert_eq!(count(1, "write"), "1 write");
        assert_eq!(count(20_000, "write"), "20,000 writes");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(short_ms(-0.001), "0.00");
        assert_eq!(short_ms(-0.01), "-0.01");
        assert_eq!(ms(168.149), "168.1");
    }

    #[test]
    fn an_interval_says_which_end_it_lacks() {
        let ends = |lower, upper| interval(Interval { lower, upper }, ms);
        assert_eq!(ends(Some(1.0), Some(2.0)), "1.0 to 2.0");
        assert_eq!(ends(Some(1.0), None), "from 1.0, no upper bound");
        assert_eq!(ends(None, Some(2.0)), "up to 2.0, no lower bound");
        assert_eq!(ends(None, None), "interval not known from one run");
    }

    #[test]
    fn shares_have_the_digits_that_tell_them_apart() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.046), "4.6 %");
        assert_eq!(percent(0.46), "46 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(p_value(0.0004), "< 0.001");
        assert_eq!(p_value(0.42), "0.420");
    }

    #[test]
    fn a_share_is_written_in_one_way_and_never_rounded_to_none_or_all() {
        let all = [1e-16, 0.0004, 0.0005, 0.012, 0.768, 0.8, 0.9996, 1.0].map(share);
        assert_eq!(all, ["0 %", "< 0.1 %", "0.1 %", "1.2 %", "76.8 %", "80 %", "> 99.9 %", "100 %"]);
    }

    #[test]
    fn a_figure_that_is_not_exact_has_two_ends() {
        assert_eq!(bounds(Bounds { lower: 2_u64, upper: 3 }, grouped), "2 to 3");
        assert_eq!(bounds(Bounds { lower: 0.501, upper: 0.502 }, |x| fixed(x, 2)), "0.50");
    }

    #[test]
    fn lists_end_in_and() {
        let items = |n: usize| ["a", "b", "c"].iter().take(n).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(list(&items(0)), "");
        assert_eq!(list(&items(1)), "a");
        assert_eq!(list(&items(2)), "a and b");
        assert_eq!(list(&items(3)), "a, b and c");
    }
}
