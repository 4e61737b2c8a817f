"""Answers that must not close anything: by the wrong system, with a wrong signature, for a request that
nobody knows, against an earlier answer. Each is refused, parked or recorded, counted, and can be sent
again by `dsr dead-letters`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from dsr_cli.kafka.dead_letters import DeadLetter
from dsr_cli.kafka.registry_topic import keys_records
from dsr_core.rights import Disposition, Right
from dsr_wire.envelope import Outgoing
from dsr_wire.keys import SystemKeyPair
from dsr_wire.topics import ACKNOWLEDGEMENTS, dead_letter_name
from support.command import dsr
from support.forging import (
    a_new_id,
    acknowledge,
    an_answer,
    consumed,
    metric,
    send,
    signed_record,
)
from support.loop import Loop
from support.parts import keys_of
from support.waiting import eventually

SILENT = "newsletter"
"""The system whose answer is missing, of an organisation of its own."""

OTHER = "regional-accounts"
"""A system of another organisation, which has answered for itself."""

_LAST = 100
"""A sequence beyond all that these tests use."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def open_request(loop: Loop) -> AsyncIterator[str]:
    """A request that all systems but one have confirmed; answered at last when that one is back."""
    loop.stack.stop(loop.system(SILENT))
    try:
        request_id = await loop.submit()
        await _only_one_missing(loop, request_id)
        yield request_id
        acknowledge(loop, an_answer(request_id, SILENT, sequence=_LAST, records=1))
        await loop.answered(request_id)
        assert await loop.closures(request_id) == 1
    finally:
        loop.stack.start(loop.system(SILENT))


async def _only_one_missing(loop: Loop, request_id: str) -> None:
    async def only_one() -> bool:
        return await loop.missing(request_id) == {SILENT}

    await eventually(only_one, within=60, what="all but one have confirmed")


async def _buried(loop: Loop, record: Outgoing) -> DeadLetter:
    def found() -> DeadLetter | None:
        letters = loop.dead_letters(ACKNOWLEDGEMENTS.name)
        return next((one for one in letters if one.value == record.value), None)

    return await eventually(found, within=40, what="the false answer is dead-lettered")


async def _is_open(loop: Loop, request_id: str) -> None:
    """Hold that the request is open still, once the verifier has seen all that was sent."""
    await consumed(loop, ACKNOWLEDGEMENTS.name)
    assert await loop.missing(request_id) == {SILENT}
    assert (await loop.show(request_id))["state"] == "open"
    assert await loop.closures(request_id) == 0


async def _refusals(loop: Loop, reason: str) -> float:
    return await metric(
        loop,
        "verifier",
        "dsr_verifier_dead_letters_total",
        topic=ACKNOWLEDGEMENTS.name,
        reason=reason,
    )


async def test_answer_for_another_system_with_own_key_is_dead_lettered(
    loop: Loop, open_request: str
) -> None:
    before = await _refusals(loop, "wrong_system")

    record = acknowledge(loop, an_answer(open_request, SILENT), signer=OTHER)

    letter = await _buried(loop, record)
    assert letter.said("reason") == "wrong_system"
    assert letter.said("refused_by") == "verifier"
    assert await _refusals(loop, "wrong_system") == before + 1
    await _is_open(loop, open_request)


async def test_answer_under_another_systems_name_with_own_key_is_dead_lettered(
    loop: Loop, open_request: str
) -> None:
    """The batch says that it is by the silent system, and even names its key."""
    before = await _refusals(loop, "bad_signature")
    thief = keys_of(loop.stack, OTHER)
    record = signed_record(
        [an_answer(open_request, SILENT)],
        thief,
        system_id=SILENT,
        key_id=keys_of(loop.stack, SILENT).public.signing.id,
    )

    send(loop, record)

    assert (await _buried(loop, record)).said("reason") == "bad_signature"
    assert await _refusals(loop, "bad_signature") == before + 1
    await _is_open(loop, open_request)


async def test_answer_by_a_made_up_key_is_dead_lettered(loop: Loop, open_request: str) -> None:
    stranger = SystemKeyPair.generate(SILENT)
    record = signed_record([an_answer(open_request, SILENT)], stranger)

    send(loop, record)

    assert (await _buried(loop, record)).said("reason") == "unknown_key"
    await _is_open(loop, open_request)


