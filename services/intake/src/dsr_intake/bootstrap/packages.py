"""Packages for access: made, handed over and destroyed, where it is said where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files

from dsr_intake.adapters.object_store import Objects
from dsr_intake.adapters.package_keys import PostgresPackageKeys
from dsr_intake.adapters.packages import PostgresPackages
from dsr_intake.adapters.reading import PostgresReads
from dsr_intake.application.clock import utc_now
from dsr_intake.application.letters.writing import Stationery
from dsr_intake.application.packages.expiring import Expiring
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.application.packages.making import Making, MakingParts, Terms
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.words import Words
from dsr_intake.bootstrap.outside import Outside

__all__ = ["Packages", "packages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What packages are made and looked after with."""

    keys: PackageKeys
    store: PostgresPackages
    making: Making
    expiring: Expiring
    signer: ManifestSigner


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
    signer = ManifestSigner(outside.package_key)
    making = Making(
        MakingParts(
            store=store,
            reads=PostgresReads(outside.pool),
            keys=keys,
            wrapper=outside.wrapper,
            registry=outside.registries,
            objects=objects,
            words=Words(stationery),
            schema=(
                files("dsr_intake") / "application/packages/data/manifest.schema.json"
            ).read_bytes(),
            signer=signer,
        ),
        terms=Terms(
            kept_for=timedelta(seconds=settings.package_kept_s),
            lease=timedelta(seconds=settings.package_lease_s),
            bytes_limit=settings.package_system_bytes,
        ),
        metrics=outside.metrics,
        clock=utc_now,
        on_committed=on_committed,
    )
    expiring = Expiring(store=store, objects=objects, metrics=outside.metrics, clock=utc_now)
    return Packages(keys=keys, store=store, making=making, expiring=expiring, signer=signer)
