"""Linking: which of the identifiers that systems have found are used, and which never.

A wrong link erases or discloses what is somebody else's: the worst fault there is. So nothing is used
that is not stated, strong enough and undisputed. What becomes of the claims is a function of the set of
them, as the standing of an obligation is: whatever their order of arrival, the same are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dsr_core.identity import Identifier, Identity
from dsr_core.ids import SystemId
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import RIGHTS, Right

__all__ = [
    "LINKABLE",
    "LINKS_LIMIT",
    "PROOFS",
    "ROUNDS",
    "SINGLE",
    "Claim",
    "Judged",
    "Link",
    "LinkOutcome",
    "LinkProof",
    "LinkReason",
    "Linking",
    "linked",
    "newest",
]

LINKS_LIMIT = 10
"""How many links one answer holds at most."""

ROUNDS = 3
"""How far from what the person gave a link may lie: found through what was found through what was given."""

LINKABLE = frozenset(
    {"account_id", "cookie_id", "customer_number", "device_id", "email", "phone", "username"}
)
"""The kinds that can be found out. An address of the Internet is many people's, and a government's
number is shown by the person or not at all."""

SINGLE = frozenset({"account_id", "customer_number"})
"""The kinds of which a person has one value: two of them are a conflict, for people to decide."""


class LinkProof(StrEnum):
    """How a system knows that two identifiers name one person."""

    SAME_LOGIN = "same_login"
    """Who proved the one by logging in is the account of the other."""

    VERIFIED_CONTACT = "verified_contact"
    """The person confirmed the address or number from within the account."""

    CONTRACT = "contract"
    """Both stand in one contract or order of the person."""

    SAME_DEVICE = "same_device"
    """Both were seen on one device, which several people may share."""

    MATCHED_DATA = "matched_data"
    """Names, addresses or habits are alike."""


PROOFS: dict[LinkProof, Confidence] = {
    LinkProof.SAME_LOGIN: Confidence.VERIFIED,
    LinkProof.VERIFIED_CONTACT: Confidence.VERIFIED,
    LinkProof.CONTRACT: Confidence.VERIFIED,
    LinkProof.SAME_DEVICE: Confidence.PROBABLE,
    LinkProof.MATCHED_DATA: Confidence.PROBABLE,
}
"""How sure a link can be at most, by its proof, whatever its system says."""


@dataclass(frozen=True, slots=True)
class Link:
    """That a person whom a system was told of has another identifier."""

    identifier: Identifier
    through: str
    """The kind by which the system knew the person."""

    confidence: Confidence
    proof: LinkProof


@dataclass(frozen=True, slots=True)
class Claim:
    """A link as one system's answer says it."""

    system_id: SystemId
    sequence: int
    """That of the answer; of one system's answers that hold links the highest counts."""

    link: Link


class LinkOutcome(StrEnum):
    """What became of a claim."""

    USED = "used"
    KNOWN = "known"
    """The person had given it: no news."""

    CONFLICT = "conflict"
    """Nothing of it is used until people have decided."""

    REFUSED = "refused"


class LinkReason(StrEnum):
    """Why a claim is not used, or is."""

    UNDISPUTED = "undisputed"
    GIVEN = "given"
    BY_PEOPLE = "by_people"
    NOT_STATED = "not_stated"
    """The registry does not say that the system resolves that pair of kinds."""

    NOT_LINKABLE = "not_linkable"
    TOO_WEAK = "too_weak"
    """Not sure enough for the right, be it by its own word, its proof, the registry's, or what it rests on."""

    NOT_AT_HAND = "not_at_hand"
    """The kind that it was found through is none that the request has."""

    TOO_FAR = "too_far"
    TWO_VALUES = "two_values"
    """Of a kind of which a person has one value, two were named."""

    ANOTHER_PERSON = "another_person"
    """Another open or suppressed person is known by it, or systems found it for another open one."""

    UNDER_HOLD = "under_hold"
    """A legal hold on a person names it."""

    RESTS_ON_CONFLICT = "rests_on_conflict"
    """It was found through what is in conflict."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one claim, and why."""

    claim: Claim
    outcome: LinkOutcome
    reason: LinkReason
    round: int = 0
    """How far from what was given it lies; 0 where it was never reached."""


@dataclass(frozen=True, slots=True)
class Linking:
    """What the claims for one request come to."""

    added: tuple[Identifier, ...]
    """The identifiers that are used beside those given, sorted."""

    judged: tuple[Judged, ...]
    """Every claim that counts, in an order that depends on nothing else."""

    @property
    def claimed(self) -> frozenset[Identifier]:
        """What is used, and what would be but for a conflict.

        It does not depend on whom else an identifier speaks of. So of two persons that share one, each
        is known by it to the other, whoever is judged first and whatever came of it.
        """
        outcomes = (LinkOutcome.USED, LinkOutcome.CONFLICT)
        return frozenset(
            one.claim.link.identifier for one in self.judged if one.outcome in outcomes
        )

    def identity(self, given: Identity) -> Identity:
        """Return whom systems are told of."""
        return Identity.of((*given.identifiers, *self.added))


