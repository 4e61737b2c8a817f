"""What is there is handed over at the legal date, and the rest follows once it has come."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from integration.intake.handing_over_test import ZIP, Handed
from integration.intake.packages_test import BASE, ORDERS

from dsr_core.errors import Unavailable
from dsr_core.exports import Delivery
from dsr_core.ids import RequestId, SystemId
from dsr_core.registry import Registry
from dsr_intake.adapters.closing import PostgresClosing
from dsr_intake.adapters.packages import PostgresPackages
from dsr_intake.application.answering import Ends, answers
from dsr_intake.application.clock import utc_now
from dsr_intake.model import Answer, Known
from dsr_intake.model.packages import WantedPackage
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.exports import Stream, part_path
from support.builders import a_closure
from support.exports import lines, unzipped
from support.faults import no_folder
from support.intake import Intake, VerifierDouble, running_intake
from support.post import MailServer
from support.waiting import eventually

CALLS = lines("calls", [{"n": 1}])


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("partial")
    async with running_intake(kafka, database, verifier.url, folder, smtp_url=post.url) as intake:
        yield intake, folder


class Late(Handed):
    """A request of which one system has handed something over, and another is late."""

    there: Delivery

    @property
    def late(self) -> str:
        return self.systems[1]

    def delivered(self, *, late: Delivery | None = None) -> None:
        """Have the verifier say so; of the late one, nothing where none is given."""
        deliveries = {self.systems[0]: self.there} | ({self.late: late} if late else {})
        self.answered(deliveries)
        if late is None:
            for one in self.verifier.obligations[self.id]["obligations"]:
                if one["system_id"] == self.late:
                    one["disposition"] = None

    async def pass_date(self) -> None:
        await self.intake.pool.execute(
            "update intake.cohorts set due_at = now() where id = (select cohort_id from "
            "intake.subject_requests where id = $1)",
            self.id,
        )

    async def release(self) -> Any:
        return await self.intake.http.post(
            f"/internal{BASE}/{self.id}/package:release",
            headers=self.intake.officer,
            json={"reason": "the court asks"},
        )

    async def made(self, number: int) -> Any:
        async def is_made() -> Any:
            return await self.intake.pool.fetchrow(
                "select * from intake.packages where request_id = $1 and number = $2 "
                "and state = 'ready'",
                self.id,
                number,
            )

        return await eventually(is_made, within=60)

    async def letters(self) -> list[str]:
        rows = await self.intake.pool.fetch(
            "select kind from intake.letters where request_id = $1 order by kind", self.id
        )
        return [row["kind"] for row in rows if row["kind"] in {"done", "package_partial"}]

    async def fetched(self, browser: httpx.AsyncClient, link: str) -> dict[str, bytes]:
        return unzipped((await browser.get(link + ZIP)).content)


@pytest.fixture
async def late(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry, post: MailServer
) -> AsyncIterator[Late]:
    one = Late(*running, verifier)
    one.post = post
    await one.submit(registry, letters=True)
    one.there = await one.hand_over(one.systems[0], ORDERS)
    one.delivered()
    yield one
    for browser in one.browsers:
        await browser.aclose()


async def test_past_the_legal_date_what_is_there_is_handed_over_and_the_rest_follows(
    late: Late, publisher: Publisher
) -> None:
    await late.pass_date()
    row = await late.made(1)
    assert row["is_partial"]
    assert await late.state() == "open"
    link = await late.link("package_partial")
    browser = await late.opened(link)
    found = await late.fetched(browser, link)
    first = json.loads(found["manifest.json"])
    assert (first["late"], first["closed_at"]) == ([late.late], None)
    assert f"data/{late.systems[0]}/orders.jsonl" in found

    late.delivered(late=await late.hand_over(late.late, CALLS, export=2))
    await late.close(publisher)
    await late.made(2)
    links = re.findall(r"http://localhost(/p/[\w-]+)", await late.mailed("done"))
    assert len(links) == 2
    assert links[1] == link
    rest = await late.fetched(await late.opened(links[0], 2), links[0])
    second = json.loads(rest["manifest.json"])
    digest = hashlib.sha256(found["manifest.json"]).hexdigest()
    assert second["supplements"]["manifest_sha256"] == digest
    data = [one for one in rest if one.startswith("data/")]
    assert data == [f"data/{late.late}/calls.jsonl"]
    assert sorted(await late.fetched(browser, link)) == sorted(found)
    assert await late.letters() == ["done", "package_partial"]


async def test_what_the_first_package_lacks_is_shown_with_the_supplement_too(
    late: Late, publisher: Publisher
) -> None:
    first = late.systems[0]
    path = part_path(late.id, SystemId(first), late.there.export_id, Stream.DATA, 0)
    (late.store / path).write_bytes(b"spoilt")
    spared = late.systems[2]
    late.answered({first: late.there, spared: await late.hand_over(spared, ORDERS)})
    for one in late.verifier.obligations[late.id]["obligations"]:
        if one["system_id"] == late.late:
            one["disposition"] = None
    assert (await late.release()).status_code == 200
    await late.made(1)
    late.answered({first: late.there, late.late: await late.hand_over(late.late, CALLS, export=2)})
    await late.close(publisher)
    row = await late.made(2)
    assert (row["excluded"], row["copy_settled_at"]) == ("{}", None)
    answer = await late.intake.http.get(
        f"/internal{BASE}/{late.id}/package", headers=late.intake.officer
    )
    assert answer.json()["number"] == 2
    assert answer.json()["missing"] == {first: "wrong_length"}


async def test_an_operator_has_what_is_there_handed_over_once_and_it_is_entered(late: Late) -> None:
    assert (await late.release()).status_code == 200
    again = await late.release()
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "not_releasable")
    await late.made(1)
    assert await late.state() == "open"
    assert "package.release" in await late.audited()
    await late.mailed("package_partial")
    assert await late.letters() == ["package_partial"]


async def test_nothing_is_released_of_which_nothing_is_there(late: Late) -> None:
    late.answered({})
    answer = await late.release()
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
        409,
        "nothing_delivered",
    )


async def test_a_request_that_is_closed_before_its_partial_package_is_made_gets_a_whole_one(
    late: Late, publisher: Publisher
) -> None:
    export = await late.hand_over(late.late, CALLS, export=2)
    with no_folder(late.store):
        assert (await late.release()).status_code == 200
        late.delivered(late=export)
        await late.close(publisher)

        async def is_whole() -> bool:
            row = await late.row()
            return row is not None and not row["is_partial"]

        await eventually(is_whole, within=30)
    row = await late.made(1)
    assert (row["is_partial"], row["files"]) == (False, 2)
    await late.mailed("done")
    assert await late.letters() == ["done"]


async def test_a_request_of_which_nothing_more_has_come_is_answered_with_the_first_package(
    late: Late, publisher: Publisher
) -> None:
    assert (await late.release()).status_code == 200
    link = await late.link("package_partial")
    late.answered({late.systems[0]: late.there})
    await late.close(publisher)
    assert await late.link("done") == link
    count = await late.intake.pool.fetchval(
        "select count(*) from intake.packages where request_id = $1", late.id
    )
    assert count == 1

    async def is_settled() -> bool:
        return (await late.row())["copy_settled_at"] is not None

    await eventually(is_settled, within=30)


async def test_a_partial_package_that_is_made_while_its_request_is_being_closed_is_seen(
    late: Late, database: str
) -> None:
    wanted = WantedPackage(ledger=json.dumps(late.verifier.obligations[late.id]), number=1)
    assert (await late.release()).status_code == 200
    await late.mailed("package_partial")
    closure = a_closure(request_id=RequestId(late.id))

    def decide(known: Mapping[RequestId, Known]) -> list[Answer]:
        return answers([closure], known, at=utc_now(), packaged=[closure.request_id])

    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        with pytest.raises(Unavailable, match="a partial package was made"):
            await PostgresClosing(pool).answer(
                [closure.request_id],
                decide=decide,
                tell=Ends(utc_now()).tell,
                at=utc_now(),
                packages={closure.request_id: wanted},
            )
    assert await late.state() == "open"


async def test_the_key_of_a_partial_package_lives_for_as_long_as_its_request_is_open(
    late: Late,
) -> None:
    assert (await late.release()).status_code == 200
    await late.made(1)
    now = utc_now() + timedelta(days=400)
    over = await PostgresPackages(late.intake.pool).over(at=now, unused_since=now, limit=1000)
    assert late.id not in over
