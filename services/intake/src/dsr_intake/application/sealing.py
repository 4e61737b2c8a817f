"""Sealing: the members' identities for the systems that must answer, each for that system's eyes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import RequestId, SystemId
from dsr_core.registry import System
from dsr_core.rights import RIGHTS, Right
from dsr_intake.application.breaking import Breaker
from dsr_intake.application.identity_cipher import Kept, decrypt_kept
from dsr_intake.application.owners import with_heirs
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.application.reaching import Reaching, can_be_found, knows
from dsr_intake.metrics import Metrics
from dsr_intake.model import Member, WrappedKey
from dsr_intake.model.sealing import ToSeal
from dsr_intake.ports import KeyWrapper, ReadStore, RegistryView
from dsr_wire.codec.notices import SealedIdentity, SystemNotice
from dsr_wire.keys import SealingKey
from dsr_wire.link_keys import LinkKey
from dsr_wire.sealing import Sealer

__all__ = ["Sealing"]

_INLINE = 20
"""So many seals take about a millisecond; more are made in a thread."""


@dataclass(frozen=True, slots=True)
class _Person:
    """One member, opened for a moment."""

    member: Member
    kept: Kept
    link_key: bytes
    """What links are sealed to; empty where no system of the task resolves."""


@dataclass(frozen=True, slots=True)
class _Task:
    """What is sealed for whom."""

    people: Sequence[_Person]
    addressed: Sequence[tuple[System, SealingKey]]
    right: Right
    package_keys: Mapping[RequestId, bytes]
    """For access: the public key of each request's package."""


