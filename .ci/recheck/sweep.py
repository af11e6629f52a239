"""Many seeds of the experiments with faults, in virtual time: every figure recomputed."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from . import figures
from .compare import Difference, Value, differences

CONFIG = Path(__file__).resolve().parents[2] / "experiments.toml"
EXPERIMENTS = ("follower-crash", "leader-crash", "partition", "slow-follower", "catch-up")


def simulate(labctl: str, experiment: str, seed: int, folder: Path) -> tuple[Path, Path]:
    """Runs every W of an experiment in virtual time. Returns where its data and its report are."""
    data, report = folder / "data", folder / "report"
    command = [labctl, "run", "all", "-e", experiment, "--seed", str(seed), "--backend", "sim"]
    command += ["--config", CONFIG, "--data", data, "--report", report]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{experiment} at seed {seed}: exit {done.returncode}\n{done.stderr}")
    # The default experiment has no folder of its own.
    inside = experiment if (data / experiment).is_dir() else "."
    return data / inside, report / inside


def figures_of(data: Path, report: Path) -> tuple[dict[str, Value], object]:
    """What the raw files say, and what summary.json says."""
    return figures.of(figures.read_runs(data)), json.loads((report / "summary.json").read_text("utf-8"))


def recheck(labctl: str, experiment: str, seed: int) -> tuple[int, list[Difference]]:
    """How many figures one seed of an experiment has, and those that differ."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = figures_of(*simulate(labctl, experiment, seed, Path(folder)))
    return len(ours), differences(ours, theirs)


def sweep(labctl: str, seeds: Iterable[int]) -> list[str]:
    """Rechecks each experiment at each seed. Returns every difference, in words."""
    seeds = list(seeds)
    wrong: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for experiment in EXPERIMENTS:
            found = list(pool.map(partial(recheck, labctl, experiment), seeds))
            texts = [f"{experiment} at seed {seed}: {text}" for seed, (_, texts) in zip(seeds, found) for text in texts]
            checked = sum(count for count, _ in found)
            print(f"{experiment}: {len(seeds)} seeds, {checked} figures, {len(texts)} differ", flush=True)
            wrong += texts
    return wrong
