"""Notifying: one notice an organisation, sealed by intake, to the systems that have not confirmed.

A cohort is worked through in slices of its requests, so that neither a call to intake nor a record
grows with it. A slice's name is made of positions in the cohort, which never change: the same notice
id always stands for the same requests, whatever was answered between two tries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsr_core.errors import RuleViolation, Unavailable
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.plan import by_organisation
from dsr_core.registry import Registry
from dsr_core.replan import Replan as Change
from dsr_core.rights import Right
from dsr_fanout.application.addressing import Owed, owed
from dsr_fanout.application.opening import has_to_look, scope_of
from dsr_fanout.application.parts import Part, parts_of
from dsr_fanout.application.phasing import phase_told
from dsr_fanout.application.records import RECORD_LIMIT, home_of, record
from dsr_fanout.application.replanning import changed
from dsr_fanout.orders import Order, Sending, Sent
from dsr_fanout.ports import Intake, Ledger, Publisher, Registries
from dsr_wire.codec.notices import (
    Instruction,
    Notice,
    SealedIdentity,
    SystemNotice,
    notice_to_wire,
)
from dsr_wire.envelope import Outgoing
from dsr_wire.topics import notice_topic

__all__ = ["SEALS_A_CALL", "Notifying", "Untold"]

SEALS_A_CALL = 2_000
"""Identities that one call to intake seals at most: some 25 ms of its time, and 300 KB."""

_PART_LIMIT = RECORD_LIMIT - 16 * 1024
"""Bytes of identities in one notice; the rest is left for its other fields."""

_BUDGET_S = 4.0
"""After so long a try returns with what it has sent, so that a workflow task stays short."""

_NO_ANSWER_S = 10.0
"""A failure that took so long is a call without an answer: no other call would fare better."""

_SEALS_AT_ONCE = 8
"""Organisations that are sealed for at one time, where it has to be for each by itself."""

_NAMED = 5
"""Organisations that a failure names; all of them are in its details."""

Fault = RuleViolation | Unavailable
"""Why an organisation could not be told."""


class Untold(Unavailable):
    """Some organisations were not told; all others were told everything that was asked for.

    Attributes:
        organisation_ids: Those that were not told, or not of every request.
        notices: How many notices were sent all the same.
    """

    def __init__(self, faults: Mapping[OrganisationId, Fault], notices: int) -> None:
        named = ", ".join(list(faults)[:_NAMED])
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        super().__init__(f"not told: {named}{more}; the first: {next(iter(faults.values()))}")
        self.organisation_ids = tuple(faults)
        self.notices = notices


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some requests of a cohort, next to each other."""

    sending: Sending
    first: int
    request_ids: Sequence[str]
    begun: float
    at: datetime
    change: Change
    """What newer versions of the registry have changed."""


