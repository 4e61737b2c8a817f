"""Assembly where it goes wrong: killed at any point, no room left, and more files than anybody would read."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsr_core.errors import Unavailable
from dsr_core.exports import FILES_LIMIT
from dsr_intake.application.packages.assembling import package_path
from dsr_intake.application.packages.pieces import PIECE_BYTES
from support.exports import Handed, lines, opened_package, unzipped
from support.packages import REQUEST, World
from support.parts import ROOT

FILM = Handed("film.mp4", bytes(range(256)) * 16_384, "video/mp4")
ORDERS = lines("orders", [{"id": n, "city": "Berlin"} for n in range(25)])
MEMORY_LIMIT = 250 * 1024 * 1024


async def assembled(folder: Path, *point: str) -> int:
    """Assemble in a process of its own, and return how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.packages", str(folder), *point), cwd=ROOT / "tests"
    )
    return await asyncio.wait_for(process.wait(), 100)


@pytest.mark.parametrize("point", ["2", "whole", "named"])
async def test_an_assembly_that_is_killed_and_begun_again_makes_the_same_manifest(
    tmp_path: Path, point: str
) -> None:
    world = World(tmp_path)
    deliveries = {"crm": world.hand_over(FILM, ORDERS)}
    uninterrupted = world.made(deliveries).manifest_digest
    world.objects.delete_all(package_path(REQUEST))
    world.leave(deliveries)
    assert await assembled(tmp_path, point) == -signal.SIGKILL
    left = [one.name for one in (tmp_path / package_path(REQUEST)).iterdir()]
    assert len(left) == 1, "what the killed one has left, which counts for nothing"
    world.objects.delete_all(package_path(REQUEST))
    assert not (tmp_path / package_path(REQUEST)).exists()
    assert world.made(deliveries).manifest_digest == uninterrupted


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
    assert await assembled(tmp_path) == 0
    assert time.monotonic() - begun < 240
    assert int((tmp_path / "memory").read_text()) < MEMORY_LIMIT
