"""What fanout reads of the verifier's ledger."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dsr_core.errors import Unavailable
from dsr_fanout.adapters.calls import Calls
from dsr_fanout.adapters.verifier import HttpLedger


def ledger(status: int, document: object) -> HttpLedger:
    async def get(_path: str) -> Any:
        return SimpleNamespace(status=status, json=lambda: document)

    return HttpLedger(cast(Calls, SimpleNamespace(get=get)))


async def test_a_held_system_is_among_the_missing_since_its_hold_may_have_ended() -> None:
    """The resumption after a hold told nobody: the ledger had not heard yet that it was lifted."""
    document = {"systems": {"crm": ["a"], "billing": ["a"]}, "held": {"crm": ["b"], "mail": ["b"]}}
    found = await ledger(200, document).missing("c")
    assert found == {"crm": ("a", "b"), "billing": ("a",), "mail": ("b",)}


async def test_an_unknown_cohort_is_not_one_of_which_nobody_is_missing() -> None:
    assert await ledger(404, {}).missing("c") is None


@pytest.mark.parametrize("document", [[], {"systems": []}, {"systems": {"crm": "a"}}])
async def test_another_answer_is_taken_as_none(document: object) -> None:
    with pytest.raises(Unavailable):
        await ledger(200, document).missing("c")
