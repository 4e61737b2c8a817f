"""Who may do what: every route with every role and with none, and what nobody may find out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.model.principals import GIVEN, PrincipalKind, Scope
from support.builders import an_id
from support.decisions import BASE, INTERNAL, decide, refuse, shown, submitted
from support.holds import WORDS
from support.intake import Intake, bearer
from support.submissions import a_submission, ndjson
from support.waiting import eventually

_SEES_NOTHING = "there is no request of that id"


@pytest.fixture(scope="module")
async def roles(intake: Intake) -> Mapping[PrincipalKind, dict[str, str]]:
    return {
        PrincipalKind.CLIENT: await intake.client(),
        PrincipalKind.OPERATOR: intake.desk,
        PrincipalKind.PRIVACY_OFFICER: intake.officer,
        PrincipalKind.SERVICE: intake.internal,
    }


async def operations(intake: Intake) -> list[tuple[str, str, Scope]]:
    """Return every operation of the document with the scope that it shows."""
    document = (await intake.http.get("/openapi.json")).json()
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            needed = {
                one for each in operation["security"] for names in each.values() for one in names
            }
            assert len(needed) <= 1, f"{method} {path} needs one scope"
            scope = Scope(needed.pop()) if needed else Scope.SERVICES
            found.append((method.upper(), path, scope))
    return found


async def status_of(
    intake: Intake, method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Call an operation about nothing that exists; return the answer's status and text."""
    for name in ("request_id", "cohort_id", "hold_id", "settlement_id"):
        path = path.replace(f"{{{name}}}", an_id(4711))
    path = path.replace("{client_id}", "0" * 16)
    request = intake.http.build_request(method, path)
    request.headers["authorization"] = headers.get("authorization", "")
    answer = await intake.http.send(request, stream=True)
    is_endless = answer.headers.get("content-type", "").startswith("text/event-stream")
    text = "" if is_endless else (await answer.aread()).decode()
    await answer.aclose()
    return answer.status_code, text


async def test_every_route_lets_in_who_has_its_scope_and_nobody_else(
    intake: Intake, roles: Mapping[PrincipalKind, dict[str, str]]
) -> None:
    walked = await operations(intake)
    assert len(walked) > 40
    assert {scope for _, _, scope in walked} == set(Scope)
    for method, path, scope in walked:
        for kind, headers in roles.items():
            status, text = await status_of(intake, method, path, headers)
            where = f"{method} {path} as {kind}: {status}"
            if scope in GIVEN[kind]:
                assert status not in {401, 403, 405, 429}, where
                assert status < 500, where
            else:
                assert status == 403, where
                assert f"this needs the scope {scope}" in text, where
        for nobody in (
            {},
            bearer("dsr_0123456789abcdef_" + "0" * 43),
            {"authorization": "Basic x"},
        ):
            status, _ = await status_of(intake, method, path, nobody)
            assert status == 401, f"{method} {path} as nobody: {status}"


async def test_an_operator_sees_and_decides_about_its_jurisdictions_alone(intake: Intake) -> None:
    california = await submitted(intake, jurisdiction="US-CA")
    german = await submitted(intake, jurisdiction="DE")
    states = await intake.operator("US")
    coast = await intake.operator("US-CA", "GB")
    for by in (states, coast):
        listed = (await intake.http.get(BASE, headers=by, params={"limit": 200})).json()["items"]
        assert california["id"] in {one["id"] for one in listed}
        assert {one["jurisdiction"][:2] for one in listed} <= {"US", "GB"}
        for path in ("", "/timeline", "/blockers", "/letters", "/obligations", "/events"):
            assert (await status_of(intake, "GET", f"{BASE}/{german['id']}{path}", by))[0] == 404, (
                path
            )
        assert (await refuse(intake, german["id"], by=by)).status_code == 404
    assert (await shown(intake, german["id"]))["state"] == "open"
    assert (await refuse(intake, california["id"], by=coast)).status_code == 200


