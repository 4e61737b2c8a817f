"""Who is held is sealed for nowhere that the hold reaches: in a retired system's successor as well."""

from __future__ import annotations

from typing import Any, cast

from prometheus_client import CollectorRegistry

from dsr_core.identity import Identifier, Identity
from dsr_core.ids import SystemId
from dsr_core.rights import Right
from dsr_intake.application.identity_cipher import KEY_BYTES, NONCE_BYTES, encrypt
from dsr_intake.application.sealing import Sealing
from dsr_intake.metrics import Metrics
from dsr_intake.model import Member, WrappedKey
from dsr_intake.model.sealing import ToSeal
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from support.builders import NOW, a_registry, a_request_id, a_system
from support.intake_fakes import FakeRegistryView, FakeWrapper

KEY = b"k" * KEY_BYTES
HELD, FREE = a_request_id(1), a_request_id(2)


class _Registry(FakeRegistryView):
    async def keys(self, system_id: str) -> SystemPublicKeys:
        return SystemKeyPair.generate(system_id).public


def a_member(request_id: Any, *held: str) -> Member:
    """A member with an address, held in some systems."""
    identity = Identity.of([Identifier.of("email", "a@example.com")])
    ciphertext = encrypt(identity, request_id=request_id, key=KEY, nonce=b"n" * NONCE_BYTES)
    return Member(request_id, ciphertext, WrappedKey(KEY[::-1], "fake"), frozenset(held))


class _Store:
    async def to_seal(self, cohort_id: str, request_ids: object) -> ToSeal:
        del cohort_id, request_ids
        return ToSeal(Right.DELETION, 2, [a_member(HELD, "crm"), a_member(FREE)])


class _Breaker:
    async def pass_(self, *_asked: object) -> None:
        """Stop nothing."""


async def test_a_hold_on_a_retired_system_keeps_its_successor_from_being_sealed_for() -> None:
    former = a_registry()
    crm = a_system("crm", retired_on=NOW.date(), successor=SystemId("mailer"))
    newest = a_registry(crm, *(one for one in former.systems if one.id != "crm"))
    sealing = Sealing(
        store=cast(Any, _Store()),
        wrapper=FakeWrapper(),
        registry=_Registry(newest, former=[former]),
        breaker=cast(Any, _Breaker()),
        packages=None,
        reaching=cast(Any, None),
        metrics=Metrics(CollectorRegistry()),
    )
    notices = await sealing.seal(
        "cohort",
        registry_digest=newest.digest,
        system_ids=["mailer", "billing"],
        request_ids=(),
    )
    assert notices is not None
    sealed = {one.system_id: [each.request_id for each in one.identities] for one in notices}
    assert sealed == {"mailer": [FREE], "billing": [HELD, FREE]}
