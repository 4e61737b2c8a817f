"""Who can be answered for by two people, as the registry changes while a request is open."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId
from dsr_core.registry import Registry
from dsr_core.rights import Disposition
from dsr_intake.application.settling import Settling
from dsr_intake.model import Proposal, RequestView
from support.builders import NOW, a_registry, a_system
from support.intake_fakes import FakeRegistryView, a_request_view


class _Reads:
    def __init__(self, one: RequestView) -> None:
        self._one = one

    async def any(self, request_id: str) -> RequestView | None:
        return self._one if request_id == self._one.request_id else None


class _Proposals:
    def __init__(self) -> None:
        self.kept: list[Proposal] = []

    async def propose(self, proposal: Proposal) -> None:
        self.kept.append(proposal)


FIRST = a_registry()


def retired(successor: str | None) -> Registry:
    """A version in which `crm` is retired, and `archive` has joined."""
    name = SystemId(successor) if successor else None
    crm = a_system("crm", retired_on=NOW.date(), successor=name)
    others = [one for one in FIRST.systems if one.id != "crm"]
    return a_registry(crm, a_system("archive"), *others)


async def proposed(system_id: str, *later: Registry) -> list[Proposal]:
    """Propose an answer in place of a system, to a request of the first version."""
    one, proposals = a_request_view(), _Proposals()
    current = later[-1] if later else FIRST
    settling = Settling(
        deciding=cast(Any, None),
        reads=cast(Any, _Reads(one)),
        proposals=cast(Any, proposals),
        registry=FakeRegistryView(current, former=(FIRST, *later[:-1]) if later else ()),
        clock=lambda: NOW,
    )
    await settling.propose(
        one.request_id, by="a", system_id=system_id, disposition=Disposition.ERASED, reason="gone"
    )
    return proposals.kept


@pytest.mark.parametrize("system_id", ["crm", "archive", "mailer"])
async def test_who_joined_and_who_was_retired_without_a_successor_are_answered_for(
    system_id: str,
) -> None:
    [one] = await proposed(system_id, retired(None))
    assert one.system_id == system_id


async def test_who_has_left_the_registry_altogether_is_answered_for() -> None:
    without = a_registry(*(one for one in FIRST.systems if one.id != "crm"))
    assert await proposed("crm", without)


async def test_who_has_a_successor_is_answered_for_by_nobody_and_the_refusal_names_it() -> None:
    with pytest.raises(RejectedInput, match="archive answers for it"):
        await proposed("crm", retired("archive"))
    assert await proposed("archive", retired("archive"))


async def test_who_owes_nothing_is_answered_for_by_nobody() -> None:
    with pytest.raises(RejectedInput, match=r"owes no answer to this request$"):
        await proposed("archive")
