"""Following an intake whose streams break off, which forgets, and which is away for a while."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from dsr_cli.api.client import ApiError, Event, IntakeClient
from dsr_cli.view.board import Board
from dsr_cli.view.follow import follow
from support.command import Said, dsr
from support.parts import stack_settings
from support.scripted_intake import CUT, ScriptedIntake, event, scripted_intake

ONE = "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"
OPEN = event("state", "7.a", request_id=ONE, state="open")
ERASED = event("obligation", "7.b", request_id=ONE, system_id="billing", disposition="erased")
ANSWERED = event("state", "9.b", request_id=ONE, state="answered")
OWED = {"obligations": [{"system_id": "billing", "disposition": None}]}
CONFIRMED = {"obligations": [{"system_id": "billing", "disposition": "erased"}]}


@pytest.fixture
async def intake() -> AsyncIterator[ScriptedIntake]:
    async with scripted_intake() as scripted:
        yield scripted


def client_of(intake: ScriptedIntake) -> IntakeClient:
    return IntakeClient(intake.url, "key", reconnect_s=0.01)


async def told(intake: ScriptedIntake, until: str) -> list[Event]:
    """Return what the client's own stream tells, up to an event of this id."""
    found = []
    async with client_of(intake) as client, aclosing(client.events()) as events:
        async for one in events:
            found.append(one)
            if one.id == until:
                break
    return found


async def test_a_stream_cut_off_before_its_first_event_goes_on_from_the_place_it_named(
    intake: ScriptedIntake,
) -> None:
    """The id that comes without data was dropped, so what happened meanwhile was never told."""
    intake.streams = ["retry: 1000\n\nid: 5.a\n\n", ": still here\n\n" + ANSWERED]
    found = await told(intake, until="9.b")
    assert intake.resumed_from == [None, "5.a"]
    assert [one.kind for one in found] == ["open", "state"]


async def test_a_stream_cut_off_before_it_named_a_place_says_that_it_is_opened_anew(
    intake: ScriptedIntake,
) -> None:
    intake.streams = ["", ANSWERED]
    found = await told(intake, until="9.b")
    assert intake.resumed_from == [None, None]
    assert [one.kind for one in found] == ["open", "open", "state"]


async def test_an_intake_that_is_away_meanwhile_is_tried_again(intake: ScriptedIntake) -> None:
    """A 503, which every restart of its database causes, ended the watching."""
    intake.streams = [OPEN, 503, CUT, 429, ERASED, 502, ANSWERED]
    found = await told(intake, until="9.b")
    assert [one.id for one in found] == ["", "7.a", "7.b", "9.b"]
    assert intake.resumed_from == [None, "7.a", "7.a", "7.a", "7.a", "7.b", "7.b"]


@pytest.mark.parametrize("streams", [[503], [CUT], [OPEN, 401]])
async def test_an_intake_that_is_away_at_first_or_refuses_is_told(
    intake: ScriptedIntake, streams: list[str | int]
) -> None:
    intake.streams = streams
    with pytest.raises(ApiError):
        await told(intake, until="9.b")
    assert intake.streams == []


async def test_a_board_is_read_again_where_too_much_was_missed(intake: ScriptedIntake) -> None:
    """The reset was ignored: a board whose last answer fell into the gap never ended."""
    intake.streams = [OPEN, event("reset")]
    intake.answers = {
        f"{ONE}/obligations": [OWED, 503, CONFIRMED],
        f"{ONE}": [{"state": "open"}, {"state": "answered"}],
    }
    board = Board((), expected=1)
    board.add(ONE, ONE)
    async with client_of(intake) as client:
        await follow(client, board)
    assert board.is_done
    assert board.rows[ONE].answers == {"billing": "erased"}


async def watch(intake: ScriptedIntake, folder: Path, *options: str) -> Said:
    variables = {"DSR_INTAKE_URL": intake.url, "DSR_TOKEN": "key"}
    return await dsr(stack_settings(folder), "watch", ONE, *options, variables=variables)


async def test_watching_as_json_goes_on_until_the_request_is_answered(
    intake: ScriptedIntake, tmp_path: Path
) -> None:
    """Any end of the stream, as a restart of intake makes one, was taken for the request's."""
    intake.streams = [OPEN, ERASED + event("reset", "8.b"), OPEN + ERASED, ANSWERED]
    said = await watch(intake, tmp_path, "--json")
    assert said.code == 0, said.err
    kinds = [json.loads(line)["event"] for line in said.out.splitlines()]
    assert kinds == ["state", "obligation", "reset", "state", "obligation", "state"]
    assert json.loads(said.out.splitlines()[-1])["state"] == "answered"
    # After a reset it is told anew how the request stands.
    assert intake.resumed_from == [None, "7.a", None, "7.b"]


async def test_watching_a_request_whose_answer_was_seen_ends(
    intake: ScriptedIntake, tmp_path: Path
) -> None:
    intake.streams = [OPEN, 204]
    said = await watch(intake, tmp_path, "--json")
    assert (said.code, len(said.out.splitlines())) == (0, 1), said.err
