"""Rotation while intake runs: two processes, a rotation that is killed in the middle, no lost request."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from dsr_cli.stack import Stack
from dsr_core.ids import RequestId
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.adapters.key_files import FileKeys
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.model import WrappedKey, key_name
from dsr_intake.model.packages import package_binding
from dsr_wire.sealing_keys import PrivateSealingKey
from support.command import environment
from support.intake_group import BASE, NEW, OLD, Group, Groups, lines
from support.key_services import KMS_KEY, LocalKms
from support.submissions import a_submission
from support.waiting import eventually

WHY = ("--reason", "a test")


async def test_a_new_first_key_in_the_file_is_taken_up_and_every_key_wrapped_anew(
    groups: Groups, registry: Registry, tmp_path: Path
) -> None:
    group = await groups.start()
    (file := tmp_path / "kek").write_text(lines(OLD))
    await group.accept(40)
    before = await group.under()

    refused = await group.command("rotate", *WHY, "--apply")
    assert "first line" in refused.fault

    file.write_text(lines(NEW, OLD, b"kek".ljust(32)))
    status = (await group.command("status", "--json")).json
    assert next((one["kek_id"], one["wraps"]) for one in status["keks"]) == (key_name(NEW), True)
    await group.accept(20, by=1)
    assert sum(before.values()) == 40

    said = await group.command("rotate", *WHY, "--apply")
    assert said.code == 0, said.err
    assert await group.under() == {key_name(NEW): 60}
    file.write_text(lines(NEW))
    for by in range(2):
        await group.command("status", by=by)
        assert await group.sealed(registry, by=by) == 60


async def test_what_is_wrapped_under_a_key_that_is_not_at_hand_is_named_and_kept(
    groups: Groups, registry: Registry, tmp_path: Path
) -> None:
    group = await groups.start(replicas=1)
    (file := tmp_path / "kek").write_text(lines(OLD))
    await group.command("status")
    await group.accept(3)
    file.write_text(lines(NEW))
    said = await group.command("status")
    assert f"not at hand: {key_name(OLD)}" in said.fault
    [row] = [one for one in said.out.splitlines() if key_name(OLD) in one]
    assert "NOT AT HAND" in row
    rotated = await group.command("rotate", *WHY, "--apply")
    assert rotated.code == 1
    assert (await group.under())[key_name(OLD)] == 3

    async def is_said() -> bool:
        text = (tmp_path / "intake-0.log").read_text()
        return "a key-encryption key is not at hand" in text and key_name(OLD) in text

    await eventually(is_said, within=30)
    metrics = (await group.http[0].get("/metrics")).text
    assert "dsr_intake_keys_unknown 3.0" in metrics
    file.write_text(lines(NEW, OLD))
    await group.command("status")
    assert await group.sealed(registry, by=0) == 3


async def test_a_rotation_that_is_killed_in_the_middle_goes_on_and_no_request_is_lost(
    groups: Groups, stack: Stack, registry: Registry, kms: LocalKms
) -> None:
    group = await groups.start(
        key_encryption_key_file=None,
        aws_kms_key=KMS_KEY,
        aws_kms_region="eu-west-2",
        aws_kms_endpoint=kms.url,
    )
    for _ in range(4):
        await group.accept(1000)
    [first] = await group.under()
    accepting = asyncio.create_task(accept_on(group))

    command = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from dsr_cli.main import main; main()", "keys", "rotate", *WHY, "--apply",
        env=environment(stack.settings, **group.variables(0)),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip

    async def has_begun() -> bool:
        return len(await group.under()) > 1

    await eventually(has_begun, within=30)
    command.kill()
    await group.replicas[0].kill()
    await command.wait()
    accepting.cancel()
    await asyncio.wait([accepting])
    assert (await group.under()).get(first, 0) > 0, "it was over before it was killed"

    done = await group.command("rotate", *WHY, "--apply", by=1)
    assert done.code == 0, done.err
    under = await group.under()
    assert first not in under
    # The replica that lived may have wrapped some under the former key until it heard of the new one.
    assert (await group.command("rotate", *WHY, "--apply", by=1)).code == 0
    kept = await group.pool.fetchval("select count(*) from intake.subject_requests")
    assert sum((await group.under()).values()) == kept >= 4000
    stored = await group.pool.fetch("select id::text from intake.subject_requests")
    group.ids = [row["id"] for row in stored]
    assert await group.sealed(registry, by=1) == kept


async def test_the_keys_of_packages_are_wrapped_anew_and_stay_the_keys_that_they_were(
    groups: Groups, registry: Registry, tmp_path: Path
) -> None:
    group = await groups.start(replicas=1)
    (file := tmp_path / "kek").write_text(lines(OLD))
    await group.command("status")
    asked = await group.http[0].post(BASE, json=a_submission(right="access"))
    one = asked.json()
    systems = [each.id for each in registry.systems if Right.ACCESS in each.rights][:1]
    await group.seal(one["id"], one["registry_digest"], systems)
    kept = "select public_key, kek_id from intake_keys.package_keys"
    before = await group.pool.fetchrow(kept)
    file.write_text(lines(NEW, OLD))
    said = await group.command("rotate", *WHY, "--apply")
    assert said.code == 0, said.err
    after = await group.pool.fetchrow(kept)
    assert (before["kek_id"], after["kek_id"]) == (key_name(OLD), key_name(NEW))
    file.write_text(lines(NEW))
    await group.command("status")
    row = await group.pool.fetchrow("select * from intake_keys.package_keys")
    ring = HeldRing(FileKeys(file, variable="DSR_KEY_ENCRYPTION_KEY_FILE"))
    wrapped = WrappedKey(row["wrapped_key"], row["kek_id"])
    [raw] = await ring.unwrap([(package_binding(RequestId(one["id"])), wrapped)])
    assert PrivateSealingKey(raw).public.raw == before["public_key"]


async def accept_on(group: Group) -> None:
    """Have the second replica accept for as long as the test does not stop it."""
    while True:
        await group.accept(20, by=1)


async def test_a_request_costs_the_key_service_nothing_and_its_absence_is_noticed_when_trust_ends(
    groups: Groups, registry: Registry, kms: LocalKms
) -> None:
    group = await groups.start(
        replicas=1,
        key_encryption_key_file=None,
        aws_kms_key=KMS_KEY,
        aws_kms_region="eu-west-2",
        aws_kms_endpoint=kms.url,
    )
    await group.accept(2)
    await kms.stop()
    await group.accept(2)
    assert await group.sealed(registry, by=0) == 4
    refused = await group.command("rotate", *WHY, "--apply")
    assert "does not answer" in refused.fault

    await group.replicas[0].kill()
    await group.replicas[0].start()
    away = await group.http[0].post(BASE, json=a_submission())
    assert (away.status_code, "retry-after" in away.headers) == (503, True), away.text
    assert "does not answer" in away.json()["detail"] or "not at hand" in away.json()["detail"]
    await kms.start()

    async def is_accepted() -> bool:
        again = await group.http[0].post(BASE, json=a_submission())
        return again.status_code == 202

    await eventually(is_accepted, within=30)
    assert await group.sealed(registry, by=0) == 4


async def test_a_former_ring_key_is_destroyed_only_when_nothing_needs_it(
    groups: Groups, kms: LocalKms
) -> None:
    group = await groups.start(
        replicas=1,
        key_encryption_key_file=None,
        aws_kms_key=KMS_KEY,
        aws_kms_region="eu-west-2",
        aws_kms_endpoint=kms.url,
    )
    await group.accept(5)
    [first] = await group.under()
    assert (
        "no ring key that retired" in (await group.command("destroy", first, *WHY, "--apply")).fault
    )
    assert (await group.command("rotate", *WHY, "--apply")).code == 0
    assert (
        "no ring key that retired" in (await group.command("destroy", first, *WHY, "--apply")).fault
    )
    await group.pool.execute(
        "update intake_keys.ring_keys set retired_at = retired_at - interval '6 minutes'"
        " where id = $1",
        first,
    )
    assert (await group.command("destroy", first, *WHY)).code == 0
    assert await group.pool.fetchval("select count(*) from intake_keys.ring_keys") == 2
    assert (await group.command("destroy", first, *WHY, "--apply")).code == 0
    [kept] = (await group.command("status", "--json")).json["keks"]
    assert (kept["kek_id"] != first, kept["keys"]) == (True, 5)
