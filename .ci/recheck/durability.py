"""What acknowledged writes had behind them, and what the leader's death would have cost."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from .compare import Value, bounds
from .copies import Account, numbered

# How much later than its acknowledgement a copy may seem to arrive: what two nodes' clocks may differ by.
CLOCK_US = 1000


def reached_fewer_than_quorum(account: Account) -> int:
    """Acknowledged writes that had reached fewer than W followers when their client heard."""
    run = account.run
    return sum(account.reached(write, write.answered_us + CLOCK_US) < run.quorum for write in numbered(run))


def held_by_fewer_than_quorum(account: Account) -> int:
    """Acknowledged writes that fewer than W followers held, or a newer one, when their client heard."""
    run = account.run
    return sum(len(account.holders(write, write.answered_us)) < run.quorum for write in numbered(run))


def replaced(account: Account) -> tuple[int, int]:
    """Acknowledged writes that an older one replaced on some follower, and how often that was."""
    versions = {write.version for write in numbered(account.run)}
    events = [version for _, version in account.replaced if version in versions]
    return len(set(events)), len(events)


@dataclass(frozen=True)
class Instant:
    """Acknowledged writes by who holds them, from a time on until the next."""

    at_us: int
    holders: Counter[tuple[str, ...]]


def instants(account: Account) -> list[Instant]:
    """Every time at which anything changes, with what is so once all of that time has happened."""
    changes: dict[int, list[tuple[tuple[str, ...] | None, tuple[str, ...]]]] = {at: [] for at in account.times}
    for write in numbered(account.run):
        before = None
        for at_us in [write.answered_us, *(at for at in account.changes(write.key) if at > write.answered_us)]:
            now = tuple(account.holders(write, at_us))
            if now != before:
                changes.setdefault(at_us, []).append((before, now))
            before = now
    found, holders = [Instant(0, Counter())], Counter()
    for at_us in sorted(changes):
        for before, now in changes[at_us]:
            holders[now] += 1
            if before is not None:
                holders[before] -= 1
        found.append(Instant(at_us, +holders))
    return found


@dataclass(frozen=True)
class Course:
    """A number of writes over the load: its average, its most, when that was first, and its end."""

    mean: float
    most: float
    most_at_us: int
    at_end: float

    @staticmethod
    def of(run_instants: list[Instant], load_us: int, count: Callable[[Instant], float]) -> "Course":
        area = most = most_at_us = 0
        for instant, after in zip(run_instants, [*run_instants[1:], None]):
            if instant.at_us > load_us:
                break
            now = count(instant)
            area += now * (min(load_us, after.at_us if after else inf) - max(instant.at_us, 0))
            if now > most:
                most, most_at_us = now, instant.at_us
        return Course(area / load_us, most, most_at_us, count(run_instants[-1]))


def held_by(copies: int) -> Callable[[Instant], int]:
    """Counts the acknowledged writes that exactly so many followers hold."""
    return lambda instant: sum(count for holders, count in instant.holders.items() if len(holders) == copies)


def lost_by(promoted: Callable[[int], list[str]]) -> Callable[[Instant], float]:
    """Counts the acknowledged writes that would be lost if the leader died: on average over those
    that may be promoted in its place, which hold what they hold and no more. All where nobody can."""

    def count(instant: Instant) -> float:
        candidates = promoted(instant.at_us)
        held = [sum(count for holders, count in instant.holders.items() if name in holders) for name in candidates]
        return sum(instant.holders.values()) - (sum(held) / len(held) if held else 0)

    return count


def lost_by_union(account: Account) -> Callable[[Instant], int]:
    """Counts the acknowledged writes that nobody who can be asked holds."""

    def count(instant: Instant) -> int:
        askable = set(account.askable(instant.at_us))
        return sum(count for holders, count in instant.holders.items() if askable.isdisjoint(holders))

    return count


def most_advanced(account: Account) -> Callable[[int], list[str]]:
    """Who has taken up the newest write of all that can be asked; of several the first."""

    def promoted(at_us: int) -> list[str]:
        askable = account.askable(at_us)
        return [max(askable, key=lambda name: account.newest(name, at_us))] if askable else []

    return promoted


def losses(account: Account) -> dict[str, Callable[[Instant], float]]:
    """How many acknowledged writes the leader's death costs, by who takes its place."""
    return {
        "most_advanced": lost_by(most_advanced(account)),
        "random": lost_by(account.askable),
        "union": lost_by_union(account),
    }


def of(account: Account) -> dict[str, Value]:
    """One run's figures, by their paths in its part of summary.json."""
    run, run_instants = account.run, instants(account)
    writes, copies = replaced(account)
    breached = reached_fewer_than_quorum(account)
    found: dict[str, Value] = {
        "durability.acknowledged": len(numbered(run)),
        "durability.overwritten_writes": writes,
        "durability.overwritten_copies": copies,
        "durability.checked": len(numbered(run)),
        "durability.unchecked": 0,
    }
    found |= {"durability.breach.writes": breached} if breached else {"durability.breach": None}
    found |= bounds("durability.held_by_fewer", held_by_fewer_than_quorum(account))
    for level in range(len(run.followers) + 1):
        at, course = f"durability.exposure[{level}]", Course.of(run_instants, run.load_us, held_by(level))
        found |= {f"{at}.copies": level, f"{at}.max_at_ms": course.most_at_us / 1000}
        found |= bounds(f"{at}.mean_writes", course.mean) | bounds(f"{at}.max_writes", course.most)
        found |= bounds(f"{at}.settled_writes", course.at_end)
    leader_died = any(fault.node == "leader" and fault.kind in ("kill", "stop") for fault in run.faults)
    for name, count in losses(account).items():
        course = Course.of(run_instants, run.load_us, count)
        at = f"durability.loss.{name}"
        found |= bounds(f"{at}.mean_writes", course.mean) | bounds(f"{at}.max_writes", course.most)
        if leader_died:
            found |= bounds(f"faults.leader_loss.{name}", course.at_end)
    return found
