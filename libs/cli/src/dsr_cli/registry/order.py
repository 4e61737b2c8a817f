"""Reading what a system's file says of the order of a plan: who erases first, and who finds out what."""

from __future__ import annotations

from collections.abc import Collection

from yaml.nodes import Node

from dsr_cli.files.document import Item, Reader
from dsr_cli.files.faults import FaultList
from dsr_core.identity import IDENTIFIER_KINDS
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import Right

__all__ = ["read_erase_after", "read_policy", "read_resolves"]

_KEYS = {"from": "email", "to": "account_id", "confidence": "verified"}
"""The keys that must be there, each with a value that it could have."""

_CONFIDENCES = tuple(one.value for one in Confidence)
_PROCESSORS_FIRST = "processors_first"


def read_policy(node: Node | None, read: Reader) -> bool:
    """Return whether an organisation has processors go first."""
    return read.one_of(node, "policy", [_PROCESSORS_FIRST]) is not None


def read_erase_after(
    node: Node | None, read: Reader, faults: FaultList, *, rights: Collection[str]
) -> list[Item]:
    """Return the systems that are named, each once; whether they exist is for the whole folder to say."""
    if node is not None and rights and Right.DELETION not in rights:
        message = "erase_after: only what erases can come after others"
        faults.add(
            node.start_mark.line + 1, message, "add 'deletion' to its rights, or leave it out"
        )
    items = [read.text(one, "erase_after") for one in read.items(node, "erase_after")]
    read.distinct(items, "system")
    return [one for one in items if one is not None]


def read_resolves(
    node: Node | None, read: Reader, faults: FaultList, *, kinds: Collection[str]
) -> tuple[Resolution, ...]:
    """Return what is said, sorted, without what is wrong, which is noted.

    Args:
        node: What stands there.
        read: Reads it.
        faults: Where what is wrong is noted.
        kinds: The kinds that the system knows people by.
    """
    found: dict[tuple[str, str], Resolution] = {}
    for one in read.items(node, "resolves"):
        keys = read.mapping(one, "resolves", required=_KEYS)
        from_kind = read.one_of(keys.get("from"), "identifier kind", IDENTIFIER_KINDS)
        to_kind = read.one_of(keys.get("to"), "identifier kind", IDENTIFIER_KINDS)
        confidence = read.one_of(keys.get("confidence"), "confidence", _CONFIDENCES)
        if from_kind is None or to_kind is None or confidence is None:
            continue
        pair = (from_kind.text, to_kind.text)
        if from_kind.text == to_kind.text:
            message = f"resolves: '{to_kind.text}' is found out from itself"
            faults.add(to_kind.line, message, "name another kind")
        elif kinds and from_kind.text not in kinds:
            message = f"resolves: the system knows nobody by '{from_kind.text}'"
            faults.add(from_kind.line, message, "add it to its identifiers, or name one of them")
        elif pair in found:
            message = f"resolves: '{from_kind.text}' to '{to_kind.text}' stands twice in this list"
            faults.add(from_kind.line, message, "keep one of the two")
        else:
            found[pair] = Resolution(*pair, Confidence(confidence.text))
    return tuple(sorted(found.values()))
