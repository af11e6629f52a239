"""What the followers held against their leader, from the dumps alone."""

from collections import Counter

from dataclasses import dataclass

from .compare import Value
from .copies import Account
from .facts import LEADER, Run

STATES = ("match", "stale", "missing", "foreign")




@dataclass(frozen=True)
class Pair:
    """One follower and one key that both could be asked for."""

    follower: str
    key: str
    state: str


def pairs(run: Run, dumps: dict[str, dict]) -> list[Pair]:
    """The state of each (follower, key), of nodes that could be asked: `match`, the leader's value;
    `stale`, another one that was written to that key; `missing`, none; `foreign`, one that never
    was written."""
    if LEADER not in dumps:
        return []
    leader = dumps[LEADER]["store"]
    written = {(write.key, write.value) for write in run.writes}

    def state(own: dict[str, str], key: str) -> str:
        if key not in own:
            return "missing"
        if own[key] == leader.get(key):
            return "match"
        return "stale" if key in leader and (key, own[key]) in written else "foreign"

    stores = [(name, dumps[name]["store"]) for name in run.followers if name in dumps]
    return [Pair(name, key, state(own, key)) for name, own in stores for key in sorted(leader.keys() | own.keys())]


def counts(of_pairs: list[Pair]) -> Counter[str]:
    """How many pairs are in each state."""
    return Counter(pair.state for pair in of_pairs)


def cause(account: Account, pair: Pair) -> str:
    """Why a settled pair differs: the leader's version never reached the follower (`lost`), was
    there and died with it (`erased`), or was there and an older one came after it (`overtaken`)."""
    newest = account.run.settled[LEADER]["versions"][pair.key]
    if (pair.follower, newest) not in account.first_us:
        return "lost"
    return "overtaken" if (pair.follower, newest) in account.replaced_alive else "erased"


def verdict(run: Run) -> str:
    """Whether the followers ended as their leader did: unknown where something was in flight, or
    where a node could not be asked and no other differs."""
    if not run.manifest["settled"] or LEADER not in run.settled:
        return "unknown"
    if any(pair.state != "match" for pair in pairs(run, run.settled)):
        return "inconsistent"
    return "consistent" if all(name in run.settled for name in run.followers) else "unknown"


def of(account: Account) -> dict[str, Value]:
    """One run's figures, by their paths in its part of summary.json."""
    run = account.run
    found: dict[str, Value] = {"consistency.verdict": verdict(run)}
    for moment, dumps in (("at_last_ack", run.at_last_ack), ("settled", run.settled)):
        count = counts(pairs(run, dumps))
        found |= {f"consistency.{moment}.total.{state}": count[state] for state in STATES}
    differing = [pair for pair in pairs(run, run.settled) if pair.state != "match"]
    for index, pair in enumerate(differing):
        at = f"consistency.settled.differing[{index}]"
        found |= {f"{at}.follower": pair.follower, f"{at}.key": pair.key, f"{at}.state": pair.state}
        found[f"{at}.cause.kind"] = cause(account, pair)
    return found
