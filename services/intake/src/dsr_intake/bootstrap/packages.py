"""Packages for access: made, handed over and destroyed, where it is said where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files

from dsr_intake.adapters.hand_overs import PostgresHandOvers
from dsr_intake.adapters.object_store import Objects
from dsr_intake.adapters.package_copies import PostgresCopies
from dsr_intake.adapters.package_keys import PostgresPackageKeys
from dsr_intake.adapters.package_links import PostgresPackageLinks
from dsr_intake.adapters.packages import PostgresPackages
from dsr_intake.adapters.reading import PostgresReads
from dsr_intake.adapters.webhooks import PostgresWebhooks
from dsr_intake.application.clock import utc_now
from dsr_intake.application.letters.writing import Stationery
from dsr_intake.application.packages.copies import Copies
from dsr_intake.application.packages.expiring import Expiring
from dsr_intake.application.packages.fetching import Fetching
from dsr_intake.application.packages.handing_over import HandingOver, HandingOverParts
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.application.packages.links import Links, LinkTerms
from dsr_intake.application.packages.making import Making, MakingParts, Terms
from dsr_intake.application.packages.quotas import Quotas
from dsr_intake.application.packages.releasing import Releasing
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.words import Words
from dsr_intake.bootstrap.outside import Outside
from dsr_intake.bootstrap.webhooks import webhook_calls
from dsr_intake.http.context import PackageDoor
from dsr_intake.ports import PackageStore

__all__ = ["Packages", "packages"]

_SENT_AT_ONCE = 2
"""So many parts are sent to callbacks at once, each of 8 MiB in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What packages are made and looked after with."""

    keys: PackageKeys
    makers: tuple[Making, ...]
    """The first makes any package, the others small ones alone."""

    handers: tuple[HandingOver, ...]
    """Each sends a part at a time to a callback."""

    expiring: Expiring
    releasing: Releasing
    copies: Copies
    links: Links
    store: PackageStore
    door: PackageDoor

    async def look_after(self) -> None:
        """Tell of copies that are whole, then hand over what is there past the legal date.

        The first needs only the database: it goes on while the verifier does not answer.
        """
        await self.copies.work()
        await self.releasing.work()

    def wake(self) -> None:
        """Have it looked for packages to be made: there may be some."""
        for one in self.makers:
            one.wake()


def packages(
    outside: Outside, stationery: Stationery, on_committed: Callable[[], object]
) -> Packages | None:
    """Build it; none where packages are kept nowhere."""
    settings = outside.settings
    if settings.package_store_url is None or outside.package_key is None:
        return None
    keys = PackageKeys(
        store=PostgresPackageKeys(outside.pool), wrapper=outside.wrapper, clock=utc_now
    )
    store = PostgresPackages(outside.pool)
    objects = Objects(settings.package_store_url)
    signer, words = ManifestSigner(outside.package_key), Words(stationery)
    parts = MakingParts(
        store=store,
        reads=PostgresReads(outside.pool),
        keys=keys,
        wrapper=outside.wrapper,
        registry=outside.registries,
        objects=objects,
        words=words,
        schema=(
            files("dsr_intake") / "application/packages/data/manifest.schema.json"
        ).read_bytes(),
        signer=signer,
    )
    terms = Terms(
        kept_for=timedelta(seconds=settings.package_kept_s),
        lease=timedelta(seconds=settings.package_lease_s),
        quotas=Quotas(
            system_bytes=settings.package_system_bytes,
            system_files=settings.package_system_files,
            files=settings.package_files,
        ),
    )
    makers = tuple(
        Making(
            parts,
            terms=terms,
            metrics=outside.metrics,
            clock=utc_now,
            on_committed=on_committed,
            limit=limit,
        )
        for limit in (None, settings.package_small_bytes)
    )
    links = Links(
        links=PostgresPackageLinks(outside.pool),
        store=store,
        package_keys=keys,
        keys=outside.lookup.all,
        terms=LinkTerms(
            url=settings.package_url,
            code_lasts=timedelta(seconds=settings.identity_code_lasts_s),
            session_lasts=timedelta(seconds=settings.package_session_s),
            sessions=settings.package_openings,
        ),
        clock=utc_now,
    )

    def wake() -> None:
        for one in makers:
            one.wake()

    releasing = Releasing(store=store, ledger=outside.ledger, clock=utc_now, on_committed=wake)
    copies = Copies(store=PostgresCopies(outside.pool), clock=utc_now, on_committed=on_committed)
    fetching = Fetching(store=store, keys=keys, objects=objects)
    hand_overs = PostgresHandOvers(outside.pool)
    sending = HandingOverParts(
        store=hand_overs,
        webhooks=PostgresWebhooks(outside.pool),
        fetching=fetching,
        calls=webhook_calls(outside),
    )
    return Packages(
        keys=keys,
        makers=makers,
        handers=tuple(
            HandingOver(sending, lease=terms.lease, metrics=outside.metrics, clock=utc_now)
            for _ in range(_SENT_AT_ONCE)
        ),
        expiring=Expiring(store=store, objects=objects, metrics=outside.metrics, clock=utc_now),
        releasing=releasing,
        copies=copies,
        links=links,
        store=store,
        door=PackageDoor(
            links=links,
            releasing=releasing,
            copies=copies,
            fetching=fetching,
            hand_overs=hand_overs,
            store=store,
            words=words,
            signer=signer,
        ),
    )
