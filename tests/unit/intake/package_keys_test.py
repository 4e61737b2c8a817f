"""The keys of packages: one a request, bound to be nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from unit.intake.sealing_held_test import FREE, HELD, a_member

from dsr_core.errors import Unavailable
from dsr_core.exports import ProtectedField, Protection
from dsr_core.ids import RequestId
from dsr_core.registry import AccessTerms
from dsr_core.rights import Right
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.application.sealing import Sealing
from dsr_intake.metrics import Metrics
from dsr_intake.model import Ring
from dsr_intake.model.packages import PackageKey
from dsr_intake.model.sealing import ToSeal
from dsr_wire.codec.notices import SystemNotice
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from dsr_wire.sealing import Opener
from support.builders import NOW, a_registry, a_request_id, a_system
from support.intake_fakes import FakeRegistryView

FIRST, SECOND = a_request_id(1), a_request_id(2)


class _Source:
    name = "a test"

    async def load(self) -> Ring:
        return Ring(current="one", keys={"one": b"1" * 32})


class _Keys:
    """Keeps the first key of each request, as the table does."""

    def __init__(self) -> None:
        self.kept: dict[RequestId, PackageKey] = {}
        self.calls = 0

    async def public(self, request_ids: Sequence[RequestId]) -> dict[RequestId, bytes]:
        self.calls += 1
        return {one: self.kept[one].public_key for one in request_ids if one in self.kept}

    async def add(self, keys: Sequence[PackageKey]) -> None:
        for one in keys:
            self.kept.setdefault(one.request_id, one)

    async def key(self, request_id: RequestId) -> PackageKey | None:
        return self.kept.get(request_id)


def package_keys(store: _Keys) -> tuple[PackageKeys, HeldRing]:
    """The keys of packages on a ring in memory."""
    ring = HeldRing(cast(Any, _Source()))
    return PackageKeys(store=store, wrapper=ring, clock=lambda: NOW), ring


async def test_a_request_has_one_key_pair_and_the_private_half_fits_the_public() -> None:
    keys, _ = package_keys(store := _Keys())
    made = await keys.public([FIRST])
    again = await keys.public([FIRST, SECOND])
    assert again[FIRST] == made[FIRST] != again[SECOND]
    private = await keys.private(FIRST)
    assert private is not None
    assert private.public.raw == made[FIRST]
    assert await keys.private(a_request_id(3)) is None
    assert private.raw not in store.kept[FIRST].private_key.wrapped


async def test_who_comes_second_gives_the_key_of_who_came_first() -> None:
    store = _Keys()
    first, _ = package_keys(store)
    second, _ = package_keys(store)
    one = await second._made([FIRST])  # made, and not kept yet
    kept = await first.public([FIRST])
    await store.add(one)
    assert await second.public([FIRST]) == kept


async def test_a_requests_own_key_is_no_package_key() -> None:
    keys, ring = package_keys(store := _Keys())
    await keys.public([FIRST])
    [own] = await ring.wrap([(FIRST, os.urandom(32))])
    kept = store.kept[FIRST]
    store.kept[FIRST] = PackageKey(
        request_id=FIRST, public_key=kept.public_key, private_key=own, made_at=NOW
    )
    with pytest.raises(Unavailable):
        await keys.private(FIRST)


class _Store:
    def __init__(self, right: Right) -> None:
        self.right = right

    async def to_seal(self, cohort_id: str, request_ids: object) -> ToSeal:
        del cohort_id, request_ids
        return ToSeal(self.right, 2, [a_member(HELD), a_member(FREE)])


class _Wrapper:
    async def unwrap(self, keys: Sequence[tuple[RequestId, Any]]) -> list[bytes]:
        return [key.wrapped[::-1] for _, key in keys]


class _Breaker:
    async def pass_(self, *_asked: object) -> None:
        """Stop nothing."""


async def _notices(right: Right) -> tuple[list[SystemNotice], SystemKeyPair]:
    terms = AccessTerms(
        purpose="to sell",
        source="the person",
        retention="3 years",
        protected=(ProtectedField("*.iban", Protection.NEVER_DISCLOSED),),
    )
    registry = a_registry(a_system("crm", access=terms), a_system("mailer"))
    pair = SystemKeyPair.generate("crm")

    class _Registry(FakeRegistryView):
        async def keys(self, system_id: str) -> SystemPublicKeys:
            del system_id
            return pair.public

    keys, _ = package_keys(_Keys())
    sealing = Sealing(
        store=cast(Any, _Store(right)),
        wrapper=cast(Any, _Wrapper()),
        registry=_Registry(registry),
        breaker=cast(Any, _Breaker()),
        packages=keys,
        reaching=cast(Any, None),
        metrics=Metrics(CollectorRegistry()),
    )
    found = await sealing.seal(
        "cohort", registry_digest=registry.digest, system_ids=["crm", "mailer"], request_ids=()
    )
    assert found is not None
    return found, pair


async def test_a_notice_for_access_brings_the_package_key_and_what_is_protected() -> None:
    notices, pair = await _notices(Right.ACCESS)
    crm, mailer = notices
    assert crm.protected_fields == (ProtectedField("*.iban", Protection.NEVER_DISCLOSED),)
    assert mailer.protected_fields == ()
    opener = Opener(crm.sealed_key, system_id="crm", right=Right.ACCESS, key=pair.sealing)
    found = {
        one.request_id: opener.open_addressed(one.sealed, request_id=one.request_id).package_key
        for one in crm.identities
    }
    assert found.keys() == {HELD, FREE}
    assert len(set(found.values())) == 2
    assert {len(one) for one in found.values()} == {32}


async def test_a_notice_for_deletion_brings_neither() -> None:
    notices, pair = await _notices(Right.DELETION)
    crm, _ = notices
    assert crm.protected_fields == ()
    opener = Opener(crm.sealed_key, system_id="crm", right=Right.DELETION, key=pair.sealing)
    for one in crm.identities:
        assert opener.open_addressed(one.sealed, request_id=one.request_id).package_key == b""
