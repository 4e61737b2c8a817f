"""A picture of memory over time, as SVG: one line a process, and the limit that all keep under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dsr_cli.bench.memory import Memory

__all__ = ["curves"]

_WIDTH, _HEIGHT = 860, 360
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 56, 20, 92
_GRID_BYTES = 50_000_000
_POINTS = 400
"""So many points a line has at most; of those between the largest is drawn."""

_COLOURS = ("#1d4ed8", "#b45309", "#0f766e", "#7c3aed")
_STYLE = (
    'text{font:12px Inter,"Segoe UI","DejaVu Sans",sans-serif;fill:#334155}'
    ".title{font-size:15px;font-weight:700;fill:#0f172a}"
    "polyline{fill:none;stroke-width:1.8}.grid{stroke:#e2e8f0}.limit{stroke:#e11d48;stroke-dasharray:6 4}"
    ".mark{stroke:#94a3b8;stroke-dasharray:2 4}"
)


@dataclass(frozen=True, slots=True)
class _Scale:
    last: float
    """Seconds."""

    most: float
    """Bytes."""

    def x(self, at: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * at / self.last

    def y(self, size: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * size / self.most


def curves(memory: Memory, *, title: str, limit: int) -> str:
    """Return the picture; the limit is in bytes."""
    scale = _Scale(
        last=max(points[-1][0] for points in memory.seen.values()),
        most=1.08 * max([limit, *memory.most().values()]),
    )
    left, right, bottom = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{left}" y="24">{escape(title)}</text>',
        _text(left, _TOP - 12, "MB resident", "start"),
    ]
    for size in range(0, int(scale.most), _GRID_BYTES):
        drawn.append(_line("grid", (left, scale.y(size)), (right, scale.y(size))))
        drawn.append(_text(left - 8, scale.y(size) + 4, f"{size // 10**6}", "end"))
    drawn.append(_line("limit", (left, scale.y(limit)), (right, scale.y(limit))))
    for number, (at, text) in enumerate(memory.marks):
        drawn.append(_line("mark", (scale.x(at), _TOP), (scale.x(at), bottom)))
        place = bottom + 16 + 14 * number
        drawn.append(_text(scale.x(at), place, f"{text}, {at:.0f} s", "end"))
    for number, (name, points) in enumerate(memory.seen.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{scale.x(at):.1f},{scale.y(size):.1f}" for at, size in _fewer(points))
        drawn.append(f'<polyline points="{path}" stroke="{colour}"/>')
        place, most = left + number * 260, max(size for _, size in points)
        drawn.append(
            f'<rect x="{place}" y="{_HEIGHT - 26}" width="12" height="12" fill="{colour}"/>'
        )
        said = f"{name}: {most / 10**6:.0f} MB at most"
        drawn.append(_text(place + 18, _HEIGHT - 15, said, "start"))
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _fewer(points: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    step = -(-len(points) // _POINTS)
    groups = (points[start : start + step] for start in range(0, len(points), step))
    return [max(group, key=lambda one: one[1]) for group in groups]


def _line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
