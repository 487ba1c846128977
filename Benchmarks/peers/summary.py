"""A comparison as a table in Markdown.

python3 Benchmarks/peers/summary.py Benchmarks/results/NAME.json [--without COLUMN …]
"""

from __future__ import annotations

import argparse
import json
import statistics
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


def row(workload: dict[str, Any]) -> dict[str, str]:
    """One line of the table, by column."""
    network = workload["workload"]
    own = Series(**workload["series"][GRADLOOM])
    return {
        "workload": network["name"],
        "network": "-".join(str(size) for size in network["sizes"]),
        "batch": f"{network['batch']:,}",
        "samples/s": short(own.speed),
        "of ceiling": f"{100 * workload['ceiling_fraction'][GRADLOOM]:.0f} %",
        **{f"÷ {title(peer)}": ratio(workload, peer) for peer in PEERS},
        "peak RSS, MiB": f"{max(own.peak_resident_bytes) / 2**20:,.0f}",
    }


def table(record: dict[str, Any], without: list[str]) -> str:
    """Markdown."""
    rows = [row(workload) for workload in record["workloads"]]
    columns = [column for column in rows[0] if column not in without]
    marks = ["---" if column in ("workload", "network") else "---:" for column in columns]
    lines = [columns, marks, *([cells[column] for column in columns] for cells in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--without", metavar="COLUMN", nargs="*", default=[], help="columns to leave out")
    arguments = parser.parse_args()
    print(table(json.loads(arguments.file.read_text()), arguments.without))
