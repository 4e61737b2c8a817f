"""A package for access from the closing on, with a real database and a real folder."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from integration.intake.assembly_test import no_room_for_more_than
from integration.intake.closures_test import a_record
from integration.intake.sealing_test import seal

from dsr_contracts.v1 import escalations_pb2
from dsr_core.exports import Delivery
from dsr_core.ids import OrganisationId, RequestId, SystemId
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.adapters.key_files import FileKeys
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.adapters.object_store import Objects
from dsr_intake.adapters.webhooks import PostgresWebhooks
from dsr_intake.model import WrappedKey
from dsr_intake.model.packages import package_binding
from dsr_intake.model.webhooks import Told
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.escalations import MissingSystem, escalation_from_wire
from dsr_wire.envelope import decode
from dsr_wire.exports import Stream, part_path
from dsr_wire.sealing_keys import PrivateSealingKey
from dsr_wire.topics import ESCALATIONS
from support.exports import Handed, hand_over, lines, opened_package, unzipped
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"
TOLD = Told.PACKAGE_READY
ORDERS = lines("orders", [{"id": n, "city": "Berlin"} for n in range(25)])
PARTS_TRIES = 4
SMALL_BYTES = 100_000
SYSTEM_BYTES = 5_000_000
SYSTEM_FILES = 20
PHOTO = Handed("photos/me.jpg", b"\xff\xd8" + bytes(20_000), "image/jpeg")


class Access:
    """One request for access on a running intake."""

    def __init__(self, intake: Intake, folder: Path, verifier: VerifierDouble) -> None:
        self.intake = intake
        self.folder = folder
        self.store = folder / "store"
        self.verifier = verifier
        self.id = RequestId("")
        self.systems: list[str] = []

    async def submit(self, registry: Registry, **changes: Any) -> None:
        answer = await self.intake.http.post(BASE, json=a_submission(right="access", **changes))
        one = answer.json()
        assert answer.status_code == 202, one
        self.id = RequestId(one["id"])
        self.systems = sorted(each.id for each in registry.systems if Right.ACCESS in each.rights)
        await seal(self.intake, one["id"], one["registry_digest"], self.systems)

    async def hand_over(self, system_id: str, *handed: Handed, export: int = 1) -> Delivery:
        public = await self.intake.pool.fetchval(
            "select public_key from intake_keys.package_keys where request_id = $1", self.id
        )
        return hand_over(
            self.store,
            public,
            handed,
            request_id=self.id,
            system_id=SystemId(system_id),
            export=export,
        )

    def answered(self, deliveries: dict[str, Delivery]) -> None:
        """Have the verifier say what systems have answered."""
        owed = []
        for system_id in self.systems:
            one = deliveries.get(system_id)
            owed.append(
                {
                    "system_id": system_id,
                    "organisation_id": "example-group",
                    "disposition": "delivered" if one else "not_found",
                    "exemptions": [],
                    "reason": "",
                    "delivery": one
                    and {
                        "export_id": one.export_id,
                        "sealed_key": one.sealed_key.hex(),
                        "size": one.size,
                        "index_size": one.index_size,
                        "index_digest": one.index_digest.hex(),
                        "files": one.files,
                    },
                }
            )
        self.verifier.obligations[self.id] = {"request_id": self.id, "obligations": owed}

    async def close(self, publisher: Publisher) -> None:
        closure = a_record(self.id, self.id, right=Right.ACCESS, closed_at=datetime.now(UTC))
        await publisher.publish([closure])

    async def state(self) -> str:
        found = await self.intake.http.get(f"{BASE}/{self.id}")
        return str(found.json()["state"])

    async def row(self) -> Any:
        return await self.intake.pool.fetchrow(
            "select * from intake.packages where request_id = $1", self.id
        )

    async def until(self, state: str) -> Any:
        async def is_so() -> Any:
            row = await self.row()
            return row if row and row["state"] == state else None

        return await eventually(is_so, within=60)

    async def tried(self, times: int) -> None:
        """Return once it was tried so often, without the pauses between."""

        async def is_so() -> bool:
            row = await self.intake.pool.fetchrow(
                "update intake.packages set next_try_at = least(next_try_at, now()) "
                "where request_id = $1 and assembly_id is not null and faults = 0 returning tries",
                self.id,
            )
            return bool(row and row["tries"] >= times)

        await eventually(is_so, within=60)

    async def key(self) -> PrivateSealingKey:
        row = await self.intake.pool.fetchrow(
            "select * from intake_keys.package_keys where request_id = $1", self.id
        )
        ring = HeldRing(FileKeys(self.folder / "kek", variable="DSR_KEY_ENCRYPTION_KEY_FILE"))
        wrapped = WrappedKey(row["wrapped_key"], row["kek_id"])
        [raw] = await ring.unwrap([(package_binding(self.id), wrapped)])
        return PrivateSealingKey(raw)

    def left(self) -> list[Path]:
        """Return the files that lie in the store for it, however quickly they go."""
        return [
            Path(folder, name).relative_to(self.store)
            for folder, _, names in os.walk(self.store)
            for name in names
            if self.id in Path(folder, name).parts
        ]

    async def unpacked(self) -> dict[str, bytes]:
        """Open the package as only intake can."""
        row = await self.row()
        assembly = f"{row['assembly_id']}.{len(json.loads(row['excluded']))}"
        path = f"packages/{self.id}/{assembly}"
        objects = Objects(self.store.as_uri())
        return unzipped(opened_package(objects, path, row["size"], await self.key(), self.id))


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("packages")
    async with running_intake(
        kafka,
        database,
        verifier.url,
        folder,
        package_small_bytes=SMALL_BYTES,
        package_system_bytes=SYSTEM_BYTES,
        package_system_files=SYSTEM_FILES,
    ) as intake:
        yield intake, folder


@pytest.fixture
async def access(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry
) -> Access:
    one = Access(*running, verifier)
    await one.submit(registry)
    return one


async def test_a_request_is_answered_once_its_package_is_made_and_the_package_outlives_its_key(
    access: Access, publisher: Publisher
) -> None:
    first, second, *_ = access.systems
    access.answered(
        {
            first: await access.hand_over(first, ORDERS, PHOTO),
            second: await access.hand_over(second, lines("calls", [{"n": 1}])),
        }
    )
    # A client with a webhook is told of it.
    pool = access.intake.pool
    await pool.execute(
        """
        insert into intake.webhooks (client_id, url, secret_version, secret_changed_at, read_to)
        select client_id, 'https://shop.example/hook', 1, now(), 0
        from intake.subject_requests where id = $1
        """,
        access.id,
    )
    await access.close(publisher)
    row = await access.until("ready")
    assert await access.state() == "answered"
    [told] = await pool.fetch("select * from intake.webhook_deliveries where event = $1", TOLD)
    assert (str(told["request_id"]), told["expires_at"]) == (access.id, row["expires_at"])
    await PostgresWebhooks(pool).gather(at=datetime.now(UTC))
    claimed = await PostgresWebhooks(pool).claim(
        at=datetime.now(UTC), lease=timedelta(minutes=1), limit=9
    )
    assert [one.expires_at for one in claimed if one.event is TOLD] == [row["expires_at"]]
    for one in claimed:
        await PostgresWebhooks(pool).delivered(one, at=datetime.now(UTC))
    [told] = await pool.fetch("select * from intake.webhook_deliveries where event = $1", TOLD)
    assert told["result"] == "delivered"
    await PostgresWebhooks(pool).remove(told["client_id"])
    left = await access.intake.pool.fetchval(
        "select count(*) from intake_keys.request_keys where request_id = $1", access.id
    )
    assert left == 0
    found = await access.unpacked()
    assert found[f"data/{first}/orders.jsonl"] == ORDERS.content
    assert found[f"data/{first}/photos/me.jpg"] == PHOTO.content
    manifest = json.loads(found["manifest.json"])
    status = {one["id"]: one["status"] for one in manifest["systems"]}
    assert {one for one, how in status.items() if how == "included"} == {first, second}
    assert {how for one, how in status.items() if one not in (first, second)} == {"nothing_found"}
    stored = b"".join(one.read_bytes() for one in access.store.rglob("*") if one.is_file())
    assert b"Berlin" not in stored


async def test_a_request_for_which_nobody_handed_anything_over_is_answered_without_a_package(
    access: Access, publisher: Publisher
) -> None:
    access.answered({})
    await access.close(publisher)

    async def is_answered() -> bool:
        return await access.state() == "answered"

    await eventually(is_answered)
    assert await access.row() is None


async def test_an_export_that_is_spoilt_is_named_as_missing_and_the_others_go_on(
    access: Access, publisher: Publisher
) -> None:
    first, second, *_ = access.systems
    spoilt = await access.hand_over(first, PHOTO)
    path = access.store / part_path(access.id, SystemId(first), spoilt.export_id, Stream.DATA, 0)
    path.write_bytes(path.read_bytes()[:-5] + b"spoil")
    access.answered({first: spoilt, second: await access.hand_over(second, ORDERS)})
    await access.close(publisher)
    await access.until("ready")
    found = await access.unpacked()
    told = {one["id"]: one for one in json.loads(found["manifest.json"])["systems"]}
    assert (told[first]["status"], told[first]["why"]) == ("missing", "corrupted_part")
    assert told[second]["status"] == "included"
    assert f"data/{second}/orders.jsonl" in found
    metrics = (await access.intake.http.get("/metrics")).text
    assert 'dsr_intake_exports_refused_total{reason="corrupted_part"}' in metrics


async def test_the_owner_of_each_export_that_cannot_be_used_is_told_once_and_why(
    access: Access, publisher: Publisher, topics: Topics
) -> None:
    first, second, third, fourth, *_ = access.systems
    spoilt = await access.hand_over(first, PHOTO)
    path = access.store / part_path(access.id, SystemId(first), spoilt.export_id, Stream.DATA, 0)
    path.write_bytes(path.read_bytes()[:-5] + b"spoil")
    film = Handed("film.mp4", bytes(SYSTEM_BYTES + 1), "video/mp4")
    large = await access.hand_over(second, film)
    crumbs = [Handed(f"notes/{number}.txt", b"a note") for number in range(SYSTEM_FILES + 1)]
    many = await access.hand_over(fourth, *crumbs)
    good = await access.hand_over(third, ORDERS)
    access.answered({first: spoilt, second: large, third: good, fourth: many})
    await access.close(publisher)
    await access.until("ready")
    found = await access.unpacked()
    manifest = json.loads(found["manifest.json"])
    why = {one["id"]: one["why"] for one in manifest["systems"] if one["status"] == "missing"}
    assert why == {first: "corrupted_part", second: "too_large", fourth: "too_many_files"}
    assert f"data/{third}/orders.jsonl" in found
    told = [
        escalation_from_wire(decode(each.value, each.headers, escalations_pb2.Escalation))
        for each in await topics.find(ESCALATIONS.name, {access.id}, 3)
    ]
    missing = {one.missing: one.unusable and one.unusable.reason for one in told}
    owner = OrganisationId("example-group")
    assert missing == {
        (MissingSystem(SystemId(one), owner, 1),): reason for one, reason in why.items()
    }
    assert len(told) == 3


async def test_a_package_whose_key_is_gone_is_set_aside_and_says_so(
    access: Access, publisher: Publisher
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, ORDERS)})
    await access.intake.pool.execute(
        "delete from intake_keys.package_keys where request_id = $1", access.id
    )
    await access.close(publisher)

    async def is_set_aside() -> bool:
        row = await access.row()
        return bool(row and row["set_aside_at"])

    await eventually(is_set_aside, within=30)
    shown = await access.intake.http.get(f"{BASE}/{access.id}/package")
    assert shown.json()["set_aside_why"] == "key_gone"
    await access.intake.pool.execute("delete from intake.packages where request_id = $1", access.id)


async def test_a_package_that_cannot_be_made_is_set_aside_and_keeps_no_other_waiting(
    access: Access, registry: Registry, publisher: Publisher
) -> None:
    first, second, *_ = access.systems
    delivery = await access.hand_over(first, ORDERS)
    access.answered({first: delivery})
    kept = {"ground": "HGB 257", "categories": [], "review_at": "soon"}
    [owed] = [
        each
        for each in access.verifier.obligations[access.id]["obligations"]
        if each["system_id"] == second
    ]
    owed["exemptions"] = [kept]  # no page can be made of that
    await access.close(publisher)
    pool = access.intake.pool

    async def is_set_aside() -> bool:
        await pool.execute(
            "update intake.packages set next_try_at = now() where request_id = $1 "
            "and next_try_at is not null",
            access.id,
        )
        row = await access.row()
        return bool(row and row["set_aside_at"])

    await eventually(is_set_aside, within=60)
    other = Access(access.intake, access.folder, access.verifier)
    await other.submit(registry)
    other.answered({first: await other.hand_over(first, ORDERS)})
    await other.close(publisher)
    await other.until("ready")

    async def is_shown() -> bool:
        said = (await access.intake.http.get("/metrics")).text
        return "dsr_intake_packages_set_aside 1.0" in said.splitlines()

    await eventually(is_shown, within=60)
    await pool.execute(
        "update intake.packages set ledger = replace(ledger, 'soon', '2030-01-01') "
        "where request_id = $1",
        access.id,
    )
    again = await access.intake.http.post(
        f"/internal{BASE}/{access.id}/package:release",
        headers=access.intake.officer,
        json={"reason": "the fault is mended"},
    )
    assert (again.status_code, again.json()["set_aside_at"]) == (200, None)
    await access.until("ready")
    assert await access.state() == "answered"


async def test_a_full_store_keeps_a_package_waiting_until_there_is_room(
    access: Access, publisher: Publisher
) -> None:
    first, *_ = access.systems
    film = Handed("film.mp4", bytes(4_000_000), "video/mp4")
    access.answered({first: await access.hand_over(first, film)})
    with no_room_for_more_than(2_000_000):
        await access.close(publisher)

        async def has_tried() -> bool:
            row = await access.row()
            return bool(row and row["tries"] > 1)

        await eventually(has_tried, within=30)
    await access.until("ready")
    assert (await access.unpacked())[f"data/{first}/film.mp4"] == film.content


async def test_a_small_package_does_not_wait_for_a_large_one(
    access: Access, registry: Registry, publisher: Publisher
) -> None:
    small = Access(access.intake, access.folder, access.verifier)
    await small.submit(registry)
    first, *_ = access.systems
    film = Handed("film.mp4", bytes(SMALL_BYTES + 1), "video/mp4")
    large = await access.hand_over(first, film)
    part = access.store / part_path(access.id, SystemId(first), large.export_id, Stream.DATA, 0)
    part.unlink()
    os.mkfifo(part)  # whoever reads it waits until something is written
    access.answered({first: large})
    small.answered({first: await small.hand_over(first, ORDERS)})
    await access.close(publisher)

    async def is_in_hand() -> bool:
        row = await access.row()
        return bool(row and row["assembly_id"])

    await eventually(is_in_hand)
    await small.close(publisher)
    await small.until("ready")
    assert (await access.row())["state"] == "waiting"
    os.close(os.open(part, os.O_WRONLY))
    await access.until("ready")


async def test_an_export_that_never_got_into_a_package_is_deleted_too(
    access: Access, publisher: Publisher
) -> None:
    first, *_ = access.systems
    await access.hand_over(first, ORDERS)
    access.answered({})
    await access.close(publisher)
    await access.intake.pool.execute(
        "update intake_keys.package_keys set made_at = now() - interval '2 days'"
        " where request_id = $1",
        access.id,
    )

    async def is_gone() -> bool:
        return not access.left()

    await eventually(is_gone, within=60)
