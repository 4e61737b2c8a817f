"""Opting out, all the way round: nobody is asked who they are, and who advertises stops."""

from __future__ import annotations

import httpx

from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key
from dsr_examples.people import Person
from support.command import dsr
from support.loop import Loop
from support.operating import known_to

ASKED = {"ad-audiences", "newsletter", "web-analytics"}


def opt_out(person: Person) -> dict[str, object]:
    return submission(person) | {
        "right": "opt_out",
        "jurisdiction": "US-CA",
        "identity_attested": False,
    }


async def test_an_opt_out_goes_round_without_a_proof_and_again_changes_nothing(loop: Loop) -> None:
    [person] = known_to(loop, 1, *ASKED)
    for _ in range(2):
        async with loop.client() as client:
            accepted = await client.submit(opt_out(person))
        assert accepted["state"] == "open"
        await loop.answered(accepted["id"])
        answers = await loop.obligations(accepted["id"])
        assert {name: one["disposition"] for name, one in answers.items()} == dict.fromkeys(
            sorted(ASKED), "heeded"
        )
        assert (await loop.show(accepted["id"]))["outcome"] == "fulfilled"


async def test_the_signal_of_a_browser_is_an_opt_out_for_what_it_names(loop: Loop) -> None:
    [person] = known_to(loop, 1, *ASKED)
    cookie = [{"kind": "cookie_id", "value": person.cookie_ids[0]}]
    headers = {"Authorization": f"Bearer {api_key(loop.stack)}", "Sec-GPC": "1"}
    async with httpx.AsyncClient(base_url=loop.stack.settings.intake_url, headers=headers) as http:
        body = opt_out(person) | {"identity": cookie}
        sent = await http.post("/v1/subject-requests", json=body)
        assert sent.status_code == httpx.codes.ACCEPTED, sent.text
        request_id = sent.json()["id"]
        erasing = await http.post("/v1/subject-requests", json=submission(person))
        assert erasing.json()["type"] == "urn:dsr:problem:signal_asks_opt_out"
    await loop.answered(request_id)
    assert (await loop.show(request_id))["channel"] == "signal"
    answers = await loop.obligations(request_id)
    # The newsletter knows people by email, and a browser names none.
    assert answers["newsletter"]["disposition"] == "not_found"
    assert answers["web-analytics"]["disposition"] == "heeded"


async def test_the_command_line_submits_one(loop: Loop) -> None:
    person = loop.person()
    told = await dsr(
        loop.stack.settings, "submit", f"email={person.email}", "--right", "opt_out", "--json"
    )
    await loop.answered(told.json["id"])
