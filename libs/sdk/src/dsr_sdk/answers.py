"""What a system may answer, as types; and the acknowledgement that each becomes.

Nothing here may hold personal data: reasons, grounds and categories travel in the clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import index

from dsr_core.acknowledgements import Acknowledgement, Exemption, check
from dsr_core.exports import Delivery
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition, Right
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes, acknowledgement_to_wire

__all__ = [
    "Absent",
    "AlreadyRight",
    "Answer",
    "Corrected",
    "Delivered",
    "Erased",
    "Exempt",
    "Failed",
    "Heeded",
    "InProgress",
    "Informed",
    "NotFound",
    "PartiallyExempt",
    "Present",
    "Refused",
    "Restricted",
    "Unresolvable",
    "to_acknowledgement",
]


@dataclass(frozen=True, slots=True)
class Erased:
    """Confirms: the person's data is gone from this system."""

    records: int = 0
    """How many records were erased."""

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _count(self.records)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Confirms: the person's data was handed over for the access package."""

    records: int
    """How many records were delivered."""

    delivery: Delivery | None = None
    """Where they lie; the SDK says so of what a handler yields."""

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _count(self.records)


@dataclass(frozen=True, slots=True)
class NotFound:
    """Confirms: this system holds nothing on this person."""


@dataclass(frozen=True, slots=True)
class Informed:
    """Confirms: this recipient was told of an erasure, a correction or a restriction (GDPR article 19)."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """Confirms: the values are right now."""

    records: int = 0
    """How many records were changed."""

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _count(self.records)


@dataclass(frozen=True, slots=True)
class AlreadyRight:
    """Confirms: the values were right before."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Confirms: this system does not do what was asked, or not all of it; the person is told the ground.

    Of a correction: at least one value is not corrected, and the person's statement is attached to it.
    Attach `request.statement` first, where there is one.
    """

    ground: str
    """Why, with its provision, in words without personal data."""

    records: int = 0
    """With how many records it was done all the same."""

    def __post_init__(self) -> None:
        """Refuse what has no ground, and a negative count."""
        _text(self.ground)
        if not self.ground.strip():
            raise ValueError("a refusal needs its ground")
        _count(self.records)


@dataclass(frozen=True, slots=True)
class Heeded:
    """Confirms: this system uses and passes on no more what it was told not to."""

    records: int = 0
    """How many records this concerns."""

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _count(self.records)


@dataclass(frozen=True, slots=True)
class Restricted:
    """Confirms: this system keeps the data, and uses it for nothing but what the law still allows."""

    records: int = 0
    """How many records this concerns."""

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _count(self.records)


@dataclass(frozen=True, slots=True)
class Absent:
    """Confirms: this system has looked again after its erasure, and holds nothing on this person.

    The number of records that it had erased is told with it.
    """


@dataclass(frozen=True, slots=True)
class Present:
    """Does not confirm: this system has looked again after its erasure, and something is there.

    The handler that erases is asked again.
    """

    records: int = 0
    """How many records there are."""

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _count(self.records)


@dataclass(frozen=True, slots=True)
class Exempt:
    """Confirms: all of it is kept, on a legal ground."""

    ground: str = ""
    """A citation, for example `HGB 257`."""

    review_at: datetime | None = None
    """When the ground must be looked at again."""

    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy that are kept."""

    records: int = 0
    """How many records are kept."""

    exemptions: tuple[Exemption, ...] = ()
    """Further grounds, where there are several."""

    def __post_init__(self) -> None:
        """Refuse an exemption without its evidence."""
        _count(self.records)
        _grounds(self.ground, self.review_at, self.categories, self.records, self.exemptions)


@dataclass(frozen=True, slots=True)
class PartiallyExempt:
    """Confirms: a part is kept on a legal ground, the rest is erased."""

    ground: str = ""
    """A citation, for example `HGB 257`."""

    review_at: datetime | None = None
    """When the ground must be looked at again."""

    erased: int = 0
    """How many records were erased."""

    kept: int = 0
    """How many records are kept on this ground."""

    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy that are kept."""

    exemptions: tuple[Exemption, ...] = ()
    """Further grounds, where there are several."""

    delivery: Delivery | None = None
    """As in `Delivered`; `erased` is then how many records were delivered."""

    def __post_init__(self) -> None:
        """Refuse an exemption without its evidence."""
        _count(self.erased)
        _count(self.kept)
        _grounds(self.ground, self.review_at, self.categories, self.kept, self.exemptions)


@dataclass(frozen=True, slots=True)
class Failed:
    """Does not confirm: the system could not do it this time.

    With `retry_at` the SDK asks the handler again then, also after a restart; without it, only a
    reminder does.
    """

    reason: str = "the system could not do it this time"
    """Why, in words without personal data."""

    retry_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a time without a time zone."""
        _text(self.reason)
        _aware(self.retry_at)


