"""Who asks: a request that waits for the proof, all the way round."""

from __future__ import annotations

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.people import submission
from support.command import dsr
from support.loop import Loop
from support.waiting import eventually


async def test_nothing_is_erased_before_it_is_proven_who_asks_and_all_is_after(loop: Loop) -> None:
    settings, person = loop.stack.settings, loop.person()
    async with loop.client() as client:
        accepted = await client.submit(submission(person) | {"identity_attested": False})
    request_id = accepted["id"]
    workflow = f"dsr-{request_id}"
    assert accepted["state"] == "awaiting_identity"
    said = (await dsr(settings, "explain", request_id, "--json")).json
    assert [one["kind"] for one in said["blockers"]] == ["identity_not_proven"]
    assert said["blockers"][0]["next"]["what"] == "it ends as not verified"

    # One that is attested goes round after it, so the first one had its chance.
    await loop.answered(await loop.submit())
    assert await loop.obligations(request_id) == {}, workflow
    before = await holdings(loop.stack, [person])
    assert sum(held.theirs for held in before.values()) > 0

    proving = ("identity", "prove", request_id, "--reason", "passport seen at the desk")
    dry = await dsr(settings, *proving)
    assert "would be opened" in dry.out
    assert (await loop.show(request_id))["state"] == "awaiting_identity"
    assert "is open, due" in (await dsr(settings, *proving, "--apply")).out
    assert "does not await a proof" in (await dsr(settings, *proving, "--apply")).fault

    await loop.answered(request_id)

    async def is_erased() -> bool:
        after = await holdings(loop.stack, [person])
        return all(held.theirs == 0 for name, held in after.items() if name != "billing")

    await eventually(is_erased)
    assert await loop.closures(request_id) == 1
