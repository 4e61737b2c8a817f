from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_intake.application import clients as module
from dsr_intake.application.clients import ApiClients, NewClient, NewKey
from dsr_intake.model.principals import Principal, PrincipalKind, Scope
from support.builders import NOW, days
from support.intake_fakes import FakeApiClients


@dataclass
class Rig:
    """Clients, and a clock that a test sets."""

    store: FakeApiClients = field(default_factory=FakeApiClients)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.clients = ApiClients(self.store, clock=lambda: self.now)

    async def made(self, name: str = "web shop", **changes: object) -> NewKey:
        return await self.clients.add(NewClient(name=name, **changes), by=None, reason="a test")  # type: ignore[arg-type]  # a test names fields

    async def whose(self, key: str) -> str | None:
        """Return whose key it is as another replica finds it, which believes nothing yet."""
        found = await ApiClients(self.store, clock=lambda: self.now).principal_of(key)
        return found.id if found else None


async def test_key_names_its_client_and_only_its_hash_is_kept() -> None:
    rig = Rig()
    made = await rig.made(" web shop ")
    assert made.client.name == "web shop"
    assert await rig.whose(made.api_key) == made.client.client_id
    secret = made.api_key.split("_", 2)[2]
    assert secret.encode() not in rig.store.hashes[made.client.client_id][0]
    assert made.api_key not in repr(made)


async def test_good_key_is_asked_for_once() -> None:
    rig = Rig()
    made = await rig.made()
    for _ in range(5):
        await rig.clients.principal_of(made.api_key)
    assert rig.store.asked == 1


@pytest.mark.parametrize(
    "key",
    ["", "x", "dsr_", "dsr_0123456789abcdef_short", "dsr_0123456789abcdef_" + "a" * 43, "\udc80"],
)
async def test_key_that_is_wrong_is_nobodys(key: str) -> None:
    assert await Rig().whose(key.encode("utf-8", "replace").decode()) is None


async def test_other_secret_of_a_known_client_is_refused() -> None:
    rig = Rig()
    made = await rig.made()
    assert await rig.whose(_changed(made.api_key)) is None


async def test_an_unknown_client_costs_a_guess_what_a_known_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Guessing ids by time finds none: the same look-ups, and the same comparisons in constant time."""
    rig = Rig()
    plain, rotated = await rig.made(), await rig.made()
    await rig.clients.rotate(
        rotated.client.client_id, overlap=days(7), expires_at=None, reason="a test"
    )
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return one == other

    monkeypatch.setattr(module.hmac, "compare_digest", compare)
    work = []
    for client_id in (plain.client.client_id, rotated.client.client_id, "0" * 16):
        compared.clear()
        before = rig.store.asked
        assert await rig.clients.principal_of(f"dsr_{client_id}_{'a' * 43}") is None
        work.append((rig.store.asked - before, tuple(compared)))
    assert set(work) == {(1, (32, 32))}


async def test_revoked_key_is_refused_at_once() -> None:
    rig = Rig()
    made = await rig.made()
    await rig.clients.principal_of(made.api_key)
    assert await rig.clients.revoke(made.client.client_id, reason="a test")
    assert await rig.clients.principal_of(made.api_key) is None
    assert not await rig.clients.revoke("0" * 16, reason="a test")


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 101])
async def test_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(RejectedInput):
        await Rig().made(name)


async def test_a_key_that_has_run_out_is_refused_even_where_it_was_good_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    made = await rig.made(expires_at=NOW + timedelta(seconds=10))
    elapsed = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: elapsed)
    assert await rig.clients.principal_of(made.api_key) is not None
    elapsed, rig.now = 10.0, NOW + timedelta(seconds=10)
    assert await rig.clients.principal_of(made.api_key) is None
    with pytest.raises(RejectedInput):
        await rig.made(expires_at=NOW)


async def test_both_keys_are_good_while_the_former_one_runs_out() -> None:
    rig = Rig()
    first = await rig.made()
    second = await rig.clients.rotate(
        first.client.client_id, overlap=days(7), expires_at=None, reason="a test"
    )
    assert second is not None
    mine = first.client.client_id
    assert [await rig.whose(key) for key in (first.api_key, second.api_key)] == [mine, mine]
    rig.now = NOW + days(7)
    assert [await rig.whose(key) for key in (first.api_key, second.api_key)] == [None, mine]


async def test_two_keys_are_good_at_the_most_and_none_longer_than_it_was_to_be() -> None:
    rig = Rig()
    first = await rig.made(expires_at=NOW + days(2))
    client_id = first.client.client_id
    await rig.clients.principal_of(first.api_key)
    second = await rig.clients.rotate(
        client_id, overlap=days(7), expires_at=NOW + days(30), reason="a test"
    )
    assert second is not None
    assert second.client.former_expires_at == NOW + days(2)
    await rig.clients.rotate(client_id, overlap=days(7), expires_at=None, reason="a test")
    assert await rig.clients.principal_of(first.api_key) is None
    assert await rig.clients.principal_of(second.api_key) is not None


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), days(91)])
async def test_an_overlap_is_bounded(overlap: timedelta) -> None:
    rig = Rig()
    made = await rig.made()
    with pytest.raises(RejectedInput):
        await rig.clients.rotate(
            made.client.client_id, overlap=overlap, expires_at=None, reason="a test"
        )
    assert (
        await rig.clients.rotate("0" * 16, overlap=days(1), expires_at=None, reason="a test")
        is None
    )


async def test_a_client_has_what_its_role_can_have_and_no_more() -> None:
    rig = Rig()
    with pytest.raises(RejectedInput, match="requests:submit"):
        await rig.made(scopes=frozenset({Scope.REQUESTS_DECIDE}))
    with pytest.raises(RejectedInput):
        await rig.made(scopes=frozenset())
    with pytest.raises(RejectedInput, match="operator"):
        await rig.made(kind=PrincipalKind.OPERATOR)
    with pytest.raises(RejectedInput, match="operator"):
        await rig.made(jurisdictions=("DE",))


async def test_nobody_gives_what_they_do_not_have() -> None:
    rig = Rig()
    made = await rig.made(
        kind=PrincipalKind.PRIVACY_OFFICER, scopes=frozenset({Scope.CLIENTS_MANAGE})
    )
    doorkeeper = await rig.clients.principal_of(made.api_key)
    assert isinstance(doorkeeper, Principal)
    with pytest.raises(RuleViolation, match="requests:decide"):
        await rig.clients.add(
            NewClient(name="me again", kind=PrincipalKind.PRIVACY_OFFICER),
            by=doorkeeper,
            reason="x",
        )
    client = await rig.clients.add(NewClient(name="web shop"), by=doorkeeper, reason="x")
    assert client.client.kind is PrincipalKind.CLIENT


def _changed(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")
