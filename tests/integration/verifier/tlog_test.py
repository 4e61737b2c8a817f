"""The log over HTTP, as C2SP tlog-tiles has it: to anyone, and cached for as long as it is true."""

from __future__ import annotations

import hashlib

import asyncpg
import httpx
import pytest
from integration.verifier.logs import FakePublished, stated

from dsr_verifier.adapters.log import Log
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.application.sequencing import Sequencer
from dsr_verifier.log_ports import Fact
from dsr_wire.log.checkpoints import read_checkpoint
from dsr_wire.log.leaves import Kind
from dsr_wire.log.tiles import Tile, entries
from support.builders import NOW
from support.transparency import a_signer

ORIGIN = "log.example.test/http"


@pytest.fixture
async def anyone(
    client: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record]
) -> httpx.AsyncClient:
    """A reader without a token, of a log with 300 leaves."""
    del client.headers["authorization"]
    if await Log(pool).newest() is None:
        assert (await client.get("/tlog/checkpoint")).status_code == 404
        store = PostgresLog(pool, stated)
        await store.offer(
            [Fact(Kind.AUDIT, hashlib.sha256(b"%d" % one).digest(), NOW) for one in range(300)]
        )
        await Sequencer(
            log=store,
            published=FakePublished(),
            origin=ORIGIN,
            signers=[a_signer(ORIGIN)],
            clock=lambda: NOW,
        ).step()
    return client


async def test_the_checkpoint_is_text_that_nobody_keeps(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/tlog/checkpoint")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert read_checkpoint(answer.text).size == 300


@pytest.mark.parametrize(
    ("path", "hashes"), [("0/000", 256), ("0/001.p/44", 44), ("0/000.p/7", 7), ("1/000.p/1", 1)]
)
async def test_a_tile_is_its_hashes_and_is_kept_for_ever(
    anyone: httpx.AsyncClient, path: str, hashes: int
) -> None:
    answer = await anyone.get(f"/tlog/tile/{path}")
    assert len(answer.content) == 32 * hashes
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accepts", "is_packed"),
    [
        ("identity", False),
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("gzip;q=0.01", True),
    ],
)
async def test_entries_are_packed_for_those_who_can_unpack_them(
    anyone: httpx.AsyncClient, accepts: str, *, is_packed: bool
) -> None:
    answer = await anyone.get("/tlog/tile/entries/001.p/44", headers={"accept-encoding": accepts})
    assert (answer.headers.get("content-encoding") == "gzip") is is_packed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(entries(answer.content, 44)) == 44
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "0/002",
        "0/001",
        "0/001.p/45",
        "1/000",
        "2/000.p/1",
        "entries/001",
        "entries/001.p/45",
        "0/000.p/256",
        "0/0",
        "00/000",
        "entries/x000/000",
        "63/000.p/1",
        Tile(0, 10**17).path,
        "%2e%2e/checkpoint",
        "0/000%00",
    ],
)
async def test_what_is_not_there_is_not_found_and_not_kept(
    anyone: httpx.AsyncClient, path: str
) -> None:
    answer = await anyone.get(f"/tlog/tile/{path}")
    assert answer.status_code == 404
    assert "cache-control" not in answer.headers or "max-age" not in answer.headers["cache-control"]


async def test_nothing_else_of_the_service_is_open(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/v1/changes")).status_code == 401
