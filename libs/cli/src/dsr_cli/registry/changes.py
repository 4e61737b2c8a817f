"""What a registry version changes for subject requests that are open, against another version."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, NamedTuple

from dsr_core.registry import AutomatedDecisions, Organisation, Registry, System

__all__ = ["Change", "changes"]

_BY_TWO = "owed still: it answers, or two people do"
_PINNED = "nothing: they keep the version that they pin"
_SAID_APART = frozenset({"retired_on", "successor", "sold"})
"""What has a sentence of its own, wherever it matters to open requests."""

_LONGEST = 60
"""Characters of a value that are shown."""


class Change(NamedTuple):
    """One thing that is another."""

    id: str
    """The system, or the organisation."""

    kind: str
    what: str
    open_requests: str
    """What that means for requests that are open."""


def changes(before: Registry, after: Registry) -> list[Change]:
    """Return all that another version changes, sorted by kind and id, with what it means for open requests.

    Every field of the registry is compared, so that whatever changes its digest is told.
    """
    found = [
        *(one for system in after.systems for one in _of_system(before, after, system)),
        *(
            Change(one.id, "gone", "is in the registry no more", _BY_TWO)
            for one in before.systems
            if after.system(one.id) is None and one.retired_on is None
        ),
        *_of_organisations(before, after),
    ]
    told = {one.id for one in found}
    found += _of_all(before.systems, after.systems, told)
    found += _of_all(before.organisations, after.organisations, told)
    return sorted(found, key=lambda one: (one.kind, one.id))


def _of_system(before: Registry, after: Registry, now: System) -> Iterator[Change]:
    then = before.system(now.id)
    if now.retired_on is None:
        if then is None:
            yield Change(now.id, "joins", f"joins, of {now.organisation_id}", "asked as well")
        elif then.retired_on is not None:
            yield Change(now.id, "returns", "is in use again", "asked again")
        else:
            yield from _of_rights(then, now)
        return
    heir, former = after.heir(now.id), before.heir(now.id)
    is_known = then is not None and then.retired_on is not None
    if then is None or (is_known and (heir and heir.id) == (former and former.id)):
        return
    if heir is None:
        what = f"is retired on {now.retired_on}, without a successor"
        yield Change(now.id, "retired", what, _BY_TWO)
    else:
        what = (
            f"is retired on {now.retired_on}, and {heir.id} of {heir.organisation_id} has its data"
        )
        means = f"{heir.id} answers in its place, again where it has answered"
        yield Change(now.id, "succeeded", what, means)


def _of_rights(then: System, now: System) -> Iterator[Change]:
    more, less = set(now.rights) - set(then.rights), set(then.rights) - set(now.rights)
    if more:
        what = f"can be asked for {', '.join(sorted(more))}"
        yield Change(now.id, "joins", what, "asked as well")
    if less:
        what = f"can be asked for {', '.join(sorted(less))} no more"
        yield Change(now.id, "gone", what, _BY_TWO)


def _of_organisations(before: Registry, after: Registry) -> Iterator[Change]:
    for now in after.organisations:
        then = before.organisation(now.id)
        former = then.sold if then else None
        if now.sold is not None and now.sold != former:
            what = f"has left the group on {now.sold.on}, sold to {now.sold.to}"
            means = "its systems owe what was received before that day, and nothing since"
            yield Change(now.id, "sold", what, means)
        elif now.sold is None and former is not None:
            yield Change(now.id, "returns", "is part of the group again", "its systems are asked")


def _of_all(
    before: Sequence[System | Organisation],
    after: Sequence[System | Organisation],
    told: Collection[str],
) -> Iterator[Change]:
    """Tell of all that has come, gone or changed and of which nothing was told yet."""
    former, present = ({one.id: one for one in these} for these in (before, after))
    for key in former.keys() - present.keys() - set(told):
        yield Change(key, "changed", "is in the registry no more", _PINNED)
    for key in present.keys() - former.keys() - set(told):
        yield Change(key, "changed", "is in the registry now", _PINNED)
    for key in former.keys() & present.keys():
        yield from _of_fields(former[key], present[key], told)


def _of_fields(
    then: System | Organisation, now: System | Organisation, told: Collection[str]
) -> Iterator[Change]:
    """Tell of every field that is another and of which nothing was told yet."""
    for field in fields(now):
        former, value = getattr(then, field.name), getattr(now, field.name)
        if field.name in _SAID_APART and now.id in told:
            continue
        if field.name == "rights" and _are_in_use(then, now) and set(former) != set(value):
            continue
        for what in _differences(field.name, former, value):
            yield Change(now.id, "changed", what, _PINNED)


def _are_in_use(*both: System | Organisation) -> bool:
    return all(isinstance(one, System) and one.retired_on is None for one in both)


def _differences(name: str, then: Any, now: Any) -> Iterator[str]:
    if then == now:
        return
    if is_dataclass(then) and is_dataclass(now) and not (_says_none(then) or _says_none(now)):
        for field in fields(now):
            inner = f"{name}.{field.name}"
            yield from _differences(inner, getattr(then, field.name), getattr(now, field.name))
    elif isinstance(then, tuple) and isinstance(now, tuple):
        gone = [f"-{_text(one)}" for one in then if one not in now]
        come = [f"+{_text(one)}" for one in now if one not in then]
        yield f"{name}: {', '.join((*gone, *come)) or 'another order'}"
    else:
        yield f"{name}: {_text(then)}, now {_text(now)}"


def _says_none(value: object) -> bool:
    """Whether a value says that there is nothing of its kind, which is more than saying nothing."""
    return isinstance(value, AutomatedDecisions) and not value.are_made


def _text(value: Any) -> str:
    """Return a value for a line of its own."""
    if value is None:
        return "not said"
    if _says_none(value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if is_dataclass(value):
        inner = (_text(getattr(value, field.name)) for field in fields(value))
        text = " ".join(inner)
    elif isinstance(value, tuple):
        text = ", ".join(map(_text, value)) or "none"
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
