"""Making: the packages that are wanted are assembled, one at a time by each of a few, and then answered."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from dsr_core import tracing
from dsr_core.errors import Unavailable
from dsr_core.ids import OrganisationId, RequestId
from dsr_core.lifecycle import State
from dsr_intake.application.answering import Ends, packed
from dsr_intake.application.clock import Clock
from dsr_intake.application.copying import copies_settled
from dsr_intake.application.identity_cipher import decrypt
from dsr_intake.application.letters.writing import language_of
from dsr_intake.application.packages.assembling import (
    Assembly,
    BadExport,
    Made,
    assemble,
    package_path,
)
from dsr_intake.application.packages.contact import locked_contact
from dsr_intake.application.packages.copies import lacks_nothing
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.application.packages.page import PackagePage
from dsr_intake.application.packages.quotas import Quotas
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.telling import request_told, systems_told
from dsr_intake.application.packages.unusable import unusable_told
from dsr_intake.application.packages.words import Words
from dsr_intake.application.working import Working, held, pause_after, where
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, Known, RequestView
from dsr_intake.model.packages import MadePackage, Package, SetAside, Setback
from dsr_intake.ports import KeyWrapper, ObjectStore, PackageStore, ReadStore, RegistryView
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = ["Making", "MakingParts", "Terms"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_LONGEST_PAUSE_S = 300.0

_FAULTS = 6
"""After so many tries in a row that ended by a fault of its own, or with the process, one is set aside."""

_PARTS_TRIES = 4
"""So often a part is not there before its export is left out: the store may be a little late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How packages are made here."""

    kept_for: timedelta
    """How long a package can be fetched."""

    lease: timedelta
    """After so long a package that a process had in hand is another's."""

    quotas: Quotas
    """How much may be handed over for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakingParts:
    """What packages are made with."""

    store: PackageStore
    reads: ReadStore
    keys: PackageKeys
    wrapper: KeyWrapper
    registry: RegistryView
    objects: ObjectStore
    words: Words
    schema: bytes
    signer: ManifestSigner


class _PartIsLate(Unavailable):
    """A part is not there, and is looked for again."""


class Making(Working):
    """Makes what is wanted, one at a time; several may do so at once, each another package."""

    def __init__(
        self,
        parts: MakingParts,
        *,
        terms: Terms,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
        limit: int | None = None,
    ) -> None:
        """Take what it works with.

        Args:
            parts: What packages are made with.
            terms: How.
            metrics: Counts them.
            clock: Tells the time.
            on_committed: Called when one is made.
            limit: So many bytes may have been handed over for what it makes; whoever has such a limit is
                never kept from small packages by a large one.
        """
        super().__init__(else_say="packages wait")
        self._parts = parts
        self._terms = terms
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed
        self._limit = limit
        self._page = PackagePage(parts.words)
        self._unwritten: tuple[Package, Setback] | None = None
        """How a try has ended, where the database was not there to be told."""

    async def step(self) -> bool:
        """Make one package, if one is wanted; a crash at any point leaves it to be made again."""
        if self._unwritten is not None:
            await self._later(*self._unwritten)
        package = await self._parts.store.claim(
            at=self._clock(),
            lease=self._terms.lease,
            assembly_id=str(uuid.uuid4()),
            limit=self._limit,
        )
        if package is None:
            return False
        with tracing.span(
            "make a package", parent=package.traceparent, request_id=package.request_id
        ):
            await self._try(package)
        return True

    async def _try(self, package: Package) -> None:
        if package.faults > _FAULTS:
            await self._set_aside(package, SetAside.FAULTS)
            return
        try:
            every_s = self._terms.lease.total_seconds() / 3
            async with held(lambda: self._hold(package), every_s=every_s):
                await self._make(package)
        except Unavailable as error:
            log.warning("a package waits", request_id=package.request_id, error=str(error))
            is_late = isinstance(error, _PartIsLate)
            await self._later(package, Setback.PART_MISSING if is_late else Setback.OUTAGE)
        except Exception as error:  # noqa: BLE001 - of one package: it ends nobody else's
            log.error(  # noqa: TRY400 - what a fault says may be of the person
                "a package failed by a fault", request_id=package.request_id, error=where(error)
            )
            await self._later(package, Setback.FAULT)

    async def _later(self, package: Package, setback: Setback) -> None:
        """Have it tried again; where the database is away, that is written before anything else is made."""
        if self._unwritten is None:
            failed = setback is Setback.FAULT
            self._metrics.packages.labels("failed" if failed else "postponed").inc()
        self._unwritten = package, setback
        until = self._clock() + pause_after(package.tries, longest_s=_LONGEST_PAUSE_S)
        await self._parts.store.postpone(package, setback, until=until)
        self._unwritten = None

    async def _set_aside(self, package: Package, why: SetAside) -> None:
        await self._parts.store.set_aside(package, why, at=self._clock())
        log.error(
            "a package is set aside",
            request_id=package.request_id,
            attempt=package.tries,
            reason=why.value,
        )

    async def _hold(self, package: Package) -> None:
        await self._parts.store.hold(package, until=self._clock() + self._terms.lease)

    async def _make(self, package: Package) -> None:
        one = await self._parts.reads.any(package.request_id)
        key = await self._parts.keys.private(package.request_id)
        if one is None:
            raise RuntimeError("a package is made of a request that is kept")
        if key is None:
            await self._set_aside(package, SetAside.KEY_GONE)
            return
        folder = package_path(package.request_id, package.folder)
        await asyncio.to_thread(self._parts.objects.delete_all, folder)
        while True:
            assembly = await self._assembly(package, one, key)
            try:
                self._terms.quotas.check(assembly.systems)
                made = await asyncio.to_thread(
                    assemble,
                    assembly,
                    self._parts.objects,
                    page=self._page,
                    schema=self._parts.schema,
                    signer=self._parts.signer,
                )
            except BadExport as fault:
                if fault.may_come and package.parts_tries + 1 < _PARTS_TRIES:
                    raise _PartIsLate(str(fault)) from fault
                without = await self._without(package, one, assembly, fault)
                if without is None:
                    return
                package = without
            else:
                await self._finish(
                    package, one, key, made, is_whole=lacks_nothing(assembly.systems)
                )
                return

    async def _assembly(
        self, package: Package, one: RequestView, key: PrivateSealingKey
    ) -> Assembly:
        language = language_of(one.language)
        registry = await self._parts.registry.version(one.registry_digest)
        at = package.wanted_at if package.is_partial else one.closed_at
        if at is None or package.assembly_id is None:
            raise RuntimeError("a package is made of a closed request, by whoever has claimed it")
        known = await self._parts.store.packages(package.request_id)
        before = next((each for each in known if each.number < package.number), None)
        systems = systems_told(
            package,
            registry,
            self._parts.registry,
            before=before,
        )
        late = [each for each in systems if each.told["status"] == "late"]
        told = request_told(
            one,
            self._parts.words,
            language,
            at=at,
            late=late if package.is_partial else None,
            before=before,
        )
        return Assembly(
            request_id=package.request_id,
            assembly_id=package.assembly,
            key=key,
            at=at,
            told=told,
            systems=systems,
            language=language,
        )

    async def _without(
        self, package: Package, one: RequestView, assembly: Assembly, fault: BadExport
    ) -> Package | None:
        self._metrics.exports_refused.labels(fault.reason).inc()
        log.error(
            "what a system has handed over cannot be used",
            request_id=package.request_id,
            system_id=fault.system_id,
            reason=fault.reason,
            error=fault.detail,
        )
        [told] = [each.told for each in assembly.systems if each.system_id == fault.system_id]
        owner = OrganisationId(told["organisation"]["id"])
        tell = unusable_told(one, fault, owner, at=self._clock())
        without = await self._parts.store.exclude(package, fault.system_id, fault.reason, tell)
        if without is not None:
            self._on_committed()
        return without

    async def _finish(
        self,
        package: Package,
        one: RequestView,
        key: PrivateSealingKey,
        made: Made,
        *,
        is_whole: bool,
    ) -> None:
        at = self._clock()
        ends = Ends(at)

        def decide(known: Mapping[RequestId, Known]) -> list[Answer]:
            return [
                packed(request_id, each, at=at)
                for request_id, each in known.items()
                if each.state is State.CLOSED
            ]

        is_recorded = await self._parts.store.finish(
            package,
            MadePackage(
                size=made.size,
                files=made.files,
                manifest_digest=bytes.fromhex(made.manifest_digest),
                contact=await self._contact(one, key),
                expires_at=at + self._terms.kept_for,
            ),
            decide=decide,
            tell=ends.tell,
            at=at,
            settled=copies_settled if is_whole else None,
        )
        if not is_recorded:
            log.warning("a package was made by another process", request_id=package.request_id)
            return
        self._metrics.packages.labels("made").inc()
        self._metrics.package_bytes.inc(made.size)
        for (system_id, how), count in sorted(made.protected_here.items()):
            self._metrics.protected_here.labels(how).inc(count)
            log.warning(
                "values were protected that the system should have",
                request_id=package.request_id,
                system_id=system_id,
                kind=how,
                count=count,
            )
        log.info("a package is made", request_id=package.request_id, count=made.files)
        self._metrics.count_ends(ends.made)
        self._on_committed()

    async def _contact(self, one: RequestView, key: PrivateSealingKey) -> bytes:
        """Return the address of the letters, which outlives the request's key under the package's."""
        member = await self._parts.store.addressee(one.request_id)
        if member is None or member.key is None:
            return b""
        [own] = await self._parts.wrapper.unwrap([(member.request_id, member.key)])
        identity = decrypt(member.ciphertext, request_id=member.request_id, key=own)
        return locked_contact(identity.first("email") or "", key, one.request_id)
