"""Drawing the registry as SVG: regions in columns, organisations as cards, systems inside them.

Layout is counted in pixels from estimated text widths, since no font can be measured here; the
estimates are on the wide side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from dsr_cli.registry.drawing import COLOURS, STYLE, document, rect, shorten, text, tip
from dsr_cli.registry.graph import by_region, copies
from dsr_core.registry import Organisation, Registry, System

__all__ = ["svg"]

_COLUMNS = 3
_CARD = 356
_PAD = 14
_INSET = 10
_GUTTER = 84
_MARGIN = 32
_TOP = 104
_CHIP = 19
_CHIP_STEP = 24
_CHIP_CHARACTER = 5.9

_STYLE = (
    STYLE
    + """
    .region { font-size: 13px; font-weight: 700; fill: #475569; letter-spacing: 1.2px; }
    .organisation { font-size: 14px; font-weight: 700; fill: #ffffff; }
    .role { font-size: 11px; fill: #ffffff; opacity: 0.85; }
    .chip { font-size: 10px; fill: #334155; }
    .copy { fill: none; stroke: #e11d48; stroke-width: 1.7; opacity: 0.75; }
"""
)


@dataclass(slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    column: int


@dataclass(slots=True)
class _Drawing:
    registry: Registry
    regions: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    systems: dict[str, _Box] = field(default_factory=dict)


def svg(registry: Registry) -> str:
    """Return the registry as one SVG document."""
    drawing = _Drawing(registry)
    heights = [float(_TOP)] * _COLUMNS
    for column, names in enumerate(_columns(registry)):
        for name in names:
            heights[column] = _region(drawing, name, column, heights[column])
    width = 2 * _MARGIN + _COLUMNS * (_CARD + 2 * _PAD) + (_COLUMNS - 1) * _GUTTER
    height = max(heights) + 30
    body = [*drawing.regions, *_arrows(drawing), *drawing.cards, *_legend(height)]
    return document(
        "Registry", _STYLE, width, height + 24, [tip("tip", "#e11d48"), *_title(registry), *body]
    )


def _title(registry: Registry) -> list[str]:
    counts = (
        f"{len(registry.organisations)} organisations, {len(registry.systems)} systems, "
        f"{len(by_region(registry))} regions"
    )
    return [
        text(_MARGIN, 48, "title", "Who holds personal data"),
        text(_MARGIN, 74, "note", f"{counts}. Registry {registry.digest[:12]}."),
    ]


def _columns(registry: Registry) -> list[list[str]]:
    """Share the regions out: what most is copied from in the middle, the rest by height."""
    origins = [origin for origin, _ in copies(registry)]
    organisation_of = {str(one.id): str(one.organisation_id) for one in registry.systems}
    sizes: dict[str, float] = {}
    copied: dict[str, int] = {}
    for region, organisations in by_region(registry).items():
        ids = {str(one.id) for one in organisations}
        sizes[region] = sum(_card_height(registry, one) + _PAD for one in organisations) + 60
        copied[region] = sum(organisation_of.get(origin, "") in ids for origin in origins)
    columns: list[list[str]] = [[] for _ in range(_COLUMNS)]
    filled = [0.0] * _COLUMNS
    order = sorted(sizes, key=lambda one: (-copied[one], -sizes[one], one))
    for position, region in enumerate(order):
        middle = _COLUMNS // 2
        column = middle if position == 0 else filled.index(min(filled))
        columns[column].append(region)
        filled[column] += sizes[region]
    return columns


def _region(drawing: _Drawing, name: str, column: int, top: float) -> float:
    x = _MARGIN + column * (_CARD + 2 * _PAD + _GUTTER)
    y = top + 34
    for organisation in by_region(drawing.registry)[name]:
        y = _card(drawing, organisation, column, x + _PAD, y) + _PAD
    label = name.replace("-", " ").upper()
    look = 'rx="14" fill="#f1f5f9" stroke="#cbd5e1"'
    drawing.regions += [
        rect(x, top, _CARD + 2 * _PAD, y - top, look),
        text(x + _PAD, top + 22, "region", label),
    ]
    return y + 26


def _card(drawing: _Drawing, one: Organisation, column: int, x: float, y: float) -> float:
    colour = COLOURS[one.role]
    height = _card_height(drawing.registry, one)
    role = one.role.value.replace("_", " ")
    drawing.cards += [
        rect(x, y, _CARD, height, f'rx="9" fill="#ffffff" stroke="{colour}"'),
        f'<path d="M{x:g} {y + 44:g} v-35 q0 -9 9 -9 h{_CARD - 18} q9 0 9 9 v35 z" fill="{colour}"/>',
        text(x + 12, y + 19, "organisation", shorten(one.name, 40)),
        text(x + 12, y + 35, "role", shorten(f"{role}, {one.country}; {one.owner}", 54)),
    ]
    below = y + 44 + 10
    for system in drawing.registry.systems_of(one.id):
        box = _Box(x + _INSET, below, _CARD - 2 * _INSET, _system_height(system), column)
        drawing.systems[system.id] = box
        drawing.cards += _system(system, box)
        below += box.height + 8
    return y + height


def _system(one: System, box: _Box) -> list[str]:
    shapes = [
        rect(box.x, box.y, box.width, box.height, 'rx="7" fill="#f8fafc" stroke="#cbd5e1"'),
        text(box.x + 10, box.y + 18, "system", shorten(one.name, 42)),
        text(
            box.x + 10,
            box.y + 34,
            "id",
            shorten(f"{one.id}; knows people by {', '.join(one.identifiers)}", 60),
        ),
    ]
    for category, left, line in _chips(one):
        y = box.y + 42 + line * _CHIP_STEP
        width = _chip_width(category)
        shapes += [
            rect(box.x + left, y, width, _CHIP, 'rx="9.5" fill="#e2e8f0"'),
            text(box.x + left + 8, y + 13, "chip", category),
        ]
    return shapes


def _chips(one: System) -> list[tuple[str, float, int]]:
    """Place the categories in lines: each with its left edge and its line."""
    placed = []
    left, line = 10.0, 0
    for category in one.categories:
        width = _chip_width(category)
        if left > 10 and left + width > _CARD - 30:
            left, line = 10.0, line + 1
        placed.append((category, left, line))
        left += width + 6
    return placed


def _chip_width(category: str) -> float:
    return len(category) * _CHIP_CHARACTER + 16


def _system_height(one: System) -> float:
    lines = max((line for _, _, line in _chips(one)), default=-1) + 1
    return 42 + lines * _CHIP_STEP + 4


def _card_height(registry: Registry, one: Organisation) -> float:
    systems = registry.systems_of(one.id)
    return 44 + 10 + sum(_system_height(system) + 8 for system in systems) + 2


def _arrows(drawing: _Drawing) -> list[str]:
    """Draw each copy from the side of its origin to the near side of where it is copied to.

    Arrows lie under the cards, so that one which crosses a column leaves its text readable. Those
    that start from one system are spread a little, to be told apart.
    """
    shapes = []
    started: dict[str, int] = {}
    ended: dict[str, int] = {}
    for origin, copy in copies(drawing.registry):
        source, target = drawing.systems[origin], drawing.systems[copy]
        nth, mth = started.get(origin, 0), ended.get(copy, 0)
        started[origin], ended[copy] = nth + 1, mth + 1
        y1 = source.y + 14 + (nth * 13) % max(source.height - 20, 13)
        y2 = target.y + 14 + (mth * 13) % max(target.height - 20, 13)
        rightwards = target.column >= source.column
        x1 = source.x + source.width + _INSET if rightwards else source.x - _INSET
        if source.column == target.column:
            x2 = target.x + target.width + _INSET
            bend = x1 + 44 + 9 * (nth % 4)
            curve = f"C{bend:g} {y1:g} {bend:g} {y2:g} {x2:g} {y2:g}"
        else:
            x2 = target.x - _INSET if rightwards else target.x + target.width + _INSET
            middle = (x1 + x2) / 2
            curve = f"C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
        shapes.append(
            f'<path class="copy" d="M{x1:g} {y1:g} {curve}" marker-end="url(#tip)">'
            f"<title>{escape(origin)} is copied to {escape(copy)}</title></path>"
        )
    return shapes


def _legend(y: float) -> list[str]:
    shapes = []
    x = float(_MARGIN)
    for role, colour in COLOURS.items():
        label = role.value.replace("_", " ")
        shapes += [
            rect(x, y - 11, 14, 14, f'rx="3" fill="{colour}"'),
            text(x + 20, y + 1, "note", label),
        ]
        x += 20 + len(label) * 8 + 24
    shapes += [
        f'<path class="copy" d="M{x:g} {y - 4:g} h34" marker-end="url(#tip)"/>',
        text(x + 42, y + 1, "note", "data is copied to"),
    ]
    return shapes
