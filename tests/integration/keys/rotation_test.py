"""Rotation while intake runs: two processes, a rotation that is killed in the middle, no lost request."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.adapters.key_files import key_name
from dsr_runtime.kafka import KafkaConnection
from support.command import Said, dsr, environment
from support.intake import TOKEN, environment_of, intake_fields
from support.key_services import KMS_KEY, LocalKms
from support.parts import fresh_database
from support.services import ServiceProcess
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"
INTERNAL = {"authorization": f"Bearer {TOKEN}"}
OLD, NEW = b"o" * 32, b"n" * 32


def lines(*keys: bytes) -> str:
    return "".join(base64.b64encode(one).decode() + "\n" for one in keys)


@dataclass
class Group:
    """Two replicas of intake on one database."""

    replicas: list[ServiceProcess]
    pool: asyncpg.Pool[asyncpg.Record]
    stack: Stack
    folder: Path
    ids: list[str] = field(default_factory=list)
    http: list[httpx.AsyncClient] = field(default_factory=list)

    async def accept(self, count: int, *, by: int = 0) -> None:
        body = ndjson([a_submission(n, idempotency_key=os.urandom(8).hex()) for n in range(count)])
        headers = {"content-type": "application/x-ndjson"}
        answer = await self.http[by].post(f"{BASE}:batch", content=body, headers=headers)
        made = [httpx.Response(200, text=one).json() for one in answer.text.splitlines()]
        assert {one["status"] for one in made} == {202}, answer.text[:500]
        self.ids += [one["id"] for one in made]

    async def under(self) -> dict[str, int]:
        rows = await self.pool.fetch(
            "select kek_id, count(*) from intake_keys.request_keys group by 1"
        )
        return {row[0]: row[1] for row in rows}

    async def sealed(self, registry: Registry, *, by: int) -> int:
        """Have one replica seal every request for one system; return how many it sealed."""
        cohorts = await self.pool.fetch(
            "select distinct cohort_id, c.registry_digest from intake.subject_requests r"
            " join intake.cohorts c on c.id = r.cohort_id where r.id = any($1::uuid[])",
            self.ids,
        )
        system = next(one for one in registry.systems if Right.DELETION in one.rights)
        total = 0
        for row in cohorts:
            asked = notices_pb2.SealRequest(
                registry_digest=row["registry_digest"], system_ids=[system.id]
            )
            answer = await self.http[by].post(
                f"/internal/v1/cohorts/{row['cohort_id']}/identities:seal",
                content=asked.SerializeToString(),
                headers=INTERNAL | {"content-type": "application/protobuf"},
            )
            assert answer.status_code == 200, answer.text
            [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
            total += len(notice.identities)
        return total

    async def command(self, *arguments: str, by: int = 0) -> Said:
        return await dsr(self.stack.settings, "keys", *arguments, variables=self.variables(by))

    def variables(self, by: int) -> dict[str, str]:
        return {"DSR_INTAKE_URL": self.replicas[by].url, "DSR_INTERNAL_TOKEN": TOKEN}


class Groups:
    """Starts groups, and ends them."""

    def __init__(self, stack: Stack, kafka: KafkaConnection, dsn: str, folder: Path) -> None:
        self._stack, self._kafka, self._dsn, self._folder = stack, kafka, dsn, folder
        self._ends = AsyncExitStack()

    async def start(self, *, replicas: int = 2, **changes: Any) -> Group:
        fields = intake_fields(self._kafka, self._dsn, "http://127.0.0.1:9", self._folder)
        fields = {name: one for name, one in (fields | changes).items() if one is not None}
        settings = environment_of(fields) | {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-aws",
        }
        pool = await asyncpg.create_pool(self._dsn, min_size=1, max_size=2)
        self._ends.push_async_callback(pool.close)
        group = Group([], pool, self._stack, self._folder)
        for n in range(replicas):
            one = ServiceProcess("dsr_intake", settings, self._folder / f"intake-{n}.log")
            await self._ends.enter_async_context(one)
            http = await self._ends.enter_async_context(
                httpx.AsyncClient(base_url=one.url, timeout=60)
            )
            made = await http.post("/internal/v1/clients", headers=INTERNAL, json={"name": "shop"})
            http.headers["authorization"] = f"Bearer {made.json()['api_key']}"
            group.replicas.append(one)
            group.http.append(http)
        return group

    async def aclose(self) -> None:
        await self._ends.aclose()


@pytest.fixture
async def groups(stack: Stack, kafka: KafkaConnection, tmp_path: Path) -> AsyncIterator[Groups]:
    with fresh_database(stack) as dsn:
        one = Groups(stack, kafka, dsn, tmp_path)
        yield one
        await one.aclose()


async def test_a_new_first_key_in_the_file_is_taken_up_and_every_key_wrapped_anew(
    groups: Groups, registry: Registry, tmp_path: Path
) -> None:
    group = await groups.start()
    (file := tmp_path / "kek").write_text(lines(OLD))
    await group.accept(40)
    before = await group.under()

    refused = await group.command("rotate", "--apply")
    assert "first line" in refused.fault

    file.write_text(lines(NEW, OLD, b"kek".ljust(32)))
    status = (await group.command("status", "--json")).json
    assert next((one["kek_id"], one["wraps"]) for one in status["keks"]) == (key_name(NEW), True)
    await group.accept(20, by=1)
    assert sum(before.values()) == 40

    said = await group.command("rotate", "--apply")
    assert said.code == 0, said.err
    assert await group.under() == {key_name(NEW): 60}
    file.write_text(lines(NEW))
    for by in range(2):
        await group.command("status", by=by)
        assert await group.sealed(registry, by=by) == 60


async def test_what_is_wrapped_under_a_key_that_is_not_at_hand_is_named_and_kept(
    groups: Groups, registry: Registry, tmp_path: Path
) -> None:
    group = await groups.start(replicas=1)
    (file := tmp_path / "kek").write_text(lines(OLD))
    await group.command("status")
    await group.accept(3)
    file.write_text(lines(NEW))
    said = await group.command("status")
    assert f"not at hand: {key_name(OLD)}" in said.fault
    [row] = [one for one in said.out.splitlines() if key_name(OLD) in one]
    assert "NOT AT HAND" in row
    rotated = await group.command("rotate", "--apply")
    assert rotated.code == 1
    assert (await group.under())[key_name(OLD)] == 3

    async def is_said() -> bool:
        text = (tmp_path / "intake-0.log").read_text()
        return "a key-encryption key is not at hand" in text and key_name(OLD) in text

    await eventually(is_said, within=30)
    metrics = (await group.http[0].get("/metrics")).text
    assert "dsr_intake_keys_unknown 3.0" in metrics
    file.write_text(lines(NEW, OLD))
    await group.command("status")
    assert await group.sealed(registry, by=0) == 3


async def test_a_rotation_that_is_killed_in_the_middle_goes_on_and_no_request_is_lost(
    groups: Groups, stack: Stack, registry: Registry, kms: LocalKms
) -> None:
    group = await groups.start(
        key_encryption_key_file=None,
        aws_kms_key=KMS_KEY,
        aws_kms_region="eu-west-2",
        aws_kms_endpoint=kms.url,
    )
    for _ in range(4):
        await group.accept(1000)
    [first] = await group.under()
    accepting = asyncio.create_task(accept_on(group))

    command = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from dsr_cli.main import main; main()", "keys", "rotate", "--apply",
        env=environment(stack.settings, **group.variables(0)),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip

    async def has_begun() -> bool:
        return len(await group.under()) > 1

    await eventually(has_begun, within=30)
    command.kill()
    await group.replicas[0].kill()
    await command.wait()
    accepting.cancel()
    await asyncio.wait([accepting])
    assert (await group.under()).get(first, 0) > 0, "it was over before it was killed"

    done = await group.command("rotate", "--apply", by=1)
    assert done.code == 0, done.err
    under = await group.under()
    assert first not in under
    # The replica that lived may have wrapped some under the former key until it heard of the new one.
    assert (await group.command("rotate", "--apply", by=1)).code == 0
    kept = await group.pool.fetchval("select count(*) from intake.subject_requests")
    assert sum((await group.under()).values()) == kept >= 4000
    stored = await group.pool.fetch("select id::text from intake.subject_requests")
    group.ids = [row["id"] for row in stored]
    assert await group.sealed(registry, by=1) == kept


async def accept_on(group: Group) -> None:
    """Have the second replica accept for as long as the test does not stop it."""
    while True:
        await group.accept(20, by=1)


async def test_a_request_costs_the_key_service_nothing_and_its_absence_is_noticed_when_trust_ends(
    groups: Groups, registry: Registry, kms: LocalKms
) -> None:
    group = await groups.start(
        replicas=1,
        key_encryption_key_file=None,
        aws_kms_key=KMS_KEY,
        aws_kms_region="eu-west-2",
        aws_kms_endpoint=kms.url,
    )
    await group.accept(2)
    await kms.stop()
    await group.accept(2)
    assert await group.sealed(registry, by=0) == 4
    refused = await group.command("rotate", "--apply")
    assert "does not answer" in refused.fault

    await group.replicas[0].kill()
    await group.replicas[0].start()
    away = await group.http[0].post(BASE, json=a_submission())
    assert (away.status_code, "retry-after" in away.headers) == (503, True), away.text
    assert "does not answer" in away.json()["detail"] or "not at hand" in away.json()["detail"]
    await kms.start()

    async def is_accepted() -> bool:
        again = await group.http[0].post(BASE, json=a_submission())
        return again.status_code == 202

    await eventually(is_accepted, within=30)
    assert await group.sealed(registry, by=0) == 4


async def test_a_former_ring_key_is_destroyed_only_when_nothing_needs_it(
    groups: Groups, kms: LocalKms
) -> None:
    group = await groups.start(
        replicas=1,
        key_encryption_key_file=None,
        aws_kms_key=KMS_KEY,
        aws_kms_region="eu-west-2",
        aws_kms_endpoint=kms.url,
    )
    await group.accept(5)
    [first] = await group.under()
    assert "no ring key that retired" in (await group.command("destroy", first, "--apply")).fault
    assert (await group.command("rotate", "--apply")).code == 0
    assert "no ring key that retired" in (await group.command("destroy", first, "--apply")).fault
    await group.pool.execute(
        "update intake_keys.ring_keys set retired_at = retired_at - interval '6 minutes'"
        " where id = $1",
        first,
    )
    assert (await group.command("destroy", first)).code == 0
    assert await group.pool.fetchval("select count(*) from intake_keys.ring_keys") == 2
    assert (await group.command("destroy", first, "--apply")).code == 0
    [kept] = (await group.command("status", "--json")).json["keks"]
    assert (kept["kek_id"] != first, kept["keys"]) == (True, 5)
