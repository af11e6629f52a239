"""Write latency, and what the software added to it."""

from fractions import Fraction

from .compare import Value, in_ms
from .facts import Copy, Run
from .faults import cut_off, is_disturbed
from .sample import Dependence, dependence_of, mean, mean_of, quantile, quantiles_of

# The share of latency that is not injected delay from which on it is mostly waiting in a queue.
SATURATED = 0.5
OVERHEAD_PROBABILITIES = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}


def copies_of(run: Run) -> dict[int, list[Copy]]:
    """By write: its copies, in the order of their followers."""
    found: dict[int, list[Copy]] = {}
    for copy in run.copies:
        found.setdefault(copy.write, []).append(copy)
    for copies in found.values():
        copies.sort(key=lambda copy: copy.follower)
    return found


def overheads_us(run: Run) -> dict[int, int]:
    """By acknowledged write whose delays are all known, and that was under way in no fault: its
    latency less the W-th smallest of the delays injected into its copies and their
    acknowledgements."""
    copies, found = copies_of(run), {}
    for write in run.acknowledged:
        of_write = copies.get(write.number, [])
        if len(of_write) == len(run.followers) and not is_disturbed(run, write):
            injected = sorted(copy.delay_us + copy.ack_delay_us for copy in of_write)
            found[write.number] = write.latency_us - (injected[run.quorum - 1] if run.quorum else 0)
    return found


def duration_us(run: Run) -> int:
    """From the first write's start to the last answer."""
    return max(write.answered_us for write in run.writes) - min(write.start_us for write in run.writes)


def in_flight(run: Run) -> Fraction:
    """How many writes were under way on average (Little's law)."""
    return Fraction(sum(write.latency_us for write in run.writes), duration_us(run))


def of(run: Run) -> dict[str, Value]:
    """One run's figures, by their paths in its part of summary.json."""
    outcomes = (("n", "ok"), ("failed", "failed"), ("unknown", "unknown"))
    found: dict[str, Value] = {
        f"latency.{name}": sum(write.outcome == outcome for write in run.writes) for name, outcome in outcomes
    }
    concurrency = run.at_once
    values, least = [write.latency_us for write in run.acknowledged], cut_off(run)
    dependence = Dependence.of(values, concurrency, is_saturated_in_real_time(run))
    # A mean of those that were quick enough to be answered before the fault is no mean.
    whole = [] if least else values
    found["latency.cut_off"] = len(least)
    found["latency.missed_in_fault"] = sum(write.outcome != "ok" and is_disturbed(run, write) for write in run.writes)
    found["latency.mean_at_least_ms"] = in_ms(mean([*values, *least.values()])) if least else None
    found |= mean_of("latency.mean", whole, dependence) | quantiles_of("latency", whole, dependence)
    found |= dependence_of("latency", dependence)
    found["load.in_flight"] = float(in_flight(run))
    found["load.rate_per_s"] = len(values) * 1e6 / duration_us(run)
    return found | of_overhead(run)


def share_of_latency(run: Run) -> float | None:
    """The share of the latency of the writes whose overhead is known that was overhead."""
    by_write = overheads_us(run)
    latencies = sum(write.latency_us for write in run.acknowledged if write.number in by_write)
    return sum(by_write.values()) / latencies if latencies else None


def is_saturated(run: Run) -> bool:
    """Whether writes mostly waited for each other."""
    share = share_of_latency(run)
    if share is None or share < SATURATED:
        return False
    if run.is_open:
        ok = sorted(run.acknowledged, key=lambda write: (write.start_us, write.number))
        halves = ok[: len(ok) // 2], ok[len(ok) // 2 :]
        first, second = (quantile([write.latency_us for write in half], "0.5") for half in halves)
        return second >= 2 * first
    return run.at_once > 1


def is_saturated_in_real_time(run: Run) -> bool:
    """Whether they did on a real machine, where one run does not show how much runs differ."""
    return run.manifest["backend"]["name"] != "sim" and is_saturated(run)


def of_overhead(run: Run) -> dict[str, Value]:
    """The figures of what the software added to the injected delays, and of the first writes' share."""
    by_write = overheads_us(run)
    added = [by_write[write.number] for write in run.acknowledged if write.number in by_write]
    dependence = Dependence.of(added, run.at_once, is_saturated_in_real_time(run))
    found: dict[str, Value] = {
        "overhead.n": len(added),
        "overhead.share_of_latency": share_of_latency(run),
        "load.is_saturated": is_saturated(run),
    }
    found |= dependence_of("overhead", dependence)
    # What the first window of writes cost, which found nothing warmed up, beside the others.
    first = [value for number, value in by_write.items() if number < min(run.at_once, len(run.writes) / 2)]
    rest = added[len(first) :]
    if first and rest:
        found["overhead.warm_up.p50_ms"] = in_ms(quantile(first, "0.5"))
        found["overhead.warm_up.rest_p50_ms"] = in_ms(quantile(rest, "0.5"))
    return found | quantiles_of("overhead", added, dependence, OVERHEAD_PROBABILITIES)
