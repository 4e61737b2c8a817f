"""A small picture of the log's tree: the complete subtrees that its root is folded from."""

from __future__ import annotations

from collections.abc import Iterator

from dsr_wire.log.tree import Range, cover

__all__ = ["tree_picture"]

_WIDEST = 72


def tree_picture(size: int) -> Iterator[str]:
    """Yield the lines of the picture; none for an empty tree.

    Each complete subtree is a roof as wide as it is high, with its leaves under it.
    """
    levels = [one.level for one in cover(Range(0, size))]
    if not levels:
        return
    labels = [f"{1 << level:,}" for level in levels]
    widths = [max(2 * level + 1, len(label)) for level, label in zip(levels, labels, strict=True)]
    while sum(widths) + 2 * len(widths) > _WIDEST:
        widest = max(widths)
        widths = [
            max(len(label), min(width, widest - 1)) for width, label in _pairs(widths, labels)
        ]
        if max(widths) == widest:
            break
    yield "  ".join("/" + "‾" * (width - 2) + "\\" if width > 1 else "^" for width in widths)
    yield "  ".join(label.center(width) for width, label in _pairs(widths, labels))


def _pairs(widths: list[int], labels: list[str]) -> list[tuple[int, str]]:
    return list(zip(widths, labels, strict=True))
