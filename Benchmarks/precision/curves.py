"""The losses of trainings in several formats, as SVG: one panel for each task, one curve for each format."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = {"float32": "#212529", "bf16-dot-1": "#d9480f", "bf16-amx-1": "#4c6ef5"}
WIDTH, HEIGHT, LEFT, TOP, GAP, COLUMNS = 270, 150, 55, 70, 80, 2


@dataclass
class Curve:
    """A loss after each epoch: its mean, and the range of all seeds."""

    name: str
    points: list[tuple[float, float, float]]


def chart(panels: dict[str, list[Curve]], seeds: int) -> str:
    """The curves of every task; bands span the seeds."""
    rows = -(-len(panels) // COLUMNS)
    width, height = COLUMNS * (LEFT + WIDTH + 20), TOP + rows * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<style>text{font-size:11px;fill:#212529}.t{font-size:16px;font-weight:bold}.w{font-weight:bold}.s{fill:#868e96}"
        "</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(10, 20, "Validation loss after each epoch", "t"),
        _text(10, 38, f"mean of {seeds} seeds; bands span them", "s"),
    ]
    for index, name in enumerate(COLOURS):
        parts.append(f'<rect x="{240 + 110 * index}" y="30" width="14" height="4" fill="{COLOURS[name]}"/>')
        parts.append(_text(258 + 110 * index, 38, name))
    for index, (task, curves) in enumerate(panels.items()):
        left, top = LEFT + index % COLUMNS * (LEFT + WIDTH + 20), TOP + index // COLUMNS * (HEIGHT + GAP)
        parts += _panel(task, curves, left, top)
    return "\n".join([*parts, "</svg>", ""])


def _panel(task: str, curves: list[Curve], left: int, top: int) -> list[str]:
    epochs = max(len(curve.points) for curve in curves)
    low = min(point[1] for curve in curves for point in curve.points)
    high = max(point[2] for curve in curves for point in curve.points)

    def place(epoch: int, loss: float) -> str:
        x = left + WIDTH * (epoch / max(1, epochs - 1))
        return f"{x:.1f},{top + HEIGHT * (high - loss) / ((high - low) or 1):.1f}"

    parts = [
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ced4da"/>',
        _text(left, top - 6, task, "w"),
        _text(left - 48, top + 10, f"{high:.4g}", "s"),
        _text(left - 48, top + HEIGHT, f"{low:.4g}", "s"),
        _text(left, top + HEIGHT + 14, "epoch 1", "s"),
        _text(left + WIDTH - 50, top + HEIGHT + 14, f"epoch {epochs}", "s"),
    ]
    for curve in curves:
        upper = [place(epoch, point[2]) for epoch, point in enumerate(curve.points)]
        lower = [place(epoch, point[1]) for epoch, point in enumerate(curve.points)]
        mean = [place(epoch, point[0]) for epoch, point in enumerate(curve.points)]
        colour = COLOURS[curve.name]
        parts.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{colour}" fill-opacity="0.12"/>')
        parts.append(f'<polyline points="{" ".join(mean)}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    return parts


def _text(x: float, y: float, text: str, style: str = "l") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>'
