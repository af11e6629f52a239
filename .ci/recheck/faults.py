"""What faults did: to the writes that met them, and to the followers that came back."""

from math import inf

from . import consistency
from .compare import Value
from .copies import Account, spans
from .facts import LEADER, Run, Write

def is_disturbed(run: Run, write: Write) -> bool:
    """Whether a write was under way at any time of any fault."""
    return any(fault.begun_us <= write.answered_us and write.start_us <= ended for fault, ended in spans(run))


def cut_off(run: Run) -> dict[int, int]:
    """By write: microseconds from its start to the first fault that began while it was under way,
    of writes that were then not acknowledged: it would have taken at least so long."""
    found = {}
    for write in run.writes:
        begun = [fault.begun_us for fault, _ in spans(run)]
        met = [at_us for at_us in begun if at_us > 0 and write.start_us < at_us <= write.answered_us]
        if met and write.outcome != "ok":
            found[write.number] = min(met) - write.start_us
    return found


def of(account: Account) -> dict[str, Value]:
    """One run's figures, by their paths in its part of summary.json."""
    run = account.run
    met = [write for write in run.writes if is_disturbed(run, write)]
    if not spans(run):
        return {}
    found: dict[str, Value] = {
        "faults.met": len(met),
        "faults.missed": sum(write.outcome != "ok" for write in met),
    }
    back = {fault.node for fault, ended in spans(run) if ended < inf}
    known = run.manifest["settled"] and LEADER in run.settled
    for index, follower in enumerate(name for name in run.followers if name in back):
        at = f"faults.returned[{index}]"
        differing = [pair for pair in consistency.pairs(run, run.settled) if pair.follower == follower]
        causes = [consistency.cause(account, pair) for pair in differing if pair.state != "match"]
        is_known = known and follower in run.settled
        missed = sum(cause in ("lost", "erased") for cause in causes)
        found |= {f"{at}.follower": follower, f"{at}.caught_up": missed == 0 if is_known else None}
    return found
