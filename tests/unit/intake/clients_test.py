from __future__ import annotations

import pytest

from dsr_core.errors import RejectedInput
from dsr_intake.application.clients import ApiClients
from support.builders import NOW
from support.intake_fakes import FakeApiClients


def clients() -> tuple[ApiClients, FakeApiClients]:
    store = FakeApiClients()
    return ApiClients(store, clock=lambda: NOW), store


async def test_key_names_its_client_and_only_its_hash_is_kept() -> None:
    known, store = clients()
    made = await known.add(" web shop ")
    assert made.name == "web shop"
    assert await known.client_of(made.api_key) == made.client_id
    secret = made.api_key.split("_", 2)[2]
    assert secret.encode() not in store.rows[made.client_id][1]
    assert made.api_key not in repr(made)


async def test_good_key_is_asked_for_once() -> None:
    known, store = clients()
    made = await known.add("web shop")
    for _ in range(5):
        await known.client_of(made.api_key)
    assert store.asked == 1


@pytest.mark.parametrize(
    "key",
    ["", "x", "dsr_", "dsr_0123456789abcdef_short", "dsr_0123456789abcdef_" + "a" * 43, "\udc80"],
)
async def test_key_that_is_wrong_is_nobodys(key: str) -> None:
    known, _ = clients()
    assert await known.client_of(key.encode("utf-8", "replace").decode()) is None


async def test_other_secret_of_a_known_client_is_refused() -> None:
    known, _ = clients()
    made = await known.add("web shop")
    changed = made.api_key[:-1] + ("a" if made.api_key[-1] != "a" else "b")
    assert await known.client_of(changed) is None


async def test_revoked_key_is_refused_at_once() -> None:
    known, _ = clients()
    made = await known.add("web shop")
    await known.client_of(made.api_key)
    assert await known.revoke(made.client_id)
    assert await known.client_of(made.api_key) is None
    assert not await known.revoke("0" * 16)


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 101])
async def test_wrong_name_is_refused(name: str) -> None:
    known, _ = clients()
    with pytest.raises(RejectedInput):
        await known.add(name)
