"""The bar chart of a comparison, as SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

from report import GRADLOOM, Comparison, short, title

COLOURS = {
    GRADLOOM: "#d9480f", "torch": "#adb5bd", "torch-compile": "#868e96", "jax": "#91a7ff", "jax-scan": "#4c6ef5",
    "sklearn": "#ffd43b",
}
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 900, 140, 150, 15, 30, 70


def svg(comparisons: list[Comparison], subtitle: str) -> str:
    """A group of bars for each workload; the best peer's bar is 1 long, and whiskers span the rounds."""
    longest = max(
        speed / item.series[item.best_peer].speed
        for item in comparisons for series in item.series.values() for speed in series.samples_per_second
    )
    scale = (WIDTH - LEFT - RIGHT) / longest
    parts: list[str] = []
    top = HEAD
    for item in comparisons:
        parts.append(_text(0, top + BAR - 3, item.workload.name, "w"))
        parts.append(_text(LEFT, top - 5, item.workload.title, "s"))
        best = item.series[item.best_peer].speed
        for name in sorted(item.series, key=lambda name: -item.series[name].speed):
            parts += _bar(item, name, best, top, scale)
            top += BAR
        top += GAP
    height = top - GAP + 20
    one = LEFT + scale
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        "<style>text{font-size:11px;fill:#212529}.w{font-weight:bold;font-size:13px}.s{fill:#868e96}"
        ".t{font-size:16px;font-weight:bold}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(0, 18, "Training speed, relative to the best peer", "t"),
        _text(0, 36, subtitle, "s"),
    ]
    line = f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{HEAD - 18}" y2="{height - 10}" stroke="#ced4da"/>'
    return "\n".join([*head, line, *parts, "</svg>", ""])


def _bar(item: Comparison, name: str, best: float, top: int, scale: float) -> list[str]:
    series = item.series[name]
    length = series.speed / best * scale
    low, high = (LEFT + extreme(series.samples_per_second) / best * scale for extreme in (min, max))
    middle = top + BAR / 2
    label = f"{title(name)}  {short(series.speed)}/s"
    if name == GRADLOOM:
        label += f"  ×{series.speed / best:.2f}"
    return [
        f'<rect x="{LEFT}" y="{top + 1}" width="{length:.1f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#495057"/>',
        _text(max(LEFT + length, high) + 5, top + BAR - 4, label, "l"),
    ]


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>'
