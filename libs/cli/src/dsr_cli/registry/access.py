"""Reading what a system's file says of access: what is told beside the data, and what is protected."""

from __future__ import annotations

from collections.abc import Collection

from yaml.nodes import Node, ScalarNode

from dsr_cli.files.document import Item, Reader, Rule
from dsr_cli.files.faults import FaultList
from dsr_core.exports import ProtectedField, Protection, name_fault
from dsr_core.registry import AccessTerms, AutomatedDecisions
from dsr_core.rights import RIGHTS

__all__ = ["read_access"]

_KEYS = {
    "purpose": "To keep an account",
    "source": "You, when you signed up",
    "retention": "Until the account is closed",
}
"""The keys that must be there, each with a value that it could have."""

_AUTOMATED = {
    "logic": "A score is made from the last year's payments",
    "significance": "It decides whether an invoice is offered",
    "consequences": "Below 50 points only cards are taken",
}
"""What is said of automated decisions where there are any."""

_NONE = ("none",)
_HANDING_OVER = tuple(right.value for right, terms in RIGHTS.items() if terms.hands_over)
_PROTECTIONS = tuple(one.value for one in Protection)


def _is_path(text: str) -> bool:
    file, dot, field = text.partition(".")
    return bool(dot) and all(field.split(".")) and (file == "*" or name_fault(file) is None)


_IS_PATH = Rule(
    _is_path,
    "names no field of a file",
    lambda _text: "write it like 'orders.referee', or '*.referee' for every file",
)


def read_access(
    node: Node | None, read: Reader, faults: FaultList, *, rights: Collection[str]
) -> AccessTerms | None:
    """Return what is said; none where nothing is, or after noting what is wrong with it.

    Args:
        node: What stands there.
        read: Reads it.
        faults: Where what is wrong is noted.
        rights: What the system can be asked for.
    """
    if node is None:
        return None
    if not any(right in rights for right in _HANDING_OVER):
        message = "access: only what can be asked for access has terms of it"
        faults.add(node.start_mark.line + 1, message, "add 'access' to its rights, or leave it out")
    keys = read.mapping(
        node, "access", required=_KEYS, optional=("recipients", "protected", "automated_decisions")
    )
    purpose = read.text(keys.get("purpose"), "purpose")
    source = read.text(keys.get("source"), "source")
    retention = read.text(keys.get("retention"), "retention")
    recipients = read.distinct(
        [read.text(one, "recipients") for one in read.items(keys.get("recipients"), "recipients")],
        "recipient",
    )
    protected = _protected(keys.get("protected"), read, faults)
    automated = _automated(keys.get("automated_decisions"), read)
    if not (purpose and source and retention):
        return None
    return AccessTerms(
        purpose=purpose.text,
        source=source.text,
        recipients=recipients,
        retention=retention.text,
        protected=protected,
        automated=automated,
    )


def _automated(node: Node | None, read: Reader) -> AutomatedDecisions | None:
    """Return what is said of automated decisions: `none`, or all three texts."""
    if node is None:
        return None
    if isinstance(node, ScalarNode):
        found = read.one_of(node, "automated_decisions", _NONE)
        return AutomatedDecisions() if found else None
    keys = read.mapping(node, "automated_decisions", required=_AUTOMATED)
    texts = {name: read.text(keys.get(name), name) for name in _AUTOMATED}
    said = {name: one.text for name, one in texts.items() if one is not None}
    return AutomatedDecisions(**said) if len(said) == len(_AUTOMATED) else None


def _protected(node: Node | None, read: Reader, faults: FaultList) -> tuple[ProtectedField, ...]:
    found: dict[str, ProtectedField] = {}
    for key, value in read.entries(node, "protected"):
        path: Item | None = read.checked(key, "protected", _IS_PATH)
        how = read.one_of(value, "protection", _PROTECTIONS)
        if path is not None and path.text in found:
            message = f"protected: field '{path.text}' stands twice in this mapping"
            faults.add(path.line, message, "keep one of the two")
        elif path is not None and how is not None:
            found[path.text] = ProtectedField(path.text, Protection(how.text))
    return tuple(found[path] for path in sorted(found))
