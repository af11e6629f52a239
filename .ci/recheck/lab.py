"""The default experiment as the README's main job runs it: W = 1..5, five followers, a delay of
0..1000 ms, 100 writes, 10 keys. What must come out is known beforehand."""

import json
import re
import statistics
import struct
from fractions import Fraction
from pathlib import Path

from .facts import rows
from .sample import quantile

QUORUMS = range(1, 6)
NODES = ["leader", "f1", "f2", "f3", "f4", "f5"]
COLUMNS = (
    "quorum,n,failed,unknown,mean_ms,median_ms,p95_ms,p99_ms,predicted_mean_ms,predicted_median_ms,"
    "predicted_p95_ms,predicted_p99_ms,overhead_p50_ms,overhead_p99_ms,behind_at_last_ack,diverged,wall_s,"
    "writes_in_gaps"
).split(",")
# Order statistics of five delays U(0, 1000) ms: mean, median, p95, p99.
PREDICTED = {
    1: (166.7, 129.4, 450.7, 601.9),
    2: (333.3, 313.8, 657.4, 777.9),
    3: (500.0, 500.0, 810.7, 894.4),
    4: (666.7, 686.2, 923.6, 967.3),
    5: (833.3, 870.6, 989.8, 998.0),
}
# Per-write overhead in ms (p50, p99) and seconds of start and end a quorum.
BOUNDS = {"compose": (4, 15, 5.0), "process": (2, 8, 0.7), "sim": (0, 0, 0)}

failures = []


def expect(true, text):
    if not true:
        failures.append(text)


def same(text, value):
    """Whether a printed number is this value, to its last digit."""
    decimals = len(text.partition(".")[2])
    return abs(Fraction(text) - Fraction(value)) <= Fraction(1, 2 * 10**decimals)


def stores(folder):
    """The databases of one moment: {node: {key: value}}."""
    return {node: json.loads((folder / f"{node}.json").read_text("utf-8"))["store"] for node in NODES}


def differing(databases):
    """How many (follower, key) pairs do not hold the leader's value."""
    leader = databases["leader"]
    keys = {key for store in databases.values() for key in store}
    return sum(databases[node].get(key) != leader.get(key) for node in NODES[1:] for key in keys)


