"""Our own images do what the processes of a checkout do, with nothing to write to and no shell."""

from __future__ import annotations

import json

import pytest

from dsr_examples.people import People
from support.container_loop import SERVICES, SYSTEMS, ContainerLoop
from support.waiting import eventually


async def test_a_request_goes_round_and_its_person_is_gone_from_every_system(
    loop: ContainerLoop,
) -> None:
    request_id = await loop.submit()
    await loop.ledger.answered([request_id])
    person = People().person(loop.last)
    for system in SYSTEMS:
        counted = loop.only(system).exec(
            ["/opt/dsr/bin/python", "-m", "dsr_examples", "count", system,
             "--person", str(person.number), "--json"]
        )  # fmt: skip
        assert counted.exit_code == 0, counted.output
        assert set(json.loads(counted.output).values()) <= {0}


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
