"""Deferring: what is sealed at a closing for the reviews that come later, and following up on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import RequestId, SystemId
from dsr_core.law.rules import Rules
from dsr_core.plan import Scope
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.application.dating import Dating
from dsr_intake.application.deferring import PLACES, Deferring
from dsr_intake.application.following import FollowingUp
from dsr_intake.application.identity_cipher import encrypt
from dsr_intake.application.sampling import Sampling, SamplingPolicy
from dsr_intake.deferral import Deferred, Due, FollowUp, Instead, Sealable
from dsr_intake.metrics import Metrics
from dsr_intake.model import FollowsWhy, WrappedKey
from dsr_intake.ports import MakeFollowUp
from dsr_wire.codec.notices import SealedIdentity
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from dsr_wire.sealing import Opener
from support.builders import (
    NOW,
    a_closure,
    a_regime,
    a_registry,
    a_request_id,
    a_system,
    an_identifier,
    an_identity,
    days,
    the_rules,
)
from support.fake_ledger import FakeLedger
from support.intake_fakes import (
    FakeRegistryView,
    FakeWrapper,
    a_request_view,
    no_holidays,
)

KEYS = SystemKeyPair.generate("crm")
IDENTITY = an_identity(an_identifier(), an_identifier("phone", "+4930123456"))
DATA_KEY = b"d" * 32
REVIEW_AT = NOW + days(3650)


class _Registry(FakeRegistryView):
    async def keys(self, system_id: str) -> SystemPublicKeys:
        assert system_id == "crm"
        return KEYS.public


class _Store:
    """Deferred notices in memory, of which all are due."""

    def __init__(self, *sealable: Sealable, due: Sequence[Due] = ()) -> None:
        self._sealable = sealable
        self.asked: list[RequestId] = []
        self.due = list(due)
        self.opened: list[FollowUp] = []

    async def sealable(self, request_ids: Sequence[RequestId]) -> list[Sealable]:
        self.asked.extend(request_ids)
        return [one for one in self._sealable if one.request_id in request_ids]

    async def open_due(self, make: MakeFollowUp, *, at: datetime, limit: int) -> tuple[int, int]:
        del at
        some, self.due = self.due[:limit], self.due[limit:]
        made = [one for one in map(make, some) if isinstance(one, FollowUp)]
        self.opened.extend(made)
        return len(some), len(made)


def a_sealable(**changes: Any) -> Sealable:
    request_id = a_request_id()
    one = Sealable(
        request_id=request_id,
        right=Right.DELETION,
        registry_digest=a_registry().digest,
        ciphertext=encrypt(IDENTITY, request_id=request_id, key=DATA_KEY, nonce=b"n" * 12),
        key=WrappedKey(DATA_KEY[::-1], "fake"),
        deferred=None,
    )
    return replace(one, **changes)


def a_deferred(places: int = 2, **changes: Any) -> Deferred:
    one = Deferred(
        request_id=a_request_id(1),
        system_id=SystemId("crm"),
        key_id="k",
        sealed_key=b"a sealed key",
        places=tuple(SealedIdentity(a_request_id(n + 50), b"%d" % n) for n in range(places)),
        categories=("user.contact",),
        grounds=("HGB 257",),
        review_at=REVIEW_AT,
    )
    return replace(one, **changes)


def an_exemption(**changes: Any) -> dict[str, Any]:
    one = {"ground": "HGB 257", "review_at": REVIEW_AT.isoformat(), "categories": ["user.contact"]}
    return one | changes


def owed(*exemptions: dict[str, Any]) -> dict[str, Any]:
    systems = [("billing", []), ("crm", list(exemptions))]
    return {"obligations": [{"system_id": one, "exemptions": kept} for one, kept in systems]}


def deferring(
    store: _Store, document: dict[str, Any] | None, registry: Registry | None = None
) -> tuple[Deferring, Metrics]:
    """Deferring whose sample is of all erasures, where there are systems that look."""
    ledger, metrics = FakeLedger(), Metrics(CollectorRegistry())
    ledger.document = document
    view = _Registry(registry or a_registry())
    policy = SamplingPolicy(1, earliest=days(30), latest=days(90))
    one = Deferring(
        ledger=ledger,
        store=store,
        wrapper=FakeWrapper(),
        registry=view,
        sampling=Sampling(policy=policy, draw=lambda: 0.5, registry=view),
        metrics=metrics,
    )
    return one, metrics


async def deferred(
    document: dict[str, Any] | None, *, outcome: Outcome = Outcome.PARTLY_FULFILLED, **changes: Any
) -> list[Deferred]:
    one, _ = deferring(_Store(a_sealable(**changes)), document)
    return await one.deferred([a_closure(outcome=outcome)])


async def test_every_place_opens_for_the_system_with_the_kinds_that_it_needs_and_in_no_other() -> (
    None
):
    [one] = await deferred(owed(an_exemption()))
    assert len({place.request_id for place in one.places}) == PLACES
    assert one.key_id == KEYS.public.sealing.id
    opener = Opener(one.sealed_key, system_id="crm", right=Right.DELETION, key=KEYS.sealing)
    for place in one.places:
        assert opener.open(place.sealed, request_id=place.request_id) == IDENTITY.only(["email"])
        with pytest.raises(RejectedInput, match="not sealed for this request"):
            opener.open(place.sealed, request_id=one.request_id)


async def test_of_several_exemptions_the_first_date_and_everything_kept_count() -> None:
    earlier = REVIEW_AT - days(10)
    both = an_exemption(ground="AO 147", review_at=earlier.isoformat(), categories=["user.name"])
    [one] = await deferred(owed(an_exemption(), both))
    assert (one.review_at, one.grounds) == (earlier, ("AO 147", "HGB 257"))
    assert one.categories == ("user.contact", "user.name")


async def test_an_exemption_without_categories_keeps_everything() -> None:
    [one] = await deferred(owed(an_exemption(), an_exemption(categories=[])))
    assert one.categories == ()


async def test_what_follows_is_listed_among_the_requests_of_its_time() -> None:
    [one] = await deferred(owed(an_exemption()))
    assert one.follow_up_id > a_request_id()
    assert int(one.follow_up_id.replace("-", "")[:12], 16) == int(REVIEW_AT.timestamp() * 1000)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one != "partly_fulfilled"])
async def test_the_verifier_is_asked_of_nothing_but_partly_fulfilled_requests(
    outcome: Outcome,
) -> None:
    assert await deferred(None, outcome=outcome) == []


async def test_the_first_closure_of_a_request_counts() -> None:
    store = _Store(a_sealable())
    one, _ = deferring(store, None)
    closures = [a_closure(), a_closure(outcome=Outcome.PARTLY_FULFILLED)]
    assert await one.deferred(closures) == []


@pytest.mark.parametrize("document", [None, {}, {"obligations": [{"system_id": "crm"}]}])
async def test_what_the_verifier_does_not_show_is_waited_for(
    document: dict[str, Any] | None,
) -> None:
    with pytest.raises(Unavailable):
        await deferred(document)


async def test_kept_again_the_next_place_is_used_and_nothing_is_opened() -> None:
    before = a_deferred(3)
    later = an_exemption(review_at=(REVIEW_AT + days(365)).isoformat(), categories=["user.name"])
    [one] = await deferred(owed(later), key=None, ciphertext=b"", deferred=before)
    assert one.places == before.places[1:]
    assert (one.request_id, one.review_at) == (a_request_id(), REVIEW_AT + days(365))
    assert (one.key_id, one.sealed_key, one.categories) == (
        before.key_id,
        before.sealed_key,
        ("user.name",),
    )


async def test_after_the_last_place_nothing_follows_and_that_is_counted() -> None:
    store = _Store(a_sealable(key=None, ciphertext=b"", deferred=a_deferred(1)))
    one, metrics = deferring(store, owed(an_exemption()))
    assert await one.deferred([a_closure(outcome=Outcome.PARTLY_FULFILLED)]) == []
    assert metrics.deferred.labels("exhausted")._value.get() == 1


async def test_without_a_key_the_request_is_closed_and_that_is_counted() -> None:
    one, metrics = deferring(_Store(a_sealable(key=None)), owed(an_exemption()))
    assert await one.deferred([a_closure(outcome=Outcome.PARTLY_FULFILLED)]) == []
    assert metrics.keys_missing._value.get() == 1


LOOKS = a_registry(a_system("billing"), a_system("crm", looks_later=True))


def answers(**changes: Any) -> dict[str, Any]:
    crm = {"system_id": "crm", "exemptions": [], "disposition": "erased", "settled_by": None}
    billing = {**crm, "system_id": "billing"}
    return {"obligations": [billing, crm | changes]}


async def looked_at_later(
    document: dict[str, Any] | None, *, registry: Registry = LOOKS, **changes: Any
) -> list[Deferred]:
    one, _ = deferring(_Store(a_sealable(registry_digest=registry.digest)), document, registry)
    return await one.deferred([a_closure(**changes)])


@pytest.mark.parametrize("disposition", ["erased", "absent"])
async def test_a_system_of_the_sample_that_has_erased_is_asked_again_later(
    disposition: str,
) -> None:
    [one] = await looked_at_later(answers(disposition=disposition))
    assert (one.system_id, one.why) == ("crm", FollowsWhy.VERIFICATION)
    assert one.review_at == NOW + days(60)
    opener = Opener(one.sealed_key, system_id="crm", right=Right.DELETION, key=KEYS.sealing)
    place = one.places[0]
    assert opener.open(place.sealed, request_id=place.request_id) == IDENTITY.only(
        ["account_id", "email"]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"disposition": "not_found"},
        {"disposition": "exempt"},
        {"disposition": "erased", "settled_by": {"proposed_by": "one", "approved_by": "two"}},
    ],
)
async def test_who_has_not_erased_itself_is_asked_nothing_later(changes: dict[str, Any]) -> None:
    assert await looked_at_later(answers(**changes)) == []


@pytest.mark.parametrize("document", [None, {}, {"obligations": [{"system_id": "crm"}]}])
async def test_an_erasure_of_the_sample_waits_for_what_the_verifier_does_not_show(
    document: dict[str, Any] | None,
) -> None:
    with pytest.raises(Unavailable):
        await looked_at_later(document)


async def test_what_was_looked_at_later_is_not_drawn_again() -> None:
    before = a_deferred(why=FollowsWhy.VERIFICATION)
    store = _Store(a_sealable(key=None, ciphertext=b"", deferred=before))
    one, _ = deferring(store, answers(), LOOKS)
    assert await one.deferred([a_closure()]) == []


async def test_what_was_found_again_and_is_kept_on_a_ground_is_reviewed_next() -> None:
    before = a_deferred(2, why=FollowsWhy.VERIFICATION)
    store = _Store(a_sealable(key=None, ciphertext=b"", deferred=before))
    document = answers(disposition="exempt", exemptions=[an_exemption()])
    one, _ = deferring(store, document, LOOKS)
    [next_one] = await one.deferred([a_closure(outcome=Outcome.PARTLY_FULFILLED)])
    assert (next_one.why, next_one.places) == (FollowsWhy.EXEMPTION_REVIEW, before.places[1:])


def following(store: _Store, registry: Registry, rules: Rules | None = None) -> FollowingUp:
    return FollowingUp(
        store=store,
        registry=FakeRegistryView(registry, rules),
        dating=Dating(no_holidays),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: REVIEW_AT + timedelta(hours=1),
        on_committed=lambda: None,
    )


async def opened(
    due: Due | Sequence[Due], registry: Registry | None = None, rules: Rules | None = None
) -> list[FollowUp]:
    store = _Store(due=[due] if isinstance(due, Due) else due)
    one = following(store, registry or a_registry(), rules)
    assert await one.open_due() == len(store.opened)
    return store.opened


async def test_what_follows_is_counted_from_the_review_by_the_regime_of_what_it_follows() -> None:
    rules = the_rules(a_regime(), a_regime("gdpr", jurisdictions=("FR",), zone="Europe/Berlin"))
    [one] = await opened(Due(a_deferred(), a_request_view(regime="gdpr")), rules=rules)
    assert (one.cohort.regime, one.cohort.rules_digest) == ("gdpr", rules.digest)
    assert one.cohort.received_at == REVIEW_AT
    assert one.cohort.due_at.date() == (REVIEW_AT + days(30)).date()
    assert all(REVIEW_AT < tier.at <= one.cohort.due_at for tier in one.cohort.tiers)


async def test_a_regime_that_the_rules_have_no_more_gives_way_to_that_of_a_new_request() -> None:
    [one] = await opened(Due(a_deferred(), a_request_view(regime="repealed")))
    assert one.cohort.regime == "default"
    assert one.regime_why == "no regime names DE; the default applies"


@pytest.mark.parametrize(
    ("kept", "asked", "expected"),
    [
        (("user.contact",), (), ("user.contact",)),
        ((), ("user.contact",), ()),
        (("user.unheard_of",), ("user.contact",), ("user.contact",)),
        (("user.unheard_of",), (), ()),
    ],
)
async def test_a_system_is_asked_for_what_it_keeps_else_for_what_was_asked(
    kept: tuple[str, ...], asked: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    since = date(2025, 3, 1)
    followed = a_request_view(scope=Scope(asked, since=since))
    [one] = await opened(Due(a_deferred(categories=kept), followed))
    assert one.cohort.scope == Scope(expected, (), (SystemId("crm"),), since)


async def test_a_system_that_is_registered_no_more_is_not_asked() -> None:
    assert await opened(Due(a_deferred(), a_request_view()), a_registry(a_system("other"))) == []


A_LOOK = a_deferred(categories=(), grounds=(), why=FollowsWhy.VERIFICATION)


async def test_who_is_to_look_again_is_asked_for_what_was_held_before_the_closing() -> None:
    followed = a_request_view(scope=Scope(("user.contact",)), closed_at=NOW)
    [one] = await opened(Due(A_LOOK, followed), LOOKS)
    assert one.cohort.scope == Scope(("user.contact",), (), (SystemId("crm"),))
    assert one.cohort.held_before == NOW


async def test_a_review_is_of_everything_that_is_kept_whenever_it_came() -> None:
    [one] = await opened(Due(a_deferred(), a_request_view(closed_at=NOW)))
    assert one.cohort.held_before is None


@pytest.mark.parametrize(
    "registry",
    [
        a_registry(a_system("other")),
        a_registry(a_system("crm")),
        a_registry(a_system("crm", looks_later=True, retired_on=NOW.date())),
    ],
)
async def test_a_look_that_nobody_can_take_any_more_is_dropped(registry: Registry) -> None:
    assert await opened(Due(A_LOOK, a_request_view(closed_at=NOW)), registry) == []
    one = following(_Store(), registry)
    due = Due(A_LOOK, a_request_view(closed_at=NOW))
    assert one._follow_up(due, registry, the_rules()) is Instead.NEVER


async def test_everything_that_is_due_is_opened_in_turn() -> None:
    due = [
        Due(a_deferred(places=1, request_id=a_request_id(n)), a_request_view()) for n in range(120)
    ]
    assert len(await opened(due)) == 120


async def test_before_the_first_registry_nothing_is_opened() -> None:
    store = _Store(due=[Due(a_deferred(), a_request_view())])
    one = FollowingUp(
        store=store,
        registry=FakeRegistryView(None),
        dating=Dating(no_holidays),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: NOW,
        on_committed=lambda: None,
    )
    assert await one.open_due() == 0
    assert len(store.due) == 1
