"""Codecs: what is written is read again, and what the domain needs and a message lacks is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from dsr_contracts.v1 import (
    acknowledgements_pb2,
    closures_pb2,
    common_pb2,
    lifecycle_pb2,
    notices_pb2,
    obligations_pb2,
    registry_pb2,
    requests_pb2,
)
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId
from dsr_core.plan import Scope
from dsr_core.rights import Disposition, Right
from dsr_wire.codec import fields
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes, acknowledgement_to_wire
from dsr_wire.codec.closures import closures_from_wire, closures_to_wire
from dsr_wire.codec.lifecycle import (
    cohort_answered_from_wire,
    cohort_answered_to_wire,
    states_changed_to_wire,
)
from dsr_wire.codec.notices import (
    Instruction,
    notice_from_wire,
    notice_to_wire,
    system_notice_from_wire,
    system_notice_to_wire,
)
from dsr_wire.codec.obligations import obligations_opened_from_wire, obligations_opened_to_wire
from dsr_wire.codec.registry import (
    registry_version_from_wire,
    registry_version_to_wire,
    system_keys_from_wire,
    system_keys_to_wire,
)
from dsr_wire.codec.requests import cohort_accepted_from_wire, cohort_accepted_to_wire
from dsr_wire.keys import Revocation, SystemKeyPair, SystemPublicKeys
from support.builders import (
    NOW,
    SHA256_OF_NOTHING,
    a_closure,
    a_cohort_id,
    a_notice,
    a_published_registry,
    a_request_id,
    a_state_change,
    a_system_notice,
    an_accepted_cohort,
    an_acknowledgement,
    days,
    opened_obligations,
)

PAIR = SystemKeyPair.generate("crm").public
FORMER = SystemKeyPair.generate("crm").public.signing
REVOKED = Revocation(FORMER.id, NOW, "a laptop was stolen")
KEYS = SystemPublicKeys("crm", PAIR.signing, PAIR.sealing, (FORMER,), (REVOKED,))


def test_a_cohort_is_read_as_it_was_written() -> None:
    one = an_accepted_cohort()
    assert cohort_accepted_from_wire(cohort_accepted_to_wire(one)) == one


def test_obligations_are_read_as_they_were_written() -> None:
    one = opened_obligations()
    assert obligations_opened_from_wire(obligations_opened_to_wire(one)) == one


def test_a_notice_is_read_as_it_was_written() -> None:
    one = a_notice(systems=(a_system_notice("crm"), a_system_notice("mailer")), reminder=2)
    assert notice_from_wire(notice_to_wire(one)) == one


def test_what_was_held_before_a_closing_is_read_as_it_was_written() -> None:
    cohort = an_accepted_cohort(held_before=NOW)
    assert cohort_accepted_from_wire(cohort_accepted_to_wire(cohort)) == cohort
    notice = a_notice(instruction=Instruction.LOOK, held_before=NOW)
    assert notice_from_wire(notice_to_wire(notice)) == notice


@pytest.mark.parametrize("instruction", Instruction)
def test_an_instruction_is_read_as_it_was_written(instruction: Instruction) -> None:
    one = a_notice(instruction=instruction, revision=3)
    assert notice_from_wire(notice_to_wire(one)) == one


def test_an_instruction_of_a_later_version_is_refused_by_name() -> None:
    with pytest.raises(RejectedInput, match="unknown_instruction"):
        notice_from_wire(changed(NOTICE, instruction=77))


def test_a_system_s_part_is_read_as_it_was_written() -> None:
    one = a_system_notice()
    assert system_notice_from_wire(system_notice_to_wire(one)) == one


def test_closures_are_read_as_they_were_written() -> None:
    both = (a_closure(), a_closure(request_id=an_accepted_cohort().request_ids[1]))
    assert closures_from_wire(closures_to_wire(a_cohort_id(), both)) == both


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("retry_at", [None, NOW + days(1)])
def test_an_answer_is_read_as_it_was_written(right: Right, retry_at: datetime | None) -> None:
    one = an_acknowledgement(
        Disposition.FAILED, right=right, retry_at=retry_at, reason="the archive is away"
    )
    assert read_again(one) == one


def test_an_exemption_is_read_as_it_was_written() -> None:
    one = an_acknowledgement(Disposition.PARTIALLY_EXEMPT)
    assert read_again(one) == one


def read_again(one: Acknowledgement) -> Acknowledgement:
    return acknowledgement_from_bytes(acknowledgement_to_wire(one).SerializeToString())


def test_a_registry_version_is_read_as_it_was_written() -> None:
    one = a_published_registry()
    assert registry_version_from_wire(registry_version_to_wire(one)) == one


def test_keys_are_read_as_they_were_written() -> None:
    assert system_keys_from_wire(system_keys_to_wire(KEYS, NOW)) == KEYS


def test_state_changes_are_written_as_the_lifecycle_table_spells_them() -> None:
    message = states_changed_to_wire(a_cohort_id(), [a_state_change()])
    assert message.cohort_id == a_cohort_id()
    assert [(one.state, one.outcome) for one in message.changes] == [("closed", "fulfilled")]


def test_a_cohort_s_end_is_read_as_it_was_written() -> None:
    assert cohort_answered_from_wire(cohort_answered_to_wire(a_cohort_id(), NOW)) == a_cohort_id()


@pytest.mark.parametrize("right", Right)
def test_every_right_has_its_number(right: Right) -> None:
    assert fields.right_from_wire(fields.right_to_wire(right)) is right


@pytest.mark.parametrize("disposition", Disposition)
def test_every_disposition_has_its_number(disposition: Disposition) -> None:
    assert fields.disposition_from_wire(fields.disposition_to_wire(disposition)) is disposition


def test_every_number_has_its_right_and_disposition() -> None:
    rights = {number for number in common_pb2.Right.values() if number}
    dispositions = {number for number in common_pb2.Disposition.values() if number}
    assert {fields.right_to_wire(one) for one in Right} == rights
    assert {fields.disposition_to_wire(one) for one in Disposition} == dispositions


@pytest.mark.parametrize(
    "at",
    [
        NOW,
        datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2300, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        NOW.astimezone(timezone(timedelta(hours=-7))),
    ],
)
def test_a_time_keeps_its_microseconds_in_any_century(at: datetime) -> None:
    assert fields.time_from_wire(fields.time_to_wire(at), field="at") == at


@pytest.mark.parametrize(
    "message",
    [
        Timestamp(),
        Timestamp(seconds=-(10**12)),
        Timestamp(seconds=10**15),
        Timestamp(seconds=1, nanos=-1),
        Timestamp(seconds=1, nanos=2_000_000_000),
        Timestamp(seconds=2**63 - 1),
    ],
)
def test_a_time_that_is_absent_or_out_of_range_is_refused(message: Timestamp) -> None:
    with pytest.raises(RejectedInput, match="due_at"):
        fields.time_from_wire(message, field="due_at")


def changed(message: Message, **changes: Any) -> Any:
    """The message with some fields cleared (None), replaced (a value or a list)."""
    copy = type(message)()
    copy.CopyFrom(message)
    for name, value in changes.items():
        copy.ClearField(name)
        if isinstance(value, Message):
            getattr(copy, name).CopyFrom(value)
        elif isinstance(value, list):
            getattr(copy, name).extend(value)
        elif value is not None:
            setattr(copy, name, value)
    return copy


COHORT = cohort_accepted_to_wire(an_accepted_cohort())
OPENED = obligations_opened_to_wire(opened_obligations())
NOTICE = notice_to_wire(a_notice())
CLOSURES = closures_to_wire(a_cohort_id(), [a_closure()])
CLOSURE = CLOSURES.closures[0]
ANSWER = acknowledgement_to_wire(an_acknowledgement(Disposition.EXEMPT))
VERSION = registry_version_to_wire(a_published_registry())
SYSTEM_KEYS = system_keys_to_wire(KEYS, NOW)
ANSWERED = cohort_answered_to_wire(a_cohort_id(), NOW)
FAR = Timestamp(seconds=10**15)
LARGE = 2**63


def a_closure_with(**changes: Any) -> closures_pb2.Closures:
    return changed(CLOSURES, closures=[changed(CLOSURE, **changes)])


def an_answer_with(**changes: Any) -> bytes:
    return bytes(changed(ANSWER, **changes).SerializeToString())


def an_exempt_answer_with(**changes: Any) -> bytes:
    return an_answer_with(exemptions=[changed(ANSWER.exemptions[0], **changes)])


def a_revocation_with(**changes: Any) -> registry_pb2.SystemKeys:
    return changed(SYSTEM_KEYS, revoked=[changed(SYSTEM_KEYS.revoked[0], **changes)])


def a_key_with(**changes: Any) -> registry_pb2.PublicKey:
    return changed(SYSTEM_KEYS.signing, **changes)


REFUSED: list[tuple[Callable[[Any], object], Any, str]] = [
    (cohort_accepted_from_wire, requests_pb2.CohortAccepted(), "request_ids"),
    (cohort_accepted_from_wire, changed(COHORT, cohort_id="cohort 1"), "cohort_id"),
    (cohort_accepted_from_wire, changed(COHORT, right=0), "right"),
    (cohort_accepted_from_wire, changed(COHORT, right=99), "right"),
    (cohort_accepted_from_wire, changed(COHORT, regime=None), "regime"),
    (cohort_accepted_from_wire, changed(COHORT, regime="a\x00b"), "regime"),
    (cohort_accepted_from_wire, changed(COHORT, jurisdiction=None), "jurisdiction"),
    (cohort_accepted_from_wire, changed(COHORT, registry_digest=None), "registry_digest"),
    (cohort_accepted_from_wire, changed(COHORT, received_at=None), "received_at"),
    (cohort_accepted_from_wire, changed(COHORT, accepted_at=None), "accepted_at"),
    (cohort_accepted_from_wire, changed(COHORT, due_at=FAR), "due_at"),
    (cohort_accepted_from_wire, changed(COHORT, request_ids=["x"]), "request_ids"),
    (
        cohort_accepted_from_wire,
        changed(COHORT, request_ids=[COHORT.request_ids[0]] * 2),
        "request_ids",
    ),
    (cohort_accepted_from_wire, changed(COHORT, identifier_kinds=[""]), "identifier_kinds"),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(organisation_ids=["No Slug"])),
        "scope.organisation_ids",
    ),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(categories=["user\x00"])),
        "scope.categories",
    ),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(since="2025-02-30")),
        "scope.since",
    ),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(since="20250228")),
        "scope.since",
    ),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(uses=[0])),  # type: ignore[list-item]  # as the wire may
        "scope.uses",
    ),
    (cohort_accepted_from_wire, changed(COHORT, regime="r" * 129), "regime"),
    (cohort_accepted_from_wire, changed(COHORT, jurisdiction="j" * 900_000), "jurisdiction"),
    (cohort_accepted_from_wire, changed(COHORT, registry_digest="d" * 129), "registry_digest"),
    (cohort_accepted_from_wire, changed(COHORT, identifier_kinds=["k" * 129]), "identifier_kinds"),
    (cohort_accepted_from_wire, changed(COHORT, identifier_kinds=["k"] * 1001), "identifier_kinds"),
    (
        cohort_accepted_from_wire,
        changed(COHORT, request_ids=[a_request_id(n) for n in range(10_001)]),
        "request_ids",
    ),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(categories=["user"] * 1001)),
        "scope.categories",
    ),
    (
        cohort_accepted_from_wire,
        changed(COHORT, scope=common_pb2.Scope(organisation_ids=["example-group"] * 1001)),
        "scope.organisation_ids",
    ),
    (obligations_opened_from_wire, obligations_pb2.ObligationsOpened(), "systems"),
    (obligations_opened_from_wire, changed(OPENED, cohort_id=None), "cohort_id"),
    (obligations_opened_from_wire, changed(OPENED, request_ids=None), "request_ids"),
    (obligations_opened_from_wire, changed(OPENED, expected_systems=3), "systems"),
    (obligations_opened_from_wire, changed(OPENED, systems=[OPENED.systems[0]]), "systems"),
    (
        obligations_opened_from_wire,
        changed(OPENED, systems=[obligations_pb2.AddressedSystem(system_id="a b")]),
        "systems.system_id",
    ),
    (
        obligations_opened_from_wire,
        changed(OPENED, systems=[obligations_pb2.AddressedSystem(system_id="a")]),
        "systems.organisation_id",
    ),
    (notice_from_wire, notices_pb2.Notice(), "systems"),
    (notice_from_wire, changed(NOTICE, notice_id=None), "notice_id"),
    (notice_from_wire, changed(NOTICE, organisation_id="No Slug"), "organisation_id"),
    (notice_from_wire, changed(NOTICE, sent_at=None), "sent_at"),
    (system_notice_from_wire, notices_pb2.SystemNotice(), "systems.system_id"),
    (
        system_notice_from_wire,
        changed(NOTICE.systems[0], identities=[notices_pb2.SealedIdentity()]),
        "systems.identities.request_id",
    ),
    (closures_from_wire, closures_pb2.Closures(), "cohort_id"),
    (closures_from_wire, changed(CLOSURES, closures=None), "closures"),
    (closures_from_wire, a_closure_with(outcome=0), "outcome"),
    (closures_from_wire, a_closure_with(outcome=77), "outcome"),
    (closures_from_wire, a_closure_with(request_id=None), "request_id"),
    (closures_from_wire, a_closure_with(closed_at=None), "closed_at"),
    (closures_from_wire, a_closure_with(registry_digest=None), "registry_digest"),
    (closures_from_wire, a_closure_with(obligations=0), "obligations"),
    (closures_from_wire, a_closure_with(evidence_digest=None), "evidence_digest"),
    (closures_from_wire, a_closure_with(evidence_digest=SHA256_OF_NOTHING[:31]), "evidence_digest"),
    (acknowledgement_from_bytes, b"", "request_id"),
    (acknowledgement_from_bytes, an_answer_with(system_id="No Slug"), "system_id"),
    (acknowledgement_from_bytes, an_answer_with(right=0), "right"),
    (acknowledgement_from_bytes, an_answer_with(disposition=0), "disposition"),
    (acknowledgement_from_bytes, an_answer_with(disposition=88), "disposition"),
    (acknowledgement_from_bytes, an_answer_with(right=common_pb2.RIGHT_OPT_OUT), "disposition"),
    (acknowledgement_from_bytes, an_answer_with(sequence=0), "sequence"),
    (acknowledgement_from_bytes, an_answer_with(sequence=LARGE), "sequence"),
    (acknowledgement_from_bytes, an_answer_with(records=LARGE), "records"),
    (acknowledgement_from_bytes, an_answer_with(answered_at=None), "answered_at"),
    (acknowledgement_from_bytes, an_answer_with(retry_at=FAR), "retry_at"),
    (acknowledgement_from_bytes, an_answer_with(reason="a\x00b"), "reason"),
    (acknowledgement_from_bytes, an_answer_with(exemptions=None), "exemptions"),
    (acknowledgement_from_bytes, an_exempt_answer_with(ground=None), "exemptions"),
    (acknowledgement_from_bytes, an_exempt_answer_with(ground="a\x00"), "exemptions.ground"),
    (acknowledgement_from_bytes, an_exempt_answer_with(records=LARGE), "exemptions.records"),
    (acknowledgement_from_bytes, an_exempt_answer_with(review_at=None), "exemptions.review_at"),
    (acknowledgement_from_bytes, an_exempt_answer_with(categories=[""]), "exemptions.categories"),
    (
        acknowledgement_from_bytes,
        an_answer_with(exemptions=[*ANSWER.exemptions] * 99),
        "exemptions",
    ),
    (acknowledgement_from_bytes, an_exempt_answer_with(ground="x" * 99_999), "exemptions"),
    (registry_version_from_wire, registry_pb2.RegistryVersion(), "canonical"),
    (registry_version_from_wire, changed(VERSION, canonical=b"[" * 200_000), "canonical"),
    (registry_version_from_wire, changed(VERSION, digest="0" * 64), "digest"),
    (registry_version_from_wire, changed(VERSION, published_at=None), "published_at"),
    (system_keys_from_wire, registry_pb2.SystemKeys(), "system_id"),
    (system_keys_from_wire, changed(SYSTEM_KEYS, signing=None), "signing"),
    (system_keys_from_wire, changed(SYSTEM_KEYS, signing=a_key_with(key=b"short")), "signing"),
    (system_keys_from_wire, changed(SYSTEM_KEYS, sealing=None), "sealing"),
    (system_keys_from_wire, changed(SYSTEM_KEYS, sealing=SYSTEM_KEYS.signing), "sealing"),
    (
        system_keys_from_wire,
        changed(SYSTEM_KEYS, sealing=a_key_with(algorithm="x25519", key=bytes(32))),
        "sealing",
    ),
    (
        system_keys_from_wire,
        changed(SYSTEM_KEYS, former_signing=[a_key_with(algorithm="rsa")]),
        "former_signing",
    ),
    (system_keys_from_wire, a_revocation_with(key_id=""), "revoked.key_id"),
    (system_keys_from_wire, a_revocation_with(revoked_at=None), "revoked.revoked_at"),
    (system_keys_from_wire, a_revocation_with(reason="\x00"), "revoked.reason"),
    (cohort_answered_from_wire, lifecycle_pb2.CohortAnswered(), "answered_at"),
    (cohort_answered_from_wire, changed(ANSWERED, cohort_id=None), "cohort_id"),
]


@pytest.mark.parametrize(
    ("read", "message", "field"),
    REFUSED,
    ids=[f"{read.__name__}-{field}-{n}" for n, (read, _, field) in enumerate(REFUSED)],
)
def test_what_is_missing_or_wrong_is_refused_with_the_field_s_name(
    read: Callable[[Any], object], message: Any, field: str
) -> None:
    with pytest.raises(RejectedInput) as caught:
        read(message)
    assert caught.value.field == field


def test_bytes_that_are_no_answer_are_refused() -> None:
    with pytest.raises(RejectedInput, match=r"^undecodable"):
        acknowledgement_from_bytes(b"\xff")


def test_one_system_named_twice_does_not_pass_for_one_expected() -> None:
    twice = [
        obligations_pb2.AddressedSystem(system_id="crm", organisation_id=owner)
        for owner in ("example-group", "example-mail")
    ]
    for expected in (1, 2):
        with pytest.raises(RejectedInput, match="expected_systems"):
            obligations_opened_from_wire(changed(OPENED, systems=twice, expected_systems=expected))


def test_what_came_unsorted_is_sorted() -> None:
    turned = opened_obligations(systems=opened_obligations().systems[::-1])
    assert obligations_opened_from_wire(obligations_opened_to_wire(turned)) == opened_obligations()
    scope = common_pb2.Scope(categories=["b", "a"], organisation_ids=["d", "c"])
    assert fields.scope_from_wire(scope) == Scope(("a", "b"), ("c", "d"))


def test_a_long_reason_is_cut_on_both_sides() -> None:
    one = an_acknowledgement(Disposition.FAILED, reason="x" * 900)
    assert read_again(one).reason == "x" * 500
    raw = acknowledgements_pb2.Acknowledgement.FromString(
        acknowledgement_to_wire(one).SerializeToString()
    )
    raw.reason = "y" * 900
    assert acknowledgement_from_bytes(raw.SerializeToString()).reason == "y" * 500


def test_the_kept_categories_of_an_exemption_are_sorted() -> None:
    exempt = an_exempt_answer_with(categories=["user.name", "user.contact"])
    assert acknowledgement_from_bytes(exempt).exemptions[0].categories == (
        "user.contact",
        "user.name",
    )


def test_a_system_keeps_its_id() -> None:
    assert system_notice_from_wire(NOTICE.systems[0]).system_id == SystemId("crm")
