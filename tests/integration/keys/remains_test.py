"""What is left of a request's key once the request is answered, and that nobody opens it.

PostgreSQL does not overwrite what it deletes: the wrapped key stays in the table's file until its place
is used again, and in the log (WAL) until its segment is. What closes it is that its key-encryption key
is gone: `docs/keys.md` says by when.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsr_cli.stack import Stack
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_intake.adapters.key_files import GivenKeys
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.adapters.vault import VaultTransit, login_by_token_file
from dsr_intake.application.identity_cipher import decrypt
from dsr_intake.model import Ring, WrappedKey
from dsr_runtime.kafka import KafkaConnection
from support.builders import MARKER
from support.closing import answer
from support.intake_group import NEW, OLD, Group, Groups, lines
from support.key_services import VaultDouble
from support.waiting import eventually

WHY = ("--reason", "a test")


class Taken:
    """What somebody copied while a request was open: its wrapped key, and its ciphertext."""

    def __init__(self, request_id: str, wrapped: WrappedKey, ciphertext: bytes) -> None:
        self.request_id = RequestId(request_id)
        self.wrapped = wrapped
        self.ciphertext = ciphertext

    async def opened_with(self, ring: HeldRing) -> str:
        [key] = await ring.unwrap([(self.request_id, self.wrapped)])
        identity = decrypt(self.ciphertext, request_id=self.request_id, key=key)
        return str(identity.values("email"))


async def taken(group: Group) -> list[Taken]:
    rows = await group.pool.fetch(
        "select r.id::text, k.wrapped_key, k.kek_id, r.identity_ciphertext"
        " from intake.subject_requests r join intake_keys.request_keys k on k.request_id = r.id"
    )
    return [Taken(row[0], WrappedKey(row[1], row[2]), row[3]) for row in rows]


def places(stack: Stack, *wanted: bytes) -> set[str]:
    """Return the folders of PostgreSQL's files that hold some bytes."""
    data = stack.settings.folder("postgres") / "data"
    found = set()
    for path in data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if any(one in content for one in wanted):
                found.add(path.relative_to(data).parts[0])
    return found


async def held(*keys: bytes) -> HeldRing:
    ring = HeldRing(GivenKeys(keys, name="the test"))
    await ring.refresh()
    return ring


async def test_what_is_left_of_a_destroyed_key_opens_nothing_once_its_kek_is_gone(
    groups: Groups, stack: Stack, kafka: KafkaConnection, tmp_path: Path
) -> None:
    group = await groups.start(replicas=1)
    (file := tmp_path / "kek").write_text(lines(OLD))
    await group.command("status")
    await group.accept(8)
    copies = await taken(group)
    wrapped = [one.wrapped.wrapped for one in copies]
    await answer(kafka, group.pool, [one.request_id for one in copies])
    kept = await group.pool.fetch("select identity_ciphertext from intake.subject_requests")
    assert [row[0] for row in kept] == [None] * 8

    await group.pool.execute("checkpoint")
    assert "pg_wal" in places(stack, *wrapped), "the search finds what is there"
    with_old = await held(OLD)
    assert MARKER in await copies[0].opened_with(with_old), "and with its key it opens"

    file.write_text(lines(NEW))
    status = (await group.command("status", "--json")).json
    assert [(one["wraps"], one["keys"]) for one in status["keks"]] == [(True, 0)]
    for one in copies:
        with pytest.raises(Unavailable, match="not at hand"):
            await one.opened_with(await held(NEW))
        forced = Taken(
            one.request_id,
            WrappedKey(one.wrapped.wrapped, (await held(NEW)).current),
            one.ciphertext,
        )
        with pytest.raises(Unavailable, match="cannot be unwrapped"):
            await forced.opened_with(await held(NEW))


async def test_the_rows_of_destroyed_keys_are_dropped_without_a_person(
    groups: Groups, kafka: KafkaConnection
) -> None:
    group = await groups.start(replicas=1)
    await group.accept(8)
    copies = await taken(group)
    await answer(kafka, group.pool, [one.request_id for one in copies])

    async def are_dropped() -> bool:
        row = await group.pool.fetchrow(
            "select last_vacuum, last_autovacuum, n_dead_tup from pg_stat_all_tables"
            " where schemaname = 'intake_keys' and relname = 'request_keys'"
        )
        assert row is not None
        return (row[0] or row[1]) is not None and row[2] == 0

    await eventually(are_dropped, within=90, what="the rows are dropped")


async def test_a_destroyed_ring_key_is_gone_for_good_once_the_service_gives_its_version_up(
    groups: Groups, stack: Stack, vault: VaultDouble, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken-of-vault")
    group = await groups.start(
        replicas=1,
        key_encryption_key_file=None,
        vault_url=vault.url,
        vault_token_file=token,
    )
    await group.accept(3)
    copies = await taken(group)
    [row] = await group.pool.fetch("select id, wrapped_key from intake_keys.ring_keys")
    former, wrapped = row["id"], bytes(row["wrapped_key"])
    assert len(vault.calls) <= 2, "no request has cost a call"

    vault.keys["dsr"].append(os.urandom(32))
    assert (await group.command("rotate", *WHY, "--apply")).code == 0
    await group.pool.execute(
        "update intake_keys.ring_keys set retired_at = retired_at - interval '6 minutes'"
        " where id = $1",
        former,
    )
    assert (await group.command("destroy", former, *WHY, "--apply")).code == 0
    await group.pool.execute("checkpoint")
    assert "pg_wal" in places(stack, wrapped), "the log still has the ring key, wrapped"

    service = VaultTransit(vault.url, key="dsr", mount="transit", login=login_by_token_file(token))
    key = await service.open(former, wrapped)
    assert MARKER in await copies[0].opened_with(await ring_of(former, key))
    vault.keys["dsr"][0] = os.urandom(32)  # as `min_decryption_version` and `trim` do
    with pytest.raises(Unavailable, match="refused with 400"):
        await service.open(former, wrapped)
    await service.close()


class Named(GivenKeys):
    """A key under the name that a ring gave it."""

    def __init__(self, kek_id: str, key: bytes) -> None:
        super().__init__((key,), name="the test")
        self._named = Ring(current=kek_id, keys={kek_id: key})

    async def load(self) -> Ring:
        return self._named


async def ring_of(kek_id: str, key: bytes) -> HeldRing:
    ring = HeldRing(Named(kek_id, key))
    await ring.refresh()
    return ring
