"""Running the demonstration, from an empty machine's stack to the last screen."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from types import FrameType

from rich.console import Console
from rich.live import Live

from dsr_cli.api.client import IntakeClient
from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import OPERATORS, Internal
from dsr_cli.demo.evidence import leave_certificate
from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.letters import letters_table
from dsr_cli.demo.package import leave_package
from dsr_cli.demo.people import Cast, submission
from dsr_cli.demo.proof import answers_table, holdings_table, places, verdict
from dsr_cli.demo.ways import OTHER_WAYS, Way
from dsr_cli.errors import CommandError
from dsr_cli.group.bring_up import api_key
from dsr_cli.group.principals import key_of
from dsr_cli.stack import Stack, StackEvent
from dsr_cli.view.board import Board
from dsr_cli.view.follow import follow
from dsr_examples.catalogue import EXAMPLES
from dsr_examples.people import Person

__all__ = ["Interrupts", "show_the_loop"]

_TIMEOUT_S = 90.0
_ERASED = Way("fulfilled")


class Interrupts:
    """Ends the command by SIGTERM as by Ctrl-C, so that it stops what it started.

    Python drops an exception that comes in the middle of some of its own work, an import for one; so
    that it has come is kept, and told with the next event.
    """

    def __init__(self) -> None:
        self._has_come = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)

    def before(self, listen: Callable[[StackEvent], None]) -> Callable[[StackEvent], None]:
        """Return a listener that hears nothing more once the command was interrupted."""

        def listening(event: StackEvent) -> None:
            if self._has_come:
                raise KeyboardInterrupt
            listen(event)

        return listening

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._has_come = True
        raise KeyboardInterrupt


def show_the_loop(stack: Stack, console: Console, *, count: int, stays: bool) -> None:
    """Submit requests for some people, show them live, and print what was proved.

    Besides those that systems bring to their end, one goes each of the other ways, and one more person
    asks for access.

    Args:
        stack: The whole group, up.
        console: Where to show it.
        count: How many people ask and have their data erased.
        stays: Whether the stack stays up afterwards.

    Raises:
        CommandError: A request was not answered in time, a system's data speaks against its answer, or
            a package is not what its manifest says.
    """
    *people, curious = Cast(stack.settings.data_dir).next(count + len(OTHER_WAYS) + 1)
    before = asyncio.run(holdings(stack, people))
    board = Board([one.system_id for one in EXAMPLES], expected=len(people))
    asked: dict[str, str] = {}
    finished = asyncio.run(_go_round(stack, console, people, board, asked))
    after = asyncio.run(holdings(stack, people))
    console.print(holdings_table(before, after, board))
    console.print()
    console.print(answers_table(board))
    faults = verdict(before, after, board, asked)
    if not finished or faults:
        raise CommandError("; ".join(faults) or "not every request was answered in time")
    console.print("Every request ended by its systems' signed answers, and the data agrees.")
    console.print(leave_certificate(stack, next(iter(asked))), soft_wrap=True)
    console.print(letters_table(stack.settings, asked))
    leave_package(stack, console, curious)
    console.print()
    console.print(places(stack.settings, stays=stays))


async def _go_round(
    stack: Stack,
    console: Console,
    people: Sequence[Person],
    board: Board,
    asked: dict[str, str],
) -> bool:
    url = stack.settings.intake_url
    operator = InternalApi(Internal(url, key_of(stack, OPERATORS[0])))
    async with IntakeClient(url, api_key(stack)) as client:
        with Live(board, console=console, refresh_per_second=8, transient=not console.is_terminal):
            ways = [*([_ERASED] * (len(people) - len(OTHER_WAYS))), *OTHER_WAYS]
            for person, way in zip(people, ways, strict=True):
                accepted = await client.submit({**submission(person), **way.asks()})
                asked[accepted["id"]] = person.account_id
                board.add(accepted["id"], f"{person.account_id} {person.country}")
                if way.decide is not None:
                    await way.decide(client, operator, accepted["id"])
            try:
                await asyncio.wait_for(follow(client, board), _TIMEOUT_S)
            except TimeoutError:
                return False
        if not console.is_terminal:
            console.print(board)
    return True
