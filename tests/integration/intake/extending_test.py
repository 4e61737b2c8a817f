"""More time to answer, and the question what is meant: dates counted anew from the facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from dsr_core.metrics.intake import DUE_WITHIN
from dsr_intake.adapters.standing import PostgresStanding
from dsr_wire.codec.commands import ClarificationAsked, ClarificationGiven, DeadlineExtended
from support.decisions import BASE, a_cohort, commands, decide, shown, submitted, withdraw
from support.intake import Intake, Topics, VerifierDouble


async def extend(intake: Intake, request_id: str, **body: str) -> httpx.Response:
    return await decide(intake, request_id, "extension", **({"reason": "records on paper"} | body))


async def ask(intake: Intake, request_id: str, **body: str) -> httpx.Response:
    return await decide(
        intake, request_id, "clarification:ask", **({"question": "which-account"} | body)
    )


async def clarify(intake: Intake, request_id: str, **body: str) -> httpx.Response:
    return await decide(intake, request_id, "clarification:give", **body)


async def timeline(intake: Intake, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await intake.http.get(f"{BASE}/{request_id}/timeline")).json()
    return found


def ago(**time: int) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def test_an_extension_moves_the_date_of_one_member_and_of_no_other(
    intake: Intake, topics: Topics
) -> None:
    home, ids = await a_cohort(intake, 2)
    before = await shown(intake, ids[0])
    after = (await extend(intake, ids[0])).json()
    assert (after["state"], after["cohort_id"]) == ("open", ids[0])
    assert after["due_at"] > before["due_at"]
    assert (await shown(intake, ids[1]))["due_at"] == before["due_at"]
    [command] = await commands(topics, home)
    assert command.decision == DeadlineExtended()
    assert command.alone is not None
    assert command.alone.due_at == datetime.fromisoformat(after["due_at"])
    assert command.alone.tiers[-1].at == command.alone.due_at
    found = await timeline(intake, ids[0])
    assert [one["kind"] for one in found["facts"]] == [
        "received",
        "identity_proven",
        "extension_notified",
    ]
    [date] = [one for one in found["entries"] if one["name"] == "respond_by"]
    assert datetime.fromisoformat(date["at"]) == command.alone.due_at


async def test_a_date_is_extended_once(intake: Intake) -> None:
    one = await submitted(intake)
    extended = (await extend(intake, one["id"])).json()
    again = await extend(intake, one["id"])
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "extended_already")
    assert (await shown(intake, one["id"]))["due_at"] == extended["due_at"]


async def test_an_extension_that_is_told_too_late_is_refused_with_the_date(intake: Intake) -> None:
    one = await submitted(intake, received_at=ago(days=70))
    late = await extend(intake, one["id"])
    assert late.status_code == httpx.codes.CONFLICT
    [date] = [
        entry
        for entry in (await timeline(intake, one["id"]))["entries"]
        if entry["name"] == "extension_notice_by"
    ]
    assert date["at"] in late.json()["detail"]
    told_in_time = await extend(intake, one["id"], notified_at=ago(days=60))
    assert told_in_time.status_code == httpx.codes.OK


async def test_a_regime_without_an_extension_grants_none(intake: Intake) -> None:
    one = await submitted(intake, jurisdiction="BR")
    answer = await extend(intake, one["id"])
    assert answer.status_code == httpx.codes.CONFLICT
    assert "lgpd knows no extension" in answer.json()["detail"]


async def test_what_was_told_before_the_receipt_or_will_be_is_refused(intake: Intake) -> None:
    one = await submitted(intake)
    for at in ("2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"):
        answer = await extend(intake, one["id"], notified_at=at)
        assert answer.json()["errors"][0]["pointer"] == "/notified_at"


async def test_in_the_united_kingdom_a_question_stops_the_clock_until_it_is_answered(
    intake: Intake, topics: Topics
) -> None:
    one = await submitted(intake, jurisdiction="GB", right="access", received_at=ago(days=10))
    asked = (await ask(intake, one["id"], asked_at=ago(days=8))).json()
    assert (asked["state"], asked["due_at"]) == ("awaiting_clarification", one["due_at"])
    [first] = await commands(topics, one["id"])
    assert first.decision == ClarificationAsked()
    assert first.alone is not None
    assert first.alone.tiers == ()  # nothing becomes due while the clock stands still
    [date] = [
        entry
        for entry in (await timeline(intake, one["id"]))["entries"]
        if entry["name"] == "respond_by"
    ]
    assert date["at"] is None
    given = (await clarify(intake, one["id"], given_at=ago(days=3))).json()
    assert given["state"] == "open"
    assert given["due_at"] > one["due_at"]
    _, second = await commands(topics, one["id"], 2)
    assert (second.decision, second.revision) == (ClarificationGiven(), 2)
    assert second.alone is not None
    assert second.alone.due_at == datetime.fromisoformat(given["due_at"])
    assert second.alone.tiers


async def test_a_clock_that_stands_still_is_never_late(intake: Intake) -> None:
    store, long_after = PostgresStanding(intake.pool), datetime.now(UTC) + timedelta(days=400)

    async def late() -> int:
        found = await store.open_requests(DUE_WITHIN, long_after)
        return sum(each.members for each in found if each.place == 0)

    before = await late()
    one = await submitted(intake, jurisdiction="GB", right="access", received_at=ago(days=10))
    assert await late() == before + 1
    await ask(intake, one["id"], asked_at=ago(days=8))
    assert await late() == before
    await clarify(intake, one["id"], given_at=ago(days=3))
    assert await late() == before + 1


async def test_a_withdrawal_while_the_clock_stands_still_leaves_systems_the_time_that_was_left(
    intake: Intake, topics: Topics
) -> None:
    one = await submitted(intake, jurisdiction="GB", right="access", received_at=ago(days=80))
    asked = (await ask(intake, one["id"], asked_at=ago(days=70))).json()
    assert datetime.fromisoformat(asked["due_at"]) < datetime.now(UTC)
    assert (await withdraw(intake, one["id"])).is_success
    _, told = await commands(topics, one["id"], 2)
    assert told.alone is not None
    assert told.alone.due_at > datetime.now(UTC) + timedelta(days=10)
    assert datetime.fromisoformat((await shown(intake, one["id"]))["due_at"]) == told.alone.due_at


@pytest.mark.parametrize("place", ["US-CA", "GB"])
async def test_where_the_clock_runs_a_question_moves_no_date(intake: Intake, place: str) -> None:
    """In the United Kingdom that of an erasure runs on."""
    one = await submitted(intake, jurisdiction=place, received_at=ago(days=10))
    await ask(intake, one["id"], asked_at=ago(days=8))
    given = (await clarify(intake, one["id"])).json()
    assert given["due_at"] == one["due_at"]


async def test_nothing_is_answered_that_was_not_asked(intake: Intake) -> None:
    one = await submitted(intake, received_at=ago(days=10))
    answer = await clarify(intake, one["id"])
    assert answer.status_code == httpx.codes.CONFLICT
    assert "allowed in awaiting_clarification, not in open" in answer.json()["detail"]
    await ask(intake, one["id"], asked_at=ago(days=2))
    early = await clarify(intake, one["id"], given_at=ago(days=3))
    assert early.status_code == httpx.codes.CONFLICT


async def test_a_question_and_a_stopping_are_told_as_blockers(
    intake: Intake, verifier: VerifierDouble
) -> None:
    one = await submitted(intake)
    verifier.obligations[one["id"]] = {
        "opened_at": datetime.now(UTC).isoformat(),
        "obligations": [
            {
                "system_id": "accounts",
                "is_confirmed": False,
                "is_contradicted": False,
                "disposition": None,
                "answered_at": None,
                "retry_at": None,
                "reason": None,
            }
        ],
    }

    async def kinds() -> list[tuple[str, str]]:
        found = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()
        return [(each["kind"], each["owner"]) for each in found["blockers"]]

    await ask(intake, one["id"])
    assert await kinds() == [("clarification_awaited", "the requester")]
    await withdraw(intake, one["id"])
    assert [kind for kind, _ in await kinds()] == ["system_not_stopped"]
