"""Drawing a plan as SVG: a column for each phase, and an arrow from who goes first to who comes after."""

from __future__ import annotations

from html import escape

from dsr_cli.registry.drawing import COLOURS, STYLE, document, rect, shorten, text, tip
from dsr_cli.registry.planned import Planned
from dsr_core.phases import Precedence, Why
from dsr_core.registry import Organisation, System

__all__ = ["plan_svg"]

_BOX, _HEIGHT, _STEP = 268, 46, 58
_GUTTER, _MARGIN, _TOP = 110, 32, 132

_ARROWS = {
    Why.RESOLVES: ("#7c3aed", "finds out what the next one needs"),
    Why.COPIES: ("#e11d48", "is filled by the next one"),
    Why.DECLARED: ("#0f766e", "goes first, as the next one says"),
    Why.POLICY: ("#b45309", "is a processor and goes first"),
}
_STYLE = (
    STYLE
    + """
    .phase { font-size: 13px; font-weight: 700; fill: #475569; letter-spacing: 1.2px; }
    .arrow { fill: none; stroke-width: 1.5; opacity: 0.55; }
"""
)


def plan_svg(found: Planned) -> str:
    """Return a plan as one SVG document."""
    owners = {one.id: one for one in found.registry.organisations}
    places: dict[str, tuple[float, float]] = {}
    boxes: list[str] = []
    for column, phase in enumerate(found.phases):
        x = _MARGIN + column * (_BOX + _GUTTER)
        boxes.append(text(x, _TOP - 16, "phase", f"PHASE {column + 1}"))
        by_owner = sorted(phase, key=lambda one: (one.organisation_id, one.id))
        for row, system in enumerate(by_owner):
            y = float(_TOP + row * _STEP)
            places[system.id] = (x, y)
            boxes += _box(system, owners[system.organisation_id], x, y)
    columns = max(len(found.phases), 1)
    rows = max((len(one) for one in found.phases), default=0)
    width = 2 * _MARGIN + columns * _BOX + (columns - 1) * _GUTTER
    height = _TOP + rows * _STEP + 40 + 22 * len(_used(found))
    body = [
        *(tip(why.value, colour) for why, (colour, _) in _ARROWS.items()),
        *_title(found),
        *(_arrow(found, one, places) for one in found.order),
        *boxes,
        *_legend(found, _TOP + rows * _STEP + 22),
    ]
    return document("Plan", _STYLE, max(width, 640), height, body)


def _title(found: Planned) -> list[str]:
    systems = sum(len(one) for one in found.phases)
    known = ", ".join(found.kinds) if found.kinds else "whatever is at hand"
    return [
        text(
            _MARGIN,
            48,
            "title",
            f"Who is asked for {found.right.value.replace('_', ' ')}, and when",
        ),
        text(
            _MARGIN,
            74,
            "note",
            f"{systems} systems in {len(found.phases)} phases; the person is known by {known}. "
            f"Registry {found.registry.digest[:12]}.",
        ),
    ]


def _box(one: System, owner: Organisation, x: float, y: float) -> list[str]:
    colour = COLOURS[owner.role]
    return [
        rect(x, y, _BOX, _HEIGHT, f'rx="7" fill="#f8fafc" stroke="{colour}"'),
        rect(x, y, 5, _HEIGHT, f'rx="2.5" fill="{colour}"'),
        text(x + 14, y + 19, "system", shorten(one.name, 30)),
        text(x + 14, y + 35, "id", shorten(f"{one.id}; {owner.name}", 48)),
    ]


def _arrow(found: Planned, one: Precedence, places: dict[str, tuple[float, float]]) -> str:
    (x1, y1), (x2, y2) = places[one.before], places[one.after]
    colour = _ARROWS[one.why][0]
    start, end = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    if x1 == x2:  # a ring, or what lies deeper than the last phase
        bend = x1 + _BOX + 46
        curve = (
            f"M{x1 + _BOX:g} {start:g} C{bend:g} {start:g} {bend:g} {end:g} {x1 + _BOX:g} {end:g}"
        )
    else:
        middle = (x1 + _BOX + x2) / 2
        curve = f"M{x1 + _BOX:g} {start:g} C{middle:g} {start:g} {middle:g} {end:g} {x2:g} {end:g}"
    return (
        f'<path class="arrow" stroke="{colour}" d="{curve}" marker-end="url(#{one.why.value})">'
        f"<title>{escape(found.reason(one))}</title></path>"
    )


def _used(found: Planned) -> list[Why]:
    return [why for why in Why if any(one.why is why for one in found.order)]


def _legend(found: Planned, y: float) -> list[str]:
    shapes = []
    for row, why in enumerate(_used(found)):
        colour, label = _ARROWS[why]
        line = y + 22 * row
        place = f"M{_MARGIN} {line - 4:g} h34"
        shapes += [
            f'<path class="arrow" stroke="{colour}" d="{place}" marker-end="url(#{why.value})"/>',
            text(_MARGIN + 44, line, "note", label),
        ]
    return shapes