async def test_answer_by_a_revoked_key_is_dead_lettered_whatever_its_thief_says_of_the_time(
    loop: Loop, open_request: str
) -> None:
    settings, keys = loop.stack.settings, keys_of(loop.stack, SILENT).public
    stolen = SystemKeyPair.generate(SILENT)
    former = replace(keys, former_signing=(stolen.public.signing,))
    send(loop, *keys_records([former], datetime.now(UTC)))
    coming = an_answer(open_request, SILENT, Disposition.IN_PROGRESS, sequence=1)
    send(loop, signed_record([coming], stolen))

    async def is_recorded() -> bool:
        owed = await loop.obligations(open_request)
        return bool(owed[SILENT]["disposition"] == "in_progress")

    await eventually(is_recorded, within=40, what="a former key is believed")
    before = await _refusals(loop, "key_revoked")
    revoke = ("system", "keys", "revoke", SILENT, stolen.public.signing.id)
    dry = await dsr(settings, *revoke, "--reason", "stolen")
    assert (dry.code, "add --yes" in dry.out) == (0, True)
    assert (await dsr(settings, *revoke, "--reason", "stolen", "--apply")).code == 0
    listed = (await dsr(settings, "system", "keys", "list", SILENT, "--json")).json
    assert [one["use"] for one in listed if one["revoked_at"]] == ["has signed"]

    async def is_in_force() -> bool:
        send(loop, signed_record([coming], stolen))
        await consumed(loop, ACKNOWLEDGEMENTS.name)
        return await _refusals(loop, "key_revoked") > before

    await eventually(is_in_force, within=40, what="the verifier knows of the revocation")
    record = signed_record([an_answer(open_request, SILENT, sequence=2)], stolen)
    send(loop, record, said_at=datetime.now(UTC) - timedelta(days=1))

    assert (await _buried(loop, record)).said("reason") == "key_revoked"
    owed = await loop.obligations(open_request)
    assert owed[SILENT]["disposition"] == "in_progress", "what came before stays good"
    await _is_open(loop, open_request)


async def test_answer_whose_signature_was_changed_is_dead_lettered(
    loop: Loop, open_request: str
) -> None:
    keys = keys_of(loop.stack, SILENT)
    true = signed_record([an_answer(open_request, SILENT, Disposition.FAILED, reason="no")], keys)
    turned = signed_record([an_answer(open_request, SILENT)], keys, signature=b"\x00" * 64)

    send(loop, turned)

    assert (await _buried(loop, turned)).said("reason") == "bad_signature"
    assert true.value != turned.value
    await _is_open(loop, open_request)


async def test_answer_for_another_right_is_dead_lettered(loop: Loop, open_request: str) -> None:
    wrong = an_answer(open_request, SILENT, Disposition.NOT_FOUND, right=Right.ACCESS)

    record = acknowledge(loop, wrong)

    assert (await _buried(loop, record)).said("reason") == "wrong_right"
    await _is_open(loop, open_request)


async def test_a_false_answer_does_not_take_true_ones_of_its_batch_along(
    loop: Loop, open_request: str
) -> None:
    record = acknowledge(
        loop,
        an_answer(open_request, SILENT, Disposition.IN_PROGRESS, sequence=2, reason="coming"),
        an_answer(open_request, OTHER),
    )

    letter = await _buried(loop, record)
    assert letter.said("reason") == "wrong_system"
    owed = await loop.obligations(open_request)
    assert owed[SILENT]["disposition"] == "in_progress"
    await _is_open(loop, open_request)


async def test_answer_for_an_unknown_request_is_parked_and_counted(loop: Loop) -> None:
    request_id = a_new_id()
    before = await metric(loop, "verifier", "dsr_verifier_answers_total", result="parked")

    acknowledge(loop, an_answer(request_id, OTHER))

    async def is_parked() -> bool:
        rows = await loop.query(
            "select 1 from verifier.parked where request_id::text = $1", request_id
        )
        return len(rows) == 1

    await eventually(is_parked, within=40, what="the answer is parked")
    after = await metric(loop, "verifier", "dsr_verifier_answers_total", result="parked")
    assert after == before + 1

    async def is_gauged() -> bool:
        return await metric(loop, "verifier", "dsr_verifier_parked_answers") >= 1

    await eventually(is_gauged, within=20, what="the gauge shows what is parked")
    assert await loop.closures(request_id) == 0


