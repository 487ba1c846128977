"""Whether everybody trains the same: from the same parameters, on the same batches, to the same losses."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy

import worker
from precision import GRADLOOM, TRAINERS, Precision
from workload import CHECKED_STEPS, Task, Workload, initial_parameters, random_task

TOLERANCE = 1e-4
# Of trainers with factors in bfloat16: so many times as much as Gradloom's own losses differ with and without it, which
# is what rounding does to this workload. Right ones have shown up to twice as much, most of them less than once.
ROUNDINGS = 4
# But no more than this, so that Gradloom's own error cannot excuse a peer's.
MIXED_TOLERANCE = 5e-3
BATCHES = 2
# Large enough that 20 steps change the loss, and small enough that rounding does not grow, that to bfloat16 included.
LEARNING_RATES = {"sgd": 0.05, "momentum": 0.02, "adam": 0.0005}
SQUARED_RATE = 1e-5
# A loss that hardly moves would hide a wrong gradient or update.
LEAST_CHANGE = 0.02


class Disagreement(Exception):
    """Losses that differ."""


def rate(workload: Workload) -> float:
    """The learning rate of the check."""
    # Adam's steps do not grow with the gradient, those of the others do with a sum of squares.
    squared = workload.output == "identity" and workload.optimizer != "adam"
    return SQUARED_RATE if squared else LEARNING_RATES[workload.optimizer]


def write(directory: Path, workload: Workload) -> None:
    """Samples as npy files and parameters as a safetensors file."""
    task = random_task(workload, BATCHES, 0, 1)
    numpy.save(directory / "inputs.npy", task.inputs)
    numpy.save(directory / "targets.npy", task.targets)
    named = {}
    for number, (weights, bias) in enumerate(task.parameters, 1):
        named[f"layer{number}.weights"] = weights
        named[f"layer{number}.bias"] = bias
    header, end = {}, 0
    for name, values in named.items():
        start, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    # The format: the header's length, the header, the values one after the other.
    with open(directory / "parameters.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in named.values():
            file.write(values.tobytes())


def read(directory: Path, workload: Workload, learning_rate: float, threads: int) -> Task:
    """The task whose files `write` has written."""
    inputs, targets = (numpy.load(directory / f"{name}.npy") for name in ("inputs", "targets"))
    return Task(workload, inputs, targets, initial_parameters(workload), learning_rate, threads)


def check(
    workload: Workload, precision: Precision, peers: list[str], step_speed: Path, threads: int,
    variables: dict[str, str],
) -> dict[str, float]:
    """The largest relative difference between Gradloom's losses and each peer's of the same precision; where that is
    mixed, also between Gradloom's own and those of its float32.

    Raises Disagreement where one is larger than the tolerance.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory, workload)
        learning_rate = rate(workload)
        words = [str(step_speed), "--check", name, "--rate", str(learning_rate), "--workers", str(threads)]
        own = {}
        for trainer in precision.trainers:
            rest = ["--precision", TRAINERS[trainer].name, workload.name]
            own[trainer] = worker.answer([*words, *rest], variables)["losses"]
        differences, tolerance = {}, TOLERANCE
        if precision.is_mixed:
            title = f"Gradloom in float32 on {workload.name}"
            differences[GRADLOOM] = _difference(title, own[precision.own], own[GRADLOOM], MIXED_TOLERANCE)
            tolerance = min(MIXED_TOLERANCE, max(TOLERANCE, ROUNDINGS * differences[GRADLOOM]))
        for peer in peers:
            words = worker.command(peer, workload, threads, directory, learning_rate)
            losses = worker.answer(words, variables)["losses"]
            title = f"{worker.PEERS[peer].title} on {workload.name}"
            if worker.PEERS[peer].is_mixed:
                differences[peer] = _difference(title, own[precision.own], losses, tolerance)
            else:
                differences[peer] = _difference(title, own[GRADLOOM], losses, TOLERANCE)
    return differences


def _difference(title: str, expected: list[float], losses: list[float], tolerance: float) -> float:
    # Both of the first batch: another one has another loss anyhow.
    first, last = expected[0], expected[-BATCHES]
    if not abs(last - first) >= LEAST_CHANGE * abs(first):
        raise Disagreement(f"{title}: the loss goes from {first} to {last} only, too little to compare updates")
    if len(losses) != CHECKED_STEPS or len(expected) != CHECKED_STEPS:
        raise Disagreement(f"{title}: {len(losses)} losses beside {len(expected)} of Gradloom")
    differences = numpy.abs(numpy.array(losses) - expected) / numpy.abs(expected)
    step = int(numpy.argmax(differences))
    # Negated, so that NaN is a disagreement.
    if not differences.max() <= tolerance:
        raise Disagreement(
            f"{title}: the loss of step {step + 1} is {losses[step]}, but Gradloom's is {expected[step]}; "
            f"they may differ by {tolerance:.1e} of it"
        )
    return float(differences.max())
