"""The original lab's statements, each held against the data.

A statement is `confirmed`, `refuted` or `not_testable`. How an experiment whose runs were not
disturbed might have ended otherwise is the model's to say, not the data's: here every such run
may end otherwise that has no mechanism against it.
"""

from dataclasses import dataclass

from . import consistency, durability
from .compare import Value
from .copies import Account
from .facts import Run


def lost_nothing(run: Run) -> bool:
    """Whether nothing was broken and each write reached each follower: every copy acknowledged."""
    whole = len(run.copies) == len(run.writes) * len(run.followers)
    return not run.config.get("faults") and whole and all(copy.outcome == "acked" for copy in run.copies)


def mechanism(run: Run) -> str | None:
    """Why the run's followers could not but end as their leader did, if they could not."""
    network, workload = run.config["network"], run.config["workload"]
    if not lost_nothing(run) and network.get("catch_up") != "snapshot":
        return None
    if run.keeps_newest:
        return "versions"
    in_rotation = workload.get("key_order", "rotation") == "rotation"
    if in_rotation and workload["writes"] <= workload["keys"]:
        return "written_once"
    alone = workload["concurrency"] == 1
    apart = in_rotation and workload["pacing"] == "batch" and workload["concurrency"] <= workload["keys"]
    all_waited = run.quorum == len(run.followers) and len(run.acknowledged) == len(run.writes)
    return "no_overlap" if lost_nothing(run) and all_waited and (alone or apart) else None


@dataclass(frozen=True)
class Ending:
    """How one run ended, and whether it might have ended otherwise."""

    quorum: int
    verdict: str
    diverged: int
    replaced: int
    mechanism: str | None
    might_differ: bool

    @staticmethod
    def of(account: Account) -> "Ending":
        run = account.run
        verdict = consistency.verdict(run)
        diverged = sum(pair.state != "match" for pair in consistency.pairs(run, run.settled))
        replaced, _ = durability.replaced(account)
        why = mechanism(run)
        modelled = not run.config.get("faults") and run.config["network"].get("catch_up") != "snapshot"
        differs = verdict == "inconsistent" and diverged > 0 or replaced > 0
        return Ending(run.quorum, verdict, diverged, replaced, why, differs or modelled and why is None)

    @property
    def had_to_match(self) -> bool:
        """Whether the followers matched, and could not but match."""
        return self.mechanism is not None and self.verdict == "consistent" and self.replaced == 0


def inconsistent_below_n(below: list[Ending]) -> str:
    """Followers are inconsistent for W < N."""
    if any(ending.had_to_match for ending in below):
        return "refuted"
    shown = below and all(ending.verdict != "unknown" and ending.might_differ for ending in below)
    return "confirmed" if shown else "not_testable"


def consistent_at_n(ending: Ending | None) -> str:
    """Followers are consistent at W = N: one run that matched is no proof, a mechanism is."""
    if ending is None or ending.verdict == "unknown":
        return "not_testable"
    if ending.might_differ:
        return "refuted"
    return "confirmed" if ending.had_to_match else "not_testable"


def of(accounts: list[Account]) -> dict[str, Value]:
    """What became of each statement on consistency, by their paths in summary.json."""
    followers = len(accounts[0].run.followers)
    endings = [Ending.of(account) for account in accounts]
    below = [ending for ending in endings if ending.quorum < followers]
    at_n = [ending for ending in endings if ending.quorum == followers]
    below_n, guaranteed = inconsistent_below_n(below), consistent_at_n(at_n[0] if at_n else None)
    # Guaranteed at W = N only: any counterexample refutes it, and nothing else shows it.
    only_at_n = "refuted" if "refuted" in (below_n, guaranteed) else "not_testable"
    found: dict[str, Value] = {
        "claims[3].finding": below_n,
        "claims[4].finding": guaranteed,
        "claims[5].finding": only_at_n,
    }
    for claim, of_claim in ((3, below), (4, at_n)):
        for index, ending in enumerate(of_claim):
            at = f"claims[{claim}].evidence.runs[{index}]"
            found |= {
                f"{at}.quorum": ending.quorum,
                f"{at}.verdict": ending.verdict,
                f"{at}.diverged": ending.diverged,
                f"{at}.replaced": ending.replaced,
                f"{at}.mechanism": ending.mechanism,
            }
    return found
