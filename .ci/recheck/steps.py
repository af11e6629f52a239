"""What each step of W costs: the same writes at two W, and what the lab said of it."""

import math
from dataclasses import dataclass

from .compare import Value, in_ms
from .facts import Fault, Run
from .faults import cut_off, spans
from .latency import copies_of, is_saturated_in_real_time
from .sample import Dependence, Interval, dependence_of, interval_of, mean, mean_interval, mean_of, quantiles_of
from .sample import standard_error, student_quantile


def delays_us(run: Run) -> dict[int, list[tuple[str, int]]]:
    """By write: the delay that was drawn for each follower, where the leader's trace has them all."""
    drawn = {number: [(copy.follower, copy.delay_us) for copy in copies] for number, copies in copies_of(run).items()}
    return {number: of_write for number, of_write in drawn.items() if len(of_write) == len(run.followers)}


@dataclass(frozen=True)
class Step:
    """The writes acknowledged at two W, by number: how long each took at either."""

    low: Run
    high: Run
    all: dict[int, tuple[int, int]]
    # Of these, those known to have drawn the same delay for every follower at both: what differs
    # between the two latencies is W alone.
    same: dict[int, tuple[int, int]]
    # Those known to have drawn others.
    other: int

    @staticmethod
    def between(low: Run, high: Run) -> "Step":
        before = {write.number: write.latency_us for write in low.acknowledged}
        after = {write.number: write.latency_us for write in high.acknowledged}
        both = {number: (before[number], after[number]) for number in sorted(before.keys() & after.keys())}
        drawn, again = delays_us(low), delays_us(high)
        known = [number for number in both if number in drawn and number in again]
        same = {number: both[number] for number in known if drawn[number] == again[number]}
        return Step(low, high, both, same, len(known) - len(same))

    @property
    def is_paired(self) -> bool:
        """Whether the step may be told write by write."""
        return bool(self.same) and not self.other

    @property
    def differences_us(self) -> list[int]:
        """How much later each of the same writes was answered at the higher W."""
        return [after - before for before, after in self.same.values()]

    @property
    def dependence(self) -> Dependence:
        """Whether the differences of writes that follow each other hang together."""
        is_saturated = is_saturated_in_real_time(self.low) or is_saturated_in_real_time(self.high)
        return Dependence.of(self.differences_us, self.low.at_once, is_saturated)

    def of_writes(self, numbers: set[int]) -> "Step":
        """The same of these writes alone."""
        all_, same = ({k: v for k, v in of.items() if k in numbers} for of in (self.all, self.same))
        return Step(self.low, self.high, all_, same, self.other)


def of_neighbours(runs: list[Run]) -> dict[str, Value]:
    """The figures of each step from one W to the next, by their paths in summary.json."""
    found: dict[str, Value] = {}
    for index, (low, high) in enumerate(zip(runs, runs[1:])):
        at, step = f"paired[{index}]", Step.between(low, high)
        differences = step.differences_us
        dependence = step.dependence
        found |= {
            f"{at}.from": low.quorum,
            f"{at}.to": high.quorum,
            f"{at}.n": len(step.all),
            f"{at}.same_delays": len(step.same),
            f"{at}.other_delays": step.other,
            f"{at}.sooner": sum(difference < 0 for difference in differences),
            f"{at}.from_mean_ms": in_ms(mean([before for before, _ in step.same.values()])) if step.same else None,
            f"{at}.to_mean_ms": in_ms(mean([after for _, after in step.same.values()])) if step.same else None,
        }
        found |= mean_of(f"{at}.mean", differences, dependence)
        found |= quantiles_of(at, differences, dependence, {"median": "0.5"})
        found |= dependence_of(at, dependence)
    return found


def of_whole(runs: list[Run]) -> dict[str, Value]:
    """What one further acknowledgement costs on average, from the lowest W to the highest, and the
    cheapest and the dearest step between, all of the writes that were acknowledged at every W with
    the same delays. Nothing where there is none, or where the latencies of either end hang together."""
    tested = [run for run in runs if 1 <= run.quorum <= len(run.followers)]
    if len(tested) < 2:
        return {"cost_per_ack": None}
    steps = [Step.between(low, high) for low, high in zip(tested, tested[1:])]
    numbers = set.intersection(*(set(step.same) for step in steps))
    whole = Step.between(tested[0], tested[-1]).of_writes(numbers)
    differences, width = whole.differences_us, tested[-1].quorum - tested[0].quorum
    if not differences or is_dependent(tested[0]) or is_dependent(tested[-1]):
        return {"cost_per_ack": None}
    interval = mean_interval(differences, whole.dependence)
    costs = [
        mean(step.of_writes(numbers).differences_us) / (step.high.quorum - step.low.quorum) for step in steps
    ]
    return {
        "cost_per_ack.from": tested[0].quorum,
        "cost_per_ack.to": tested[-1].quorum,
        "cost_per_ack.n": len(differences),
        "cost_per_ack.mean_ms": in_ms(mean(differences) / width),
        "cost_per_ack.least_ms": in_ms(min(costs)),
        "cost_per_ack.most_ms": in_ms(max(costs)),
    } | interval_of("cost_per_ack", tuple(end if end is None else end / width for end in interval))


