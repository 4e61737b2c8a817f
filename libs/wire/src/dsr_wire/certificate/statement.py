"""Statements: what a closure rests on, bound by digests, in one form of bytes. Never changed once made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId, is_uuid
from dsr_core.rights import Right
from dsr_wire.canonical import canonical, read_canonical, timestamp
from dsr_wire.certificate.asked import Asked, read_asked, slug
from dsr_wire.certificate.fields import Reader

__all__ = ["StatedAnswer", "StatedObligation", "Statement"]

_VERSION, _WITHOUT_ASKED = 2, 1
_FIELDS = frozenset(
    {
        *("v", "asked", "request_id", "right", "regime", "home_cohort_id", "cohort_id"),
        *("registry_digest", "rules_digest", "opened_at", "due_at", "closed_at", "outcome"),
        *(
            "stopping",
            "expected",
            "evidence_digest",
            "opened",
            "looks_again",
            "obligations",
            "amendments",
        ),
    }
)
_FORMS = {_VERSION: _FIELDS, _WITHOUT_ASKED: _FIELDS - {"asked"}}
_OBLIGATION = frozenset({"system_id", "organisation_id", "answers"})
_OPENED = frozenset({"system_id", "organisation_id"})
_ANSWER = frozenset({"leaf_hash", "received_at"})


class StatedAnswer(NamedTuple):
    """One recorded answer of a system."""

    leaf_hash: bytes
    """SHA-256 leaf hash (RFC 6962) of the answer as it stands in its signed batch."""

    received_at: datetime
    """When a broker took it, says the ledger: a key that was revoked later was good then."""


class StatedObligation(NamedTuple):
    """One system that had to answer, with all that it had answered by the closing."""

    system_id: SystemId
    organisation_id: OrganisationId
    answers: tuple[StatedAnswer, ...]
    """By sequence and hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A closure, and everything that the closing rule was given."""

    request_id: RequestId
    right: Right
    regime: str
    home_cohort_id: CohortId
    cohort_id: CohortId
    registry_digest: str
    rules_digest: str | None
    """None where the ledger was not told."""

    opened_at: datetime
    due_at: datetime
    closed_at: datetime
    outcome: Outcome
    stopping: Outcome | None
    expected: int
    evidence_digest: bytes
    opened: Mapping[SystemId, OrganisationId] | None
    """Who had to answer at first, with the owner; none where nothing was amended."""

    obligations: tuple[StatedObligation, ...]
    """By system."""

    amendments: tuple[bytes, ...]
    """SHA-256 of each applied ObligationsAmended, in the order in which they apply."""

    looks_again: frozenset[SystemId] = frozenset()
    """Who had confirmed an erasure only once it had looked again, and found nothing."""

    asked: Asked | None = None
    """What the first plan was made from; none in the form of before, which did not say it."""

    def value(self) -> dict[str, Any]:
        """Return the statement as JSON values."""
        asked = {} if self.asked is None else {"asked": self.asked.value()}
        return {
            **asked,
            "v": _VERSION if asked else _WITHOUT_ASKED,
            "request_id": self.request_id,
            "right": self.right.value,
            "regime": self.regime,
            "home_cohort_id": self.home_cohort_id,
            "cohort_id": self.cohort_id,
            "registry_digest": self.registry_digest,
            "rules_digest": self.rules_digest,
            "opened_at": timestamp(self.opened_at),
            "due_at": timestamp(self.due_at),
            "closed_at": timestamp(self.closed_at),
            "outcome": self.outcome.value,
            "stopping": self.stopping.value if self.stopping else None,
            "expected": self.expected,
            "evidence_digest": self.evidence_digest.hex(),
            "opened": None
            if self.opened is None
            else [
                {"system_id": system_id, "organisation_id": owner}
                for system_id, owner in sorted(self.opened.items())
            ],
            "obligations": [
                {
                    "system_id": one.system_id,
                    "organisation_id": one.organisation_id,
                    "answers": [
                        {
                            "leaf_hash": answer.leaf_hash.hex(),
                            "received_at": timestamp(answer.received_at),
                        }
                        for answer in one.answers
                    ],
                }
                for one in self.obligations
            ],
            "looks_again": sorted(self.looks_again),
            "amendments": [one.hex() for one in self.amendments],
        }

    def canonical(self) -> bytes:
        """Return the statement's one form in bytes: what its digest is of."""
        return canonical(self.value())

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical form: what the log's leaf names."""
        return hashlib.sha256(self.canonical()).digest()

    @classmethod
    def from_canonical(cls, data: bytes) -> Statement:
        """Read what `canonical` wrote.

        Raises:
            ValueError: The bytes are no statement, or not in its one form.
        """
        return cls.from_value(read_canonical(data))

    @classmethod
    def from_value(cls, value: object, part: str = "") -> Statement:
        """Read what `value` wrote; `part` says where it stands.

        Raises:
            MalformedError: A field is missing, unknown or wrong.
        """
        read = Reader.of_version(value, part, _FORMS)
        is_old = read.number("v") == _WITHOUT_ASKED
        return cls(
            request_id=RequestId(read.parsed("request_id", _uuid, _NO_UUID)),
            right=read.parsed("right", Right, "is no right"),
            regime=read.text("regime"),
            home_cohort_id=CohortId(read.parsed("home_cohort_id", _uuid, _NO_UUID)),
            cohort_id=CohortId(read.parsed("cohort_id", _uuid, _NO_UUID)),
            registry_digest=read.text("registry_digest"),
            rules_digest=read.text_or_none("rules_digest"),
            opened_at=read.time("opened_at"),
            due_at=read.time("due_at"),
            closed_at=read.time("closed_at"),
            outcome=read.parsed("outcome", Outcome, "is no outcome"),
            stopping=None
            if read.raw("stopping") is None
            else read.parsed("stopping", Outcome, "is no outcome"),
            expected=read.number("expected"),
            evidence_digest=read.digest("evidence_digest"),
            opened=None if read.raw("opened") is None else _opened(read),
            obligations=tuple(_obligation(one) for one in read.objects("obligations", _OBLIGATION)),
            amendments=read.digests("amendments"),
            looks_again=_systems(read),
            asked=None if is_old else read_asked(read.raw("asked"), read.at("asked")),
        )


_NO_UUID = "must be a UUID"
_NO_SLUG = "must be a registry id"


def _systems(read: Reader) -> frozenset[SystemId]:
    found = read.each("looks_again", slug, _NO_SLUG)
    return frozenset(SystemId(one) for one in found)


def _opened(read: Reader) -> dict[SystemId, OrganisationId]:
    return dict(_system(one) for one in read.objects("opened", _OPENED))


def _system(read: Reader) -> tuple[SystemId, OrganisationId]:
    return (
        SystemId(read.parsed("system_id", slug, _NO_SLUG)),
        OrganisationId(read.parsed("organisation_id", slug, _NO_SLUG)),
    )


def _obligation(read: Reader) -> StatedObligation:
    system_id, organisation_id = _system(read)
    return StatedObligation(
        system_id=system_id,
        organisation_id=organisation_id,
        answers=tuple(
            StatedAnswer(one.digest("leaf_hash"), one.time("received_at"))
            for one in read.objects("answers", _ANSWER)
        ),
    )


def _uuid(text: str) -> str:
    if not is_uuid(text):
        raise ValueError("not a UUID")
    return text
