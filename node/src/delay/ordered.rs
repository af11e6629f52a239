//! One direction of a link that keeps what it carries in order, as one connection does.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::ChaCha8Rng;

use super::LinkDelays;
use super::distribution::Distribution;
use super::stream::named_stream;

/// Words of key stream in a draw.
const WORDS_PER_DRAW: u128 = 2;

/// Part of a delay's 99th percentile for which a link stays as it is, unless a setting says otherwise.
const COHERENCE_SHARE: f64 = 0.1;

/// The shortest time for which a link stays as it is, unless a setting says otherwise.
const MIN_COHERENCE: Duration = Duration::from_millis(1);

/// When each message leaves one direction of an ordered link.
///
/// Time is cut into slots. The direction has one delay for each slot, draw s of its stream for
/// slot s: what enters in slot s leaves at max(previous departure, entry + draw). So a message
/// that is late holds up those behind it, and nothing overtakes.
///
/// The draw is a function of seed, stream name and slot alone; what has passed before does not
/// change it.
#[derive(Debug)]
pub struct OrderedDirection {
    delay: Arc<Distribution>,
    stream: ChaCha8Rng,
    coherence_us: i64,
    last_departure_us: Option<i64>,
    /// The slot that was looked up last, and its delay.
    current: Option<(u64, i64)>,
}

impl OrderedDirection {
    /// A direction on which nothing has passed. `stream` names its draws, such as `link-f1/write`;
    /// a slot is as long as `coherence`, and at least a microsecond.
    pub fn new(delay: Arc<Distribution>, seed: u64, stream: &str, coherence: Duration) -> Self {
        let coherence_us = coherence.as_micros().clamp(1, i64::MAX as u128) as i64;
        Self { delay, stream: named_stream(seed, stream), coherence_us, last_departure_us: None, current: None }
    }

    /// How long a slot is if no setting says so: a tenth of the delay's 99th percentile, and at
    /// least a millisecond. With slots as short as the software's own jitter the slot in which a
    /// message enters, and so its delay, could not be predicted.
    pub fn default_coherence(delay: &Distribution) -> Duration {
        // No delay is more than an hour. Whole microseconds, so that every platform has the same slots.
        let us = (delay.quantile_ms(0.99) * 1_000.0 * COHERENCE_SHARE).round() as u64;
        Duration::from_micros(us).max(MIN_COHERENCE)
    }

    /// The departure of what enters `at_us` microseconds after the epoch, in microseconds after
    /// the epoch. Entries come in their order. What enters before the epoch has the delay of slot 0.
    pub fn pass(&mut self, at_us: i64) -> i64 {
        let delayed_us = at_us.saturating_add(self.draw_us(at_us));
        let departure_us = self.last_departure_us.map_or(delayed_us, |last_us| last_us.max(delayed_us));
        self.last_departure_us = Some(departure_us);
        departure_us
    }

    /// Forgets the queue: nothing that enters from now on waits for what entered before.
    pub fn reset(&mut self) {
        self.last_departure_us = None;
    }

    /// The delay of the slot in which this moment is.
    fn draw_us(&mut self, at_us: i64) -> i64 {
        let slot = at_us.div_euclid(self.coherence_us).max(0).unsigned_abs();
        if let Some((_, delay_us)) = self.current.filter(|(current, _)| *current == slot) {
            return delay_us;
        }
        self.stream.set_word_pos(u128::from(slot) * WORDS_PER_DRAW);
        let delay_us = i64::from(self.delay.pick_us(self.stream.next_u64()));
        self.current = Some((slot, delay_us));
        delay_us
    }
}

/// Both directions of the ordered link between the leader and one follower.
#[derive(Debug)]
pub struct OrderedLink {
    /// From the leader to the follower.
    pub write: OrderedDirection,
    /// Back again. `None` takes no time.
    pub ack: Option<OrderedDirection>,
}

