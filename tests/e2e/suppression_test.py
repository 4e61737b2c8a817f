"""The suppression list, all the way round: asked, exported, and checked as a system does."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr_cli.demo.people import submission
from dsr_cli.stack.access import kafka_environment
from dsr_sdk import KafkaConnection, SuppressionKind, SuppressionList
from dsr_wire.topics import organisation_principal
from support.command import dsr
from support.loop import Loop
from support.waiting import eventually


@pytest.mark.timeout(240)
async def test_who_opted_out_or_was_erased_is_left_alone_by_whoever_checks(
    loop: Loop, tmp_path: Path
) -> None:
    settings, leaver, erased, stranger = loop.stack.settings, *(loop.person() for _ in range(3))
    async with loop.client() as client:
        opted_out = await client.submit(submission(leaver) | {"right": "opt_out"})
    await loop.answered(opted_out["id"], await loop.submit(erased))

    rows = [one.email.upper() for one in (leaver, erased, stranger)]
    asked = [f"email={one}" for one in rows]
    found = (await dsr(settings, "suppression", "check", *asked, "--json")).json
    kinds = [{one["kind"] for one in row} for row in found]
    assert kinds == [{"marketing", "sale_or_sharing"}, {"re_import"}, set()]
    sizes = (await dsr(settings, "suppression", "list-size", "--json")).json
    assert {one["kind"] for one in sizes} == set(SuppressionKind)

    kafka = organisation_kafka(loop, "mail-delivery-provider")
    keys, file = loop.stack.secrets.key_file("suppression-key"), tmp_path / "list"

    async def is_told() -> bool:
        one = await SuppressionList.from_kafka(kafka, key_file=keys)
        return one.check(SuppressionKind.MARKETING, "email", rows) == [
            True,
            False,
            False,
        ] and one.check(SuppressionKind.RE_IMPORT, "email", rows) == [False, True, False]

    await eventually(is_told, what="an organisation reads of both")
    assert "entries" in (await dsr(settings, "suppression", "export", str(file))).out
    exported = SuppressionList.from_file(file, key_file=keys)
    assert exported.check(SuppressionKind.RE_IMPORT, "email", rows) == [False, True, False]

    back = (*("suppression", "opt-in", asked[0], "--kind", "marketing"),
            *("--reference", "consents/1", "--given-on", "2026-03-02", "--reason", "a try"))  # fmt: skip
    assert "1 entries" in (await dsr(settings, "--as", "privacy-officer", *back, "--yes")).out
    [row] = (await dsr(settings, "suppression", "check", asked[0], "--json")).json
    assert {one["kind"] for one in row} == {"sale_or_sharing"}


def organisation_kafka(loop: Loop, organisation_id: str) -> KafkaConnection:
    """Return how one organisation's systems reach Kafka."""
    found = kafka_environment(loop.stack, organisation_principal(organisation_id))
    return KafkaConnection(
        bootstrap=found["DSR_KAFKA_BOOTSTRAP"],
        security_protocol=found["DSR_KAFKA_SECURITY_PROTOCOL"],
        username=found["DSR_KAFKA_USERNAME"],
        password=found["DSR_KAFKA_PASSWORD"],
        ca_file=Path(found["DSR_KAFKA_CA_FILE"]),
    )
