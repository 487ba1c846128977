"""The README's table of a comparison: python3 Benchmarks/peers/summary.py Benchmarks/results/NAME.json"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from report import GRADLOOM, Series, ratios, short, title

PEERS = ("torch", "torch-compile", "jax", "jax-scan", "sklearn")


def ratio(workload: dict[str, Any], peer: str) -> str:
    """Gradloom's speed over the peer's: the median of the rounds, which are medians of their turns."""
    if peer not in workload["series"]:
        return "–"
    own, other = (workload["series"][name]["samples_per_second"] for name in (GRADLOOM, peer))
    return f"{statistics.median(ratios(own, other)):.2f}"


def row(workload: dict[str, Any]) -> list[str]:
    """One line of the table."""
    own = Series(**workload["series"][GRADLOOM])
    return [
        workload["workload"]["name"],
        short(own.speed),
        f"{100 * workload['ceiling_fraction'][GRADLOOM]:.0f} %",
        *(ratio(workload, peer) for peer in PEERS),
        f"{max(own.peak_resident_bytes) / 2**20:,.0f}",
    ]


def table(record: dict[str, Any]) -> str:
    """Markdown."""
    heads = ["workload", "samples/s", "of ceiling", *(f"÷ {title(peer)}" for peer in PEERS), "peak RSS, MiB"]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *(row(workload) for workload in record["workloads"])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())))
