"""`dsr package accept` says without --yes what it would do with it, and does nothing."""

from __future__ import annotations

from dsr_core.rights import Disposition, Right
from support.command import dsr
from support.faults import SILENT, no_folder, one_missing
from support.forging import acknowledge, an_answer
from support.loop import Loop
from support.waiting import eventually


async def refused(loop: Loop, request_id: str) -> str:
    """What is said against it, which is the same of the dry run and of the real one."""
    accept = ("package", "accept", request_id, "--reason", "a test")
    dry = (await dsr(loop.stack.settings, *accept)).fault
    assert (await dsr(loop.stack.settings, *accept, "--yes")).fault == dry
    return dry


async def stands(loop: Loop, request_id: str, state: str) -> None:
    """Return once its package does so."""
    statement = "select 1 from intake.packages where request_id::text = $1 and state = $2"
    await eventually(lambda: loop.query(statement, request_id, state), within=60)


async def test_the_package_of_an_open_request_would_not_be_accepted(loop: Loop) -> None:
    async with one_missing(loop, right="access") as request_id:
        release = ("package", "release", request_id, "--reason", "a court asks", "--yes")
        assert (await dsr(loop.stack.settings, *release)).code == 0
        await stands(loop, request_id, "ready")
        assert "the request is open" in await refused(loop, request_id)


async def test_a_package_that_is_being_made_would_not_be_accepted(loop: Loop) -> None:
    async with one_missing(loop, right="access") as request_id:
        with no_folder(loop.stack.settings.folder("store")):
            nothing = an_answer(
                request_id, SILENT, Disposition.NOT_FOUND, right=Right.ACCESS, sequence=100
            )
            acknowledge(loop, nothing)
            await stands(loop, request_id, "waiting")
            assert "it is being made" in await refused(loop, request_id)
        await stands(loop, request_id, "ready")
        assert "no erasure waits for it" in await refused(loop, request_id)
