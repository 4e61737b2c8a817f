"""What the pictures of a registry are drawn with: shapes of SVG, and colours that mean the same in each."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dsr_core.registry import OrganisationRole

__all__ = ["COLOURS", "STYLE", "document", "rect", "shorten", "text", "tip"]

COLOURS = {
    OrganisationRole.COMPANY: "#1d4ed8",
    OrganisationRole.AFFILIATE: "#7c3aed",
    OrganisationRole.SUBSIDIARY: "#0f766e",
    OrganisationRole.SERVICE_PROVIDER: "#b45309",
}

STYLE = """
    text { font-family: Inter, "Segoe UI", "DejaVu Sans", sans-serif; fill: #0f172a; }
    .title { font-size: 24px; font-weight: 700; }
    .note { font-size: 13px; fill: #475569; }
    .system { font-size: 13px; font-weight: 600; }
    .id { font-size: 10px; fill: #64748b; }
"""


def document(label: str, style: str, width: float, height: float, body: Sequence[str]) -> str:
    """Return one SVG document on white."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(label)}">'
    )
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([head, f"<style>{style}</style>", background, *body, "</svg>", ""])


def tip(name: str, colour: str) -> str:
    """Return the tip of an arrow, to be named as its end."""
    return (
        f'<defs><marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker></defs>'
    )


def rect(x: float, y: float, width: float, height: float, look: str) -> str:
    """Return a rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {look}/>'


def text(x: float, y: float, style: str, text: str) -> str:
    """Return a line of text."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def shorten(text: str, limit: int) -> str:
    """Return a text that is no longer than a limit."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
