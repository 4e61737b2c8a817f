"""Marked identifiers go round the loop, and are found nowhere that anything is written: not in Kafka's
logs, Temporal's database, PostgreSQL, the logs, the metrics, or what callers are told.

The marked people are unknown to every system, so that no system's own database holds them either.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from confluent_kafka.cimpl import NewTopic
from temporalio.client import Client

from dsr_cli.group.bring_up import api_key
from dsr_cli.group.provision import kafka_admin
from dsr_runtime.settings import TemporalSettings
from dsr_runtime.temporal import connection_of
from support.forging import GROUPS, a_new_id, consumed
from support.leaks import leaks, report, spellings
from support.linking import found_out
from support.loop import Loop
from support.payloads import decoded, encodings, fields

BASE = "/v1/subject-requests"


class Marks:
    """Identifiers that exist once in the world."""

    def __init__(self) -> None:
        token = secrets.token_hex(6)
        digits = "".join(str(secrets.randbelow(10)) for _ in range(10))
        self.email = f"canary-{token}"
        self.phone = f"7{digits}"
        self.account = f"mark-{secrets.token_hex(6)}"
        self.linked = f"linked-{secrets.token_hex(6)}"
        self.secret_name = f"field-{secrets.token_hex(6)}"
        self.old, self.new, self.statement = (
            f"{name}-{secrets.token_hex(6)}" for name in ("former", "present", "words")
        )

    @property
    def all(self) -> list[str]:
        """What is looked for."""
        values = [self.old, self.new, self.statement]
        return [self.email, self.phone, self.account, self.linked, self.secret_name, *values]

    def body(self, number: int = 0, **changes: Any) -> dict[str, Any]:
        """Return a submission whose every identifier carries a mark."""
        return {
            "right": "deletion",
            "jurisdiction": "DE",
            "identity": [
                {"kind": "email", "value": f"{self.email}.{number}@Example.com"},
                {"kind": "phone", "value": f"+{self.phone}{number:02}"},
                {"kind": "account_id", "value": f"{self.account}.{number}"},
                {"kind": "customer_number", "value": f"{self.account}.{number}"},
                {"kind": "cookie_id", "value": f"cookie-{self.account}.{number}"},
                {"kind": "device_id", "value": f"device-{self.account}.{number}"},
            ],
            "identity_attested": True,
            "requester": {"role": "data_subject"},
            **changes,
        }

    def correction(self, number: int) -> dict[str, Any]:
        """Return a correction whose values and whose statement carry marks as well."""
        wrong = {"category": "user.name", "old": f"{self.old} Jones", "new": f"{self.new} Jones"}
        return self.body(
            number, right="correction", corrections=[wrong], statement=f"Please, {self.statement}."
        )


@pytest.fixture(scope="module")
def marks() -> Marks:
    return Marks()


async def _go_round(loop: Loop, marks: Marks) -> list[str]:
    """Have marked requests answered, refused, and asked about; return all that callers were told."""
    told: list[str] = []

    def note(answer: httpx.Response) -> httpx.Response:
        told.append(f"{answer.headers} {answer.text}")
        return answer

    headers = {"Authorization": f"Bearer {api_key(loop.stack)}"}
    url = loop.stack.settings.intake_url
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
        single = [note(await http.post(BASE, json=marks.body(n))) for n in range(3)]
        single.append(note(await http.post(BASE, json=marks.correction(3))))
        single.append(note(await http.post(BASE, json=marks.body(5, right="access"))))
        lines = [{**marks.body(10 + n), "idempotency_key": a_new_id()} for n in range(5)]
        lines[2]["right"] = marks.secret_name
        batch = note(
            await http.post(
                f"{BASE}:batch",
                content="\n".join(map(json.dumps, lines)),
                headers={"Content-Type": "application/x-ndjson"},
            )
        )
        ids = [one.json()["id"] for one in single]
        results = [json.loads(one) for one in batch.text.splitlines()]
        ids += [one["id"] for one in results if one["status"] == 202]
        assert len(ids) == 9
        refused = [
            await http.post(BASE, json=marks.body(**{marks.secret_name: 1})),
            await http.post(BASE, json=marks.body(identity=marks.email)),
            await http.post(BASE, json={**marks.correction(4), "right": "deletion"}),
            await http.post(BASE, json={**marks.correction(4), "right": "access"}),
            await http.post(BASE, json=marks.body(jurisdiction=marks.account)),
            await http.post(BASE, content=json.dumps(marks.body())[:-3]),
            await http.post(
                BASE, json=marks.body(), headers={"Idempotency-Key": marks.email + " x"}
            ),
            await http.get(BASE, params={"cursor": marks.email, "state": marks.account}),
            await http.get(f"{BASE}/{marks.account}"),
            await http.get(f"/{marks.email}"),
            await http.get("/v1/events", headers={"Last-Event-ID": marks.account}),
            await http.get(BASE, headers={"Authorization": f"Bearer {marks.account}"}),
            await http.put(BASE, json=marks.body()),
        ]
        assert {note(one).is_client_error for one in refused} == {True}
        ids.append(await _link(loop, marks, http))
        await loop.answered(*ids, within=120)
        for request_id in ids:
            for rest in ("", "/obligations", "/closure", "/timeline", "/blockers", "/letters"):
                assert note(await http.get(f"{BASE}/{request_id}{rest}")).status_code == 200
        note(await http.get(f"{BASE}/{ids[0]}/events"))
        deletion, _, _, correction, access, *_ = ids
        for request_id in (deletion, correction, access):
            note(await http.get(f"{BASE}/{request_id}/certificate"))
        for rest in ("package", "package/content"):
            note(await http.get(f"{BASE}/{access}/{rest}"))
        note(await http.get("/v1/evidence-keys"))
        note(await http.get(BASE, params={"limit": 200}))
    settings = loop.stack.settings
    async with httpx.AsyncClient(timeout=60) as http:
        for service in (settings.intake_url, settings.fanout_url, settings.verifier_url):
            note(await http.get(f"{service}/metrics"))
    return told


async def _link(loop: Loop, marks: Marks, http: httpx.AsyncClient) -> str:
    """Have a system find out another identifier of a marked person; return the request."""
    body = marks.body(20)
    body["identity"] = [one for one in body["identity"] if one["kind"] != "account_id"]
    one = (await http.post(BASE, json=body)).json()
    await found_out(loop, one["id"], one["registry_digest"], marks.linked)
    return str(one["id"])


@pytest.mark.timeout(600)
async def test_no_marked_identifier_is_written_anywhere(
    loop: Loop, marks: Marks, tmp_path: Path
) -> None:
    told = await _go_round(loop, marks)
    await consumed(loop, *GROUPS)
    await loop.query("checkpoint")
    data = loop.stack.settings.data_dir
    (tmp_path / "told").write_text("\n".join(told))
    _read_out(data / "temporal" / "temporal.db", tmp_path / "temporal")
    await _read_out_tables(loop, tmp_path / "tables")
    await _read_out_workflows(loop, tmp_path / "workflows")

    read: Counter[str] = Counter()
    in_copies, on_disk = leaks(tmp_path, marks.all, read), leaks(data, marks.all, read)
    (tmp_path / "searched").write_text(report(read))
    print(f"\n{report(read)}")  # noqa: T201 - shown by -s
    places = {"kafka", "postgres", "temporal", "logs", "spans", "tables", "told", "workflows"}
    assert places <= read.keys()
    assert in_copies == []
    # The mailbox of the local mail server is the people's own: letters have arrived there.
    in_mail = [one for one in on_disk if one.startswith("mail/")]
    assert in_mail
    assert [one for one in on_disk if one not in in_mail] == []
    assert not [one for one in data.rglob("core*") if one.name.strip("core.0123456789") == ""]


async def test_the_search_finds_a_planted_copy_in_every_place_and_encoding(
    loop: Loop, tmp_path: Path
) -> None:
    mark = f"canary-{secrets.token_hex(6)}"
    planted = tmp_path / "planted"
    planted.mkdir()
    encoded: dict[str, bytes] = {
        "raw": f"x{mark}x".encode(),
        "upper case": mark.upper().encode(),
        "UTF-16, little": f"x{mark}x".encode("utf-16-le"),
        "UTF-16, big": f"x{mark}x".encode("utf-16-be"),
        "hex": mark.encode().hex().encode(),
        "HEX": mark.encode().hex().upper().encode(),
        "URL": quote(mark).encode(),
        "URL, every character": "".join(f"%{one:02X}" for one in mark.encode()).encode(),
        "JSON": "".join(f"\\u{one:04x}" for one in mark.encode()).encode(),
    }
    for shift in range(3):
        encoded[f"base64, {shift}"] = base64.b64encode(b"a" * shift + mark.encode() + b"bcd")
        encoded[f"base64 for URLs, {shift}"] = base64.urlsafe_b64encode(
            b"\xff" * shift + mark.encode() + b"\xff\xfe"
        )
    for number, content in enumerate(encoded.values()):
        (planted / str(number)).write_bytes(b"\x00" * 100 + content + b"\x00" * 100)
    found = leaks(planted, [mark])
    assert {int(one.partition(":")[0]) for one in found} == set(range(len(encoded)))
    assert set(encoded) <= set(spellings(mark))

    across = tmp_path / "across"
    across.mkdir()
    with (across / "large").open("wb") as file:
        file.seek(3 * 16_777_216 - 5)
        file.write(mark.encode())
        file.seek(100_000_000)
        file.write(b"end")
    [hit] = leaks(across, [mark])
    assert hit.startswith("large: ")

    # In each part of the stack: where a leak would really be.
    data = loop.stack.settings.data_dir
    assert leaks(data, [mark]) == []
    await loop.query(f"create table verifier.planted as select '{mark}'::text as planted")
    log = loop.stack.settings.logs_dir / "planted.log"
    log.write_text(f'{{"event": "erased {mark}"}}\n')
    await asyncio.to_thread(_plant_in_kafka, loop, mark)
    await _plant_in_temporal(loop, mark)
    try:
        await loop.query("checkpoint")
        places = {one.partition("/")[0] for one in leaks(data, [mark])}
        assert places == {"kafka", "logs", "postgres", "temporal"}
    finally:
        log.unlink()
        await loop.query("drop table verifier.planted")


def _plant_in_kafka(loop: Loop, mark: str) -> None:
    """Send a record to a topic of its own, which nobody reads."""
    admin = kafka_admin(loop.stack)
    client, producer = admin.client(), admin.producer()
    [made] = client.create_topics([NewTopic("dsr.planted.v1", 1, 1)]).values()
    made.result(20)
    producer.produce("dsr.planted.v1", mark.encode(), b"planted")
    assert producer.flush(20) == 0


async def _plant_in_temporal(loop: Loop, mark: str) -> None:
    """Begin a workflow that is told a value in the clear, and that nobody takes on."""
    temporal = await Client.connect(loop.stack.temporal_address)
    handle = await temporal.start_workflow("Planted", mark, id="planted", task_queue="planted")
    await handle.terminate()


def _read_out(database: Path, to: Path) -> None:
    """Write down what a running Temporal's database says, in case a page is not on the disk yet."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        content = "\n".join(connection.iterdump())
    connection.close()
    to.write_text(content, errors="surrogateescape")


async def _read_out_workflows(loop: Loop, to: Path) -> None:
    """Write down what workflows are told and answer, which Temporal itself cannot read."""
    key_file = loop.stack.secrets.key_file("temporal-payload-key")
    settings = {
        "temporal_address": loop.stack.temporal_address,
        "temporal_payload_key_file": key_file,
    }
    connection = connection_of(TemporalSettings.model_validate(settings))
    assert connection.codec is not None
    temporal = await connection.client()
    with to.open("w") as file:
        async for one in temporal.list_workflows():
            handle = temporal.get_workflow_handle(one.id, run_id=one.run_id)
            history = json.loads((await handle.fetch_history()).to_json())
            assert "binary/encrypted" in encodings(history)
            for name, value in fields(await decoded(history, connection.codec)):
                file.write(f"{name} {value}\n")


async def _read_out_tables(loop: Loop, to: Path) -> None:
    """Write down every row: PostgreSQL packs what is long, and a search of its files sees it packed."""
    tables = await loop.query(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    assert len(tables) > 20
    with to.open("w") as file:
        for table in tables:
            for row in await loop.query(f"select t::text as row from {table['name']} t"):
                file.write(f"{table['name']} {row['row']}\n")
