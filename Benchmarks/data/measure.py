#!/usr/bin/env python3
"""Measures what samples cost a training that are made, or read from files, while it runs, beside samples in memory.

measure.py PROGRAM DIRECTORY [--results DIRECTORY] [--rounds N] [--samples N]

Every round runs each way once, one after the other, with other rounds between two of a kind; the table has medians over the
rounds, of speeds and of ratios to memory in the same round. Files are four times as large as the memory that the last way may
use: its process is in a control group with a quarter of their bytes, beside what it needs without samples, where the system
lets one be made.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "peers")]
import machine  # noqa: E402
from program import Program  # noqa: E402

# Networks and batches of the workloads mnist and wide.
NETWORKS = {
    "mnist": ("[{units: 128, activation: relu}, {units: 10}]", 128),
    "wide": ("[{units: 1024, activation: relu}, {units: 1024, activation: relu}, {units: 10}]", 256),
}
FEATURES = 784
TASKS = ["blobs", "mixture", "linear", "friedman1", "teacher", "letters"]


def configuration(data: str, network: str, steps: int) -> str:
    layers, batch = NETWORKS[network]
    return f"""
data: {{{data}}}
network: {{layers: {layers}, output: softmax}}
optimizer: {{kind: momentum, learning_rate: 0.01}}
training: {{batch: {batch}, epochs: 1000, steps: {steps}}}
run: {{checkpoint: {{every: never}}}}
"""


@contextlib.contextmanager
def memory_group(limit_bytes: int) -> Iterator[Callable[[], None] | None]:
    """What brings a process into a control group with so much memory, the system's cache of its files included; None where
    none can be made."""
    name = f"gradloom-{os.getpid()}"
    for root, file in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]:
        group = Path(root) / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / file).write_text(str(limit_bytes))
        except OSError:
            group.rmdir()
            continue
        try:
            yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
        finally:
            group.rmdir()
        return
    yield None


class Ways:
    """Trainings that are run in turn."""

    def __init__(self) -> None:
        self.results: dict[str, list[dict]] = {}

    def add(self, name: str, result: dict) -> None:
        self.results.setdefault(name, []).append(result)

    def rows(self, reference: str) -> list[list[str]]:
        first = self.results[reference]
        if len({run["parameter_hash"] for runs in self.results.values() for run in runs}) != 1:
            sys.exit("the bits differ: " + str({name: runs[0]["parameter_hash"] for name, runs in self.results.items()}))
        rows = []
        for name, runs in self.results.items():
            ratios = [run["samples_per_second"] / other["samples_per_second"] for run, other in zip(runs, first)]
            speed = statistics.median(run["samples_per_second"] for run in runs)
            gathering = statistics.median(run["step_fractions"].get("gathering", 0) for run in runs)
            peak = max(run["peak_resident_bytes"] for run in runs)
            rows.append([
                name, f"{speed / 1000:,.0f} k", f"{statistics.median(ratios):.1%}",
                f"{min(ratios):.1%}–{max(ratios):.1%}", f"{gathering:.1%}", f"{peak / 1e6:,.0f} MB"])
        return rows


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def generation(program: Program) -> str:
    rows = []
    for task in TASKS:
        inputs = [] if task in ("friedman1", "letters") else ["--inputs", str(FEATURES)]
        line = program.run("generate", "--task", task, "--samples", "1000000", *inputs, "--speed")
        rows.append([
            task, str(line["features"]), str(line["threads"]), f"{line['rows_per_second'] / 1e6:.2f} M",
            f"{line['feature_bytes_per_second'] / line['threads'] / 1e9:.2f} GB/s"])
    return table(["task", "features", "threads", "samples/s", "features of a thread"], rows)


def made(program: Program, rounds: int, network: str, task: str) -> list[list[str]]:
    samples = 60_000
    text = configuration(
        f"synthetic: {{task: {task}, samples: {samples}, inputs: {FEATURES}, classes: 10}}", network,
        {"mnist": 4000, "wide": 200}[network])
    ways = Ways()
    for _ in range(rounds):
        ways.add("memory", program.train(text, "data.materialize=memory"))
        ways.add("made", program.train(text, "data.materialize=never"))
    return [[network, task, *row[1:5]] for row in ways.rows("memory")[1:]]


def files(program: Program, rounds: int, samples: int) -> str:
    program.run(
        "generate", "--task", "blobs", "--samples", str(samples), "--inputs", str(FEATURES), "--classes", "10", "--output",
        "data", "--force")
    text = configuration("dataset: {path: data}, shuffle: blocks", "mnist", 2 * (samples // 128))
    file_bytes = samples * FEATURES * 4
    program.run("generate", "--task", "blobs", "--samples", "1000", "--inputs", str(FEATURES), "--classes", "10", "--output",
                "small", "--force")
    alone = program.train(configuration("dataset: {path: small}", "mnist", 7))["peak_resident_bytes"]
    quarter = file_bytes // 4
    ways = Ways()
    for _ in range(rounds):
        ways.add("memory", program.train(text, "data.materialize=memory"))
        ways.add("files", program.train(text, "data.materialize=never"))
        ways.add("files, a budget of a quarter", program.train(text, f"data.memory_budget={quarter}"))
        with memory_group(alone + quarter) as enter:
            if enter:
                ways.add("the same, in a control group of a quarter", program.train(
                    text, f"data.memory_budget={quarter}", before=enter))
    description = (
        f"{samples:,} samples of {FEATURES} features, {file_bytes / 1e9:.2f} GB, in the order `blocks`, two epochs of the "
        f"network mnist; a training without samples takes {alone / 1e6:.0f} MB.\n\n")
    columns = ["samples from", "samples/s", "of memory", "from–to", "gathering, of a step", "memory at the peak"]
    return description + table(columns, ways.rows("memory"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=400_000)
    arguments = parser.parse_args()
    program = Program(arguments.program, arguments.directory)
    costs = [row for network in NETWORKS for task in ("blobs", "teacher")
             for row in made(program, arguments.rounds, network, task)]
    text = f"""# Samples that are made or read while training

{machine.processor()}, {len(os.sched_getaffinity(0))} CPUs, {datetime.date.today():%d %B %Y}, by `make data-speed`: medians of \
{arguments.rounds} rounds in which every way runs once. Bits are the same in every way.

## How fast samples are made

{generation(program)}
## Made while training, beside the same samples in memory

{table(["network", "task", "samples/s", "of memory", "from–to", "gathering, of a step"], costs)}
## Read from files while training

{files(program, arguments.rounds, arguments.samples)}"""
    print(text)
    if arguments.results:
        name = (f"data-{datetime.date.today():%Y-%m-%d}-{machine.short_name(machine.processor())}-"
                f"{len(os.sched_getaffinity(0))}-threads.md")
        (arguments.results / name).write_text(text)


if __name__ == "__main__":
    main()
