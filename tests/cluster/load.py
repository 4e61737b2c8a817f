"""Submits deletion requests through intake's Service until it is told to stop; runs in the command's image.

Each answer that was no success is written down with each request that was accepted: a line of JSON each.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from pathlib import Path

import httpx

PEOPLE: list[dict[str, object]] = [
    json.loads(line) for line in Path("/load/people.jsonl").read_text().splitlines()
]


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def body(number: int) -> dict[str, object]:
    """Return the body of a request; whom it is for is nobody else's at that time."""
    if number < len(PEOPLE):
        return PEOPLE[number]
    name = f"stranger-{uuid.uuid4()}"
    # By what each of the systems knows people: none may say that it cannot look.
    stranger = [
        {"kind": "account_id", "value": name},
        {"kind": "email", "value": f"{name}@example.com"},
    ]
    return {**PEOPLE[number % len(PEOPLE)], "identity": stranger}


async def submit(url: str, body: object) -> None:
    headers = {
        "Authorization": f"Bearer {os.environ['DSR_TOKEN']}",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    while True:
        # A connection of its own each time, so that the Service chooses the pod anew.
        try:
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
                answer = await http.post("/v1/subject-requests", json=body)
        except httpx.HTTPError as error:
            say(fault=type(error).__name__)
        else:
            if answer.is_success:
                said = answer.json()
                say(id=said["id"], registry=said["registry_digest"])
                return
            say(status=answer.status_code)
        await asyncio.sleep(0.2)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    for number in range(100_000):
        if stop.is_set():
            break
        await submit(os.environ["DSR_INTAKE_URL"], body(number))
        await asyncio.sleep(0.2)


asyncio.run(main())
