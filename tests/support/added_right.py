"""A right that the product does not know, from outside: its handler, and one request all the way round.

Run in a copy of the repository to which docs/adding-a-right.md was applied; prints what came of it as
JSON. It imports what that copy holds, and changes nothing of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

from dsr_cli.api.client import IntakeClient
from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key, bring_up
from dsr_cli.group.systems import system_environment
from dsr_cli.stack import Stack
from dsr_cli.stack.mail import mailbox
from dsr_core.rights import Right
from dsr_examples.catalogue import example
from dsr_examples.people import People
from dsr_sdk import Answer, Heeded, NotFound, Subscriber, SystemRequest
from support.parts import stack_settings

_SYSTEM = example("newsletter")
_WITHIN_S = 60.0


def subscribed(stack: Stack) -> Subscriber:
    """Return a subscriber of the one system that is asked, with the handler of the new right alone."""
    environment = system_environment(stack, _SYSTEM)
    Path(environment["DSR_OUTCOMES_FILE"]).parent.mkdir(parents=True, exist_ok=True)
    subscriber = Subscriber.from_environment(environment)

    @subscriber.right(Right("silence"))
    async def silence(request: SystemRequest) -> Answer:
        return Heeded(1) if request.identity.first("email") else NotFound()

    return subscriber


async def gone_round(stack: Stack) -> dict[str, object]:
    """Submit one request, have it answered, and return how it stands then."""
    subscriber = subscribed(stack)
    serving = asyncio.create_task(subscriber.serve())
    try:
        async with (
            asyncio.timeout(_WITHIN_S),
            IntakeClient(stack.settings.intake_url, api_key(stack)) as client,
        ):
            person = People().person(1)
            accepted = await client.submit(
                submission(person) | {"right": "silence", "language": "en"}
            )
            async for _ in client.events(accepted["id"]):
                pass  # it ends once the request is answered
            shown = await client.show(accepted["id"])
            owed = await client.obligations(accepted["id"])
    finally:
        await subscriber.stop()
        with suppress(asyncio.CancelledError):
            await serving
    letters = [one for one in mailbox(stack.settings) if accepted["id"] in one["Message-ID"]]
    bodies = [body for one in letters if (body := one.get_body(("plain",))) is not None]
    return {
        "request": shown,
        "obligations": owed["obligations"],
        "letters": [one.get_content() for one in bodies],
    }


def main() -> int:
    """Run the loop without the example systems in a folder that is given; 0 once it is told."""
    stack = Stack(stack_settings(Path(sys.argv[1])), attached=True)
    try:
        bring_up(stack, lambda _event: None, systems=False)
        found = asyncio.run(gone_round(stack))
    finally:
        stack.down()
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
