"""Holds recomputed figures against those of summary.json.

Figures are told by their path in summary.json, as in `runs[W=2].lag.mean.value_ms`. A path is
looked up in the JSON that labctl wrote: one that is not there is a difference as well.
"""

import re
from dataclasses import dataclass

Value = float | int | str | bool | None

# labctl prints nine significant digits.
RELATIVE = 2e-8
# The end of an interval is a difference of two numbers, up to thousands of milliseconds: close to zero,
# the accuracy of the quantile of Student's t, a billionth, is all that is left of its digits.
ABSOLUTE = 1e-8


@dataclass(frozen=True)
class Difference:
    """A figure that is not what the raw files say."""

    figure: str
    ours: Value
    theirs: object

    def __str__(self) -> str:
        return f"{self.figure}: recomputed {show(self.ours)}, summary.json has {show(self.theirs)}"


class Missing:
    """Stands for a figure that summary.json does not have."""

    def __repr__(self) -> str:
        return "no such figure"


def show(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float) else repr(value) if isinstance(value, Missing) else str(value)


def look_up(summary: object, path: str) -> object:
    """What summary.json has at a path: names and indices, and `[W=2]` for the run of a quorum.
    `Missing` where any part of it is not there."""
    found = summary
    for name, index, quorum in re.findall(r"(\w+)|\[(\d+)\]|\[W=(\d+)\]", path.replace("[W=", "[W=")):
        found = step(found, name, index, quorum)
    return found


def step(found: object, name: str, index: str, quorum: str) -> object:
    if name and isinstance(found, dict) and name in found:
        return found[name]
    if index and isinstance(found, list) and int(index) < len(found):
        return found[int(index)]
    if quorum and isinstance(found, list):
        return next((run for run in found if run.get("quorum") == int(quorum)), Missing())
    return Missing()


def agree(ours: Value, theirs: object) -> bool:
    """Whether two figures are one: numbers to the digits that are printed, all else exactly."""
    if isinstance(ours, bool) or isinstance(theirs, bool) or not isinstance(ours, (int, float)):
        return type(ours) is type(theirs) and ours == theirs
    return isinstance(theirs, (int, float)) and abs(ours - theirs) <= ABSOLUTE + RELATIVE * abs(ours)


def differences(ours: dict[str, Value], summary: object) -> list[Difference]:
    """Every recomputed figure that summary.json lacks or has otherwise."""
    looked_up = ((path, value, look_up(summary, path)) for path, value in ours.items())
    return [Difference(path, value, theirs) for path, value, theirs in looked_up if not agree(value, theirs)]


def bounds(path: str, value: Value) -> dict[str, Value]:
    """A figure that summary.json has with a lower and an upper end, and that is exact here."""
    return {f"{path}.lower": value, f"{path}.upper": value}


def in_ms(us: float | None) -> float | None:
    """Microseconds as milliseconds."""
    return None if us is None else float(us) / 1000