class Notifying:
    """Sends the notices of cohorts."""

    def __init__(
        self,
        *,
        registries: Registries,
        intake: Intake,
        ledger: Ledger,
        publisher: Publisher,
        monotonic: Callable[[], float],
    ) -> None:
        self._registries = registries
        self._intake = intake
        self._ledger = ledger
        self._publisher = publisher
        self._monotonic = monotonic

    async def notify(self, sending: Sending, *, at: datetime) -> Sent:
        """Send notices from a position on, until all are sent or the time is used up.

        That a later phase is told is put on record before. Whom a round goes to is `owed`'s business. Repeating it sends notices of the same ids. To stop
        or to suspend takes no identity, so that intake is not asked.

        An organisation that cannot be told holds up no other: these are told to the last request.

        Raises:
            Untold: Some organisations were not told.
            RuleViolation: Intake or the plan says no to all of several organisations.
            Unavailable: Something that all of several organisations need is away.
        """
        order = sending.order
        if sending.phase:
            await self._publisher.publish((phase_told(sending, at=at),))
        addressed = await owed(sending, self._registries, self._ledger)
        if not addressed:
            return Sent(notices=0)
        # By all systems, whoever is told in this try: a slice's bounds are part of a notice's id.
        step = max(1, SEALS_A_CALL // len(addressed))
        theirs = {
            organisation_id: {system: addressed[system] for system in systems}
            for organisation_id, systems in by_organisation(addressed).items()
            if not sending.only or organisation_id in sending.only
        }
        now = self._monotonic()
        until = now + _BUDGET_S
        change = await changed(order, self._registries)
        notices = 0
        faults: dict[OrganisationId, Fault] = {}
        for first in range(sending.first, len(order.request_ids), step):
            if first > sending.first:
                now = self._monotonic()
                # With a fault there is no going on elsewhere: nothing would remember who lacks what.
                if now >= until and not faults and not sending.only:
                    return Sent(notices=notices, next=first)
            part = _Slice(sending, first, order.request_ids[first : first + step], now, at, change)
            pending = {one: systems for one, systems in theirs.items() if one not in faults}
            notices += await self._tell(part, pending, faults)
            if len(faults) == len(theirs):
                break
        if faults:
            # Those who are left over from an earlier try are named, whatever they have in common.
            shared = None if sending.only else _shared(faults, theirs)
            raise shared or Untold(faults, notices)
        return Sent(notices=notices)

    async def _tell(
        self,
        part: _Slice,
        theirs: Mapping[OrganisationId, Owed],
        faults: dict[OrganisationId, Fault],
    ) -> int:
        """Send a slice's notices; return how many, and add the faults of those who were not told."""
        sealed = await self._sealed(part, theirs, faults)
        records: dict[OrganisationId, list[Outgoing]] = {}
        for organisation_id, mine in theirs.items():
            addressed = [sealed[system.id] for system in mine if system.id in sealed]
            if addressed:
                try:
                    records[organisation_id] = _records(part, organisation_id, addressed)
                except RuleViolation as fault:
                    faults[organisation_id] = fault

        async def publish(organisation_id: OrganisationId, mine: Sequence[Outgoing]) -> int:
            try:
                await self._publisher.publish(mine)
            except Unavailable as fault:
                faults[organisation_id] = fault
                return 0
            return len(mine)

        # Side by side: the producer still sends them together, and a missing topic costs half a
        # minute of its own alone.
        return sum(await asyncio.gather(*(publish(*one) for one in records.items())))

    async def _sealed(
        self,
        part: _Slice,
        theirs: Mapping[OrganisationId, Owed],
        faults: dict[OrganisationId, Fault],
    ) -> dict[str, SystemNotice]:
        """Have a slice sealed for all in one go; where that fails, for each organisation by itself.

        Intake seals all that a call asks for or nothing, so one system without keys fails it.
        """
        everyone = {system: ids for owed in theirs.values() for system, ids in owed.items()}
        try:
            return await self._seal(part, everyone)
        except (RuleViolation, Unavailable) as fault:
            if len(theirs) == 1:
                faults[next(iter(theirs))] = fault
                return {}
            if self._monotonic() - part.begun >= _NO_ANSWER_S:
                raise
        sealed: dict[str, SystemNotice] = {}
        few = asyncio.Semaphore(_SEALS_AT_ONCE)

        async def seal(organisation_id: OrganisationId, owed: Owed) -> None:
            async with few:
                try:
                    sealed.update(await self._seal(part, owed))
                except (RuleViolation, Unavailable) as fault:
                    faults[organisation_id] = fault

        await asyncio.gather(*(seal(*one) for one in theirs.items()))
        return sealed

    async def _seal(self, part: _Slice, owed: Owed) -> dict[str, SystemNotice]:
        """Have the identities of a slice sealed, in one call for all systems that owe the same."""
        order = part.sending.order
        is_sealed = Instruction(part.sending.instruction) is Instruction.PERFORM
        planned = await self._registries.version(order.registry_digest)
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for system, theirs in owed.items():
            wanted = tuple(one for one in part.request_ids if one in theirs)
            if wanted:
                digest = self._digest(planned, system.id, part.change)
                groups.setdefault((digest, wanted), []).append(system.id)
        sealed: dict[str, SystemNotice] = {}
        for (digest, wanted), system_ids in groups.items():
            if not is_sealed:
                sealed.update((one, _unsealed(one, wanted)) for one in system_ids)
                continue
            answer = await self._intake.seal(
                home_of(order),
                registry_digest=digest,
                system_ids=system_ids,
                request_ids=wanted,
            )
            _check(answer, system_ids, wanted)
            sealed.update(
                (one.system_id, _asked(one, order, planned, part.change))
                for one in answer
                if one.identities
            )
        return sealed

    def _digest(self, planned: Registry, system_id: str, change: Change) -> str:
        """Return the version that says what a system needs.

        It is the plan's, or the newest where the system joined later or has another's data since.
        """
        is_planned = planned.system(system_id) is not None and change.since(system_id) is None
        newer = None if is_planned else self._registries.holder(system_id)
        return (newer or planned).digest


def _asked(one: SystemNotice, order: Order, planned: Registry, change: Change) -> SystemNotice:
    """Return a system's notice with what the plan demands of it besides.

    Whom a later version brought is not asked to look again: the ledger goes by what was opened.
    """
    since, system = change.since(one.system_id), planned.system(one.system_id)
    looks = since is None and system is not None and has_to_look(system, order.held_before)
    return replace(one, answers_since=since, look_again=looks)


def _shared(
    faults: Mapping[OrganisationId, Fault], theirs: Mapping[OrganisationId, Owed]
) -> Fault | None:
    """Return what keeps all of several organisations from being told, if that is one thing."""
    if len(faults) == len(theirs) > 1 and len({str(one) for one in faults.values()}) == 1:
        return next(iter(faults.values()))
    return None


def _check(
    answer: Sequence[SystemNotice], system_ids: Sequence[str], request_ids: Sequence[str]
) -> None:
    """Refuse an answer that leaves out a system, or holds what was not asked for.

    Whoever was left out would never be told, and nobody would know. A system can come with fewer
    requests than another: a hold may cover it alone.
    """
    if answer and {one.system_id for one in answer} != set(system_ids):
        raise Unavailable("intake sealed for other systems than it was asked for")
    asked = set(request_ids)
    if not all(identity.request_id in asked for one in answer for identity in one.identities):
        raise Unavailable("intake sealed other requests than it was asked for")


def _unsealed(system_id: str, request_ids: Sequence[str]) -> SystemNotice:
    """Return what a system is told of requests where no identity comes along."""
    identities = tuple(SealedIdentity(RequestId(one), b"") for one in request_ids)
    return SystemNotice(SystemId(system_id), identities, key_id="", sealed_key=b"")


def _records(
    slice_: _Slice, organisation_id: OrganisationId, addressed: Sequence[SystemNotice]
) -> list[Outgoing]:
    sending = slice_.sending
    positions = {one: slice_.first + offset for offset, one in enumerate(slice_.request_ids)}
    whole = (0, len(sending.order.request_ids) - 1)
    records: list[Outgoing] = []
    for part in parts_of(addressed, positions, _PART_LIMIT):
        notice_id = f"{sending.order.cohort_id}/{organisation_id}/{_round(sending)}"
        if (part.first, part.last) != whole or part.begins_at:
            notice_id += f"/{part.first}-{part.last}"
        if part.begins_at:
            notice_id += f".{part.begins_at}"
        records.append(_record(sending, organisation_id, notice_id, part, slice_.at))
    return records


def _round(sending: Sending) -> str:
    """Name a round of notices: by the reminder's number, or by what it follows from."""
    if sending.joined:
        return f"joined-{sending.joined}"
    if sending.phase:
        return f"phase-{sending.phase}"
    if sending.revision and not sending.reminder:
        return f"{sending.instruction}-{sending.revision}"
    return str(sending.reminder)


def _instruction(sending: Sending) -> Instruction:
    """Return what the systems are told to do; of a cohort that only looks, never to perform."""
    told = Instruction(sending.instruction)
    looks = told is Instruction.PERFORM and sending.order.held_before is not None
    return Instruction.LOOK if looks else told


def _record(
    sending: Sending, organisation_id: OrganisationId, notice_id: str, part: Part, at: datetime
) -> Outgoing:
    order = sending.order
    right = Right(order.right)
    notice = Notice(
        notice_id=notice_id,
        organisation_id=organisation_id,
        cohort_id=CohortId(home_of(order)),
        right=right,
        regime=order.regime,
        registry_digest=order.registry_digest,
        due_at=order.due_at,
        sent_at=at,
        reminder=sending.reminder,
        scope=scope_of(order),
        systems=part.systems,
        instruction=_instruction(sending),
        revision=sending.revision,
        held_before=order.held_before,
    )
    topic = notice_topic(right, organisation_id)
    return record(notice_to_wire(notice), order, topic=topic, event_id=notice_id, at=at)
