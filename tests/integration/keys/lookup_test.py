"""Rotation of the lookup key: who was known before is known after, and what cannot be hashed anew is said."""

from __future__ import annotations

from typing import Any

import httpx

from dsr_intake.model import key_name
from dsr_runtime.kafka import KafkaConnection
from support.closing import answer
from support.intake_group import BASE, NEW, Group, Groups, lines
from support.submissions import a_submission, ndjson
from support.waiting import eventually

OLD = b"lookup".ljust(32)
"""What `intake_fields` begins with."""

WHY = ("--reason", "a test")


async def started(groups: Groups, **changes: Any) -> Group:
    return await groups.start(replicas=1, intake_links_duplicates=True, **changes)


async def restarted(group: Group, *keys: bytes) -> None:
    (group.folder / "lookup").write_text(lines(*keys))
    await group.replicas[0].kill()
    await group.replicas[0].start()


async def submit(group: Group, number: int, *, key: str | None = None) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    made: list[httpx.Response] = []

    async def is_taken() -> bool:
        made.append(await group.http[0].post(BASE, json=a_submission(number), headers=headers))
        return made[-1].status_code != httpx.codes.SERVICE_UNAVAILABLE

    await eventually(is_taken, within=30, what="intake has the registry")
    assert made[-1].status_code in {202, 422}, made[-1].text
    return made[-1]


async def lookup_keys(group: Group) -> dict[str, tuple[str, int, int, int]]:
    found = (await group.command("status", "--json")).json["lookup_keys"]
    return {
        one["key_id"]: (
            "makes" if one["makes"] else "finds" if one["is_known"] else "gone",
            one["open"],
            one["ended"],
            one["holds"],
        )
        for one in found
    }


async def test_a_repeat_is_known_by_its_idempotency_key_and_by_its_person_after_a_rotation(
    groups: Groups,
) -> None:
    group = await started(groups)
    first = (await submit(group, 1, key="a")).json()
    await restarted(group, NEW, OLD)
    again = await submit(group, 1, key="a")
    assert again.json()["id"] == first["id"]
    other = await submit(group, 2, key="a")
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (
        422,
        "idempotency_key_reused",
    )
    line = a_submission(1) | {"idempotency_key": "a"}
    batch = await group.http[0].post(
        f"{BASE}:batch", content=ndjson([line]), headers={"content-type": "application/x-ndjson"}
    )
    assert first["id"] in batch.text

    twin = (await submit(group, 1, key="b")).json()
    shown = (await group.http[0].get(f"{BASE}/{twin['id']}")).json()
    assert shown["duplicate_of"] == first["id"]


async def test_a_hold_from_before_holds_who_comes_after_and_one_from_after_who_came_before(
    groups: Groups,
) -> None:
    group = await started(groups)
    before = (await submit(group, 5)).json()["id"]
    await place(group, 6)
    await restarted(group, NEW, OLD)
    after = (await submit(group, 6)).json()["id"]
    await place(group, 5)

    async def are_held() -> bool:
        states = [
            (await group.http[0].get(f"{BASE}/{one}")).json()["state"] for one in (before, after)
        ]
        return states == ["on_hold", "on_hold"]

    await eventually(are_held, within=30)
    assert (await lookup_keys(group))[key_name(OLD)][3] == 1


async def place(group: Group, number: int) -> None:
    body = {
        "authority": "District Court",
        "reason": "litigation",
        "person": a_submission(number)["identity"][:1],
    }
    made = await group.http[0].post("/internal/v1/holds", headers=group.officer, json=body)
    assert made.status_code in {200, 201}, made.text


async def test_hashes_are_made_anew_of_the_open_and_stay_of_the_ended(
    groups: Groups, kafka: KafkaConnection
) -> None:
    group = await started(groups)
    ended = (await submit(group, 1)).json()["id"]
    open_ = (await submit(group, 2)).json()["id"]
    await answer(kafka, group.pool, [ended])
    await restarted(group, NEW, OLD)
    keys = await lookup_keys(group)
    assert keys[key_name(OLD)] == ("finds", 1, 1, 0)
    assert keys[key_name(NEW)] == ("makes", 0, 0, 0)

    assert (await group.command("rotate", *WHY, "--apply")).code == 0
    keys = await lookup_keys(group)
    assert keys[key_name(OLD)] == ("finds", 0, 1, 0)
    assert keys[key_name(NEW)] == ("makes", 1, 0, 0)
    twin = (await submit(group, 2)).json()["id"]
    assert (await group.http[0].get(f"{BASE}/{twin}")).json()["duplicate_of"] == open_

    # As if another key had been there before, and was taken away.
    await group.pool.execute(
        "update intake.subject_requests set lookup_key_id = 'taken-away' where id = $1", ended
    )
    await group.pool.execute(
        "insert into intake_keys.lookup_keys (id, first_seen_at) values ('taken-away', now())"
    )
    said = await group.command("status")
    assert "lookup keys not at hand: taken-away" in said.fault