def welch(low: list[int], high: list[int]) -> tuple[float, Interval]:
    """The difference of the means of two independent series, and its interval (Welch)."""
    rise = float(mean(high) - mean(low))
    if len(low) < 2 or len(high) < 2:
        return rise, (None, None)
    one, other = standard_error(low) ** 2, standard_error(high) ** 2
    if not one + other:
        return rise, (rise, rise)
    degrees = (one + other) ** 2 / (one**2 / (len(low) - 1) + other**2 / (len(high) - 1))
    half = student_quantile(degrees) * math.sqrt(one + other)
    return rise, (rise - half, rise + half)


def rise_us(step: Step) -> tuple[float, Interval] | None:
    """How much the mean rises: write by write where the delays were the same, else of all writes.
    None where a fault cut either run's latencies off, so that neither has a mean."""
    if step.is_paired:
        return float(mean(step.differences_us)), mean_interval(step.differences_us, step.dependence)
    if cut_off(step.low) or cut_off(step.high):
        return None
    return welch(latencies_us(step.low), latencies_us(step.high))


def latencies_us(run: Run) -> list[int]:
    return [write.latency_us for write in run.acknowledged]


def is_dependent(run: Run) -> bool:
    """Whether the latencies of a run hang together: then one run is no verdict."""
    return Dependence.of(latencies_us(run), run.at_once).is_dependent


def predicted_mean_us(run: Run) -> float | None:
    """The mean of the W-th of N delays that are uniform between 0 and the greatest. Followers that
    are slower than that from before the load until after it come last. None of any other fault, of
    other delays, and where a slow follower's acknowledgement is waited for."""
    network, slow = run.config["network"], 0
    if network.get("min_delay_ms") != 0 or "follower" in network:
        return None
    for fault, ended in spans(run):
        if fault.kind != "slow" or fault.begun_us > 0 or ended < math.inf or added_ms(fault) < network["max_delay_ms"]:
            return None
        slow += 1
    fast = len(run.followers) - slow
    return network["max_delay_ms"] * 1000 * run.quorum / (fast + 1) if run.quorum <= fast else None


def added_ms(fault: Fault) -> int:
    """What a slow fault adds to each delay, as in `+1500 ms`."""
    return int("".join(character for character in fault.detail if character.isdigit()))


def judge(steps: list[Step]) -> str | None:
    """Confirmed if the mean rises beyond chance at every step; refuted if it does not at one, or
    rises by less than the delays alone would make it; no verdict where latencies hang together. None
    where that it rises by less rests on how many tests the page makes, which is not counted here."""
    rises = [(step, rise_us(step)) for step in steps]
    directions = []
    for step, rise in rises:
        if rise is None:
            continue
        predicted = [predicted_mean_us(run) for run in (step.low, step.high)]
        expected = max(0, predicted[1] - predicted[0]) if None not in predicted else 0
        lower, upper = rise[1]
        if is_dependent(step.low) or is_dependent(step.high):
            return "not_testable"
        if lower is not None and lower > 0:
            directions.append("rises")
        else:
            directions.append("no" if upper is not None and upper < 0 else "unclear")
            if upper is not None and 0 <= upper < expected:
                return None
    if "no" in directions:
        return "refuted"
    return "confirmed" if directions and "unclear" not in directions else "not_testable"


def claims(runs: list[Run]) -> dict[str, Value]:
    """What became of the statements on latency, by their paths in summary.json: it rises with W,
    and W = 1 has the lowest and W = N the highest."""
    tested = [run for run in runs if 1 <= run.quorum <= len(run.followers) and run.acknowledged]
    lowest = [run for run in tested if run.quorum == 1]
    highest = [run for run in tested if run.quorum == len(run.followers)]
    neighbours = [Step.between(low, high) for low, high in zip(tested, tested[1:])]
    extremes = []
    if lowest and highest and lowest != highest:
        extremes = [Step.between(lowest[0], run) for run in tested if run is not lowest[0]]
        between = [run for run in tested if run not in (*lowest, *highest)]
        extremes += [Step.between(run, highest[0]) for run in between]
    found: dict[str, Value] = {}
    for claim, of_claim in ((0, neighbours), (1, extremes)):
        finding = judge(of_claim)
        if finding is not None:
            found[f"claims[{claim}].finding"] = finding
        shown = [(step, rise) for step in of_claim if (rise := rise_us(step)) is not None]
        for index, (step, (rise, interval)) in enumerate(shown):
            at = f"claims[{claim}].evidence.steps[{index}]"
            found |= {f"{at}.from": step.low.quorum, f"{at}.to": step.high.quorum, f"{at}.is_paired": step.is_paired}
            found |= {f"{at}.rise.value_ms": in_ms(rise)} | interval_of(f"{at}.rise", interval)
    return found
