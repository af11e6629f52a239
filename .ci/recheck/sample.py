"""What is said of a series of numbers: means, quantiles, and their 95 % intervals.

The values of a run that follow each other may hang together. Then the usual intervals, which take
every value for new evidence, are too narrow, and batches of neighbours take the values' place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from .compare import Value, in_ms

PROBABILITIES = {"median": "0.5", "p95": "0.95", "p99": "0.99"}
FEWEST_BATCHES, MOST_BATCHES = 5, 20

Interval = tuple[float | None, float | None]


def mean(values: Sequence[float]) -> Fraction:
    """The mean, exactly."""
    return Fraction(sum(values)) / len(values)


def quantile(values: Sequence[float], p: str) -> Fraction | float:
    """Type 7: linear interpolation between order statistics, infinite beyond the last finite one.
    `p` as text, so that it is exact."""
    ordered = sorted(values)
    place = Fraction(p) * (len(ordered) - 1)
    low, beyond = int(place), place % 1
    if not beyond or ordered[low] == math.inf:
        return ordered[low]
    return ordered[low] + beyond * (ordered[low + 1] - ordered[low])


def standard_error(values: Sequence[float]) -> float:
    """Of the mean of independent values: their deviation (n - 1) over the root of n."""
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1) / len(values))


@cache
def student_quantile(degrees: float) -> float:
    """The 97.5 % quantile of Student's t.

    With t = sqrt(degrees) * tan(a) its density is proportional to cos(a) ** (degrees - 1): that
    is summed by Simpson's rule, and the angle found by halving."""

    def area(to: float) -> float:
        parts = 400
        width = to / parts
        weights = (1 if i in (0, parts) else 4 if i % 2 else 2 for i in range(parts + 1))
        return width / 3 * sum(weight * math.cos(i * width) ** (degrees - 1) for i, weight in enumerate(weights))

    wanted = 0.95 / 2 * math.sqrt(math.pi) * math.exp(math.lgamma(degrees / 2) - math.lgamma((degrees + 1) / 2))
    low, high = 0.0, math.pi / 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if area(middle) < wanted else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def half_width(values: Sequence[float]) -> float:
    """Half of the interval of the mean of independent values."""
    return student_quantile(len(values) - 1) * standard_error(values)


@cache
def quantile_ranks(n: int, p: str) -> tuple[int, int]:
    """Ranks, from 1, of the order statistics around a quantile: the number of n independent values
    below it is binomial, and on either side at most 2.5 % is left out. Beyond 1..n there is none."""
    share = float(Fraction(p))
    below, lower, upper = 0.0, 0, n + 1
    for count in range(n + 1):
        ways = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
        below += math.exp(ways + count * math.log(share) + (n - count) * math.log(1 - share))
        if below <= 0.025:
            lower = count + 1
        if below >= 0.975:
            upper = count + 1
            break
    return lower, upper


def autocorrelation(values: Sequence[float]) -> float | None:
    """Of each value with the next; None of a constant series."""
    if min(values) == max(values):
        return None
    middle = float(mean(values))
    apart = [value - middle for value in values]
    square = sum(value * value for value in apart)
    return sum(one * other for one, other in zip(apart, apart[1:])) / square if square else None