async def test_events_are_told_to_who_sees_their_request(intake: Intake) -> None:
    ids: dict[str, set[str]] = {"DE": set(), "GB": set()}
    listening = {
        name: asyncio.create_task(_first_event(intake, await intake.operator(name))) for name in ids
    }

    async def have_heard() -> bool:
        for name, made in ids.items():
            made.add((await submitted(intake, jurisdiction=name))["id"])
        return all(one.done() for one in listening.values())

    await eventually(have_heard)
    for name, task in listening.items():
        assert await task in ids[name]


async def _first_event(intake: Intake, by: dict[str, str]) -> str:
    """Return the request that the first event of a state is about."""
    async with (
        httpx.AsyncClient(base_url=intake.url, timeout=30) as http,
        http.stream("GET", "/v1/events", headers=by) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data: {") and "request_id" in line:
                return str(httpx.Response(200, text=line[6:]).json()["request_id"])
    raise AssertionError("the stream has ended")


async def test_what_is_not_seen_is_answered_as_what_is_not_there(intake: Intake) -> None:
    """Whoever counts through ids learns nothing of others' requests."""
    theirs = await submitted(intake)
    other = await intake.client()
    for path in ("", "/obligations", "/closure", "/timeline", "/blockers", "/letters", "/events"):
        seen = [
            await status_of(intake, "GET", f"{BASE}/{one}{path}", other)
            for one in (theirs["id"], an_id(4711))
        ]
        assert seen[0] == seen[1], path
        assert (seen[0][0], _SEES_NOTHING in seen[0][1]) == (404, True)
    withdrawn = await intake.http.post(
        f"{BASE}/{theirs['id']}/withdrawal", headers=other, json={"reason": "not mine"}
    )
    assert (withdrawn.status_code, withdrawn.json()["detail"]) == (404, _SEES_NOTHING)
    appeal = a_submission(appeal_of=theirs["id"])
    assert (await intake.http.post(BASE, json=appeal, headers=other)).status_code == 404


async def test_nobody_decides_in_the_name_of_another(intake: Intake) -> None:
    mine, by = await intake.made(role="operator", jurisdictions=["*"])
    one = await submitted(intake)
    body = {"ground": "GDPR 12(5)(b)", "reason": "the fifth"}
    smuggled = await decide(intake, one["id"], "refusal", by=by, **body, decided_by="boss")
    assert smuggled.status_code == 422
    path = f"{INTERNAL}/subject-requests/{one['id']}/refusal"
    named = await intake.http.post(path, headers=by, json=body | {"by": "boss"})
    assert (named.status_code, "boss" in named.text) == (422, False)
    assert (await refuse(intake, one["id"], by=by)).status_code == 200
    row = await intake.pool.fetchrow(
        "select decided_by from intake.decisions where request_id = $1 and kind = 'refuse'",
        one["id"],
    )
    assert row["decided_by"] == mine


async def test_a_second_identity_in_the_headers_is_not_heeded(intake: Intake) -> None:
    client, officer = intake.api_key, intake.officer["authorization"]
    for headers in (
        [("authorization", client), ("authorization", officer)],
        [("authorization", client), ("x-forwarded-authorization", officer), ("x-user", "officer")],
    ):
        answer = await intake.http.get(f"{INTERNAL}/clients", headers=headers)
        assert answer.status_code in {401, 403}


async def test_a_hold_on_a_person_takes_somebody_who_sees_every_jurisdiction(
    intake: Intake,
) -> None:
    german = await intake.operator("DE")
    about = {"person": [{"kind": "email", "value": "held-everywhere@example.com"}]}
    place = f"{INTERNAL}/holds"
    assert (await intake.http.post(place, headers=german, json=WORDS | about)).status_code == 403
    placed = await intake.http.post(place, headers=intake.desk, json=WORDS | about)
    hold_id = placed.json()["id"]
    listed = (await intake.http.get(place, headers=german)).json()["holds"]
    assert hold_id not in {one["id"] for one in listed}
    lift = f"{place}/{hold_id}/lift"
    assert (await intake.http.post(lift, headers=german, json={"reason": "x"})).status_code == 404
    assert (
        await intake.http.post(lift, headers=intake.officer, json={"reason": "x"})
    ).status_code == 200
    one = await submitted(intake, jurisdiction="GB")
    body = WORDS | {"request_id": one["id"]}
    assert (await intake.http.post(place, headers=german, json=body)).status_code == 422


async def test_nobody_makes_a_key_that_can_do_more_than_their_own(intake: Intake) -> None:
    doorkeeper = await intake.client(role="privacy_officer", scopes=["clients:manage"])

    async def made(**body: Any) -> httpx.Response:
        return await intake.http.post(
            f"{INTERNAL}/clients",
            headers=doorkeeper,
            json={"name": "me again", "reason": "a test"} | body,
        )

    assert (await made(role="privacy_officer")).status_code == 409
    assert (await made(role="operator", jurisdictions=["*"])).status_code == 409
    assert (await made(scopes=["clients:manage"])).status_code == 422
    assert (await made(scopes=["services"])).status_code == 422
    assert (await made(role="service")).status_code == 422
    assert (await made()).status_code == 201


async def test_nobody_makes_a_key_in_the_name_of_another_person(intake: Intake) -> None:
    """Who could would be both people of a rule that takes two, and could do all that they can."""
    doorkeeper = await intake.client(role="privacy_officer", scopes=["clients:manage"])
    people = [
        await intake.made(role="operator", jurisdictions=["*"]),
        await intake.made(role="privacy_officer"),
    ]
    for client_id, former in people:
        path = f"{INTERNAL}/clients/{client_id}/key:rotate"
        for by in (doorkeeper, intake.officer):
            refused = await intake.http.post(
                path, headers=by, json={"overlap_s": 600, "reason": "a test"}
            )
            assert (refused.status_code, "api_key" in refused.text) == (409, False)
        assert (await intake.http.get(BASE, headers=former)).status_code == 200


async def test_a_person_stays_who_they_are_with_another_key(intake: Intake) -> None:
    client_id, former = await intake.made(
        role="operator", jurisdictions=["DE"], expires_at="2099-01-01T00:00:00Z"
    )
    path = f"{INTERNAL}/key:rotate"
    made = await intake.http.post(path, headers=former, json={"overlap_s": 600, "reason": "a test"})
    assert (made.status_code, made.json()["client_id"]) == (201, client_id)
    for key in (former, bearer(made.json()["api_key"])):
        assert (await intake.http.get(BASE, headers=key)).status_code == 200
    listed = await intake.http.get(f"{INTERNAL}/clients", headers=intake.officer)
    [row] = [one for one in listed.json()["clients"] if one["client_id"] == client_id]
    assert row["expires_at"].startswith("2099-01-01")
    longer = {"overlap_s": 600, "reason": "a test", "expires_at": "2100-01-01T00:00:00Z"}
    assert (await intake.http.post(path, headers=former, json=longer)).status_code == 422
    program = await intake.client()
    refused = await intake.http.post(
        path, headers=program, json={"overlap_s": 600, "reason": "a test"}
    )
    assert refused.status_code == 409


async def test_one_person_with_two_keys_is_not_two_people(
    intake: Intake, registry: Registry
) -> None:
    _, former = await intake.made(role="operator", jurisdictions=["*"])
    made = await intake.http.post(
        f"{INTERNAL}/key:rotate", headers=former, json={"overlap_s": 600, "reason": "a test"}
    )
    one = await submitted(intake)
    path = f"{INTERNAL}/subject-requests/{one['id']}/settlements"
    system = next(each.id for each in registry.systems if Right.DELETION in each.rights)
    body = {"system_id": system, "disposition": "erased", "reason": "it is gone"}
    proposed = await intake.http.post(path, headers=former, json=body)
    assert proposed.status_code == 201, proposed.text
    approval = f"{path}/{proposed.json()['id']}/approval"
    approved = await intake.http.post(approval, headers=bearer(made.json()["api_key"]), json={})
    assert (approved.status_code, "same_person" in approved.text) == (409, True)


async def test_a_key_with_fewer_scopes_can_do_no_more(intake: Intake) -> None:
    reader = await intake.client(scopes=["requests:read"])
    assert (await intake.http.get(BASE, headers=reader)).status_code == 200
    refused = await intake.http.post(BASE, headers=reader, json=a_submission())
    assert (refused.status_code, "requests:submit" in refused.json()["detail"]) == (403, True)
    assert 'scope="requests:submit"' in refused.headers["www-authenticate"]


async def test_both_keys_of_a_client_are_good_until_the_former_one_has_run_out(
    intake: Intake,
) -> None:
    client_id, former = await intake.made()
    one = (await intake.http.post(BASE, headers=former, json=a_submission())).json()
    path = f"{INTERNAL}/clients/{client_id}/key:rotate"
    made = await intake.http.post(
        path, headers=intake.officer, json={"overlap_s": 600, "reason": "a test"}
    )
    current = bearer(made.json()["api_key"])
    for key in (former, current):
        found = await intake.http.get(f"{BASE}/{one['id']}", headers=key)
        assert found.status_code == 200
    await intake.http.post(path, headers=intake.officer, json={"overlap_s": 0, "reason": "a test"})
    for key in (former, current):
        assert (await intake.http.get(BASE, headers=key)).status_code == 401


async def test_a_key_ends_with_its_time(intake: Intake) -> None:
    past = await intake.http.post(
        f"{INTERNAL}/clients",
        headers=intake.officer,
        json={"name": "late", "reason": "a test", "expires_at": "2020-01-01T00:00:00Z"},
    )
    assert past.status_code == 422
    client_id, headers = await intake.made(expires_at="2099-01-01T00:00:00Z")
    await intake.pool.execute(
        "update intake.api_clients set expires_at = now() where client_id = $1", client_id
    )
    assert (await intake.http.get(BASE, headers=headers)).status_code == 401


async def test_who_calls_too_much_is_told_when_to_come_again_and_others_are_not(
    intake: Intake,
) -> None:
    flood = await intake.client(limits={"calls_per_s": 1, "calls_at_once": 100})
    answers = [await intake.http.get(BASE, headers=flood) for _ in range(5)]
    assert [one.status_code for one in answers][-1] == 429
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:dsr:problem:too_many_calls"
    assert int(refused.headers["retry-after"]) >= 1
    refused = await intake.http.post(BASE, headers=flood, json=a_submission())
    assert refused.status_code == 429
    assert (await intake.http.get(BASE)).status_code == 200


async def test_a_stream_is_a_call_until_it_is_left(intake: Intake) -> None:
    slow = await intake.client(limits={"calls_per_s": 1000, "calls_at_once": 1})
    async with intake.http.stream("GET", "/v1/events", headers=slow) as stream:
        assert stream.status_code == 200
        assert (await intake.http.get(BASE, headers=slow)).status_code == 429

    async def is_let_in() -> bool:
        return (await intake.http.get(BASE, headers=slow)).status_code == 200

    await eventually(is_let_in)


async def test_a_batch_s_lines_are_counted(intake: Intake) -> None:
    slow = await intake.client(limits={"calls_per_s": 10, "calls_at_once": 5})
    lines = [a_submission(n, idempotency_key=str(n)) for n in range(40)]
    began = time.monotonic()
    answer = await intake.http.post(
        f"{BASE}:batch",
        content=ndjson(lines),
        headers=slow | {"content-type": "application/x-ndjson"},
    )
    assert len(answer.text.splitlines()) == 40
    # Twenty calls' worth comes at once, and the rest at ten a second.
    assert time.monotonic() - began > 2
