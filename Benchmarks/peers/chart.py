"""The bar chart of a comparison, as SVG."""

from __future__ import annotations

import statistics
from xml.sax.saxutils import escape

from precision import GRADLOOM, GRADLOOM_BF16
from report import Comparison, short

COLOURS = {
    GRADLOOM: "#d9480f", "torch": "#adb5bd", "torch-compile": "#868e96", "jax": "#91a7ff", "jax-scan": "#4c6ef5",
    "sklearn": "#ffd43b", GRADLOOM_BF16: "#a61e4d", "torch-bf16": "#8ce99a", "torch-compile-bf16": "#37b24d",
    "torch-medium": "#ced4da", "torch-compile-medium": "#868e96", "jax-bf16": "#91a7ff", "jax-scan-bf16": "#4c6ef5",
}
MARGIN, WIDTH, LEFT, BAR, GAP, HEAD = 12, 900, 140, 15, 30, 70
# Of a letter of a label, about.
LETTER = 6


def svg(comparisons: list[Comparison], precision: str, subtitle: str) -> str:
    """A group of bars for each workload: speeds over that of the best peer in the same round. A bar is as long as their
    median, the best peer's is 1, and whiskers span the rounds."""
    relative = [{name: item.relative(name, item.best_peer) for name in item.series} for item in comparisons]
    longest = max(ratio for trainers in relative for ratios in trainers.values() for ratio in ratios)
    labels = (_label(item, name) for item in comparisons for name in item.series)
    scale = (WIDTH - LEFT - max(map(len, labels)) * LETTER) / longest
    parts: list[str] = []
    top = HEAD
    for item, trainers in zip(comparisons, relative):
        parts.append(_text(0, top + BAR - 3, item.workload.name, "w"))
        parts.append(_text(LEFT, top - 5, item.workload.title, "s"))
        for name in sorted(trainers, key=lambda name: -statistics.median(trainers[name])):
            parts += _bar(item, name, trainers[name], top, scale)
            top += BAR
        top += GAP
    height = top - GAP + 20
    one = LEFT + scale
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-MARGIN} 0 {MARGIN + WIDTH} {height}"'
        ' font-family="sans-serif">',
        "<style>text{font-size:11px;fill:#212529}.w{font-weight:bold;font-size:13px}.s{fill:#868e96}"
        ".t{font-size:16px;font-weight:bold}</style>",
        f'<rect x="{-MARGIN}" width="{MARGIN + WIDTH}" height="{height}" fill="#fff"/>',
        _text(0, 18, f"Training speed in {precision}, relative to the best peer", "t"),
        _text(0, 36, subtitle, "s"),
    ]
    line = f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{HEAD - 18}" y2="{height - 10}" stroke="#ced4da"/>'
    return "\n".join([*head, line, *parts, "</svg>", ""])


def _bar(item: Comparison, name: str, ratios: list[float], top: int, scale: float) -> list[str]:
    median = statistics.median(ratios)
    length = median * scale
    low, high = (LEFT + extreme(ratios) * scale for extreme in (min, max))
    middle = top + BAR / 2
    return [
        f'<rect x="{LEFT}" y="{top + 1}" width="{length:.1f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#495057"/>',
        _text(max(LEFT + length, high) + 5, top + BAR - 4, _label(item, name), "l"),
    ]


def _label(item: Comparison, name: str) -> str:
    """Who it is and how fast; for Gradloom how many times as fast as the best peer, and as in float32."""
    label = f"{item.title(name)}  {short(item.series[name].speed)}/s"
    if name != item.precision.own:
        return label
    label += f"  ×{statistics.median(item.ratios):.2f}"
    return f"{label}, {statistics.median(item.gain):.2f} × float32" if item.precision.is_mixed else label


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>'
