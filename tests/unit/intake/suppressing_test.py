"""The suppression list in intake: who is hashed for it, asking it, lifting, telling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import orjson
import pytest

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.identity import Identifier, Identity
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_core.suppressions import Suppression, SuppressionKind
from dsr_intake.application.suppressing import Suppressing
from dsr_intake.http.submission import parse_single
from dsr_intake.model.suppressions import Listed, ListSize, OptIn
from dsr_wire.envelope import Outgoing
from dsr_wire.suppression import SuppressionKey
from support import intake_fakes
from support.builders import NOW, a_system, an_organisation
from support.submissions import a_submission

OLD, NEW = SuppressionKey(bytes(32)), SuppressionKey(bytes(range(32)))
EMAIL = Identifier.of("email", "someone@example.com")
LISTED = Listed(SuppressionKind.MARKETING, NOW)


@dataclass
class Store:
    """Keeps what it is given in memory."""

    listed: dict[bytes, list[Listed]] = field(default_factory=dict)
    opted_in: list[OptIn] = field(default_factory=list)
    untold: list[tuple[Suppression, bool]] = field(default_factory=list)

    async def find(self, digests: Sequence[bytes]) -> Mapping[bytes, Sequence[Listed]]:
        return {one: self.listed[one] for one in digests if one in self.listed}

    async def sizes(self) -> Sequence[ListSize]:
        return [ListSize(SuppressionKind.MARKETING, NEW.name, len(self.listed))]

    async def opt_in(self, one: OptIn, *, reason: str) -> int:
        del reason
        self.opted_in.append(one)
        return 1

    async def tell(
        self,
        publish: Callable[[Sequence[Suppression], Sequence[Suppression]], Awaitable[None]],
        *,
        limit: int,
    ) -> int:
        some, self.untold = self.untold[:limit], self.untold[limit:]
        await publish(
            [one for one, ended in some if not ended], [one for one, ended in some if ended]
        )
        return len(some)


def a_list(store: Store, *keys: SuppressionKey) -> Suppressing:
    return Suppressing(store=store, keys=keys, clock=lambda: NOW)


@pytest.mark.parametrize("right", ["deletion", "opt_out"])
def test_a_draft_has_a_hash_of_each_identifier_that_can_be_listed(right: str) -> None:
    group = Registry((an_organisation(),), (a_system(rights=(Right.DELETION, Right.OPT_OUT)),))
    identity = [
        {"kind": "email", "value": "someone@example.com"},
        {"kind": "ip_address", "value": "192.0.2.1"},
    ]
    body = orjson.dumps(a_submission(right=right, identity=identity))
    sent = parse_single(body, idempotency_key=None)
    draft = intake_fakes.a_drafter(group, suppression_key=NEW).draft(sent, client_id="mine")
    assert draft.suppressible == ((NEW.digest("email", "someone@example.com"),), NEW.name)
    without = intake_fakes.a_drafter(group).draft(sent, client_id="mine")
    assert without.suppressible == ((), None)


async def test_identifiers_are_found_under_every_key() -> None:
    store = Store({OLD.digest("email", EMAIL.value): [LISTED]})
    stranger = Identifier.of("email", "stranger@example.com")
    assert await a_list(store, NEW, OLD).of_identifiers([stranger, EMAIL]) == [[], [LISTED]]
    assert await a_list(store, NEW).of_identifiers([EMAIL]) == [[]]
    assert await a_list(store, NEW).of_digests([bytes(16), *store.listed]) == [[], [LISTED]]


async def test_without_a_key_there_is_no_list() -> None:
    for call in (
        a_list(Store()).of_identifiers([EMAIL]),
        a_list(Store()).of_digests([bytes(16)]),
        a_list(Store()).opt_in(
            Identity.of([EMAIL]), [], by="me", reference="r", given_on=NOW.date(), reason="w"
        ),
    ):
        with pytest.raises(RuleViolation, match="no suppression list"):
            await call


async def test_who_opts_in_is_lifted_under_every_key_and_the_proof_is_kept() -> None:
    store = Store()
    kinds = [SuppressionKind.SALE_OR_SHARING, SuppressionKind.MARKETING]
    ended = await a_list(store, NEW, OLD).opt_in(
        Identity.of([EMAIL]),
        kinds,
        by="shop",
        reference="consents/7",
        given_on=date(2026, 3, 1),
        reason="w",
    )
    [kept] = store.opted_in
    assert ended == 1
    assert set(kept.digests) == {key.digest("email", EMAIL.value) for key in (NEW, OLD)}
    assert (kept.principal, kept.reference, kept.kinds) == (
        "shop",
        "consents/7",
        tuple(sorted(kinds)),
    )


@pytest.mark.parametrize(
    ("identifier", "given_on"),
    [(EMAIL, date(2999, 1, 1)), (Identifier.of("ip_address", "192.0.2.1"), date(2026, 3, 1))],
)
async def test_a_proof_that_cannot_be_lifts_nothing(identifier: Identifier, given_on: date) -> None:
    store = Store()
    with pytest.raises(RejectedInput):
        await a_list(store, NEW).opt_in(
            Identity.of([identifier]),
            [SuppressionKind.MARKETING],
            by="shop",
            reference="r",
            given_on=given_on,
            reason="w",
        )
    assert store.opted_in == []


async def test_kafka_is_told_of_all_of_it_and_an_end_is_a_record_without_a_value() -> None:
    def entry(number: int) -> Suppression:
        return Suppression(
            kind=SuppressionKind.MARKETING,
            digest=number.to_bytes(16),
            key_id=NEW.name,
            since=NOW,
        )

    told: list[Outgoing] = []

    async def publish(records: Sequence[Outgoing]) -> None:
        told.extend(records)

    store = Store(untold=[(entry(number), number % 3 == 0) for number in range(1_200)])
    await a_list(store, NEW).tell(publish)
    assert len(told) == 1_200
    assert {one.key.decode() for one in told if not one.value} == {
        f"marketing/{number.to_bytes(16).hex()}" for number in range(0, 1_200, 3)
    }