def batches(values: Sequence[float], number: int) -> list[float]:
    """The means of so many runs of neighbours, as long as each other but for one value."""
    cuts = [j * len(values) // number for j in range(number + 1)]
    return [float(mean(values[low:high])) for low, high in zip(cuts, cuts[1:])]


@dataclass(frozen=True)
class Dependence:
    """Whether values that follow each other hang together, into how many batches they then go, and
    why they have no intervals if they have none."""

    lag1: float | None
    is_dependent: bool
    batches: int | None
    no_interval: str | None = None

    @staticmethod
    def of(values: Sequence[float], concurrency: int, is_saturated: bool = False) -> "Dependence":
        """Values hang together where their autocorrelation is above that of 99.9 % of independent
        series. Batches are at least two windows long, longer while they still hang together, and
        never fewer than five. None where a cluster was saturated in real time. What never came is
        as late as the latest that did."""
        latest = max((value for value in values if value != math.inf), default=0)
        values = [min(value, latest) for value in values]
        lag1 = autocorrelation(values) if len(values) > 1 else None
        if lag1 is None or len(values) < 20 or lag1 <= 3.0902 / math.sqrt(len(values)):
            return Dependence(lag1, False, None)
        number = min(MOST_BATCHES, len(values) // (2 * max(concurrency, 1)))
        if is_saturated or number < FEWEST_BATCHES:
            return Dependence(lag1, True, None, "saturated" if is_saturated else "too_short")
        while number > FEWEST_BATCHES and (autocorrelation(batches(values, number)) or 0) > 1.645 / math.sqrt(number):
            number = max(number // 2, FEWEST_BATCHES)
        return Dependence(lag1, True, number)


def mean_interval(values: Sequence[float], dependence: Dependence) -> Interval:
    """Student's interval of a mean: of the values, or of their batches where they hang together."""
    if len(values) < 2 or dependence.is_dependent and dependence.batches is None:
        return None, None
    middle = float(mean(values))
    half = half_width(batches(values, dependence.batches) if dependence.batches else values)
    return middle - half, middle + half


def quantile_interval(values: Sequence[float], p: str, dependence: Dependence) -> Interval:
    """Order statistics around a quantile: by the binomial distribution, or, where values hang
    together, by how the share below it differs between batches (Woodruff 1952)."""
    if dependence.is_dependent and dependence.batches is None:
        return None, None
    ordered, n = sorted(values), len(values)
    if dependence.batches:
        at = quantile(values, p)
        share = float(Fraction(p))
        # The few values beyond a tail's quantile come together: the longest batches see them best.
        number = FEWEST_BATCHES if min(share, 1 - share) < 0.05 else dependence.batches
        half = half_width(batches([int(value <= at) for value in values], number))
        # And one run may have met too few of them to tell how far beyond the quantile may be.
        lower = math.floor(n * (share - half)) if share >= 0.05 else 0
        upper = math.ceil(n * (share + half)) + 1 if 1 - share > 0.05 - 1e-9 else n + 1
    else:
        lower, upper = quantile_ranks(n, p)
    ends = (ordered[rank - 1] if 1 <= rank <= n else math.inf for rank in (lower, upper))
    return tuple(None if end == math.inf else end for end in ends)


def interval_of(path: str, interval: Interval) -> dict[str, Value]:
    """An interval as summary.json has it."""
    return {f"{path}.interval_ms.lower": in_ms(interval[0]), f"{path}.interval_ms.upper": in_ms(interval[1])}


def mean_of(path: str, values_us: Sequence[float], dependence: Dependence) -> dict[str, Value]:
    """A mean and its interval as summary.json has them; null of no values."""
    if not values_us:
        return {path: None}
    found: dict[str, Value] = {f"{path}.value_ms": in_ms(mean(values_us)), f"{path}.n": len(values_us)}
    return found | interval_of(path, mean_interval(values_us, dependence))


def quantiles_of(
    path: str, values_us: Sequence[float], dependence: Dependence, probabilities: dict[str, str] = PROBABILITIES
) -> dict[str, Value]:
    """Quantiles and their intervals as summary.json has them; null of no values."""
    found: dict[str, Value] = {}
    for name, p in probabilities.items():
        if values_us:
            found[f"{path}.{name}.value_ms"] = in_ms(quantile(values_us, p))
            found |= interval_of(f"{path}.{name}", quantile_interval(values_us, p, dependence))
        else:
            found[f"{path}.{name}"] = None
    return found


def dependence_of(path: str, dependence: Dependence) -> dict[str, Value]:
    """What is said of a series' dependence in summary.json."""
    return {
        f"{path}.dependence.lag1": dependence.lag1,
        f"{path}.dependence.is_dependent": dependence.is_dependent,
        f"{path}.dependence.batches": dependence.batches,
        f"{path}.dependence.no_interval": dependence.no_interval,
    }
