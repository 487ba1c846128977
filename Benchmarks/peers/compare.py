"""Gradloom beside PyTorch, JAX and scikit-learn on the same training steps. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

try:
    import numpy  # noqa: F401
except ImportError:
    sys.exit("error: numpy is missing: run 'make compare', which installs what is needed")

import chart
import guard
import machine
import report
import worker
import workload as workloads
from report import GRADLOOM, Comparison, Series
from runner import Runner

BENCHMARKS = Path(__file__).resolve().parent.parent
# They select OpenBLAS's kernels and blocking: everybody gets the ones their BLAS chooses itself.
FORGOTTEN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", nargs="*", help="names of workloads; the seven that are watched where none is given")
    parser.add_argument("--peers", default=",".join(worker.PEERS), help="default: %(default)s")
    parser.add_argument(
        "--rounds", type=positive, default=3, help="how often all trainers are started anew; default: %(default)s")
    parser.add_argument(
        "--turns", type=positive, default=11, help="timed slices of every trainer in a round; default: %(default)s")
    parser.add_argument(
        "--patience", type=float, default=600,
        help="seconds that may go into waiting for other programs and measuring again; default: %(default)s")
    parser.add_argument("--threads", type=int, help="cores to use; default: all that are allowed")
    parser.add_argument("--step-speed", type=Path, default=BENCHMARKS / ".build/release/step-speed")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gradloom/peers")
    parser.add_argument("--results", type=Path, help="folder for JSON and SVG; none: only the table is printed")
    parser.add_argument("--worker", choices=worker.PEERS, help=argparse.SUPPRESS)
    for hidden, kind in (("--facts", str), ("--check", Path), ("--rate", float)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


def positive(text: str) -> int:
    """A number of the command line that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return int(text)


def compare(
    item: Comparison, peers: list[str], options: argparse.Namespace, variables: dict[str, str]
) -> None:
    """Measures all trainers in turn, round after round; all are started anew for each."""
    names = [GRADLOOM, *peers]
    item.series = {name: Series() for name in names}
    for number in range(options.rounds):
        place = f"{item.workload.name}: round {number + 1} of {options.rounds}"
        with ExitStack() as stack:
            runners = {}
            for name in names:
                progress(f"{place}, {report.title(name)} warms up")
                runners[name] = started(name, item, options, variables)
                stack.callback(runners[name].end)
            turns = []
            for turn in range(options.turns):
                progress(f"{place}, turn {turn + 1} of {options.turns}")
                # Everybody is first, and after everybody else, in some turn.
                first = turn % len(names)
                turns.append(measured_in_peace(names[first:] + names[:first], runners, item, options))
        for name in names:
            item.series[name].add([turn[name] for turn in turns])
        own = [turn[GRADLOOM] for turn in turns]
        item.ceiling_gflops.append([measured["ceiling_gflops"] for measured in own])
        item.fork_join_turns += sum(measured["forked_and_joined"] for measured in own)
        item.blas = runners[GRADLOOM].facts["blas"]


def started(name: str, item: Comparison, options: argparse.Namespace, variables: dict[str, str]) -> Runner:
    """The process of a trainer, warmed up."""
    if name != GRADLOOM:
        return Runner(worker.command(name, item.workload, options.threads), variables)
    words = [str(options.step_speed), "--turns", "--workers", str(options.threads), item.workload.name]
    return Runner(words, {**os.environ})


