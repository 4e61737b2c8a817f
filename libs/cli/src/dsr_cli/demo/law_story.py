"""The law's story: requests that live through months in a minute, under rules whose days are seconds.

One organisation's system is away at first, so that requests stay open; what people decide meanwhile,
and what the clock does by itself, is seen. Then the system comes back, and everything ends as it must.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console
from rich.live import Live

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import OPERATORS, Internal
from dsr_cli.demo.people import Cast, submission
from dsr_cli.demo.tale import Line, Tale
from dsr_cli.errors import CommandError
from dsr_cli.group.bring_up import api_key
from dsr_cli.group.principals import key_of
from dsr_cli.group.systems import process_name
from dsr_cli.stack import Stack
from dsr_examples.people import Person

__all__ = ["AWAY", "STORIES", "Story", "tell_the_story"]

AWAY = "regional-accounts"
"""The system that is away at first."""

_BACK_AFTER_S = 36.0
_TIMEOUT_S = 120.0
_LOOK_EVERY_S = 0.5
_BREACHED = "the legal date has passed: the breach is on record"
_STOPPED = "the legal date has come: it ends with what is known"


@dataclass(frozen=True, slots=True)
class World:
    """What a story acts upon."""

    client: IntakeClient
    operator: InternalApi
    tale: Tale

    async def after(self, second: float) -> None:
        """Return so many seconds into the tale."""
        await asyncio.sleep(max(0.0, second - self.tale.seconds))

    async def decide(self, line: Line, text: str, decision: str, body: Mapping[str, Any]) -> None:
        """Take an operator's decision on a request, and note it."""
        await asyncio.to_thread(self.operator.decide, line.request_id, decision, body)
        self.tale.tell(line, text)


