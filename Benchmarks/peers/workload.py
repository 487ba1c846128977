"""What is trained: the workloads as step-speed lists them, and the samples and parameters to train them on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

Array = NDArray[Any]

MOMENTUM = 0.9
BETA1 = 0.9
BETA2 = 0.999
EPSILON = 1e-8
CHECKED_STEPS = 20


@dataclass(frozen=True)
class Workload:
    """Layers, batch, activation of the hidden layers, output map and optimizer; its usual loss follows."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    batches: int
    activation: str
    output: str
    optimizer: str
    operations_per_sample: float

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and units of every layer."""
        return list(zip(self.sizes, self.sizes[1:]))

    @property
    def title(self) -> str:
        """Layers, batch and functions in one line."""
        functions = f"{self.activation}, {self.output}, {self.optimizer}"
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch:,}, {functions}"


@dataclass(frozen=True)
class Task:
    """A workload with everything that decides its losses."""

    workload: Workload
    inputs: Array
    """Samples × features, float32."""
    targets: Array
    """Class indices, int64, for softmax; otherwise samples × outputs, float32."""
    parameters: list[tuple[Array, Array]]
    """Weights (units × inputs) and bias of every layer, float32."""
    learning_rate: float
    threads: int
    products: str = "float32"
    """How matrix products are formed: float32, or a way of the library's own with bfloat16. All else is float32."""

    def batch_rows(self, step: int) -> slice:
        """The samples of a step that takes them in their order."""
        batch = self.workload.batch
        start = step * batch % len(self.inputs)
        return slice(start, start + batch)


def listed(step_speed: Path, names: Sequence[str], precision: str) -> list[Workload]:
    """The workloads called `names`, or those that Gradloom is measured on. Ends the program where step-speed does not
    know one of them, or cannot train in that precision on this processor."""
    words = [str(step_speed), "--precision", precision, "--list", *names]
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr.splitlines()[0])
    return [_decoded(json.loads(line)) for line in result.stdout.splitlines()]


def encoded(workload: Workload) -> str:
    """The workload as JSON, for a worker's command line."""
    return json.dumps(workload.__dict__)


def decoded(text: str) -> Workload:
    """The workload that `encoded` wrote."""
    return _decoded(json.loads(text))


def _decoded(facts: dict[str, Any]) -> Workload:
    return Workload(**{**facts, "sizes": tuple(facts["sizes"])})


def initial_parameters(workload: Workload) -> list[tuple[Array, Array]]:
    """Weights of variance 2 / inputs, and zeros."""
    generator = numpy.random.default_rng(1)
    return [
        (
            (generator.standard_normal((units, inputs)) * (2 / inputs) ** 0.5).astype(numpy.float32),
            numpy.zeros(units, numpy.float32),
        )
        for inputs, units in workload.layers
    ]


def random_task(workload: Workload, batches: int, learning_rate: float, threads: int) -> Task:
    """Inputs uniform in (−1, 1), and targets that say nothing about them; every class is in every batch."""
    samples = batches * workload.batch
    outputs = workload.sizes[-1]
    generator = numpy.random.default_rng(2)
    inputs = generator.uniform(-1, 1, (samples, workload.sizes[0])).astype(numpy.float32)
    if workload.output == "softmax":
        targets: Array = numpy.arange(samples) % outputs
    else:
        targets = generator.integers(0, 2, (samples, outputs)).astype(numpy.float32)
        targets[:2, 0] = 0, 1
    return Task(workload, inputs, targets, initial_parameters(workload), learning_rate, threads)
