"""How far followers lag, and what a read from some of them would have missed or returned."""

import math
from fractions import Fraction
from math import comb, inf

from .compare import Value, bounds, in_ms
from .copies import Account, numbered
from .facts import Write
from .latency import is_saturated_in_real_time
from .sample import Dependence, dependence_of, interval_of, mean_of, quantile, quantile_interval, quantile_ranks

LAG_PROBABILITIES = {"median": "0.5", "p95": "0.95", "p99": "0.99"}
VISIBLE_PROBABILITIES = {"p50": "0.5", "p90": "0.9", "p99": "0.99", "p999": "0.999"}

# Fewer (write, follower) pairs than so many beyond a quantile say how great it is at least, no more.
FEWEST_BEYOND = 4


def waits_us(account: Account, write: Write) -> list[float]:
    """By follower: from a write's acknowledgement until it first arrived there; 0 where it had
    before, infinite where it never did."""
    first = [account.first_us.get((name, write.version), inf) for name in account.run.followers]
    return [max(0, at_us - write.answered_us) for at_us in first]


def lags_us(account: Account) -> list[float]:
    """By acknowledged write: from its acknowledgement until the last follower had it."""
    return [max(waits_us(account, write)) for write in numbered(account.run)]


def misses_write(account: Account, replicas: int) -> Fraction:
    """The chance that none of so many followers, chosen at random among all, had received a write
    when its client heard. The mean over acknowledged writes; each counts alone."""

    def chance(write: Write) -> Fraction:
        without = sum(wait > 0 for wait in waits_us(account, write))
        return Fraction(comb(without, replicas), comb(len(account.run.followers), replicas))

    writes = numbered(account.run)
    return sum(map(chance, writes), Fraction()) / len(writes)


def returns_older(account: Account, replicas: int) -> Fraction:
    """The chance that each of so many followers, chosen at random among those that could be asked
    (at most all of these), held nothing or something older for a write's key when its client heard.
    The mean over acknowledged writes: what reads would have returned, whatever was replaced or died."""

    def chance(write: Write) -> Fraction:
        askable = account.askable(write.answered_us)
        older = sum(not account.holds(name, write, write.answered_us) for name in askable)
        asked = min(replicas, len(askable))
        return Fraction(comb(older, asked), comb(len(askable), asked))

    writes = numbered(account.run)
    return sum(map(chance, writes), Fraction()) / len(writes)


def dependence_in(account: Account, values_us: list[float]) -> Dependence:
    """Whether values of writes that follow each other hang together."""
    run = account.run
    return Dependence.of(values_us, run.at_once, is_saturated_in_real_time(run))


def dependence_of_waits(account: Account) -> Dependence:
    """Whether writes hang together in when a random follower has them, by the mean wait of each in
    whole microseconds. What never came is as late as the latest that did."""
    waits = [waits_us(account, write) for write in numbered(account.run)]
    latest = max((wait for of_write in waits for wait in of_write if wait != inf), default=0)
    means = (Fraction(sum(min(wait, latest) for wait in of_write), len(of_write)) for of_write in waits)
    return dependence_in(account, [math.floor(mean + Fraction(1, 2)) for mean in means])


def visible_after(account: Account, p: str) -> dict[str, Value] | None:
    """How long after a write's acknowledgement this share of (acknowledged write, follower) pairs
    had the write: the least such wait; None where so many never did. Too few pairs beyond say only
    how long it is at least, by the lower end of the quantile's interval; but a write that had
    arrived when its client heard was there at once, however few there are. Of writes that hang
    together they say nothing."""
    waits = sorted(wait for write in numbered(account.run) for wait in waits_us(account, write))
    after_us = waits[math.ceil(Fraction(p) * len(waits)) - 1]
    is_bounded = after_us == 0 or len(waits) * (1 - Fraction(p)) >= FEWEST_BEYOND
    if not is_bounded and dependence_of_waits(account).is_dependent:
        return {"ms": None, "interval_ms.lower": None}
    least_us = after_us if is_bounded else waits[max(quantile_ranks(len(waits), p)[0], 1) - 1]
    if least_us == inf:
        return None
    return {"ms": in_ms(after_us)} if is_bounded else {"ms": None, "interval_ms.lower": in_ms(least_us)}


def of_lag(account: Account) -> dict[str, Value]:
    """The figures of lag. One that a write that never arrived would make infinite is left out."""
    lags = lags_us(account)
    never = sum(lag == inf for lag in lags)
    found: dict[str, Value] = {"lag.n": len(lags), "lag.not_exact": 0, "lag.at_latest": None}
    found |= bounds("lag.never_everywhere", never)
    dependence = dependence_in(account, lags)
    found |= dependence_of("lag", dependence)
    found |= {"lag.mean": None, "lag.max_ms": None} if never else mean_of("lag.mean", lags, dependence)
    for name, p in LAG_PROBABILITIES.items():
        value = quantile(lags, p)
        if value == inf:
            found[f"lag.{name}"] = None
            continue
        found[f"lag.{name}.value_ms"] = in_ms(value)
        found |= interval_of(f"lag.{name}", quantile_interval(lags, p, dependence))
    return found | bounds("lag.behind_at_ack", float(misses_write(account, 1)))


def of(account: Account) -> dict[str, Value]:
    """One run's figures, by their paths in its part of summary.json."""
    found = of_lag(account)
    found |= {"staleness.n": len(numbered(account.run)), "staleness.not_exact": 0}
    for replicas in range(1, len(account.run.followers) + 1):
        at = f"staleness.at_ack[{replicas - 1}]"
        found |= bounds(f"{at}.misses_write", float(misses_write(account, replicas)))
        found |= bounds(f"{at}.returns_older", float(returns_older(account, replicas)))
    found |= dependence_of("staleness.reads[0]", dependence_of_waits(account))
    at = "staleness.reads[0].from_trace"
    found[f"{at}.stale_at_ack.value"] = float(misses_write(account, 1))
    for name, p in VISIBLE_PROBABILITIES.items():
        visible = visible_after(account, p)
        found |= {f"{at}.{name}": None} if visible is None else {f"{at}.{name}.{k}": v for k, v in visible.items()}
    return found
