"""Gradloom beside PyTorch, JAX and scikit-learn on the same training steps. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
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
from precision import FLOAT32, PRECISIONS, TRAINERS, Precision
from report import Comparison, Series
from runner import Runner

BENCHMARKS = Path(__file__).resolve().parent.parent
# They select OpenBLAS's kernels and blocking: everybody gets the ones their BLAS chooses itself.
FORGOTTEN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", nargs="*", help="names of workloads; those that are watched where none is given")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default=FLOAT32.name,
        help="what Gradloom trains in: mixed_bfloat16 besides float32, or float32 only; default: %(default)s")
    usual = (f"{','.join(usual_peers(precision))} in {name}" for name, precision in PRECISIONS.items())
    parser.add_argument("--peers", help=f"default: {'; '.join(usual)}")
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


def usual_peers(precision: Precision) -> list[str]:
    """The peers that form products as Gradloom does in that precision."""
    return [name for name, peer in worker.PEERS.items() if peer.is_mixed == precision.is_mixed]


def positive(text: str) -> int:
    """A number of the command line that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return int(text)


def compare(
    item: Comparison, peers: list[str], options: argparse.Namespace, variables: dict[str, str]
) -> None:
    """Measures all trainers in turn, round after round; all are started anew for each."""
    names = [*item.precision.trainers, *peers]
    item.series = {name: Series() for name in names}
    for number in range(options.rounds):
        place = f"{item.workload.name}: round {number + 1} of {options.rounds}"
        with ExitStack() as stack:
            runners = {}
            for name in names:
                progress(f"{place}, {item.title(name)} warms up")
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
        own = item.precision.own
        item.ceiling_gflops.append([turn[own]["ceiling_gflops"] for turn in turns])
        item.fork_join_turns += sum(
            any(turn[name]["forked_and_joined"] for name in item.precision.trainers) for turn in turns
        )
        item.blas = runners[own].facts["blas"]


def started(name: str, item: Comparison, options: argparse.Namespace, variables: dict[str, str]) -> Runner:
    """The process of a trainer, warmed up."""
    if name not in TRAINERS:
        return Runner(worker.command(name, item.workload, options.threads), variables)
    words = [str(options.step_speed), "--turns", "--workers", str(options.threads)]
    return Runner([*words, "--precision", TRAINERS[name].name, item.workload.name], {**os.environ})


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
        "precision": options.precision,
        "processor": machine.processor(),
        "processor_model": machine.processor_model(),
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
    precision = PRECISIONS[options.precision]
    peers = options.peers.split(",") if options.peers else usual_peers(precision)
    for name in peers:
        if name not in worker.PEERS:
            sys.exit(f"error: no peer is called {name}; there are {', '.join(worker.PEERS)}")
        if worker.PEERS[name].is_mixed and not precision.is_mixed:
            sys.exit(f"error: {name} multiplies bfloat16: compare it with --precision mixed_bfloat16")
    return workloads.listed(options.step_speed, options.workload or precision.workloads, precision.name), peers


def keep(record: dict[str, Any], comparisons: list[Comparison], folder: Path) -> None:
    """Writes JSON and SVG, and says where."""
    folder.mkdir(parents=True, exist_ok=True)
    beginning = PRECISIONS[record["precision"]].results
    name = f"{beginning}-{record['date']}-{machine.short_name(record['processor'])}-{record['threads']}-threads"
    packages = ", ".join(f"{package} {number}" for package, number in record["packages"].items())
    where = f"{record['processor']} ({record['processor_model']}), {record['threads']} threads"
    subtitle = f"{where}, {record['date']}; {packages}"
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (folder / f"{name}.svg").write_text(chart.svg(comparisons, record["precision"], subtitle))
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
    precision, comparisons = PRECISIONS[options.precision], []
    for workload in selected:
        able = [peer for peer in peers if worker.PEERS[peer].can_train(workload)]
        if not able:
            sys.exit(f"error: none of {', '.join(peers)} can train {workload.name}")
        item = Comparison(workload, precision)
        progress(f"{workload.name}: comparing {workloads.CHECKED_STEPS} losses")
        item.differences = guard.check(workload, precision, able, options.step_speed, options.threads, variables)
        comparisons.append(item)
    progress("")
    print(f"Losses of {workloads.CHECKED_STEPS} steps agree: {report.agreement(comparisons)}\n", flush=True)
    for item in comparisons:
        compare(item, [name for name in item.differences if name not in TRAINERS], options, variables)
        progress("")
        print(report.verdict(item), file=sys.stderr)
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
