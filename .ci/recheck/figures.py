"""Every figure that is recomputed, by its path in summary.json."""

from pathlib import Path

from . import claims, consistency, durability, faults, latency, reads, steps
from .compare import Value
from .copies import Account
from .facts import Run, read_run


def read_runs(data: Path) -> list[Run]:
    """The runs of one experiment, by W."""
    folders = [path for path in data.iterdir() if path.name[:1] == "W" and path.name[1:].isdigit()]
    return sorted((read_run(folder) for folder in folders), key=lambda run: run.quorum)


def of(runs: list[Run]) -> dict[str, Value]:
    """The figures of one experiment's runs."""
    found: dict[str, Value] = {}
    accounts = [Account(run) for run in runs]
    for account in accounts:
        parts = [latency.of(account.run), *(part.of(account) for part in (faults, consistency, durability, reads))]
        found |= {f"runs[W={account.run.quorum}].{path}": value for part in parts for path, value in part.items()}
    return found | steps.of_neighbours(runs) | steps.of_whole(runs) | steps.claims(runs) | claims.of(accounts)
