"""Our own images do what the processes of a checkout do, with nothing to write to and no shell."""

from __future__ import annotations

import pytest

from support.container_loop import SERVICES, SYSTEMS, ContainerLoop
from support.waiting import eventually


async def test_a_request_goes_round_and_its_person_is_gone_from_every_system(
    loop: ContainerLoop,
) -> None:
    # Nobody is asked while it is paused, so that what is held at first can be looked at.
    fanout = loop.only("fanout").get_wrapped_container()
    fanout.pause()
    try:
        request_id = await loop.submit()
        assert await loop.holding(loop.last) == set(SYSTEMS)
    finally:
        fanout.unpause()
    await loop.ledger.answered([request_id])
    assert await loop.holding(loop.last) == set()


async def test_nothing_is_closed_while_a_system_is_silent(loop: ContainerLoop) -> None:
    newsletter = loop.only("newsletter").get_wrapped_container()
    newsletter.pause()
    try:
        request_id = await loop.submit()

        async def others_have_confirmed() -> bool:
            return await loop.ledger.confirmed(request_id) == {"backup-index", "identity-checks"}

        await eventually(others_have_confirmed, within=30)
        assert await loop.ledger.closed([request_id]) == 0
    finally:
        newsletter.unpause()
    await loop.ledger.answered([request_id])


@pytest.mark.parametrize("name", [*SERVICES, *SYSTEMS])
async def test_a_container_is_nobody_and_writes_nowhere_and_has_no_shell(
    loop: ContainerLoop, name: str
) -> None:
    container = loop.only(name)
    python = "/opt/dsr/bin/python"
    asked = container.exec([python, "-c", "import os; print(os.getuid(), os.getgid())"])
    assert asked.output.split() == [b"65532", b"65532"]
    written = container.exec([python, "-c", "open('/opt/dsr/x', 'w')"])
    assert b"Read-only file system" in written.output
    assert container.exec(["/bin/sh", "-c", "true"]).exit_code != 0
