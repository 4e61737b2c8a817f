"""What is held against a package that could not be made, where the database is away as well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_intake.application.packages.making import Making, MakingParts, Terms
from dsr_intake.application.packages.quotas import Quotas
from dsr_intake.metrics import Metrics
from dsr_intake.model.packages import Package, PackageState, Setback
from support.builders import an_id

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Store:
    """A store of one package, of which the database goes away while it is in hand."""

    def __init__(self) -> None:
        self.is_away = False
        self.faults = 0
        self.said: list[Setback] = []

    async def claim(self, **_: object) -> Package | None:
        if self.is_away:
            raise Unavailable("the database is away")
        self.faults += 1
        self.is_away = True
        return a_package(self.faults)

    async def any(self, request_id: RequestId) -> None:
        raise Unavailable(f"the database is away, and {request_id} in it")

    async def hold(self, *_: object, **__: object) -> None:
        raise Unavailable("the database is away")

    async def postpone(self, _: Package, setback: Setback, **__: object) -> None:
        if self.is_away:
            raise Unavailable("the database is away")
        self.said.append(setback)
        self.faults = 0


def a_package(faults: int) -> Package:
    return Package(
        request_id=RequestId(an_id()),
        state=PackageState.WAITING,
        ledger="{}",
        excluded={},
        wanted_at=NOW,
        tries=faults,
        assembly_id=an_id(2),
        size=0,
        files=0,
        manifest_digest=b"",
        contact=b"",
        made_at=None,
        expires_at=None,
        faults=faults,
    )


def making(store: Store) -> Making:
    parts: dict[str, Any] = dict.fromkeys(
        ("keys", "wrapper", "registry", "objects", "words", "schema", "signer")
    )
    return Making(
        MakingParts(store=cast(Any, store), reads=cast(Any, store), **parts),
        terms=Terms(
            kept_for=timedelta(days=1),
            lease=timedelta(minutes=1),
            quotas=Quotas(system_bytes=1, system_files=1, files=1),
        ),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: NOW,
        on_committed=lambda: None,
    )


async def test_a_try_that_an_outage_ended_is_held_against_no_package_once_it_is_over() -> None:
    store = Store()
    maker = making(store)
    for _ in range(7):
        for _ in range(2):
            with pytest.raises(Unavailable):
                await maker.step()
        assert store.faults == 1
        store.is_away = False
    with pytest.raises(Unavailable):
        await maker.step()
    assert store.said == [Setback.OUTAGE] * 7