@dataclass(frozen=True, slots=True)
class Unresolvable:
    """Does not confirm: none of the identifiers names a person in this system."""

    reason: str
    """Why, in words without personal data."""

    def __post_init__(self) -> None:
        """Refuse what is no text."""
        _text(self.reason)


@dataclass(frozen=True, slots=True)
class InProgress:
    """Does not confirm: the work has begun, and an answer is coming.

    The answer comes from `Subscriber.answer`; or, with `expected_at`, the handler is asked again
    then if there is none.
    """

    reason: str = ""
    """What is going on, in words without personal data."""

    expected_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a time without a time zone."""
        _text(self.reason)
        _aware(self.expected_at)


Answer = (
    Erased
    | Delivered
    | NotFound
    | Informed
    | Heeded
    | Corrected
    | AlreadyRight
    | Refused
    | Restricted
    | Absent
    | Present
    | Exempt
    | PartiallyExempt
    | Failed
    | Unresolvable
    | InProgress
)
"""Whatever a handler may return for one request."""


def to_acknowledgement(
    answer: Answer,
    *,
    request_id: RequestId,
    system_id: SystemId,
    right: Right,
    sequence: int,
    at: datetime,
) -> Acknowledgement:
    """Turn an answer into the acknowledgement of one obligation.

    Raises:
        RejectedInput: The answer is none for this right, or could not be sent or stored.
    """
    disposition = _DISPOSITIONS[type(answer)]
    records, reason = 0, ""
    exemptions: tuple[Exemption, ...] = ()
    retry_at: datetime | None = None
    delivery: Delivery | None = None
    match answer:
        case (
            Erased(records=count)
            | Heeded(records=count)
            | Corrected(records=count)
            | Restricted(records=count)
            | Present(records=count)
        ):
            records = count
        case Delivered(count, delivery):
            records = count
        case Refused(why, count):
            reason, records = why, count
        case NotFound() | Informed() | Absent() | AlreadyRight():
            pass
        case Exempt(ground, review_at, categories, kept, further):
            exemptions = _grounds(ground, review_at, categories, kept, further)
        case PartiallyExempt(ground, review_at, erased, kept, categories, further, delivery):
            records = erased
            exemptions = _grounds(ground, review_at, categories, kept, further)
        case Failed(why, again) | InProgress(why, again):
            reason, retry_at = why, again
        case Unresolvable(why):
            reason = why
    acknowledgement = Acknowledgement(
        request_id=request_id,
        system_id=system_id,
        right=right,
        disposition=disposition,
        sequence=sequence,
        answered_at=at,
        records=records,
        exemptions=exemptions,
        reason=reason,
        retry_at=retry_at,
        delivery=delivery,
    )
    check(acknowledgement)
    if reason or exemptions or retry_at is not None:
        # What cannot be read is refused here: a stored answer is read when it is replayed.
        acknowledgement_from_bytes(acknowledgement_to_wire(acknowledgement).SerializeToString())
    return acknowledgement


_DISPOSITIONS: dict[type, Disposition] = {
    Erased: Disposition.ERASED,
    Delivered: Disposition.DELIVERED,
    NotFound: Disposition.NOT_FOUND,
    Informed: Disposition.INFORMED,
    Heeded: Disposition.HEEDED,
    Corrected: Disposition.CORRECTED,
    AlreadyRight: Disposition.ALREADY_RIGHT,
    Refused: Disposition.REFUSED,
    Restricted: Disposition.RESTRICTED,
    Absent: Disposition.ABSENT,
    Present: Disposition.PRESENT,
    Exempt: Disposition.EXEMPT,
    PartiallyExempt: Disposition.PARTIALLY_EXEMPT,
    Failed: Disposition.FAILED,
    Unresolvable: Disposition.UNRESOLVABLE,
    InProgress: Disposition.IN_PROGRESS,
}


def _grounds(
    ground: str,
    review_at: datetime | None,
    categories: tuple[str, ...],
    records: int,
    further: tuple[Exemption, ...],
) -> tuple[Exemption, ...]:
    for exemption in further:
        if not isinstance(exemption, Exemption):
            raise TypeError(f"an exemption is told as one, not as {type(exemption).__name__}")
        _aware(exemption.review_at)
        _count(exemption.records)
        _text(exemption.ground, *exemption.categories)
    _text(ground, *categories)
    if not ground.strip() or review_at is None:
        if further and not ground and review_at is None:
            return further
        raise ValueError("an exemption needs its ground and the date of its review")
    _aware(review_at)
    kept = tuple(sorted(categories))
    first = Exemption(ground=ground, review_at=review_at, categories=kept, records=records)
    return (first, *further)


def _text(*values: str) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(
                f"a reason, a ground or a category is a text, not {type(value).__name__}"
            )


def _count(records: int) -> None:
    if index(records) < 0:
        raise ValueError("a number of records is never negative")


def _aware(at: datetime | None) -> None:
    if at is not None and at.tzinfo is None:
        raise ValueError("a time needs its time zone, for example datetime.now(UTC)")