class Sealing:
    """Seals a cohort's identities."""

    def __init__(
        self,
        *,
        store: ReadStore,
        wrapper: KeyWrapper,
        registry: RegistryView,
        breaker: Breaker,
        packages: PackageKeys | None,
        reaching: Reaching,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._wrapper = wrapper
        self._registry = registry
        self._breaker = breaker
        self._packages = packages
        self._reaching = reaching
        self._metrics = metrics

    async def seal(
        self,
        cohort_id: str,
        *,
        registry_digest: str,
        system_ids: Sequence[str],
        request_ids: Sequence[str],
    ) -> list[SystemNotice] | None:
        """Return one notice a system, in the order asked; none where there is no such cohort.

        Each holds one entry a member, of those asked or of all: none for whom a request stops, has
        ended, or is held in that system or in one whose data it has taken over. A system gets only the
        kinds that it needs, sealed to its newest key; or where the request follows from an exemption
        what was sealed for it then, to the key that it had then. For access, the key of the request's
        package comes along, and which fields the system does not hand over as they are. An erasure has passed the breaker
        before anybody can be told of it.

        Raises:
            RejectedInput: A system is not in that registry version, or a request not in the cohort.
            RuleViolation: A member's key is gone though it is not answered; none is left out silently.
                Or the breaker has stopped erasures.
            Unavailable: The version or a system's keys have not arrived, keys cannot be unwrapped, or links
                are on their way.
        """
        cohort = await self._read(cohort_id, request_ids)
        if cohort is None:
            return None
        members = cohort.members
        registry = await self._registry.version(registry_digest)
        addressed: list[tuple[System, SealingKey]] = []
        for system_id in system_ids:
            system = registry.system(system_id)
            if system is None:
                detail = "a system is not in that registry version"
                raise RejectedInput("unknown_system", detail, field="system_ids")
            addressed.append((system, (await self._registry.keys(system_id)).sealing))
        if RIGHTS[cohort.right].erases:
            organisations = {system.organisation_id for system, _ in addressed}
            await self._breaker.pass_(cohort_id, cohort.size, organisations)
        if any(one.deferred for one in members):
            return _deferred(members, system_ids)
        resolves = any(system.resolves for system, _ in addressed)
        people = await self._opened(members, resolves=resolves)
        found = can_be_found(registry)
        blind = [system for system, _ in addressed if not found.isdisjoint(system.identifiers)]
        if lacking := _lacking(blind, people):
            await self._reaching.begin(lacking)
            # What was found out meanwhile is in what is read now, or finds these systems on record.
            cohort = await self._read(cohort_id, request_ids) or cohort
            members = cohort.members
            people = await self._opened(members, resolves=resolves)
        package_keys: dict[RequestId, bytes] = {}
        if RIGHTS[cohort.right].hands_over and self._packages is not None:
            package_keys = await self._packages.public([one.request_id for one in members])
        self._metrics.sealed.inc(len(members) * len(addressed))
        task = _Task(people, addressed, cohort.right, package_keys)
        if len(members) * len(addressed) <= _INLINE:
            return _sealed(task)
        return await asyncio.to_thread(_sealed, task)

    async def _read(self, cohort_id: str, request_ids: Sequence[str]) -> ToSeal | None:
        found = await self._store.to_seal(cohort_id, request_ids)
        if found is None or not any(one.held for one in found.members):
            return found
        members = [
            replace(one, held=with_heirs(self._registry.current, one.held)) if one.held else one
            for one in found.members
        ]
        return replace(found, members=members)

    async def _opened(self, members: Sequence[Member], *, resolves: bool) -> list[_Person]:
        keys = await self._wrapper.unwrap(self._wrapped(members))
        if len(members) <= _INLINE:
            return _opened(members, keys, resolves=resolves)
        return await asyncio.to_thread(_opened, members, keys, resolves=resolves)

    def _wrapped(self, members: Sequence[Member]) -> list[tuple[RequestId, WrappedKey]]:
        missing = [one.request_id for one in members if one.key is None]
        if missing:
            self._metrics.keys_missing.inc(len(missing))
            detail = f"the key of the request {missing[0]} is gone though it is not answered"
            raise RuleViolation("key_missing", detail)
        return [(one.request_id, one.key) for one in members if one.key is not None]


def _deferred(members: Sequence[Member], system_ids: Sequence[str]) -> list[SystemNotice]:
    """Return what was sealed at an earlier closing, as it is: nobody can read it here."""
    notices = [one.deferred for one in members if one.deferred is not None]
    if [one.system_id for one in notices] != list(system_ids):
        detail = "what follows from an exemption concerns the system that claimed it, and no other"
        raise RejectedInput("unknown_system", detail, field="system_ids")
    held = {one.deferred.system_id for one in members if one.deferred} & {
        system_id for one in members for system_id in one.held
    }
    return [replace(one, identities=()) if one.system_id in held else one for one in notices]


def _opened(members: Sequence[Member], keys: Sequence[bytes], *, resolves: bool) -> list[_Person]:
    return [
        _Person(
            member,
            decrypt_kept(member.ciphertext, request_id=member.request_id, key=key),
            LinkKey(member.request_id, key).public if resolves else b"",
        )
        for member, key in zip(members, keys, strict=True)
    ]


def _lacking(
    systems: Sequence[System], people: Sequence[_Person]
) -> list[tuple[RequestId, SystemId]]:
    """Return the systems that know a person by nothing at hand, with the request."""
    if not systems:
        return []
    return [
        (one.member.request_id, system.id)
        for one in people
        for system in systems
        if system.id not in one.member.held and not knows(system, one.kept.told)
    ]


def _sealed(task: _Task) -> list[SystemNotice]:
    return [_notice(system, key, task) for system, key in task.addressed]


def _notice(system: System, key: SealingKey, task: _Task) -> SystemNotice:
    sealer = Sealer(system_id=system.id, right=task.right, key=key)
    sealed = tuple(
        SealedIdentity(
            one.member.request_id,
            sealer.seal(
                one.kept.told.only(system.identifiers),
                request_id=one.member.request_id,
                package_key=task.package_keys.get(one.member.request_id, b""),
                rectification=wanted.only(system.categories)
                if (wanted := one.kept.rectification)
                else None,
                link_key=one.link_key if system.resolves else b"",
            ),
        )
        for one in task.people
        if system.id not in one.member.held
    )
    terms = system.access if RIGHTS[task.right].hands_over else None
    return SystemNotice(
        system.id,
        sealed,
        key.id,
        sealer.sealed_key,
        protected_fields=terms.protected if terms else (),
    )
