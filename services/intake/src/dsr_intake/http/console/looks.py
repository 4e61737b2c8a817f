"""How things look: the templates with what they need to say times and signs, and the files beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from dsr_core.lifecycle import State
from dsr_intake.application.console.cells import Standing

__all__ = ["SIGNS", "STATIC", "Static", "environment", "span"]

_TEMPLATES = files(__package__) / "templates"
_FILES = files(__package__) / "static"
_MEDIA = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

SIGNS: dict[Standing, tuple[str, str]] = {
    Standing.CONFIRMED: ("✔", "confirmed"),
    Standing.KEPT: ("§", "confirmed, keeps some on a legal ground"),
    Standing.NOTHING: ("∅", "confirmed, holds nothing"),
    Standing.COMING: ("…", "is at it"),
    Standing.WAITING: ("·", "no answer yet"),
    Standing.FAILED: ("✘", "failed"),
    Standing.UNRESOLVABLE: ("?", "cannot tell who is meant"),
    Standing.CONTRADICTED: ("≠", "answers contradict each other"),
    Standing.HELD: ("‖", "held by a legal hold"),
    Standing.STOPPED: ("■", "stopped"),
}
"""The sign of each standing, and its words: a colour alone says nothing to some."""

_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Static:
    """A file that pages are dressed with; its address changes with its content."""

    name: str
    content: bytes
    media: str
    version: str

    @property
    def address(self) -> str:
        """Where it is."""
        return f"/console/static/{self.name}?{self.version}"


def _static(name: str) -> Static:
    content = (_FILES / name).read_bytes()
    media = _MEDIA[name.rsplit(".", 1)[-1]]
    return Static(name, content, media, hashlib.sha256(content).hexdigest()[:12])


STATIC = {name: _static(name) for name in ("console.css", "console.js", "icon.svg")}
"""Every file there is."""


def environment() -> Environment:
    """Return what makes pages of templates; every value is escaped."""
    texts = {
        one.name: one.read_text("utf-8")
        for one in _TEMPLATES.iterdir()
        if one.name.endswith(".html.j2")
    }
    made = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "span": span,
        "moment": _moment,
        "clock": lambda at: f"{at:%H:%M:%S}",
        "day": _day,
        "iso": _iso,
        "count": lambda one: f"{one:,}".replace(",", "\u202f"),
        "said": lambda one: str(one).replace("_", " "),
        "short": lambda one: f"{one[:4]}…{one[-8:]}",
        "bytes": _bytes,
    }
    made.globals |= {"SIGNS": SIGNS, "State": State, "Standing": Standing}
    return made


def span(given: timedelta | float) -> str:
    """Return how long something is, by its two largest units."""
    left = int(abs(given.total_seconds() if isinstance(given, timedelta) else given))
    parts: list[str] = []
    for size, unit in _STEPS:
        count, left = divmod(left, size)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count}\u202f{unit}")
        if len(parts) == 2:
            break
    return " ".join(one for one in parts if not one.startswith("0")) or "0\u202fs"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y}".lstrip("0")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _bytes(size: int) -> str:
    return f"{size:,} bytes".replace(",", "\u202f")
