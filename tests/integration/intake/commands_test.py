"""`dsr request` and `dsr hold` as an operator types them, on a running intake."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from dsr_cli.stack import Stack
from dsr_core.registry import Registry
from dsr_core.rights import Right
from support.command import Said, dsr
from support.decisions import outcome_of, shown, submitted
from support.intake import Intake

Type = Callable[..., Awaitable[Said]]

WHY = ("--reason", "a test")


@pytest.fixture
def typed(intake: Intake, stack: Stack) -> Type:
    """Type a command, as an operator of this intake and as its client."""

    async def type_(*words: str, by: dict[str, str] | None = None) -> Said:
        credential = (
            intake.api_key if words[1] == "withdraw" else (by or intake.desk)["authorization"]
        )
        variables = {
            "DSR_INTAKE_URL": intake.url,
            "DSR_TOKEN": credential.removeprefix("Bearer "),
        }
        return await dsr(stack.settings, *words, variables=variables)

    return type_


async def state_of(intake: Intake, request_id: str) -> str:
    return str((await shown(intake, request_id))["state"])


async def test_what_ends_a_request_is_a_dry_run_until_it_is_applied(
    intake: Intake, typed: Type
) -> None:
    commands: dict[str, tuple[str, ...]] = {
        "withdraw": (),
        "refuse": ("--ground", "GDPR 12(5)(b)", "--reason", "the fifth"),
        "refer": ("--controller", "Example Airline", "--pointer", "airline.example.com", *WHY),
    }
    for command, words in commands.items():
        one = await submitted(intake)
        dry = await typed("request", command, one["id"], *words)
        assert (dry.code, "add --yes" in dry.out) == (0, True), dry.err
        assert await state_of(intake, one["id"]) == "open"
        done = await typed("request", command, one["id"], *words, "--apply", "--json")
        assert outcome_of(done.json) == ("stopping", None)
        again = await typed("request", command, one["id"], *words, "--apply")
        assert again.fault == f"dsr: {one['id']} is stopping: nothing of it can be decided"


async def test_dates_are_moved_and_what_the_law_refuses_is_said_in_one_line(
    intake: Intake, typed: Type
) -> None:
    one = await submitted(intake, jurisdiction="GB")
    extend = ("request", "extend", one["id"], "--reason", "records on paper", "--apply")
    extended = (await typed(*extend, "--json")).json
    assert extended["due_at"] > one["due_at"]
    assert "can be only once" in (await typed(*extend)).fault
    clarify = ("request", "clarify")
    asking = (*clarify, "ask", one["id"], "--question", "which-account")
    assert f"{one['id']} is open, and would wait" in (await typed(*asking)).out
    asked = await typed(*asking, "--apply")
    assert f"{one['id']} is awaiting_clarification" in asked.out
    dry = await typed(*clarify, "given", one["id"], *WHY)
    assert f"{one['id']} is awaiting_clarification, and would wait no more" in dry.out
    given = await typed(*clarify, "given", one["id"], *WHY, "--apply", "--json")
    assert given.json["state"] == "open"


async def test_an_answer_in_place_of_a_system_needs_two_people(
    intake: Intake, typed: Type, registry: Registry
) -> None:
    one = await submitted(intake)
    system = next(each.id for each in registry.systems if Right.DELETION in each.rights)
    settle = ("request", "settle")
    words = ("--system", system, "--disposition", "erased", "--reason", "its disks are gone")
    propose = (*settle, "propose", one["id"], *words)
    assert "add --yes to propose it" in (await typed(*propose)).out
    assert (await typed(*settle, "list", one["id"], "--json")).json == []
    made = (await typed(*propose, "--apply", "--json")).json
    approve = (*settle, "approve", one["id"], made["id"])
    assert "another person approves" in (await typed(*approve, "--apply")).fault
    assert "add --yes" in (await typed(*approve, by=intake.counsel)).out
    assert (await typed(*approve, "--apply", by=intake.counsel)).code == 0
    [listed] = (await typed(*settle, "list", one["id"], "--json")).json
    assert listed["proposed_by"] != listed["approved_by"]


async def test_a_hold_is_placed_listed_and_lifted(intake: Intake, typed: Type) -> None:
    email = "held-by-command@example.com"
    one = await submitted(intake, identity=[{"kind": "email", "value": email}])
    order = ("--authority", "District Court", "--reason", "litigation")
    place = ("hold", "place", *order, "--person", f"email={email}")
    assert "add --yes" in (await typed(*place)).out
    hold = (await typed(*place, "--apply", "--json")).json
    assert await state_of(intake, one["id"]) == "on_hold"
    found = {each["id"]: each for each in (await typed("hold", "list", "--json")).json}
    assert found[hold["id"]]["requests"] == 1
    lift = ("hold", "lift", hold["id"], "--reason", "settled")
    assert "add --yes" in (await typed(*lift)).out
    assert (await typed(*lift, "--apply")).code == 0
    assert await state_of(intake, one["id"]) == "open"
    assert f"{hold['id']} was lifted at" in (await typed(*lift, "--apply")).fault
    assert "name either" in (await typed("hold", "place", *order)).fault
    assert "KIND=VALUE" in (await typed("hold", "place", *order, "--person", email)).fault