def measured_in_peace(
    names: list[str], runners: dict[str, Runner], item: Comparison, options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """A slice of everybody: again where other programs had more than a little of the cores, if time is left."""
    while True:
        start = time.monotonic()
        others = machine.OtherWork(runner.process for runner in runners.values())
        turn = {name: runners[name].slice() for name in names}
        other_work = others.share()
        if other_work <= machine.LITTLE or options.patience <= 0:
            item.other_work.append(other_work)
            return turn
        machine.wait_for_peace(options.patience)
        options.patience -= time.monotonic() - start


def progress(text: str) -> None:
    """A line that is rewritten, where there is a terminal to rewrite it on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def versions(peers: list[str]) -> dict[str, str]:
    """The versions of the packages that are compared, and of NumPy."""
    packages = sorted({worker.PEERS[peer].package for peer in peers} | {"numpy"})
    try:
        return {package: version(package) for package in packages}
    except PackageNotFoundError as error:
        sys.exit(f"error: {error.name} is missing: run 'make compare', which installs what is needed")


def facts(options: argparse.Namespace, peers: list[str]) -> dict[str, Any]:
    """Where and with what the measurements were made."""
    return {
        "date": date.today().isoformat(),
        "processor": machine.processor(),
        "cpus": sorted(os.sched_getaffinity(0)),
        "threads": options.threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": versions(peers),
        "rounds": options.rounds,
        "turns": options.turns,
        "environment": {name: "unset" for name in FORGOTTEN},
    }


def prepare(options: argparse.Namespace) -> None:
    """Leaves exactly the cores that are used, to this process and all that it starts."""
    for name in FORGOTTEN:
        os.environ.pop(name, None)
    allowed = sorted(os.sched_getaffinity(0))
    options.threads = options.threads or len(allowed)
    if not 1 <= options.threads <= len(allowed):
        sys.exit(f"error: --threads is {options.threads}, but {len(allowed)} cores are allowed")
    os.sched_setaffinity(0, allowed[: options.threads])
    if not options.step_speed.exists():
        sys.exit(f"error: {options.step_speed} is missing: run 'make compare', which builds it")


def chosen(options: argparse.Namespace) -> tuple[list[workloads.Workload], list[str]]:
    """The workloads and peers that the command line names."""
    peers = options.peers.split(",")
    for name in peers:
        if name not in worker.PEERS:
            sys.exit(f"error: no peer is called {name}; there are {', '.join(worker.PEERS)}")
    return workloads.listed(options.step_speed, options.workload), peers


def keep(record: dict[str, Any], comparisons: list[Comparison], folder: Path) -> None:
    """Writes JSON and SVG, and says where."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"peers-{record['date']}-{machine.short_name(record['processor'])}-{record['threads']}-threads"
    subtitle = f"{record['processor']}, {record['threads']} threads, {record['date']}; " + ", ".join(
        f"{package} {number}" for package, number in record["packages"].items()
    )
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (folder / f"{name}.svg").write_text(chart.svg(comparisons, subtitle))
    print(f"\nWrote {folder / name}.json and .svg")


def main() -> None:
    """Checks, measures, reports."""
    options = arguments()
    if options.worker:
        worker.work(options.worker, options.facts, options.threads, options.check, options.rate or 0)
        return
    prepare(options)
    selected, peers = chosen(options)
    variables = worker.environment(options.threads, options.cache)
    record = facts(options, peers)
    comparisons = []
    for workload in selected:
        able = [peer for peer in peers if worker.PEERS[peer].can_train(workload)]
        if not able:
            sys.exit(f"error: none of {', '.join(peers)} can train {workload.name}")
        item = Comparison(workload)
        progress(f"{workload.name}: comparing {workloads.CHECKED_STEPS} losses")
        item.differences = guard.check(workload, able, options.step_speed, options.threads, variables)
        comparisons.append(item)
    progress("")
    worst = max(max(item.differences.values()) for item in comparisons)
    print(f"Losses of {workloads.CHECKED_STEPS} steps agree: the largest relative difference is {worst:.1e}\n", flush=True)
    for item in comparisons:
        compare(item, list(item.differences), options, variables)
        progress("")
        ratio, best = statistics.median(item.ratios), report.title(item.best_peer)
        print(f"{item.workload.name}: {ratio:.2f} times as fast as {best}", file=sys.stderr)
    print(report.table(comparisons))
    print(report.disturbance(comparisons))
    print(report.fallbacks(comparisons))
    if options.results:
        record["workloads"] = [item.record() for item in comparisons]
        keep(record, comparisons, options.results)


if __name__ == "__main__":
    try:
        main()
    except (worker.WorkerError, guard.Disagreement) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
