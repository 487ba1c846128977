"""Gradloom beside Polars, PyArrow and pandas on the same CSV files. See README.md."""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy
import polars

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCHMARKS / "peers"))
import machine  # noqa: E402

LIBRARIES = ("polars", "pyarrow", "pandas")
FEATURES = 40
# What people have: rounded measurements, and numbers that a program wrote with all their digits.
FILES = {"six decimals": (440_000, 6), "all digits": (220_000, None)}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="how often everybody reads; default: %(default)s")
    parser.add_argument("--read-speed", type=Path, default=BENCHMARKS / ".build/release/read-speed")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gradloom/readers")
    parser.add_argument("--results", type=Path, help="folder for a table; none: it is only printed")
    return parser.parse_args()


def make(path: Path, rows: int, decimals: int | None) -> None:
    """Writes a file of normal numbers and a label, unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(1)
    table = {}
    for feature in range(FEATURES):
        values = random.standard_normal(rows)
        table[f"x{feature}"] = values if decimals is None else values.round(decimals)
    table["y"] = random.integers(0, 10, rows)
    partial = path.with_suffix(".partial")
    polars.DataFrame(table).write_csv(partial)
    partial.rename(path)


def start(command: list[str]) -> subprocess.Popen[str]:
    """A process that reads once for every line that it is given."""
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def turn(process: subprocess.Popen[str]) -> dict[str, float]:
    """One reading."""
    assert process.stdin and process.stdout
    print(file=process.stdin, flush=True)
    line = process.stdout.readline()
    if not line:
        sys.exit("error: a reader ended early: see its message above")
    return json.loads(line)


def measure(path: Path, options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of every round, everybody in turn; the first round warms up."""
    worker = Path(__file__).with_name("worker.py")
    readers = {"Gradloom": start([str(options.read_speed), str(path)])} | {
        name: start([sys.executable, str(worker), name, str(path)]) for name in LIBRARIES
    }
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    known: dict[str, float] | None = None
    for number in range(options.rounds + 1):
        for name, process in readers.items():
            result = turn(process)
            known = known or result
            # Sums of float32 numbers, each of them rounded once.
            same = math.isclose(result["sum"], known["sum"], rel_tol=1e-6, abs_tol=1e-2)
            if not same or any(result[key] != known[key] for key in ("samples", "features")):
                sys.exit(f"error: {name} read {result}, Gradloom {known}")
            if number > 0:
                seconds[name].append(result["seconds"])
    for process in readers.values():
        process.stdin.close()
        process.wait()
    return seconds


def main() -> None:
    options = arguments()
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        f"CSV to float32, {machine.processor()}, {cores} cores, {date.today()}, {versions}.",
        "",
        f"Medians of {options.rounds} rounds, everybody in turn. ÷ says how many times as long as Gradloom a library took: "
        "the median of the rounds, and the lowest.",
        "",
        "| file | MB | | seconds | GB/s | ÷ |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for title, (rows, decimals) in FILES.items():
        path = options.cache / f"{title.replace(' ', '-')}-{rows}.csv"
        make(path, rows, decimals)
        size = path.stat().st_size
        seconds = measure(path, options)
        for name, times in seconds.items():
            ratios = [time / ours for time, ours in zip(times, seconds["Gradloom"])]
            ratio = "" if name == "Gradloom" else f"{statistics.median(ratios):.2f} ({min(ratios):.2f})"
            median = statistics.median(times)
            speed = size / median / 1e9
            lines.append(f"| {title} | {size / 1e6:.0f} | {name} | {median:.3f} | {speed:.2f} | {ratio} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if options.results:
        name = f"readers-{date.today()}-{machine.short_name(machine.processor())}-{cores}-threads.md"
        (options.results / name).write_text(text)


if __name__ == "__main__":
    main()
