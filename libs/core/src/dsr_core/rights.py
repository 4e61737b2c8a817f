"""Rights, dispositions, and the one table of what differs between rights."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dsr_core.resolving import Confidence
from dsr_core.suppressions import SuppressionKind

__all__ = [
    "ANSWERS",
    "CONFIRMING",
    "RIGHTS",
    "STOPPING",
    "Disposition",
    "Right",
    "Terms",
]


class Right(StrEnum):
    """What a data subject asks for."""

    ACCESS = "access"
    DELETION = "deletion"
    CORRECTION = "correction"
    OPT_OUT = "opt_out"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    PORTABILITY = "portability"


class Disposition(StrEnum):
    """What a system's answer means for its obligation."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    ERASED = "erased"
    DELIVERED = "delivered"
    NOT_FOUND = "not_found"
    EXEMPT = "exempt"
    PARTIALLY_EXEMPT = "partially_exempt"
    FAILED = "failed"
    UNRESOLVABLE = "unresolvable"
    STOPPED = "stopped"
    TOO_LATE = "too_late"
    CORRECTED = "corrected"
    ALREADY_RIGHT = "already_right"
    INFORMED = "informed"
    ABSENT = "absent"
    """The system has looked again after its erasure, and holds nothing."""

    PRESENT = "present"
    """The system has looked again after its erasure, and something is there."""

    HEEDED = "heeded"
    """The system uses and passes on no more what it was told not to."""

    REFUSED = "refused"
    """The system does not do what was asked, on a ground; a statement of the person's is attached."""

    RESTRICTED = "restricted"
    """The system keeps the data, and uses it for nothing but what the law still allows."""


_D = Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How requests for one right are dealt with, as far as rights differ."""

    confirmed_by: frozenset[Disposition]
    """The answers that end an obligation."""

    also_answered: frozenset[Disposition] = frozenset()
    """Answers that do not end one, beside those that every right has."""

    asks_who: bool = True
    """Whether it must be proven who asks before any system is told."""

    erases: bool = False
    """Whether what is done cannot be undone, so that holds and the breaker stand before it."""

    hands_over: bool = False
    """Whether systems hand data over, of which a package is made for the person."""

    for_machines: bool = False
    """Whether what is handed over is to be taken elsewhere, so that a machine has to read all of it."""

    needs_known_kind: bool = True
    """Whether a person whom a system knows by none of the kinds given has to be resolved there. Where
    not, nothing is to be done there, and the answer is `not_found`."""

    names_its_part: bool = False
    """Whether each request says what part of the data is meant in a way that no handler overlooks."""

    may_repeat: bool = True
    """Whether two requests of one person for one part of the data ask for the same."""

    links: Confidence = Confidence.VERIFIED
    """How sure it must be that an identifier which a system found is the person's. A wrong one erases,
    discloses or changes what is somebody else's, so for all of these it must be proven."""

    suppresses: tuple[SuppressionKind, ...] = ()
    """What the suppression list says of the person once it is followed for all of their data."""

    suppresses_at_once: bool = False
    """Whether the list says so as soon as systems are told, and not only once they have answered."""


RIGHTS: dict[Right, Terms] = {
    Right.ACCESS: Terms(
        confirmed_by=frozenset({_D.DELIVERED, _D.NOT_FOUND, _D.EXEMPT, _D.PARTIALLY_EXEMPT}),
        hands_over=True,
    ),
    Right.DELETION: Terms(
        confirmed_by=frozenset(
            {_D.ERASED, _D.ABSENT, _D.NOT_FOUND, _D.EXEMPT, _D.PARTIALLY_EXEMPT, _D.INFORMED}
        ),
        also_answered=frozenset({_D.PRESENT}),
        erases=True,
        suppresses=(SuppressionKind.RE_IMPORT,),
    ),
    Right.CORRECTION: Terms(
        confirmed_by=frozenset(
            {_D.CORRECTED, _D.ALREADY_RIGHT, _D.REFUSED, _D.NOT_FOUND, _D.INFORMED}
        ),
        names_its_part=True,
        may_repeat=False,
    ),
    # No proof of who asks may be demanded (11 CCR 7026(d), 7060(b)), and a signal of a browser names
    # the browser alone (11 CCR 7025(c)(1)), which many systems know nothing of.
    Right.OPT_OUT: Terms(
        confirmed_by=frozenset({_D.HEEDED, _D.INFORMED, _D.NOT_FOUND}),
        asks_who=False,
        needs_known_kind=False,
        # Who is taken for somebody else gets less advertising, and can opt in again.
        links=Confidence.PROBABLE,
        suppresses=(SuppressionKind.MARKETING, SuppressionKind.SALE_OR_SHARING),
        suppresses_at_once=True,
    ),
    # GDPR article 18; whom the data was disclosed to is told (article 19).
    Right.RESTRICTION: Terms(
        confirmed_by=frozenset({_D.RESTRICTED, _D.REFUSED, _D.NOT_FOUND, _D.INFORMED}),
    ),
    # GDPR article 21. Marketing ends whatever the grounds are for going on with the rest (21(3)).
    Right.OBJECTION: Terms(
        confirmed_by=frozenset({_D.HEEDED, _D.REFUSED, _D.NOT_FOUND, _D.INFORMED}),
        suppresses=(SuppressionKind.MARKETING,),
        suppresses_at_once=True,
    ),
    # GDPR article 20: what the person has provided, for machines.
    Right.PORTABILITY: Terms(
        confirmed_by=frozenset({_D.DELIVERED, _D.NOT_FOUND, _D.EXEMPT, _D.PARTIALLY_EXEMPT}),
        hands_over=True,
        for_machines=True,
    ),
}
"""The one table of what differs between rights."""

_NOT_CONFIRMING = frozenset({_D.RECEIVED, _D.IN_PROGRESS, _D.FAILED, _D.UNRESOLVABLE})

STOPPING = frozenset({_D.STOPPED, _D.TOO_LATE})
"""The dispositions that end an obligation, too, while its request is being stopped."""

CONFIRMING = {right: terms.confirmed_by for right, terms in RIGHTS.items()}
"""The dispositions that end an obligation under each right."""

ANSWERS = {
    right: terms.confirmed_by | terms.also_answered | _NOT_CONFIRMING | STOPPING
    for right, terms in RIGHTS.items()
}
"""Every disposition that a system may answer with under each right."""
