"""One measurement or check of one peer, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from workload import Task, Workload, decoded, encoded, random_task

LEARNING_RATE = 1e-3
COMPARE = Path(__file__).with_name("compare.py")


class Trainer(Protocol):
    """What a peer has to be able to do."""

    def train(self, steps: int) -> int:
        """Trains `steps` steps or somewhat more on shuffled batches; returns how many, when they are done."""
        ...

    def losses(self) -> list[float]:
        """The losses of the first steps on the samples in their order."""
        ...


@dataclass(frozen=True)
class Peer:
    """A trainer to compare with: what it is called, and where it is."""

    title: str
    module: str
    type: str
    package: str
    products: str = "float32"
    """How it forms matrix products: see Task."""
    activations: frozenset[str] = frozenset({"relu", "tanh", "sigmoid", "arctan"})

    def can_train(self, workload: Workload) -> bool:
        """Whether it has what the workload needs."""
        return workload.activation in self.activations

    @property
    def is_mixed(self) -> bool:
        """Whether factors of its matrix products are, or may be, bfloat16."""
        return self.products != "float32"


PEERS = {
    "torch": Peer("PyTorch", "torch_trainer", "EagerTorch", "torch"),
    "torch-compile": Peer("torch.compile", "torch_trainer", "CompiledTorch", "torch"),
    "jax": Peer("JAX jit", "jax_trainer", "JaxStep", "jax"),
    "jax-scan": Peer("JAX jit, scan", "jax_trainer", "JaxScan", "jax"),
    "sklearn": Peer(
        "scikit-learn", "sklearn_trainer", "Sklearn", "scikit-learn",
        activations=frozenset({"relu", "tanh", "sigmoid"}),
    ),
    "torch-bf16": Peer("PyTorch, autocast", "torch_trainer", "EagerTorch", "torch", "autocast"),
    "torch-compile-bf16": Peer("torch.compile, autocast", "torch_trainer", "CompiledTorch", "torch", "autocast"),
    "torch-medium": Peer("PyTorch, medium", "torch_trainer", "EagerTorch", "torch", "medium"),
    "torch-compile-medium": Peer("torch.compile, medium", "torch_trainer", "CompiledTorch", "torch", "medium"),
    "jax-bf16": Peer("JAX jit, bfloat16", "jax_trainer", "JaxStep", "jax", "bfloat16"),
    "jax-scan-bf16": Peer("JAX jit, scan, bfloat16", "jax_trainer", "JaxScan", "jax", "bfloat16"),
}


class WorkerError(Exception):
    """A process that did not do what it was started for."""


def environment(threads: int, cache: Path) -> dict[str, str]:
    """The variables of a peer's process: as many threads as Gradloom has workers, at fixed places."""
    number = str(threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "OPENBLAS_NUM_THREADS": number,
        "OMP_PROC_BIND": "close",
        "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "torchinductor"),
    }


def answer(command: list[str], variables: dict[str, str]) -> Any:
    """Runs a program that prints one line of JSON."""
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    try:
        if result.returncode == 0:
            return json.loads(result.stdout.splitlines()[-1])
        problem = f"ended with {result.returncode}"
    except (IndexError, json.JSONDecodeError):
        problem = "printed no JSON"
    raise WorkerError(ending(command, problem, result.stderr or result.stdout))


def ending(command: list[str], problem: str, output: str) -> str:
    """How a process ended, with the last lines that it printed."""
    last = "\n".join(output.strip().splitlines()[-8:])
    return f"{' '.join(map(str, command[:4]))} … {problem}:\n{last}"


def command(peer: str, workload: Workload, threads: int, check: Path | None = None, rate: float = 0) -> list[str]:
    """The command line of a worker."""
    words = [sys.executable, str(COMPARE), "--worker", peer, "--facts", encoded(workload), "--threads", str(threads)]
    return words + (["--check", str(check), "--rate", str(rate)] if check else [])


def work(peer: str, facts: str, threads: int, check: Path | None, rate: float) -> None:
    """What a worker does: prints the losses on the samples in `check`, or the speed of a slice whenever it is asked."""
    import guard

    workload = decoded(facts)
    if check:
        print(json.dumps({"losses": _made(peer, guard.read(check, workload, rate, threads)).losses()}))
    else:
        _take_turns(_made(peer, random_task(workload, workload.batches, LEARNING_RATE, threads)), workload)


def _made(peer: str, task: Task) -> Trainer:
    entry = PEERS[peer]
    trainer: Trainer = getattr(import_module(f"trainers.{entry.module}"), entry.type)(
        replace(task, products=entry.products)
    )
    return trainer


def _take_turns(trainer: Trainer, workload: Workload) -> None:
    """As step-speed --turns: a slice of at least a tenth of a second for every line of the input, the caches warm."""

    def timed(steps: int) -> float:
        start = time.perf_counter()
        done = trainer.train(steps)
        return (time.perf_counter() - start) / done * steps

    # A number of steps may have to be compiled first, so it is timed the second time.
    steps = 1
    while _second(timed, steps) < 0.05:
        steps *= 2
    timed(2 * steps)
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        timed(steps)
        speed = 2 * steps * workload.batch / timed(2 * steps)
        print(json.dumps({"samples_per_second": speed, "peak_resident_bytes": _peak_resident_bytes()}), flush=True)


def _second(timed: Callable[[int], float], steps: int) -> float:
    timed(steps)
    return timed(steps)


def _peak_resident_bytes() -> int | None:
    """From /proc: the maximum of getrusage counts the pages of the process that started this one, too."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) << 10 if found else None
