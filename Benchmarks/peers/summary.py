"""A comparison as a table in Markdown.

python3 Benchmarks/peers/summary.py Benchmarks/results/NAME.json [--without COLUMN …]
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from precision import FLOAT32, GRADLOOM, PRECISIONS, Precision
from report import Series, ratios, short, title
from worker import PEERS


def ratio(workload: dict[str, Any], own: str, other: str) -> str:
    """Gradloom's speed over another trainer's: the median of the rounds, which are medians of their turns."""
    if other not in workload["series"]:
        return "–"
    above, below = (workload["series"][name]["samples_per_second"] for name in (own, other))
    return f"{statistics.median(ratios(above, below)):.2f}"


def row(workload: dict[str, Any], precision: Precision, others: list[str]) -> dict[str, str]:
    """One line of the table, by column."""
    network = workload["workload"]
    own = Series(**workload["series"][precision.own])
    return {
        "workload": network["name"],
        "network": "-".join(str(size) for size in network["sizes"]),
        "batch": f"{network['batch']:,}",
        "samples/s": short(own.speed),
        "of ceiling": f"{100 * workload['ceiling_fraction'][precision.own]:.0f} %",
        **{f"÷ {title(name, precision.name)}": ratio(workload, precision.own, name) for name in others},
        "peak RSS, MiB": f"{max(own.peak_resident_bytes) / 2**20:,.0f}",
    }


def table(record: dict[str, Any], without: list[str]) -> str:
    """Markdown."""
    # Comparisons of before there was a choice are in float32.
    precision = PRECISIONS[record.get("precision", FLOAT32.name)]
    measured = {name for workload in record["workloads"] for name in workload["series"]} - {precision.own}
    others = [name for name in (GRADLOOM, *PEERS) if name in measured]
    rows = [row(workload, precision, others) for workload in record["workloads"]]
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
