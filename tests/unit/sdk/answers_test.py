"""Answers, and the acknowledgements and batches that they become."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import EXEMPTIONS_LIMIT, TEXT_LIMIT, Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    Answer,
    Delivered,
    Erased,
    Exempt,
    Exemption,
    Failed,
    Informed,
    InProgress,
    NotFound,
    PartiallyExempt,
    SystemKeyPair,
    Unresolvable,
)
from dsr_sdk.acknowledging import BYTE_LIMIT, COUNT_LIMIT, Signable, signed_batches
from dsr_sdk.answers import to_acknowledgement
from dsr_sdk.bus import Record
from dsr_sdk.testing import acknowledgements_in
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes, acknowledgement_to_wire
from dsr_wire.envelope import Outgoing, header

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REVIEW = datetime(2030, 1, 1, tzinfo=UTC)
KEYS = SystemKeyPair.generate("billing")


def acknowledged(answer: Answer, right: Right = Right.DELETION) -> Acknowledgement:
    return to_acknowledgement(
        answer,
        request_id=new_request_id(),
        system_id=SystemId("billing"),
        right=right,
        sequence=4,
        at=NOW,
    )


@pytest.mark.parametrize(
    ("answer", "right", "disposition"),
    [
        (Erased(3), Right.DELETION, Disposition.ERASED),
        (NotFound(), Right.DELETION, Disposition.NOT_FOUND),
        (Informed(), Right.DELETION, Disposition.INFORMED),
        (Exempt("HGB 257", REVIEW, records=2), Right.DELETION, Disposition.EXEMPT),
        (PartiallyExempt("HGB 257", REVIEW), Right.DELETION, Disposition.PARTIALLY_EXEMPT),
        (Delivered(2), Right.ACCESS, Disposition.DELIVERED),
        (Failed("locked", NOW), Right.ACCESS, Disposition.FAILED),
        (Failed(retry_at=NOW), Right.DELETION, Disposition.FAILED),
        (Unresolvable("two persons"), Right.ACCESS, Disposition.UNRESOLVABLE),
        (InProgress("searching", NOW), Right.ACCESS, Disposition.IN_PROGRESS),
    ],
)
def test_each_answer_has_its_disposition_and_survives_the_wire(
    answer: Answer, right: Right, disposition: Disposition
) -> None:
    acknowledgement = acknowledged(answer, right)
    assert acknowledgement.disposition is disposition
    leaf = acknowledgement_to_wire(acknowledgement).SerializeToString(deterministic=True)
    assert acknowledgement_from_bytes(leaf) == acknowledgement


def test_a_failure_without_its_reason_says_something_all_the_same() -> None:
    acknowledgement = acknowledged(Failed(retry_at=NOW))
    assert acknowledgement.reason == "the system could not do it this time"
    assert acknowledgement.retry_at == NOW


def test_partial_exemption_tells_what_is_erased_and_what_is_kept() -> None:
    further = Exemption(ground="AO 147", review_at=REVIEW, records=1)
    answer = PartiallyExempt(
        "HGB 257", REVIEW, erased=5, kept=2, categories=("b", "a"), exemptions=(further,)
    )
    acknowledgement = acknowledged(answer)
    first = Exemption(ground="HGB 257", review_at=REVIEW, categories=("a", "b"), records=2)
    assert acknowledgement.records == 5
    assert acknowledgement.exemptions == (first, further)


def test_several_grounds_may_stand_alone() -> None:
    grounds = tuple(Exemption(ground=one, review_at=REVIEW) for one in ("HGB 257", "AO 147"))
    assert acknowledged(Exempt(exemptions=grounds)).exemptions == grounds


@pytest.mark.parametrize(
    "make",
    [
        lambda: Erased(-1),
        lambda: Delivered(-1),
        lambda: Exempt("", REVIEW),
        lambda: Exempt("HGB 257"),
        Exempt,
        lambda: PartiallyExempt("HGB 257", REVIEW, kept=-1),
        lambda: PartiallyExempt(" ", REVIEW),
        lambda: Failed("no", datetime(2026, 1, 1)),  # noqa: DTZ001 - the fault
        lambda: Exempt("HGB 257", datetime(2026, 1, 1)),  # noqa: DTZ001 - the fault
        lambda: InProgress("", datetime(2026, 1, 1)),  # noqa: DTZ001 - the fault
    ],
)
def test_an_answer_without_its_evidence_cannot_be_made(make: Callable[[], Answer]) -> None:
    with pytest.raises(ValueError, match=r"needs|negative"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        Failed,
        Unresolvable,
        InProgress,
        lambda wrong: Exempt(wrong, REVIEW),
        lambda wrong: PartiallyExempt("HGB 257", REVIEW, categories=(wrong,)),
        lambda wrong: Exempt(exemptions=(Exemption(ground=wrong, review_at=REVIEW),)),
        lambda wrong: Exempt(exemptions=(wrong,)),
    ],
)
@pytest.mark.parametrize("wrong", [LookupError("locked"), b"locked", 3])
def test_an_answer_of_the_wrong_type_cannot_be_made(
    make: Callable[[Any], Answer], wrong: object
) -> None:
    with pytest.raises(TypeError):
        make(wrong)


@pytest.mark.parametrize("wrong", ["3", 2.5, None])
def test_a_number_of_records_of_the_wrong_type_cannot_be_given(wrong: Any) -> None:
    further = Exemption(ground="HGB 257", review_at=REVIEW, records=wrong)
    for make in (Erased, Delivered, lambda records: Exempt("HGB 257", REVIEW, records=records)):
        with pytest.raises(TypeError):
            make(wrong)
    with pytest.raises(TypeError):
        Exempt(exemptions=(further,))


def test_an_answer_to_another_right_is_refused() -> None:
    with pytest.raises(RejectedInput, match="disposition_not_allowed"):
        acknowledged(Delivered(1), Right.DELETION)


@pytest.mark.parametrize(
    "answer",
    [
        Exempt("HGB 257", REVIEW, categories=("user." + "x" * 200,)),
        Exempt("HGB 257", REVIEW, categories=("user",) * 5_000, records=1),
        Exempt("HGB 257", EPOCH),
        Failed(retry_at=EPOCH),
        Failed(retry_at=datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))),
    ],
)
def test_an_answer_that_the_verifier_could_not_read_is_refused(answer: Answer) -> None:
    with pytest.raises(RejectedInput):
        acknowledged(answer)


def signable(answer: Answer, request_id: str | None = None) -> Signable:
    acknowledgement = to_acknowledgement(
        answer,
        request_id=RequestId(request_id or new_request_id()),
        system_id=SystemId("billing"),
        right=Right.DELETION,
        sequence=1,
        at=NOW,
    )
    return acknowledgement, len(acknowledgement_to_wire(acknowledgement).SerializeToString())


def read(batches: list[Outgoing]) -> tuple[Acknowledgement, ...]:
    records = [Record(one.topic, 0, 0, one.key, one.value, one.headers) for one in batches]
    return acknowledgements_in(records, KEYS.public)


def test_batches_are_bounded_in_number() -> None:
    answers = [signable(Erased()) for _ in range(COUNT_LIMIT + 1)]
    batches = list(signed_batches(answers, KEYS))
    sizes = [
        len(acknowledgements_pb2.SignedAcknowledgements.FromString(one.value).acknowledgements)
        for one in batches
    ]
    assert sizes == [COUNT_LIMIT, 1]
    assert read(batches) == tuple(answer for answer, _ in answers)


def test_batches_are_bounded_in_bytes() -> None:
    answers = [signable(Failed("x" * 500)) for _ in range(COUNT_LIMIT)]
    batches = list(signed_batches(answers, KEYS))
    assert len(batches) > 1
    assert all(len(one.value) <= BYTE_LIMIT for one in batches)
    assert max(len(one.value) for one in batches) > BYTE_LIMIT * 0.95
    assert len(read(batches)) == COUNT_LIMIT


def test_the_largest_answers_that_may_be_given_fit_into_a_record() -> None:
    bin_ = "\U0001f5d1"
    grounds = [Exemption(ground=bin_, review_at=REVIEW)] * (EXEMPTIONS_LIMIT - 1)
    categories = (bin_ * 10,) * ((TEXT_LIMIT - EXEMPTIONS_LIMIT) // 10)
    answers = [
        Exempt(bin_, REVIEW, categories, exemptions=tuple(grounds)),
        Exempt(bin_ * TEXT_LIMIT, REVIEW),
        Failed(bin_ * TEXT_LIMIT),
    ]
    batches = list(signed_batches([signable(one) for one in answers * 4], KEYS))
    assert len(batches) > 1
    assert all(len(one.value) <= BYTE_LIMIT for one in batches)
    assert len(read(batches)) == 12


def test_the_key_is_the_request_or_the_system() -> None:
    one, two = signable(Erased()), signable(Erased())
    (alone,) = signed_batches([one], KEYS)
    (together,) = signed_batches([one, two], KEYS)
    assert alone.key == one[0].request_id.encode()
    assert together.key == b"billing"
    assert header(alone.headers, "ce_source") == "system/billing"


def test_the_same_answers_are_the_same_event() -> None:
    answers = [signable(Erased()), signable(NotFound())]
    assert list(signed_batches(answers, KEYS)) == list(signed_batches(answers, KEYS))
    (other,) = signed_batches(answers[:1], KEYS)
    (first,) = signed_batches(answers, KEYS)
    assert header(first.headers, "ce_id") != header(other.headers, "ce_id")
