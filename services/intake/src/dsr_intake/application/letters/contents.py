"""What a letter has to say: gathered when it is sent, from the request, the ledger, registry and rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dsr_core.closing import Outcome
from dsr_core.errors import Unavailable
from dsr_core.law.calendars import Unit
from dsr_core.law.proofs import Role
from dsr_core.law.rules import ANSWER_APPEAL_BY, Regime
from dsr_core.lifecycle import PREMATURE, Event
from dsr_core.registry import OrganisationRole
from dsr_core.rights import Right
from dsr_intake.application.dating import Dating, verify_by
from dsr_intake.model import FollowsWhy, Letter, LetterKind, RequestView
from dsr_intake.ports import DecisionStore, Ledger, RegistryView

__all__ = ["Appeal", "Contents", "Fetch", "Gathering", "Kept", "Prove", "Proving", "Row"]

_DECISIONS = {
    LetterKind.EXTENDED: Event.EXTEND,
    LetterKind.REFUSED: Event.REFUSE,
    LetterKind.REFERRED: Event.REFER,
}
"""The decision that a letter tells of."""

_TELL_OF_SYSTEMS = frozenset(
    {LetterKind.DONE, LetterKind.REFUSED, LetterKind.WITHDRAWN, LetterKind.PACKAGE_PARTIAL}
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Why a system kept some data, and when that is looked at again."""

    ground: str
    categories: tuple[str, ...]
    review_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one system did."""

    organisation: str
    system: str
    is_provider: bool
    """Whether it is a service provider's."""

    answer: str | None
    """Its disposition; none where it has not answered."""

    kept: tuple[Kept, ...] = ()
    reason: str = ""
    took_over: tuple[str, ...] = ()
    """The names of retired systems whose data it has now."""

    left_on: date | None = None
    """When its organisation left the group; none where it has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """By what the requester proves who they are, or fetches their package."""

    code: str
    link: str
    minutes: int = 0
    until: datetime | None = None
    """By when a package can be fetched."""

    first_package: str = ""
    """The link to the first, where the package is the second, with what was not in the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """That the person can appeal against an answer."""

    by: str
    """The provision."""

    days: int | None
    """Within how many the appeal is answered; none where that is counted in another unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a letter has to say. Without a personal value, but for the code and the link."""

    reference: str
    right: Right
    regime: str
    jurisdiction: str
    received_on: date
    due_on: date | None
    """None where a letter would tell of an extension too late for it to count."""

    prove_by: date | None = None
    """By when it must be proven who asks; none where it is, or where it does not matter any more."""

    by_agent: bool = False
    """Whether an authorised agent asked for the person, to whom the letter goes all the same."""

    partly: bool = False
    rows: tuple[Row, ...] = ()
    reason: str = ""
    pointer: str = ""
    proving: Proving | None = None
    fetch_by: date | None = None
    """By when a package can be fetched; none where there is none."""

    sent_on: bool = False
    """Whether the package is sent to the client's callback as well."""

    appeal: Appeal | None = None
    """None where the law knows no appeal, or the request is one."""

    complain_by: date | None = None
    """Until when the person can complain if they are refused now; none where no rule says."""


Prove = Callable[[Letter], Awaitable[Proving | None]]
"""Gives what a letter hands over to prove who asks; none where that would be of no use any more."""

Fetch = Callable[[Letter, RequestView], Awaitable[Proving | None]]
"""Gives what a letter hands over to fetch a package by; none where there is none, or no use in it."""

_BRINGS_PACKAGE = frozenset(
    {
        LetterKind.DONE,
        LetterKind.PACKAGE_PARTIAL,
        LetterKind.PACKAGE_LINK,
        LetterKind.PACKAGE_CODE,
    }
)