async def test_answer_against_an_earlier_one_is_recorded_and_keeps_the_request_open(
    loop: Loop, open_request: str
) -> None:
    del open_request  # while it is open, the silent system is stopped
    request_id = await loop.submit()
    await _only_one_missing(loop, request_id)
    sequence = (await loop.obligations(request_id))[OTHER]["sequence"]
    before = await metric(loop, "verifier", "dsr_verifier_contradictions_total")

    failed = an_answer(request_id, OTHER, Disposition.FAILED, sequence=sequence + 1, reason="left")
    acknowledge(loop, failed)

    async def is_contradicted() -> bool:
        return bool((await loop.obligations(request_id))[OTHER]["is_contradicted"])

    await eventually(is_contradicted, within=40, what="the contradiction is recorded")
    assert await metric(loop, "verifier", "dsr_verifier_contradictions_total") == before + 1
    assert await loop.missing(request_id) == {SILENT, OTHER}

    acknowledge(loop, an_answer(request_id, SILENT, sequence=_LAST, records=1))

    async def only_the_contradicted_is_missing() -> bool:
        return await loop.missing(request_id) == {OTHER}

    await eventually(only_the_contradicted_is_missing, within=40)
    assert (await loop.show(request_id))["state"] == "open"
    assert await loop.closures(request_id) == 0

    acknowledge(loop, an_answer(request_id, OTHER, sequence=sequence + 2, records=1))
    await loop.answered(request_id)
    assert await loop.closures(request_id) == 1


async def test_answer_against_a_closure_is_recorded_counted_and_shown_and_changes_nothing(
    loop: Loop, open_request: str
) -> None:
    del open_request  # while it is open, the silent system is stopped
    request_id = await loop.submit()
    await _only_one_missing(loop, request_id)
    acknowledge(loop, an_answer(request_id, SILENT, sequence=_LAST, records=1))
    await loop.answered(request_id)
    before = await metric(
        loop, "verifier", "dsr_verifier_answers_total", result="contradicts_closure"
    )

    left = an_answer(request_id, SILENT, Disposition.FAILED, sequence=_LAST + 1, reason="left")
    acknowledge(loop, left)

    async def is_contradicted() -> bool:
        return bool((await loop.obligations(request_id))[SILENT]["contradicts_closure"])

    await eventually(is_contradicted, within=40, what="the contradiction is recorded")
    after = await metric(
        loop, "verifier", "dsr_verifier_answers_total", result="contradicts_closure"
    )
    assert after == before + 1
    shown = await dsr(loop.stack.settings, "show", request_id)
    assert (shown.code, f"contradicted since by {SILENT}" in shown.out) == (0, True), shown
    owed = (await loop.obligations(request_id))[SILENT]
    assert (owed["disposition"], owed["is_confirmed"]) == ("erased", True)
    assert (await loop.show(request_id))["state"] == "answered"
    assert await loop.closures(request_id) == 1


async def test_dead_letters_of_answers_are_listed_shown_and_replayed(
    loop: Loop, open_request: str
) -> None:
    settings = loop.stack.settings
    record = acknowledge(loop, an_answer(open_request, SILENT, sequence=9), signer=OTHER)
    letter = await _buried(loop, record)
    topic = dead_letter_name(ACKNOWLEDGEMENTS.name)
    count = len(loop.dead_letters(ACKNOWLEDGEMENTS.name))

    listed = (await dsr(settings, "dead-letters", "list", "--json")).json
    [mine] = [one for one in listed if one["id"] == letter.id]
    assert (mine["reason"], mine["topic"]) == ("wrong_system", ACKNOWLEDGEMENTS.name)
    assert mine["bytes"] == len(record.value)
    filtered = await dsr(settings, "dead-letters", "list", "--reason", "bad_signature", "--json")
    assert letter.id not in {one["id"] for one in filtered.json}
    shown = (await dsr(settings, "dead-letters", "show", letter.id, "--json")).json
    assert shown["value_base64"]
    assert shown["headers"]["ce_type"] == "dsr.v1.SignedAcknowledgements"

    dry = await dsr(settings, "dead-letters", "replay", letter.id, "--why", "a try")
    assert (dry.code, "add --yes" in dry.out) == (0, True)
    await consumed(loop, ACKNOWLEDGEMENTS.name)
    assert len(loop.dead_letters(ACKNOWLEDGEMENTS.name)) == count

    assert (
        await dsr(settings, "dead-letters", "replay", letter.id, "--why", "a try", "--apply")
    ).code == 0

    def is_refused_again() -> bool:
        letters = loop.dead_letters(ACKNOWLEDGEMENTS.name)
        return len([one for one in letters if one.value == record.value]) == 2

    await eventually(is_refused_again, within=40, what="what is still false is refused again")
    missing = await dsr(settings, "dead-letters", "show", f"{topic}/0/99999999")
    assert missing.fault.startswith("dsr: there is no dead letter")
    await _is_open(loop, open_request)
