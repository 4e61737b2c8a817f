"""Replicas of intake on one database, as processes, beside key services."""

from __future__ import annotations

import base64
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection
from support.command import Said, dsr
from support.intake import TOKEN, an_officer, environment_of, intake_fields
from support.services import ServiceProcess
from support.submissions import a_submission, ndjson

__all__ = ["BASE", "INTERNAL", "NEW", "OLD", "Group", "Groups", "lines"]

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
    officer: dict[str, str]
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
            [notice] = await self.seal(row["cohort_id"], row["registry_digest"], [system.id], by=by)
            total += len(notice.identities)
        return total

    async def seal(
        self, cohort_id: str, registry_digest: str, system_ids: list[str], *, by: int = 0
    ) -> list[notices_pb2.SystemNotice]:
        """Have one replica seal a cohort for systems."""
        asked = notices_pb2.SealRequest(registry_digest=registry_digest, system_ids=system_ids)
        answer = await self.http[by].post(
            f"/internal/v1/cohorts/{cohort_id}/identities:seal",
            content=asked.SerializeToString(),
            headers=INTERNAL | {"content-type": "application/protobuf"},
        )
        assert answer.status_code == 200, answer.text
        return list(notices_pb2.SealResponse.FromString(answer.content).systems)

    def said(self, replica: int = 0) -> str:
        """Return what a replica has logged."""
        return self.replicas[replica].log.read_text()

    async def command(self, *arguments: str, by: int = 0) -> Said:
        return await dsr(self.stack.settings, "keys", *arguments, variables=self.variables(by))

    def variables(self, by: int) -> dict[str, str]:
        token = self.officer["authorization"].removeprefix("Bearer ")
        return {"DSR_INTAKE_URL": self.replicas[by].url, "DSR_TOKEN": token}


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
        group = Group([], pool, self._stack, self._folder, await an_officer(self._dsn))
        for n in range(replicas):
            one = ServiceProcess("dsr_intake", settings, self._folder / f"intake-{n}.log")
            await self._ends.enter_async_context(one)
            http = await self._ends.enter_async_context(
                httpx.AsyncClient(base_url=one.url, timeout=60)
            )
            made = await http.post(
                "/internal/v1/clients",
                headers=group.officer,
                json={"name": "shop", "reason": "a test"},
            )
            http.headers["authorization"] = f"Bearer {made.json()['api_key']}"
            group.replicas.append(one)
            group.http.append(http)
        return group

    async def aclose(self) -> None:
        await self._ends.aclose()
