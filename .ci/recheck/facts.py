"""The raw files of a run, as they are: no figure is computed here."""

import csv
import json
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

LEADER = "leader"


@dataclass(frozen=True)
class Write:
    """One client write (writes.csv). Times are microseconds from the run's start."""

    number: int
    key: str
    value: str
    version: int | None
    start_us: int
    latency_us: int
    outcome: str
    sent_us: int

    @property
    def answered_us(self) -> int:
        return self.start_us + self.latency_us


@dataclass(frozen=True)
class Copy:
    """One write on its way to one follower, as the leader saw it (replication.csv)."""

    write: int
    version: int
    key: str
    follower: str
    delay_us: int
    ack_delay_us: int
    sent_us: int | None
    acked_us: int | None
    outcome: str


@dataclass(frozen=True)
class Arrival:
    """One replicate request that reached a follower, as that follower saw it (arrivals.csv)."""

    follower: str
    version: int
    key: str
    applied: bool
    at_us: int
    is_catch_up: bool


@dataclass(frozen=True)
class Fault:
    """One thing that was done to a node on purpose (faults.csv)."""

    begun_us: int
    ended_us: int
    node: str
    kind: str
    detail: str


@dataclass
class Run:
    """One run: everything its directory holds that a figure is made of."""

    folder: Path
    manifest: dict
    writes: list[Write]
    copies: list[Copy]
    arrivals: list[Arrival]
    faults: list[Fault]
    settled: dict[str, dict] = field(default_factory=dict)
    at_last_ack: dict[str, dict] = field(default_factory=dict)

    @property
    def quorum(self) -> int:
        return self.manifest["quorum"]

    @property
    def config(self) -> dict:
        return self.manifest["config"]

    @cached_property
    def followers(self) -> list[str]:
        return [f"f{index}" for index in range(1, self.config["followers"] + 1)]

    @cached_property
    def is_open(self) -> bool:
        """Whether writes started at their own times, whether or not others had ended."""
        return self.config["workload"]["pacing"] == "open"

    @cached_property
    def at_once(self) -> int:
        """Most writes under way together: as the plan says, or as it came about in an open loop."""
        if not self.is_open:
            return self.config["workload"]["concurrency"]
        ended = sorted(write.answered_us for write in self.writes)
        sent = enumerate(sorted(write.sent_us for write in self.writes))
        return max(1, max(started + 1 - bisect_right(ended, at) for started, at in sent))

    @property
    def load_us(self) -> int:
        return self.manifest["load_us"]

    @cached_property
    def acknowledged(self) -> list[Write]:
        return [write for write in self.writes if write.outcome == "ok"]

    @property
    def keeps_newest(self) -> bool:
        """Whether followers compare versions, instead of keeping what came last."""
        return self.config["network"]["order"] == "version"


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column name; none where there is no such file."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def whole(text: str) -> int | None:
    """A whole number, or None for an empty field."""
    return int(text) if text else None


def stores(folder: Path, nodes: list[str]) -> dict[str, dict]:
    """The dumps of one moment that could be taken: {node: {"store": ..., "versions": ...}}."""
    paths = {node: folder / f"{node}.json" for node in nodes}
    return {node: json.loads(path.read_text("utf-8")) for node, path in paths.items() if path.is_file()}


def read_run(folder: Path) -> Run:
    """Reads data/.../W<n>."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    run = Run(
        folder=folder,
        manifest=manifest,
        writes=[
            Write(
                int(row["write"]),
                row["key"],
                row["value"],
                whole(row["version"]),
                int(row["start_us"]),
                int(row["latency_us"]),
                row["outcome"],
                int(row.get("sent_us") or row["start_us"]),
            )
            for row in rows(folder / "writes.csv")
        ],
        copies=[
            Copy(
                int(row["write"]),
                int(row["version"]),
                row["key"],
                row["follower"],
                int(row["delay_us"]),
                int(row.get("ack_delay_us") or 0),
                whole(row["sent_us"]),
                whole(row["acked_us"]),
                row["outcome"],
            )
            for row in rows(folder / "replication.csv")
        ],
        arrivals=[
            Arrival(
                row["follower"],
                int(row["version"]),
                row["key"],
                row["applied"] == "true",
                int(row["at_us"]),
                row.get("catch_up") == "true",
            )
            for row in rows(folder / "arrivals.csv")
        ],
        faults=[
            Fault(int(row["begun_us"]), int(row["ended_us"]), row["node"], row["kind"], row["detail"])
            for row in rows(folder / "faults.csv")
        ],
    )
    nodes = [LEADER, *run.followers]
    run.settled = stores(folder, nodes)
    run.at_last_ack = stores(folder / "at-last-ack", nodes)
    return run
