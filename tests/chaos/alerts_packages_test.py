"""Alerts about packages for access fire for real; as the files beside this one."""

from __future__ import annotations

import pytest

from dsr_core.rights import Disposition, Right
from support.faults import SILENT, by_command, no_folder, one_missing
from support.forging import acknowledge, an_answer
from support.loop import Loop
from support.prometheus import Prometheus

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]


def complete(loop: Loop, request_id: str) -> None:
    """Have the last system answer, so that the package is made."""
    nothing = an_answer(request_id, SILENT, Disposition.NOT_FOUND, right=Right.ACCESS, sequence=100)
    acknowledge(loop, nothing)


async def test_an_object_store_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    async with one_missing(loop, right="access") as request_id:
        with no_folder(loop.stack.settings.folder("store")):
            complete(loop, request_id)
            await prometheus.fires("DsrPackagesStuck")
    await prometheus.is_over("DsrPackagesStuck")


async def test_an_export_that_was_changed(loop: Loop, prometheus: Prometheus) -> None:
    async with one_missing(loop, right="access") as request_id:
        exports = loop.stack.settings.folder("store") / "exports" / request_id
        system = next(one for one in sorted(exports.iterdir()) if any(one.rglob("data-*")))
        for part in system.rglob("data-*"):
            content = part.read_bytes()
            part.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        complete(loop, request_id)
        await prometheus.fires("DsrExportUnusable")
        said = await by_command(loop, "package", "show", request_id)
        assert system.name in said.out


async def test_a_key_of_a_package_that_is_gone(loop: Loop, prometheus: Prometheus) -> None:
    keys = "intake_keys.package_keys"
    async with one_missing(loop, right="access") as request_id:
        of_it = f"from {keys} where request_id = $1::uuid"
        [before] = await loop.query(
            f"select to_json(package_keys)::text as row {of_it}", request_id
        )
        await loop.query(f"delete {of_it}", request_id)
        complete(loop, request_id)
        await prometheus.measured("intake")
        await prometheus.fires("DsrPackageSetAside")
        # As the runbook has it: the row is put back from a backup, and the package is tried again.
        put_back = f"insert into {keys} select * from json_populate_record(null::{keys}, $1::json)"
        await loop.query(put_back, before["row"])
        tried_again = ("package", "release", request_id, "--reason", "the key is back", "--yes")
        await by_command(loop, *tried_again)
    await prometheus.measured("intake")
    await prometheus.is_over("DsrPackageSetAside")