def check_run(backend, data, quorum, line):
    """One quorum: its raw files against its line of summary.csv. Returns seconds (wall, load, settle)."""
    run = data / f"W{quorum}"
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    name = f"W{quorum}"
    expect(manifest["quorum"] == quorum, f"{name}: the manifest has quorum {manifest['quorum']}")
    expect(manifest["backend"]["name"] == backend, f"{name}: ran on {manifest['backend']['name']}, not {backend}")
    expect(manifest["settled"] is True, f"{name}: did not settle")
    for node in NODES:
        expect((run / "logs" / f"{node}.log").is_file(), f"{name}: no log of {node}")

    writes = rows(run / "writes.csv")
    expect(len(writes) == 100, f"{name}: {len(writes)} writes")
    ok = [write for write in writes if write["outcome"] == "ok"]
    latencies = [Fraction(int(write["latency_us"]), 1000) for write in ok]
    delays = {}
    for row in rows(run / "replication.csv"):
        delays.setdefault(row["write"], []).append(int(row["delay_us"]))
    expect(sorted(map(len, delays.values())) == [5] * 100, f"{name}: replication.csv has not 5 rows a write")
    overheads = [
        latency - Fraction(sorted(delays[write["write"]])[quorum - 1], 1000) for write, latency in zip(ok, latencies)
    ]
    recomputed = {
        "quorum": quorum,
        "n": len(ok),
        "failed": sum(write["outcome"] == "failed" for write in writes),
        "unknown": sum(write["outcome"] == "unknown" for write in writes),
        "mean_ms": sum(latencies) / len(latencies),
        "median_ms": quantile(latencies, "0.5"),
        "p95_ms": quantile(latencies, "0.95"),
        "p99_ms": quantile(latencies, "0.99"),
        "overhead_p50_ms": quantile(overheads, "0.5"),
        "overhead_p99_ms": quantile(overheads, "0.99"),
        "behind_at_last_ack": differing(stores(run / "at-last-ack")),
        "diverged": differing(stores(run)),
        "wall_s": Fraction(manifest["wall_us"], 10**6),
    }
    for column, value in recomputed.items():
        expect(same(line[column], value), f"{name}: {column} is {line[column]}, recomputed {float(value):.6f}")
    columns = [f"predicted_{figure}_ms" for figure in ("mean", "median", "p95", "p99")]
    for column, value in zip(columns, PREDICTED[quorum]):
        expect(abs(float(line[column]) - value) <= 0.05001, f"{name}: {column} is {line[column]}, should be {value}")

    error = statistics.stdev(map(float, latencies)) / len(latencies) ** 0.5
    distance = (float(recomputed["mean_ms"]) - PREDICTED[quorum][0]) / error
    expect(abs(distance) <= 4, f"{name}: the mean is {distance:.1f} standard errors from the prediction")
    print(
        f"{name}: n {len(ok)}, mean {float(recomputed['mean_ms']):.1f} ms ({distance:+.1f} SE), overhead p50 "
        f"{float(recomputed['overhead_p50_ms']):.2f} ms, p99 {float(recomputed['overhead_p99_ms']):.2f} ms, "
        f"behind {recomputed['behind_at_last_ack']}, diverged {recomputed['diverged']}, "
        f"wall {manifest['wall_us'] / 1e6:.1f} s"
    )
    # A busy machine must not fail a change, so these two are told, not enforced.
    for figure, bound in zip(("p50", "p99"), BOUNDS[backend]):
        if recomputed[f"overhead_{figure}_ms"] > bound:
            print(f"note: {name}: the overhead's {figure} is above {bound} ms")
    return manifest["wall_us"] / 1e6, manifest["load_us"] / 1e6, manifest["settle_us"] / 1e6


def check_report(report):
    png = (report / "quorum_vs_latency_full.png").read_bytes()
    expect(png[:8] == b"\x89PNG\r\n\x1a\n", "quorum_vs_latency_full.png is no PNG")
    width, height = struct.unpack(">II", png[16:24])
    expect(width >= 1000 and height >= 500, f"quorum_vs_latency_full.png has only {width} x {height} pixels")

    page = (report / "report.html").read_text("utf-8")
    # A link may lead elsewhere; what a browser fetches by itself may not.
    fetching = r"(?:\bsrc|<(?:link|image|use)\b[^>]*\bhref|\bposter|\bdata)"
    fetched = re.findall(fetching + r"""\s*=\s*["']?(?!data:|#)[^"'>\s]+""", page)
    fetched += re.findall(r"""url\(\s*["']?(?!data:|#)[^)]*\)|@import[^;]*;""", page)
    expect(not fetched, f"report.html fetches {fetched[:3]}")
    expect(len(page) < 2_000_000, f"report.html has {len(page)} characters")

    expect("quorum_vs_latency_full.png" in (report / "report.md").read_text("utf-8"), "report.md shows no plot")


def check(backend: str, data: Path, report: Path) -> list[str]:
    """What is wrong with the main job's files, in words; empty where nothing is."""
    folders = sorted(path.name for path in data.iterdir() if path.is_dir())
    expect(folders == [f"W{quorum}" for quorum in QUORUMS], f"{data} has {folders}")
    lines = rows(report / "summary.csv")
    expect(list(lines[0]) == COLUMNS, f"summary.csv has the columns {list(lines[0])}")
    expect([line["quorum"] for line in lines] == [str(quorum) for quorum in QUORUMS], "summary.csv has other rows")
    times = [check_run(backend, data, quorum, line) for quorum, line in zip(QUORUMS, lines)]
    spent = sum(wall - load - settle for wall, load, settle in times) / len(times)
    print(f"start and end of a cluster: {spent:.2f} s a quorum")
    if spent > BOUNDS[backend][2]:
        print(f"note: that is above {BOUNDS[backend][2]} s")
    check_report(report)
    return failures