class Gathering:
    """Gathers what a letter has to say."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        decisions: DecisionStore,
        registry: RegistryView,
        dating: Dating,
        proving: Prove,
        fetching: Fetch | None = None,
    ) -> None:
        self._ledger = ledger
        self._decisions = decisions
        self._proving = proving
        self._fetching = fetching
        self._registry = registry
        self._dating = dating

    async def contents(self, letter: Letter, one: RequestView, *, at: datetime) -> Contents:
        """Return what a letter about a request has to say as things stand, if it is sent at a moment.

        Raises:
            Unavailable: The verifier, or a version that the request pins, is away.
        """
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        zone = ZoneInfo(regime.zone)

        def day(at: datetime) -> date:
            return at.astimezone(zone).date()

        until = verify_by(self._dating.timeline(regime, one)) if one.state in PREMATURE else None
        due_at: datetime | None = one.due_at
        if letter.kind is LetterKind.EXTENDED:
            due_at = self._dating.extended(regime, one, at=at)
        rows: tuple[Row, ...] = ()
        if letter.kind in _TELL_OF_SYSTEMS:
            document = await self._ledger.obligations(one.answered_with)
            rows = _rows(document, self._registry, day, letter.waiting_since)
        reason, pointer = await self._decided(letter)
        proving = await self._handed(letter, one)
        complain_by = self._dating.complain_by(regime, one, at=at)
        return Contents(
            reference=one.request_id,
            right=one.right,
            regime=one.regime,
            jurisdiction=one.jurisdiction,
            received_on=day(one.received_at),
            due_on=day(due_at) if due_at else None,
            prove_by=day(until) if until else None,
            by_agent=one.requester_role == Role.AUTHORISED_AGENT,
            partly=one.outcome == Outcome.PARTLY_FULFILLED,
            rows=rows,
            reason=reason,
            proving=proving,
            fetch_by=day(proving.until) if proving and proving.until else None,
            sent_on=one.hand_over and not one.names_strangers,
            pointer=pointer,
            appeal=_appeal(regime, one, day(one.received_at)),
            complain_by=day(complain_by) if complain_by else None,
        )

    async def _handed(self, letter: Letter, one: RequestView) -> Proving | None:
        if letter.kind is LetterKind.IDENTITY_NEEDED:
            return await self._proving(letter)
        if letter.kind in _BRINGS_PACKAGE and self._fetching is not None:
            return await self._fetching(letter, one)
        return None

    async def _decided(self, letter: Letter) -> tuple[str, str]:
        """Return why it was decided so, and whom a requester is pointed to; empty where nothing was."""
        event = _DECISIONS.get(letter.kind)
        if event is None:
            return "", ""
        entries = await self._decisions.entries(letter.request_id)
        last = next((one for one in reversed(entries) if one.kind == event), None)
        if last is None:
            return "", ""
        if event is Event.REFER:
            return "", f"{last.details['controller']}, {last.details['pointer']}"
        if event is Event.REFUSE:
            return f"{last.reason} ({last.details['ground']})", ""
        return last.reason, ""


def _appeal(regime: Regime, one: RequestView, received_on: date) -> Appeal | None:
    rules = regime.in_force(one.right, received_on)
    rule = next((each for each in rules if each.name == ANSWER_APPEAL_BY), None)
    if rule is None or one.follows_why is FollowsWhy.APPEAL:
        return None
    return Appeal(by=rule.citation, days=rule.term.amount if rule.term.unit is Unit.DAYS else None)


def _rows(
    document: Mapping[str, Any] | None, registry: RegistryView, day: Any, at: datetime
) -> tuple[Row, ...]:
    if document is None:
        return ()
    try:
        return tuple(_row(one, registry, day, at) for one in document["obligations"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's obligations cannot be read") from error


def _row(one: Mapping[str, Any], registry: RegistryView, day: Any, at: datetime) -> Row:
    system_id, organisation_id = one["system_id"], one["organisation_id"]
    holder = registry.holder(system_id)
    organisation = holder.organisation(organisation_id) if holder else None
    has_left = organisation is not None and organisation.has_left(at)
    return Row(
        organisation=organisation.name if organisation else organisation_id,
        system=_name(system_id, registry),
        is_provider=(
            organisation is not None and organisation.role is OrganisationRole.SERVICE_PROVIDER
        ),
        answer=one["disposition"],
        kept=tuple(
            Kept(
                each["ground"],
                tuple(each["categories"]),
                day(datetime.fromisoformat(each["review_at"])),
            )
            for each in one["exemptions"]
        ),
        reason=one["reason"] or "",
        took_over=tuple(_name(each["system_id"], registry) for each in one.get("answers_for", ())),
        left_on=organisation.sold.on if organisation and organisation.sold and has_left else None,
    )


def _name(system_id: str, registry: RegistryView) -> str:
    holder = registry.holder(system_id)
    system = holder.system(system_id) if holder else None
    return system.name if system else system_id
