"""What was measured: turn by turn, and summed up in a table."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from guard import ROUNDINGS
from precision import GRADLOOM, MIXED_BFLOAT16, TRAINERS, Precision
from worker import PEERS
from workload import Workload


@dataclass
class Series:
    """The rounds of one trainer on one workload, each a process."""

    samples_per_second: list[list[float]] = field(default_factory=list)
    """Rounds × turns."""
    peak_resident_bytes: list[int] = field(default_factory=list)

    def add(self, slices: list[dict[str, Any]]) -> None:
        """Adds a round."""
        self.samples_per_second.append([measured["samples_per_second"] for measured in slices])
        self.peak_resident_bytes.append(slices[-1]["peak_resident_bytes"])

    @property
    def speed(self) -> float:
        """The median of the rounds' medians, in samples/s."""
        return statistics.median(map(statistics.median, self.samples_per_second))


@dataclass
class Comparison:
    """All trainers on one workload, in turn."""

    workload: Workload
    precision: Precision
    series: dict[str, Series] = field(default_factory=dict)
    ceiling_gflops: list[list[float]] = field(default_factory=list)
    """Rounds × turns."""
    other_work: list[float] = field(default_factory=list)
    """The part of the cores' time that other programs took; a number for every turn."""
    fork_join_turns: int = 0
    """Turns in which Gradloom's workers forked and joined in every phase, because they did not all run in time."""
    differences: dict[str, float] = field(default_factory=dict)
    blas: str = ""

    @property
    def best_peer(self) -> str:
        """The peer that comes closest to Gradloom, turn by turn: where the machine's speed changes between turns, that
        need not be the one with the highest median speed."""
        peers = (name for name in self.series if name not in TRAINERS)
        return min(peers, key=lambda name: statistics.median(self.relative(self.precision.own, name)))

    def title(self, name: str) -> str:
        """What a trainer is called here."""
        return title(name, self.precision.name)

    def relative(self, name: str, other: str) -> list[float]:
        """A trainer's speed over that of another one, round by round."""
        return ratios(self.series[name].samples_per_second, self.series[other].samples_per_second)

    @property
    def ratios(self) -> list[float]:
        """Gradloom's speed over that of the best peer, round by round."""
        return self.relative(self.precision.own, self.best_peer)

    @property
    def gain(self) -> list[float]:
        """Gradloom's speed over that in float32, round by round."""
        return self.relative(self.precision.own, GRADLOOM)

    def gflops(self, speed: float) -> float:
        """The speed in GFLOP/s of matrix products."""
        return speed * self.workload.operations_per_sample / 1e9

    def share(self, name: str) -> float:
        """The part of the highest ceiling that a trainer reaches; the median of the rounds' medians."""
        return self.gflops(self.series[name].speed) / max(map(max, self.ceiling_gflops))

    def record(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            **asdict(self),
            "precision": self.precision.name,
            "best_peer": self.best_peer,
            "ratio": statistics.median(self.ratios),
            "ratio_lowest": min(self.ratios),
            "ratio_highest": max(self.ratios),
            "ceiling_fraction": {name: self.share(name) for name in self.series},
        }


def ratios(numerators: list[list[float]], denominators: list[list[float]]) -> list[float]:
    """What is measured in the same turn is divided; the medians of the rounds' turns."""
    return [
        statistics.median(above / below for above, below in zip(*turns)) for turns in zip(numerators, denominators)
    ]


def title(name: str, precision: str) -> str:
    """What a trainer is called in a comparison in that precision."""
    if name not in TRAINERS:
        return PEERS[name].title
    if precision != MIXED_BFLOAT16.name:
        return "Gradloom"
    return "Gradloom, float32" if name == GRADLOOM else "Gradloom, bfloat16"


def rows(comparison: Comparison) -> list[list[str]]:
    """The table's rows of one workload, fastest first."""
    result: list[list[str]] = []
    best_peer = comparison.best_peer
    for name in sorted(comparison.series, key=lambda name: -comparison.series[name].speed):
        series = comparison.series[name]
        ratio = ""
        if name != comparison.precision.own:
            relative = comparison.relative(comparison.precision.own, name)
            ratio = "best peer: " if name == best_peer else ""
            ratio += f"{statistics.median(relative):.2f} ({min(relative):.2f}–{max(relative):.2f})"
        result.append([
            "" if result else comparison.workload.name,
            comparison.title(name),
            short(series.speed),
            f"{comparison.gflops(series.speed):.3g}",
            f"{100 * comparison.share(name):.1f} %",
            f"{max(series.peak_resident_bytes) / 2**20:,.0f}",
            ratio,
        ])
    return result


HEADINGS = ["workload", "trainer", "samples/s", "GFLOP/s", "of ceiling", "peak RSS, MiB"]


def table(comparisons: list[Comparison]) -> str:
    """Everything in Markdown, which reads well in a terminal, too."""
    precision = comparisons[0].precision
    ratio = f"{comparisons[0].title(precision.own)} ÷ {'trainer' if precision.is_mixed else 'peer'}"
    cells = [[*HEADINGS, ratio]] + [row for comparison in comparisons for row in rows(comparison)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]

    def line(row: list[str]) -> str:
        aligned = (cell.ljust(width) if column < 2 else cell.rjust(width)
                   for column, (cell, width) in enumerate(zip(row, widths)))
        return f"| {' | '.join(aligned)} |"

    rule = "|".join(("-" * (width + 2) if column < 2 else "-" * (width + 1) + ":")
                    for column, width in enumerate(widths))
    return "\n".join([line(cells[0]), f"|{rule}|", *map(line, cells[1:])])


def agreement(comparisons: list[Comparison]) -> str:
    """How far losses are apart, in a sentence."""
    worst = max(item.differences[name] for item in comparisons for name in item.differences if name not in TRAINERS)
    text = f"the largest relative difference to a peer is {worst:.1e}"
    own = [item.differences[GRADLOOM] for item in comparisons if item.precision.is_mixed]
    if not own:
        return text
    return (
        f"{text}. Between Gradloom's bfloat16 and float32 it is {max(own):.1e}; on each workload, peers with bfloat16 may be "
        f"{ROUNDINGS} times as far away"
    )


def verdict(comparison: Comparison) -> str:
    """What a workload has shown, in a sentence."""
    ratio, best = statistics.median(comparison.ratios), comparison.title(comparison.best_peer)
    text = f"{comparison.workload.name}: {ratio:.2f} times as fast as {best}"
    if not comparison.precision.is_mixed:
        return text
    return f"{text}, and {statistics.median(comparison.gain):.2f} times as fast as in float32"


def disturbance(comparisons: list[Comparison]) -> str:
    """How much of the cores other programs had, in a sentence."""
    shares = [share for item in comparisons for share in item.other_work]
    return (
        f"Other programs and the hypervisor had {100 * statistics.median(shares):.1f} % of the cores' time "
        f"(median of {len(shares)} turns; at most {100 * max(shares):.1f} %)."
    )


def fallbacks(comparisons: list[Comparison]) -> str:
    """How often Gradloom did not get all of its workers at the same time, in a sentence."""
    count = sum(item.fork_join_turns for item in comparisons)
    total = sum(len(item.other_work) for item in comparisons)
    return f"In {count} of {total} turns Gradloom's workers could not run at the same time, and forked and joined."


def short(value: float) -> str:
    """Three significant digits and a prefix."""
    for factor, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * factor:
            return f"{float(f'{value / factor:.3g}'):g}{prefix}"
    return f"{value:.3g}"