impl OrderedLink {
    /// The link to the follower with index `follower`, from 0, with these delays. A direction for
    /// which `coherence` says nothing has [its own](OrderedDirection::default_coherence).
    pub fn new(delays: &LinkDelays, follower: u32, seed: u64, coherence: Option<Duration>) -> Self {
        let direction = |delay: &Distribution, name: &str| {
            let stream = format!("link-f{}/{name}", u64::from(follower) + 1);
            let coherence = coherence.unwrap_or_else(|| OrderedDirection::default_coherence(delay));
            OrderedDirection::new(Arc::new(delay.clone()), seed, &stream, coherence)
        };
        Self { write: direction(&delays.write, "write"), ack: delays.ack.as_ref().map(|delay| direction(delay, "ack")) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn direction(delay: &str, coherence_ms: u64) -> OrderedDirection {
        named(delay, "link-f1/write", coherence_ms)
    }

    fn named(delay: &str, stream: &str, coherence_ms: u64) -> OrderedDirection {
        let delay = Arc::new(delay.parse().unwrap());
        OrderedDirection::new(delay, 42, stream, Duration::from_millis(coherence_ms))
    }

    /// The delays of the first slots.
    fn draws(mut direction: OrderedDirection, slots: i64) -> Vec<i64> {
        let coherence_us = direction.coherence_us;
        (0..slots).map(|slot| direction.draw_us(slot * coherence_us)).collect()
    }

    #[test]
    fn known_draws_never_change() {
        let of = |stream| draws(named("uniform(0,1000)", stream, 100), 4);
        assert_eq!(
            ["link-f1/write", "link-f1/ack", "link-f2/write"].map(of),
            [
                [280_039, 444_867, 76_486, 722_189],
                [44_660, 320_206, 868_721, 445_739],
                [848_957, 694_260, 813_697, 127_268],
            ]
        );
    }

    #[test]
    fn a_slot_has_one_delay_whatever_passed_before() {
        let drawn = draws(direction("uniform(0,1000)", 100), 3);
        let mut fresh = direction("uniform(0,1000)", 100);
        assert_eq!(fresh.pass(250_000), 250_000 + drawn[2]);
        for at_us in [0, 1, 99_999] {
            assert_eq!(direction("uniform(0,1000)", 100).pass(at_us), at_us + drawn[0]);
        }
        assert_eq!(direction("uniform(0,1000)", 100).pass(100_000), 100_000 + drawn[1]);
    }

    #[test]
    fn what_enters_before_the_epoch_has_the_delay_of_slot_0() {
        let drawn = draws(direction("uniform(0,1000)", 100), 1);
        assert_eq!(direction("uniform(0,1000)", 100).pass(-250_000), -250_000 + drawn[0]);
    }

    #[test]
    fn a_late_message_holds_up_those_behind_it_until_the_queue_is_forgotten() {
        let two_delays = || direction("mixture(1*constant(10),1*constant(500))", 100);
        let (drawn, mut direction) = (draws(two_delays(), 40), two_delays());
        let late = (0..39).find(|slot| drawn[*slot] == 500_000 && drawn[slot + 1] == 10_000).unwrap();
        let entry_us = i64::try_from(late).unwrap() * 100_000;
        assert_eq!(direction.pass(entry_us), entry_us + 500_000);
        assert_eq!(direction.pass(entry_us + 100_000), entry_us + 500_000);
        direction.reset();
        assert_eq!(direction.pass(entry_us + 100_000), entry_us + 110_000);
    }

    #[test]
    fn a_constant_delay_holds_nothing_up() {
        let mut direction = direction("constant(20)", 2);
        for at_us in [0, 0, 1, 1_999, 2_000, 50_000] {
            assert_eq!(direction.pass(at_us), at_us + 20_000);
        }
    }

    #[test]
    fn a_slot_is_a_tenth_of_the_99th_percentile_and_at_least_a_millisecond() {
        let of = |delay: &str| OrderedDirection::default_coherence(&delay.parse().unwrap());
        assert_eq!(of("uniform(0,200)"), Duration::from_micros(19_800));
        assert_eq!(of("constant(100)"), Duration::from_millis(10));
        assert_eq!(of("constant(0)"), Duration::from_millis(1));
        assert_eq!(of("1500+uniform(0,1000)"), Duration::from_millis(249));
        assert_eq!(of("lognormal(1,0.3)"), Duration::from_millis(1));
    }

    #[test]
    fn each_direction_of_a_link_has_its_own_stream_and_slots() {
        let delays =
            LinkDelays { write: "uniform(0,1000)".parse().unwrap(), ack: Some("uniform(0,10)".parse().unwrap()) };
        let link = OrderedLink::new(&delays, 0, 42, None);
        assert_eq!(link.write.coherence_us, 99_000);
        assert_eq!(draws(link.write, 2), [280_039, 444_867]);
        let ack = link.ack.unwrap();
        assert_eq!((ack.coherence_us, draws(ack, 1)), (1_000, vec![446]));
        let same = OrderedLink::new(&delays, 1, 42, Some(Duration::from_millis(7)));
        assert_eq!((same.write.coherence_us, same.ack.map(|ack| ack.coherence_us)), (7_000, Some(7_000)));
        assert_eq!(draws(same.write, 1), [848_957]);
    }

    #[test]
    fn no_slot_is_shorter_than_a_microsecond() {
        let delay = Arc::new("constant(1)".parse().unwrap());
        assert_eq!(OrderedDirection::new(delay, 1, "a", Duration::ZERO).pass(7), 1_007);
    }

    proptest! {
        /// The definition, with the draws looked up slot by slot.
        #[test]
        fn departures_are_those_of_the_definition(
            steps in prop::collection::vec(0_i64..200_000, 1..60),
            coherence_ms in 1_u64..200,
            from_us in -300_000_i64..300_000,
        ) {
            let (mut slots, mut direction) = (direction("uniform(0,200)", coherence_ms), direction("uniform(0,200)", coherence_ms));
            let coherence_us = direction.coherence_us;
            let (mut at_us, mut last_us) = (from_us, i64::MIN);
            for step in steps {
                at_us += step;
                let slot = (at_us as f64 / coherence_us as f64).floor().max(0.0) as i64;
                let expected_us = last_us.max(at_us + slots.draw_us(slot * coherence_us));
                prop_assert_eq!(direction.pass(at_us), expected_us);
                last_us = expected_us;
            }
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let mut direction = direction("constant(1)", 1);
        assert_eq!(direction.pass(i64::MIN), i64::MIN + 1_000);
        assert_eq!(direction.pass(i64::MAX), i64::MAX);
    }
}