def linked(
    given: Identity,
    claims: Iterable[Claim],
    *,
    right: Right,
    stated: Mapping[SystemId, Iterable[Resolution]],
    against: Mapping[Identifier, LinkReason],
    rulings: Mapping[Identifier, bool],
) -> Linking:
    """Say which of the identifiers that systems have found are used.

    A conflict about a kind keeps every link of that kind from being used, and what was found through
    it; a later claim can so take back what had been used. What people have decided settles a conflict
    and nothing else: they cannot make a weak link strong.

    Args:
        given: What the person gave.
        claims: All that systems have said, in any order and however often.
        right: What is asked for, which says how sure a link must be.
        stated: What the registry says that each system resolves.
        against: Identifiers that speak of somebody else, with the reason.
        rulings: What people have decided: whether an identifier is the person's.
    """
    counting = sorted(newest(claims), key=_order)
    needed = RIGHTS[right].links
    judged = {
        one: found
        for one in counting
        if (found := _at_once(one, given, stated.get(one.system_id, ()), needed, rulings))
    }
    sound = [one for one in counting if one not in judged]
    reached = _reach(given, sound)
    overruled = _overruled(reached, rulings)
    disputed = _disputed([one for one in reached if one not in overruled], given, against, rulings)
    kinds = {one.link.identifier.kind for one in disputed}
    used = _reach(
        given,
        [one for one in sound if one not in overruled and one.link.identifier.kind not in kinds],
    )
    far = _reach(given, sound, rounds=len(sound))
    for one in sound:
        if one in disputed:
            judged[one] = Judged(one, LinkOutcome.CONFLICT, disputed[one], reached[one])
        elif one in overruled:
            judged[one] = Judged(one, LinkOutcome.REFUSED, LinkReason.BY_PEOPLE, reached[one])
        elif one in used:
            is_ruled = rulings.get(one.link.identifier)
            reason = LinkReason.BY_PEOPLE if is_ruled else LinkReason.UNDISPUTED
            judged[one] = Judged(one, LinkOutcome.USED, reason, used[one])
        elif one in reached:
            reason = LinkReason.RESTS_ON_CONFLICT
            judged[one] = Judged(one, LinkOutcome.CONFLICT, reason, reached[one])
        else:
            reason = LinkReason.TOO_FAR if one in far else LinkReason.NOT_AT_HAND
            judged[one] = Judged(one, LinkOutcome.REFUSED, reason)
    added = sorted({one.link.identifier for one in used}, key=lambda one: (one.kind, one.value))
    return Linking(tuple(added), tuple(judged[one] for one in counting))


def newest(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return the claims that count: those of each system's newest answer that has any, each once."""
    every = dict.fromkeys(claims)
    last: dict[SystemId, int] = {}
    for one in every:
        last[one.system_id] = max(one.sequence, last.get(one.system_id, 0))
    return tuple(one for one in every if one.sequence == last[one.system_id])


def _order(one: Claim) -> tuple[str, ...]:
    link = one.link
    kind, value = link.identifier.kind, link.identifier.value
    return (one.system_id, kind, value, link.through, link.confidence, link.proof)


def _at_once(
    one: Claim,
    given: Identity,
    stated: Iterable[Resolution],
    needed: Confidence,
    rulings: Mapping[Identifier, bool],
) -> Judged | None:
    """Return what becomes of a claim whatever else is claimed, or none."""
    link = one.link
    if link.identifier in given.identifiers:
        return Judged(one, LinkOutcome.KNOWN, LinkReason.GIVEN)
    if link.identifier.kind not in LINKABLE:
        return Judged(one, LinkOutcome.REFUSED, LinkReason.NOT_LINKABLE)
    pair = (link.through, link.identifier.kind)
    bounds = [each.confidence for each in stated if (each.from_kind, each.to_kind) == pair]
    if not bounds:
        return Judged(one, LinkOutcome.REFUSED, LinkReason.NOT_STATED)
    strengths = (link.confidence, PROOFS[link.proof], *bounds)
    if needed is Confidence.VERIFIED and Confidence.PROBABLE in strengths:
        return Judged(one, LinkOutcome.REFUSED, LinkReason.TOO_WEAK)
    if rulings.get(link.identifier) is False:
        return Judged(one, LinkOutcome.REFUSED, LinkReason.BY_PEOPLE)
    return None


def _reach(given: Identity, claims: Iterable[Claim], rounds: int = ROUNDS) -> dict[Claim, int]:
    """Return the claims that rest on what was given, each with its round; a cycle adds nothing."""
    at_hand = set(given.kinds)
    reached: dict[Claim, int] = {}
    for number in range(1, rounds + 1):
        fresh = [one for one in claims if one not in reached and one.link.through in at_hand]
        reached |= dict.fromkeys(fresh, number)
        at_hand |= {one.link.identifier.kind for one in fresh}
    return reached


def _overruled(reached: Iterable[Claim], rulings: Mapping[Identifier, bool]) -> frozenset[Claim]:
    """Return the claims of a kind with one value of which people have taken another."""
    taken = {one.link.identifier for one in reached if rulings.get(one.link.identifier)}
    kinds = {one.kind for one in taken} & SINGLE
    return frozenset(
        one
        for one in reached
        if one.link.identifier.kind in kinds and one.link.identifier not in taken
    )


def _disputed(
    reached: Iterable[Claim],
    given: Identity,
    against: Mapping[Identifier, LinkReason],
    rulings: Mapping[Identifier, bool],
) -> dict[Claim, LinkReason]:
    """Return the claims about which people have to decide, with the reason."""
    values: dict[str, set[str]] = {kind: set(given.values(kind)) for kind in SINGLE}
    open_ones = [one for one in reached if not rulings.get(one.link.identifier)]
    for one in open_ones:
        if one.link.identifier.kind in SINGLE:
            values[one.link.identifier.kind].add(one.link.identifier.value)
    disputed: dict[Claim, LinkReason] = {}
    for one in open_ones:
        if len(values.get(one.link.identifier.kind, ())) > 1:
            disputed[one] = LinkReason.TWO_VALUES
        if one.link.identifier in against:
            disputed[one] = against[one.link.identifier]
    return disputed
