"""Assembly where it goes wrong: killed at any point, no room left, and more files than anybody would read."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsr_core.errors import Unavailable
from dsr_core.exports import FILES_LIMIT
from dsr_intake.application.packages.assembling import package_path
from dsr_intake.application.packages.pieces import PIECE_BYTES
from support.exports import Handed, lines, opened_package, unzipped
from support.object_store import S3Server, built_versitygw
from support.packages import REQUEST, World
from support.parts import ROOT

FILM = Handed("film.mp4", bytes(range(256)) * 114_688, "video/mp4")
"""Longer than three parts of an object in a bucket."""

ORDERS = lines("orders", [{"id": n, "city": "Berlin"} for n in range(25)])
MEMORY_LIMIT = 250 * 1024 * 1024


async def assembled(world: World, *point: str) -> int:
    """Assemble in a process of its own, and return how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.packages", str(world.folder), world.url, *point),
        cwd=ROOT / "tests",
    )
    return await asyncio.wait_for(process.wait(), 100)


@pytest.fixture(params=["folder", "bucket"])
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    if request.param == "folder":
        yield World(tmp_path)
        return
    server = await S3Server(built_versitygw(), tmp_path).start()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    folder = server.bucket / "store"
    folder.mkdir()
    try:
        yield World(folder, url=server.environment()["DSR_STORE_URL"])
        assert not server.unfinished()
    finally:
        await server.stop()


@pytest.mark.timeout(600)  # the first of them may build the server
@pytest.mark.parametrize("point", ["26", "whole", "named"])
async def test_an_assembly_that_is_killed_and_begun_again_makes_the_same_manifest(
    world: World, point: str
) -> None:
    deliveries = {"crm": world.hand_over(FILM, ORDERS)}
    uninterrupted = await asyncio.to_thread(world.made, deliveries)
    await asyncio.to_thread(world.objects.delete_all, package_path(REQUEST))
    world.leave(deliveries)
    assert await assembled(world, point) == -signal.SIGKILL
    packages = world.folder / package_path(REQUEST)
    assert [one for one in packages.rglob("*") if one.is_file()], "what counts for nothing"
    await asyncio.to_thread(world.objects.delete_all, package_path(REQUEST))
    assert not packages.exists()
    made = await asyncio.to_thread(world.made, deliveries)
    assert made.manifest_digest == uninterrupted.manifest_digest
    content = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    assert unzipped(content)["data/crm/film.mp4"] == FILM.content


@contextmanager
def no_room_for_more_than(size: int) -> Iterator[None]:
    """Have the kernel refuse whatever makes a file longer than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_as_such_leaves_nothing_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    deliveries = {"crm": world.hand_over(FILM, ORDERS)}
    with (
        no_room_for_more_than(2 * PIECE_BYTES),
        pytest.raises(Unavailable, match="the object store is full"),
    ):
        world.made(deliveries)
    assert not [*(tmp_path / package_path(REQUEST)).iterdir()]
    made = world.made(deliveries)
    content = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    assert unzipped(content)["data/crm/film.mp4"] == FILM.content


async def test_a_hundred_thousand_tiny_files_are_packed_in_bounded_time_and_memory(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    tiny = [Handed(f"notes/{number:06d}.txt", b"a note") for number in range(FILES_LIMIT)]
    world.leave({"crm": world.hand_over(*tiny)})
    begun = time.monotonic()
    assert await assembled(world) == 0
    assert time.monotonic() - begun < 240
    assert int((tmp_path / "memory").read_text()) < MEMORY_LIMIT
