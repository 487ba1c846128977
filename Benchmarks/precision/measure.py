#!/usr/bin/env python3
"""Measures what mixed precision costs in accuracy: the same trainings in float32 and under both definitions of its bits.

measure.py PROGRAM DIRECTORY [--results DIRECTORY] [--seeds N] [--definitions NAME …]

Every task is trained with several seeds of the first weights and of the order of the samples. The table has the means of the
final validation accuracy, and the mean of the differences to float32 under the same seed with its standard error. A chart
beside it has the validation losses of every epoch.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "peers")]
import machine  # noqa: E402
from curves import Curve, chart  # noqa: E402
from program import Program  # noqa: E402

CONFIGURATIONS = BENCHMARKS.parent / "configs"

LARGER = """
data: {{synthetic: {{{data}}}, validation: 0.1}}
network: {{layers: [{layers}], output: softmax}}
optimizer: {{kind: {optimizer}, learning_rate: {rate}, schedule: {{kind: cosine}}}}
training: {{batch: {batch}, epochs: {epochs}}}
"""


def larger(data: str, layers: str, optimizer: str, rate: float, batch: int, epochs: int) -> str:
    return LARGER.format(data=data, layers=layers, optimizer=optimizer, rate=rate, batch=batch, epochs=epochs)


TASKS = {
    "quickstart": (CONFIGURATIONS / "quickstart.yaml").read_text(),
    "digits": (CONFIGURATIONS / "digits.yaml").read_text().replace(
        "path: data/", f"path: {CONFIGURATIONS / 'data'}/"),
    "letters, 784-512-512-26, relu, momentum": larger(
        "task: letters, samples: 60_000, noise: 0.2, seed: 1",
        "{units: 512, activation: relu}, {units: 512, activation: relu}, {units: 26}", "momentum", 0.02, 128, 6),
    "teacher, 256-768-768-12, tanh, adam": larger(
        "task: teacher, samples: 100_000, inputs: 256, classes: 12, hidden: [64], seed: 3",
        "{units: 768, activation: tanh}, {units: 768, activation: tanh}, {units: 12}", "adam", 0.001, 256, 8),
    "mixture, 300-1024-20, sigmoid, nesterov": larger(
        "task: mixture, samples: 60_000, inputs: 300, classes: 20, cluster_std: 14, seed: 2",
        "{units: 1024, activation: sigmoid}, {units: 20}", "nesterov", 0.05, 128, 6),
}
FORMATS = {
    "float32": ["training.precision=float32"],
    "bf16-dot-1": ["training.precision=mixed_bfloat16", "training.numerics=bf16-dot-1", "training.force_precision=true"],
    "bf16-amx-1": ["training.precision=mixed_bfloat16", "training.numerics=bf16-amx-1", "training.force_precision=true"],
}


@dataclass
class Training:
    """What one training came to."""

    accuracy: float  # the final validation accuracy in percent
    losses: list[float]  # on the validation samples, after each epoch


def train(program: Program, text: str, seed: int, settings: list[str]) -> Training:
    end = program.train(
        text, f"network.initialization.seed={seed}", f"training.seed={seed}", "run.checkpoint.every=never", *settings)
    run = program.directory / end["run_directory"]
    events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    losses = [event["validation_loss"] for event in events if event["event"] == "epoch"]
    return Training(100 * json.loads((run / "summary.json").read_text())["validation_accuracy"], losses)


def row(name: str, trainings: dict[str, list[Training]]) -> list[str]:
    """A line of the table."""
    single = [training.accuracy for training in trainings["float32"]]
    cells = [name, f"{statistics.mean(single):.2f}"]
    for kind in list(FORMATS)[1:]:
        if kind not in trainings:
            cells += ["–", "–"]
            continue
        mixed = [training.accuracy for training in trainings[kind]]
        differences = [one - other for one, other in zip(mixed, single)]
        error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else float("nan")
        cells += [f"{statistics.mean(mixed):.2f}", f"{statistics.mean(differences):+.2f} ± {error:.2f}"]
    return cells


def curves(trainings: dict[str, list[Training]]) -> list[Curve]:
    """The losses of every epoch, the mean, the smallest and the largest of all seeds."""
    return [
        Curve(kind, [(statistics.mean(epoch), min(epoch), max(epoch)) for epoch in zip(*(one.losses for one in seeds))])
        for kind, seeds in trainings.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--definitions", nargs="*", choices=list(FORMATS)[1:], default=list(FORMATS)[1:])
    arguments = parser.parse_args()
    program = Program(arguments.program, arguments.directory)
    kinds = ["float32", *arguments.definitions]
    header = ["task", "float32", "bf16-dot-1", "difference", "bf16-amx-1", "difference"]
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    panels = {}
    for name, text in TASKS.items():
        seeds = range(1, arguments.seeds + 1)
        trainings = {kind: [train(program, text, seed, FORMATS[kind]) for seed in seeds] for kind in kinds}
        lines.append("| " + " | ".join(row(name, trainings)) + " |")
        panels[name] = curves(trainings)
        print(lines[-1], file=sys.stderr)
    cpus = len(os.sched_getaffinity(0))
    beginning = f"accuracy-{datetime.date.today():%Y-%m-%d}"
    text = f"""# Accuracy in mixed precision

{machine.processor()} ({machine.processor_model()}), {cpus} CPU{'s' if cpus > 1 else ''}, {datetime.date.today():%d %B %Y}, by \
`make accuracy`: final validation accuracy in percent, the mean of {arguments.seeds} seeds; differences to float32 under the same \
seed, their mean and its standard error. The bits are the same on every processor.

""" + "\n".join(lines) + f"""

![The validation losses after every epoch]({beginning}.svg)
"""
    print(text)
    if arguments.results:
        (arguments.results / f"{beginning}.md").write_text(text)
        (arguments.results / f"{beginning}.svg").write_text(chart(panels, arguments.seeds))


if __name__ == "__main__":
    main()
