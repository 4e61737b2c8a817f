"""What a registry version changes for subject requests that are open, against another version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dsr_core.registry import Registry, System

__all__ = ["Change", "changes"]

_BY_TWO = "owed still: it answers, or two people do"


class Change(NamedTuple):
    """One thing that is another."""

    id: str
    """The system, or the organisation."""

    kind: str
    what: str
    open_requests: str
    """What that means for requests that are open."""


def changes(before: Registry, after: Registry) -> list[Change]:
    """Return what another version changes for open requests, sorted by kind and id; nothing where nothing."""
    found = [
        *(one for system in after.systems for one in _of_system(before, after, system)),
        *(
            Change(one.id, "gone", "is in the registry no more", _BY_TWO)
            for one in before.systems
            if after.system(one.id) is None and one.retired_on is None
        ),
        *_of_organisations(before, after),
    ]
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
