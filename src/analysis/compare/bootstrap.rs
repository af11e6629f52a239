//! Intervals for differences of latency figures by resampling: Efron and Tibshirani, "An
//! Introduction to the Bootstrap" (1993), chapters 8 and 13.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::analysis::stats::{CONFIDENCE, Interval};
use crate::model::Micros;

/// Mean, median, p95 and p99.
pub(super) const FIGURES: usize = 4;

/// The quantiles among the figures, after the mean.
const QUANTILES: [f64; FIGURES - 1] = [0.5, 0.95, 0.99];

/// Figures of one sample or resample, in milliseconds.
pub(super) type Figures = [f64; FIGURES];

/// Two samples to be resampled.
pub(super) struct Bootstrap {
    left: Side,
    right: Side,
    /// The samples' values belong together one by one.
    paired: bool,
}

impl Bootstrap {
    /// Samples in microseconds; paired ones have to be as long as each other.
    pub(super) fn new(left_us: &[Micros], right_us: &[Micros], paired: bool) -> Self {
        Self { left: Side::new(left_us), right: Side::new(right_us), paired }
    }

    /// The left sample's own figures; `None` of an empty one.
    pub(super) fn left(&self) -> Option<Figures> {
        self.left.own_figures()
    }

    /// The right sample's own figures; `None` of an empty one.
    pub(super) fn right(&self) -> Option<Figures> {
        self.right.own_figures()
    }

    /// How many resamples: 2,000 of small samples, and of large ones, whose intervals are
    /// narrow, as many as take a fraction of a second.
    pub(super) fn affordable_resamples(&self) -> usize {
        (2_000_000 / self.left.len().max(self.right.len()).max(1)).clamp(200, 2_000)
    }

    /// The 95 % percentile intervals of the figures' differences, right less left; without
    /// ends where a sample has fewer than two values.
    pub(super) fn intervals(&self, resamples: usize, mut rng: ChaCha8Rng) -> [Interval; FIGURES] {
        if self.left.len().min(self.right.len()) < 2 {
            return [Interval { lower: None, upper: None }; FIGURES];
        }
        let mut differences: [Vec<f64>; FIGURES] = std::array::from_fn(|_| Vec::with_capacity(resamples));
        let (mut left, mut right) = (self.left.resample(), self.right.resample());
        for _ in 0..resamples {
            self.draw(&mut left, &mut right, &mut rng);
            let (left, right) = (left.figures(), right.figures());
            for (figure, differences) in differences.iter_mut().enumerate() {
                differences.push(right[figure] - left[figure]);
            }
        }
        differences.map(interval)
    }

    fn draw(&self, left: &mut Resample<'_>, right: &mut Resample<'_>, rng: &mut ChaCha8Rng) {
        left.counts.fill(0);
        right.counts.fill(0);
        for _ in 0..self.left.len() {
            let index = rng.random_range(0..self.left.len());
            left.take(index);
            if self.paired {
                right.take(index);
            }
        }
        if !self.paired {
            for _ in 0..self.right.len() {
                right.take(rng.random_range(0..self.right.len()));
            }
        }
    }
}

/// The middle 95 % of the values.
fn interval(mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    let beyond = (values.len() as f64 * (1.0 - CONFIDENCE) / 2.0) as usize;
    Interval { lower: values.get(beyond).copied(), upper: values.iter().nth_back(beyond).copied() }
}

/// One sample.
struct Side {
    sorted_us: Vec<Micros>,
    /// Where each value of the sample is in the sorted one.
    places: Vec<usize>,
}

impl Side {
    fn new(values_us: &[Micros]) -> Self {
        let mut order: Vec<usize> = (0..values_us.len()).collect();
        order.sort_by_key(|index| values_us[*index]);
        let mut places = vec![0; order.len()];
        for (place, index) in order.iter().enumerate() {
            places[*index] = place;
        }
        Self { sorted_us: order.iter().map(|index| values_us[*index]).collect(), places }
    }

    fn len(&self) -> usize {
        self.sorted_us.len()
    }

    fn resample(&self) -> Resample<'_> {
        Resample { side: self, counts: vec![0; self.len()], up_to: vec![0; self.len()] }
    }

    /// The sample is the resample that takes each value once.
    fn own_figures(&self) -> Option<Figures> {
        let mut once = self.resample();
        once.counts.fill(1);
        (self.len() > 0).then(|| once.figures())
    }
}

/// A resample, as the number of times that each sorted value was taken.
struct Resample<'a> {
    side: &'a Side,
    counts: Vec<u64>,
    up_to: Vec<u64>,
}

impl Resample<'_> {
    fn take(&mut self, index: usize) {
        self.counts[self.side.places[index]] += 1;
    }

    /// Of as many values as the sample has, at least one.
    fn figures(&mut self) -> Figures {
        let (mut taken, mut sum_us) = (0, 0_i128);
        for ((count, up_to), us) in self.counts.iter().zip(&mut self.up_to).zip(&self.side.sorted_us) {
            taken += count;
            *up_to = taken;
            sum_us += i128::from(*count) * i128::from(us.get());
        }
        let mean_ms = sum_us as f64 / taken as f64 / 1000.0;
        let [p50, p95, p99] = QUANTILES.map(|p| self.quantile_ms(p));
        [mean_ms, p50, p95, p99]
    }

    /// Type 7, as in [`Sample::quantile_ms`](crate::analysis::Sample::quantile_ms).
    fn quantile_ms(&self, p: f64) -> f64 {
        let position = (self.side.len() - 1) as f64 * p;
        let below = position.floor();
        let [low, high] = [below, position.ceil()].map(|rank| self.ranked_us(rank as u64).get() as f64);
        (low + (position - below) * (high - low)) / 1000.0
    }

    /// The value with this rank, from 0.
    fn ranked_us(&self, rank: u64) -> Micros {
        let place = self.up_to.partition_point(|up_to| *up_to <= rank);
        self.side.sorted_us[place]
    }
}
