"""Where each copy of each write was when: what each follower held, from four kinds of evidence.

- An arrival (arrivals.csv) puts a write on a follower, unless the follower kept a newer one.
  A copy that a leader sent to bring a follower up to date is an arrival like any other.
- An acknowledgement (replication.csv) proves an arrival, also where the follower's own record
  of it died with the follower.
- A kill or a stop (faults.csv) empties a follower.
- A restart brings it back empty.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from math import inf

from .facts import Fault, Run, Write

DEATHS = ("kill", "stop")
# What begins a fault, and what ends it.
ENDS = {"kill": "restart", "stop": "restart", "pause": "resume", "partition": "heal", "slow": "heal"}


def spans(run: Run) -> list[tuple[Fault, float]]:
    """Each fault as it began, and when it ended."""
    found = []
    for index, fault in enumerate(run.faults):
        if fault.kind in ENDS:
            later = (row for row in run.faults[index + 1 :] if (row.node, row.kind) == (fault.node, ENDS[fault.kind]))
            found.append((fault, next((row.ended_us for row in later), inf)))
    return found


@dataclass(frozen=True)
class Arrived:
    """One copy that reached its follower."""

    at_us: int
    version: int
    key: str
    applied: bool


def downtimes(run: Run, node: str) -> list[tuple[int, float]]:
    """When a node was down: from the moment at which its end began until it answered again."""
    return [(fault.begun_us, ended) for fault, ended in spans(run) if fault.node == node and fault.kind in DEATHS]


def unasked(run: Run, node: str) -> list[tuple[int, float]]:
    """When no client could ask a node: while it was down, frozen, or cut off from all."""

    def hides(fault: Fault) -> bool:
        return fault.kind in (*DEATHS, "pause") or fault.kind == "partition" and fault.detail == "from all"

    return [(fault.begun_us, ended) for fault, ended in spans(run) if fault.node == node and hides(fault)]


def arrivals(run: Run, follower: str) -> list[Arrived]:
    """Every copy known to have reached a follower, in order: by its own record, else by the
    acknowledgement that the leader had of it."""
    recorded = [row for row in run.arrivals if row.follower == follower]
    first_us: dict[int, int] = {}
    for row in recorded:
        first_us.setdefault(row.version, row.at_us)
    down = downtimes(run, follower)
    proven = []
    for copy in run.copies:
        if copy.follower != follower or copy.acked_us is None:
            continue
        if first_us.get(copy.version, inf) <= copy.acked_us:
            continue
        # A node that is down takes up nothing: what it acknowledged reached it before.
        at_us = next((begun for begun, ended in down if begun <= copy.acked_us <= ended), copy.acked_us)
        proven.append(Arrived(at_us, copy.version, copy.key, True))
    proven.sort(key=lambda arrival: (arrival.at_us, arrival.version))
    own = [Arrived(row.at_us, row.version, row.key, row.applied) for row in recorded]
    # Stable: what is known by acknowledgement alone was before what a restarted node recorded.
    return sorted(proven + own, key=lambda arrival: arrival.at_us)


def note(changes: tuple[list[int], list[int]], at_us: int, version: int) -> None:
    changes[0].append(at_us)
    changes[1].append(version)


class Account:
    """What each follower held of each key at each time, and when each copy first reached it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        # By follower and key: the times of changes, and the version held from each on (0: none).
        self._changes: dict[tuple[str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        # By follower, the same of the newest version of any key.
        self._newest: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        self._unasked = {follower: unasked(run, follower) for follower in run.followers}
        # By follower and version: when it was first there.
        self.first_us: dict[tuple[str, int], int] = {}
        # Where an older version replaced which, each time.
        self.replaced: list[tuple[str, int]] = []
        # Of these, what the follower then holding an older one had since it was last started.
        self.replaced_alive: set[tuple[str, int]] = set()
        for follower in run.followers:
            self._replay(follower)

    def _replay(self, follower: str) -> None:
        held: dict[str, int] = {}
        downs = [begun for begun, _ in downtimes(self.run, follower)]

        def empty(at_us: int) -> None:
            for key in held:
                self._change(follower, key, at_us, 0)
            held.clear()
            note(self._newest[follower], at_us, 0)
            self.replaced_alive = {(name, version) for name, version in self.replaced_alive if name != follower}

        for arrival in arrivals(self.run, follower):
            while downs and downs[0] < arrival.at_us:
                empty(downs.pop(0))
            self.first_us.setdefault((follower, arrival.version), arrival.at_us)
            before = held.get(arrival.key, 0)
            if not arrival.applied or (self.run.keeps_newest and before > arrival.version):
                continue
            if before > arrival.version:
                self.replaced.append((follower, before))
                self.replaced_alive.add((follower, before))
            held[arrival.key] = arrival.version
            self._change(follower, arrival.key, arrival.at_us, arrival.version)
            newest = max(arrival.version, self.newest(follower, arrival.at_us))
            note(self._newest[follower], arrival.at_us, newest)
        for at_us in downs:
            empty(at_us)

    def _change(self, follower: str, key: str, at_us: int, version: int) -> None:
        note(self._changes[follower, key], at_us, version)

    def held(self, follower: str, key: str, at_us: float) -> int:
        """The version a follower holds of a key once all that happens at that time has; 0: none."""
        times, versions = self._changes.get((follower, key), ([], []))
        index = bisect_right(times, at_us)
        return versions[index - 1] if index else 0

    def changes(self, key: str) -> list[int]:
        """The times at which any follower's value of a key changes, ascending."""
        return sorted({at_us for name in self.run.followers for at_us in self._changes.get((name, key), ([], []))[0]})

    def holds(self, follower: str, write: Write, at_us: float) -> bool:
        """Whether a follower holds a write, or a newer one of its key."""
        return self.held(follower, write.key, at_us) >= write.version

    def holders(self, write: Write, at_us: float) -> list[str]:
        """The followers that hold a write, or a newer one of its key."""
        return [name for name in self.run.followers if self.holds(name, write, at_us)]

    def newest(self, follower: str, at_us: float) -> int:
        """The newest version of any key that a follower took up since it was last started; 0: none."""
        times, versions = self._newest.get(follower, ([], []))
        index = bisect_right(times, at_us)
        return versions[index - 1] if index else 0

    def askable(self, at_us: float) -> list[str]:
        """The followers that can be asked at that time: that are not down, frozen, or cut off from all."""
        return [
            name
            for name in self.run.followers
            if not any(begun <= at_us < ended for begun, ended in self._unasked[name])
        ]

    @property
    def times(self) -> list[int]:
        """When any of this changes, ascending."""
        changes = {at_us for times, _ in self._changes.values() for at_us in times}
        return sorted(changes | {at for spans in self._unasked.values() for span in spans for at in span if at < inf})

    def reached(self, write: Write, at_us: float) -> int:
        """How many followers a write had reached by then, whatever became of it there."""
        times = (self.first_us.get((name, write.version)) for name in self.run.followers)
        return sum(first is not None and first <= at_us for first in times)


def numbered(run: Run) -> list[Write]:
    """The acknowledged writes whose version is known: what can be followed."""
    return [write for write in run.acknowledged if write.version is not None]