Act = Callable[[World, Line], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One request: whom it is for, what sets it apart, and how it ends."""

    title: str
    jurisdiction: str
    outcomes: frozenset[str]
    act: Act | None = None
    asks: Mapping[str, Any] | None = None
    """Set in the submission, besides what names the person."""


async def _prove(world: World, line: Line) -> None:
    await world.after(10)
    await world.decide(
        line, "proven who asks; the clock starts", "identity:prove", {"reason": "passport seen"}
    )


async def _extend(world: World, line: Line) -> None:
    await world.after(6)
    reason = "the archives of four countries have to be searched"
    await world.decide(line, "extended, and the person told", "extension", {"reason": reason})


async def _clarify(world: World, line: Line) -> None:
    await world.after(4)
    question = {"question": "which of the two accounts is meant"}
    await world.decide(line, "asked what is meant; the clock stands", "clarification:ask", question)
    await world.after(16)
    given = {"reason": "the person means both"}
    await world.decide(line, "both are meant; the clock goes on", "clarification:give", given)


async def _withdraw(world: World, line: Line) -> None:
    await world.after(5)
    await world.client.withdraw(line.request_id)
    world.tale.tell(line, "withdrawn; every system says how far it had come")


async def _refuse(world: World, line: Line) -> None:
    await world.after(7)
    ground = {"ground": "GDPR 12(5)(b)", "reason": "the ninth of this week"}
    await world.decide(line, "refused: GDPR 12(5)(b)", "refusal", ground)


async def _refer(world: World, line: Line) -> None:
    await world.after(3)
    pointer = {
        "controller": "Example Airline",
        "pointer": "https://airline.example.com/privacy",
    }
    await world.decide(line, "referred to the controller", "referral", pointer)


async def _hold(world: World, line: Line) -> None:
    await world.after(5)
    placed = await asyncio.to_thread(
        world.operator.place_hold,
        {
            "authority": "Superior Court of California, County of Alameda",
            "reason": "preservation order",
            "request_id": line.request_id,
        },
    )
    world.tale.tell(line, "on hold: nothing more is erased")
    await world.after(_BACK_AFTER_S + 3)
    lift = partial(world.operator.lift_hold, reason="the order is over")
    await asyncio.to_thread(lift, placed["id"])
    world.tale.tell(line, "the hold is lifted: erasure goes on")


_DONE = frozenset({"fulfilled", "partly_fulfilled"})
_UNPROVEN = {"identity_attested": False, "channel": "email"}

STORIES: Sequence[Story] = (
    Story(title="late, since a system is away", jurisdiction="DE", outcomes=_DONE),
    Story(title="extended in time", jurisdiction="FR", outcomes=_DONE, act=_extend),
    Story(title="proven late", jurisdiction="GB", outcomes=_DONE, act=_prove, asks=_UNPROVEN),
    Story(
        title="asked what is meant",
        jurisdiction="GB",
        outcomes=_DONE,
        act=_clarify,
        asks={"right": "access"},
    ),
    Story(title="on hold for a court", jurisdiction="US-CA", outcomes=_DONE, act=_hold),
    Story(title="withdrawn", jurisdiction="DE", outcomes=frozenset({"withdrawn"}), act=_withdraw),
    Story(title="refused", jurisdiction="ES", outcomes=frozenset({"refused"}), act=_refuse),
    Story(
        title="a customer's data", jurisdiction="BR", outcomes=frozenset({"referred"}), act=_refer
    ),
    Story(
        title="never proven",
        jurisdiction="KR",
        outcomes=frozenset({"not_verified"}),
        asks=_UNPROVEN,
    ),
)


def tell_the_story(stack: Stack, console: Console) -> None:
    """Submit the story's requests, live through them, and print what happened to each.

    Args:
        stack: The whole group, up but for the system `AWAY`, under rules in seconds.
        console: Where to show it.

    Raises:
        CommandError: A request did not end, or not as it must.
    """
    tale = Tale()
    people = Cast(stack.settings.data_dir).next(len(STORIES))
    asyncio.run(_live(stack, console, tale, people))
    console.print(tale.history())
    faults = [
        f"{line.title}: {line.outcome or line.state} instead of {line.expected}"
        for line, story in zip(tale.lines, STORIES, strict=True)
        if line.outcome not in story.outcomes
    ]
    if faults:
        raise CommandError("; ".join(faults))
    console.print("Every request ended as the law has it, and each date is explained:")
    example = tale.lines[1].request_id
    console.print(f"  dsr timeline {example}   (while the stack is kept: --keep)", highlight=False)


async def _live(stack: Stack, console: Console, tale: Tale, people: Sequence[Person]) -> None:
    key = key_of(stack, OPERATORS[0])
    operator = InternalApi(Internal(stack.settings.intake_url, key))
    async with IntakeClient(stack.settings.intake_url, api_key(stack)) as client:
        world = World(client, operator, tale)
        tale.begin()
        with Live(tale, console=console, refresh_per_second=4, transient=not console.is_terminal):
            async with asyncio.TaskGroup() as group:
                for story, person in zip(STORIES, people, strict=True):
                    line = await _submit(world, story, person)
                    if story.act is not None:
                        group.create_task(_acted(world, line, story.act))
                group.create_task(_bring_back(stack, world))
                group.create_task(_follow(world))


async def _submit(world: World, story: Story, person: Person) -> Line:
    line = Line(story.title, story.jurisdiction, " or ".join(sorted(story.outcomes)))
    body = {**submission(person), "jurisdiction": story.jurisdiction, **(story.asks or {})}
    accepted = await world.client.submit(body)
    line.request_id = accepted["id"]
    _note(line, accepted)
    world.tale.lines.append(line)
    world.tale.tell(line, "received")
    return line


async def _acted(world: World, line: Line, act: Act) -> None:
    try:
        await act(world, line)
    except ApiError as error:
        world.tale.tell(line, str(error))


async def _bring_back(stack: Stack, world: World) -> None:
    await world.after(_BACK_AFTER_S)
    await asyncio.to_thread(stack.start, process_name(AWAY))
    for line in world.tale.lines:
        if not line.has_ended:
            world.tale.tell(line, f"{AWAY} is back")


async def _follow(world: World) -> None:
    """Keep the tale up to date until every request has ended, or the time is over."""
    while not all(line.has_ended for line in world.tale.lines):
        if world.tale.seconds > _TIMEOUT_S:
            return
        for line in world.tale.lines:
            if not line.has_ended:
                await _look(world, line)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _look(world: World, line: Line) -> None:
    before = line.due_at
    found = await world.client.show(line.request_id)
    _note(line, found)
    if line.due_at != before and line.due_at is not None:
        left = (line.due_at - datetime.now(UTC)).total_seconds()
        world.tale.tell(line, f"the legal date has moved: {left:.0f} s from now")
    if line.is_late and not line.was_late:
        line.was_late = True
        world.tale.tell(line, _STOPPED if line.state == "stopping" else _BREACHED)
    if line.has_ended:
        world.tale.tell(line, f"answered: {line.outcome.replace('_', ' ')}")


def _note(line: Line, document: Mapping[str, Any]) -> None:
    line.regime = document["regime"]
    line.state = document["state"]
    line.outcome = document.get("outcome") or ""
    line.due_at = datetime.fromisoformat(document["due_at"])
