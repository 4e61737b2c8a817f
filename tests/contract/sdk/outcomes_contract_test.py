"""The outcome store's contract, on SQLite and on the one in memory."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_core.rights import Right
from dsr_sdk import (
    ExportJournal,
    ObligationKey,
    Outcome,
    OutcomeState,
    OutcomeStore,
    SqliteOutcomeStore,
)
from dsr_sdk.access.journal import BegunExport, NotedPart, PartName
from dsr_sdk.outcome_sqlite import _DUE, _FORGET, _UNSENT
from dsr_sdk.testing import MemoryOutcomeStore
from dsr_wire.exports import Stream

NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)

ACCESS = ObligationKey(RequestId("one"), Right.ACCESS)
DATA, INDEX = PartName(Stream.DATA, 0), PartName(Stream.INDEX, 12)


def a_key(name: str = "one", right: Right = Right.DELETION) -> ObligationKey:
    return ObligationKey(RequestId(name), right)


def an_outcome(name: str = "one", right: Right = Right.DELETION, **changes: object) -> Outcome:
    outcome = Outcome(
        key=a_key(name, right),
        notice_id="notice-1",
        state=OutcomeState.CONFIRMED,
        sequence=1,
        acknowledgement=b"\x00answer",
    )
    return replace(outcome, **changes)


class OutcomeStoreContract:
    """The suite. A subclass gives the fixture `store`, open."""

    async def test_what_was_saved_is_found_and_nothing_else(self, store: OutcomeStore) -> None:
        outcomes = [
            an_outcome("one"),
            an_outcome("one", Right.ACCESS, acknowledgement=b"other"),
            an_outcome("two", retry_at=NOW, sealed_obligation=b"\xff", is_unsent=True),
            an_outcome("four", revision=2**32 - 1, is_suspended=True, effect_may_stand=True),
        ]
        await store.save(outcomes)
        keys = [one.key for one in outcomes]
        assert await store.find([*keys, a_key("three")]) == {one.key: one for one in outcomes}
        assert await store.find([a_key("two")]) == {a_key("two"): outcomes[2]}
        assert await store.find([a_key("four")]) == {a_key("four"): outcomes[3]}
        assert await store.find([]) == {}

    async def test_begin_marks_and_keeps_what_was_answered(self, store: OutcomeStore) -> None:
        await store.save([an_outcome(state=OutcomeState.ANSWERED, retry_at=NOW)])
        await store.begin([(a_key(), "notice-2"), (a_key("new"), "notice-2")])
        found = await store.find([a_key(), a_key("new")])
        asked = OutcomeState.ASKED
        assert found[a_key()] == an_outcome(state=asked, notice_id="notice-2", retry_at=NOW)
        assert found[a_key("new")] == Outcome(
            key=a_key("new"), notice_id="notice-2", state=asked, sequence=0
        )

    async def test_begin_keeps_which_notice_counts_and_what_may_stand(
        self, store: OutcomeStore
    ) -> None:
        marks = {"revision": 3, "is_suspended": True, "effect_may_stand": True}
        await store.save([an_outcome(state=OutcomeState.ANSWERED, **marks)])
        await store.begin([(a_key(), "notice-2")])
        assert await store.find([a_key()]) == {
            a_key(): an_outcome(state=OutcomeState.ASKED, notice_id="notice-2", **marks)
        }

    async def test_saving_replaces_everything(self, store: OutcomeStore) -> None:
        marks = {"revision": 3, "is_suspended": True, "effect_may_stand": True}
        await store.save(
            [an_outcome(retry_at=NOW, sealed_obligation=b"x", is_unsent=True, **marks)]
        )
        await store.save([an_outcome(sequence=2)])
        assert await store.find([a_key()]) == {a_key(): an_outcome(sequence=2)}
        assert await store.next_retry_at() is None
        assert list(await store.unsent(10)) == []

    async def test_due_retries_come_oldest_first(self, store: OutcomeStore) -> None:
        later, now, earlier = (
            an_outcome(name, retry_at=NOW + timedelta(seconds=seconds))
            for name, seconds in (("later", 1), ("now", 0), ("earlier", -1))
        )
        await store.save([later, now, earlier, an_outcome("never")])
        assert list(await store.due(NOW, 10)) == [earlier, now]
        assert list(await store.due(NOW, 1)) == [earlier]
        assert await store.next_retry_at() == earlier.retry_at

    async def test_a_sent_answer_loses_its_mark_unless_a_later_one_came(
        self, store: OutcomeStore
    ) -> None:
        one, two = an_outcome("one", is_unsent=True), an_outcome("two", is_unsent=True)
        await store.save([one, two])
        marked = await store.unsent(10)
        assert sorted(marked, key=lambda each: each.key) == [one, two]
        again = replace(two, sequence=2)
        await store.save([again])
        await store.mark_sent(marked)
        assert list(await store.unsent(10)) == [again]

    async def test_what_was_confirmed_long_ago_is_forgotten_in_steps_the_oldest_first(
        self, store: OutcomeStore
    ) -> None:
        ages = {"younger": 1, "as old": 2, "older": 3, "oldest": 4}
        outcomes = {
            name: an_outcome(name, recorded_at=NOW - timedelta(days=days))
            for name, days in ages.items()
        }
        await store.save(list(outcomes.values()))
        keys = [one.key for one in outcomes.values()]
        before = NOW - timedelta(days=2)
        assert await store.forget(before, 1) == 1
        assert a_key("oldest") not in await store.find(keys)
        assert await store.forget(before, 10) == 1
        assert await store.forget(before, 10) == 0
        assert await store.find(keys) == {
            one.key: one for one in (outcomes["younger"], outcomes["as old"])
        }

    async def test_a_stop_is_forgotten_as_a_confirmation_is(self, store: OutcomeStore) -> None:
        old, young = (
            an_outcome(
                f"{days}", state=OutcomeState.STOPPED, recorded_at=NOW - timedelta(days=days)
            )
            for days in (3, 1)
        )
        await store.save([old, young])
        assert await store.forget(NOW - timedelta(days=2), 10) == 1
        assert await store.find([old.key, young.key]) == {young.key: young}

    async def test_what_is_unsent_suspended_or_has_not_ended_is_never_forgotten(
        self, store: OutcomeStore
    ) -> None:
        old = NOW - timedelta(days=9999)
        kept = [
            an_outcome(state.name, state=state, recorded_at=old)
            for state in OutcomeState
            if state not in (OutcomeState.CONFIRMED, OutcomeState.STOPPED)
        ]
        kept.append(an_outcome("unsent", is_unsent=True, recorded_at=old))
        kept.append(an_outcome("suspended", is_suspended=True, recorded_at=old))
        kept.append(an_outcome("of no time"))
        asked = an_outcome("asked again", recorded_at=old)
        await store.save([*kept, asked])
        await store.begin([(asked.key, "notice-2")])
        kept.append(replace(asked, notice_id="notice-2", state=OutcomeState.ASKED))
        assert await store.forget(NOW, 100) == 0
        assert await store.find([one.key for one in kept]) == {one.key: one for one in kept}

    async def test_what_is_sent_or_recorded_anew_is_forgotten_by_its_last_time(
        self, store: OutcomeStore
    ) -> None:
        old = an_outcome("sent", is_unsent=True, recorded_at=NOW - timedelta(days=9))
        again = an_outcome("again", recorded_at=NOW - timedelta(days=9))
        await store.save([old, again])
        await store.mark_sent([old])
        await store.save([replace(again, sequence=2, recorded_at=NOW)])
        assert await store.forget(NOW, 100) == 1
        assert set(await store.find([old.key, again.key])) == {again.key}

    async def test_many_at_once(self, store: OutcomeStore) -> None:
        outcomes = [an_outcome(f"request-{n}") for n in range(3000)]
        await store.begin([(one.key, one.notice_id) for one in outcomes])
        await store.save(outcomes)
        assert len(await store.find([one.key for one in outcomes])) == 3000

    async def test_parts_that_were_noted_are_known_with_their_key(
        self, store: MemoryOutcomeStore
    ) -> None:
        assert isinstance(store, ExportJournal)
        assert await store.begun_export(ACCESS) is None
        await store.note_parts(ACCESS, "export-1", b"key", {DATA: b"first"})
        await store.note_parts(ACCESS, "export-1", b"key", {INDEX: b"second"})
        await store.mark_parts_stored("export-1", [DATA])
        parts = {
            DATA: NotedPart(b"first", is_stored=True),
            INDEX: NotedPart(b"second", is_stored=False),
        }
        assert await store.begun_export(ACCESS) == BegunExport("export-1", b"key", parts)

    async def test_another_export_makes_the_journal_forget_the_former(
        self, store: MemoryOutcomeStore
    ) -> None:
        await store.note_parts(ACCESS, "export-1", b"key", {DATA: b"first"})
        await store.note_parts(ACCESS, "export-2", b"other", {INDEX: b"second"})
        parts = {INDEX: NotedPart(b"second", is_stored=False)}
        assert await store.begun_export(ACCESS) == BegunExport("export-2", b"other", parts)

    @pytest.mark.parametrize("state", OutcomeState)
    async def test_what_has_ended_has_no_export_any_more(
        self, store: MemoryOutcomeStore, state: OutcomeState
    ) -> None:
        other = ObligationKey(RequestId("other"), Right.ACCESS)
        for key, export_id in ((ACCESS, "export-1"), (other, "export-2")):
            await store.note_parts(key, export_id, b"key", {DATA: b"first"})
        await store.save([an_outcome(right=Right.ACCESS, state=state)])
        has_ended = state in (OutcomeState.CONFIRMED, OutcomeState.STOPPED)
        assert (await store.begun_export(ACCESS) is None) == has_ended
        assert await store.begun_export(other) is not None


class TestMemoryOutcomeStore(OutcomeStoreContract):
    @pytest.fixture
    async def store(self) -> OutcomeStore:
        store = MemoryOutcomeStore()
        await store.open()
        return store


class TestSqliteOutcomeStore(OutcomeStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> OutcomeStore:
        store = SqliteOutcomeStore(tmp_path / "folder" / "outcomes.sqlite")
        await store.open()
        await store.open()
        return store

    async def test_outcomes_survive_closing(self, tmp_path: Path) -> None:
        file = tmp_path / "outcomes.sqlite"
        store = SqliteOutcomeStore(file)
        await store.open()
        await store.save([an_outcome()])
        await store.close()
        await store.close()
        with pytest.raises(Unavailable, match="closed"):
            await store.find([a_key()])
        again = SqliteOutcomeStore(file)
        await again.open()
        assert await again.find([a_key()]) == {a_key(): an_outcome()}
        await again.close()

    async def test_a_file_from_before_notices_stopped_or_suspended_is_taken_over(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "outcomes.sqlite"
        former = sqlite3.connect(file)
        former.executescript(
            """
            CREATE TABLE outcomes (
              request_id TEXT NOT NULL, subject_right TEXT NOT NULL, notice_id TEXT NOT NULL,
              state INTEGER NOT NULL, sequence INTEGER NOT NULL DEFAULT 0,
              acknowledgement BLOB NOT NULL DEFAULT x'', retry_at INTEGER,
              sealed_obligation BLOB NOT NULL DEFAULT x'', is_unsent INTEGER NOT NULL DEFAULT 0,
              recorded_at INTEGER,
              PRIMARY KEY (request_id, subject_right)
            ) WITHOUT ROWID;
            CREATE INDEX outcomes_to_retry ON outcomes (retry_at) WHERE retry_at IS NOT NULL;
            CREATE INDEX outcomes_unsent ON outcomes (is_unsent) WHERE is_unsent = 1;
            CREATE INDEX outcomes_confirmed ON outcomes (recorded_at)
              WHERE state = 3 AND is_unsent = 0;
            INSERT INTO outcomes VALUES
              ('one', 'deletion', 'notice-1', 3, 1, x'00616e73776572', NULL, x'', 0, 1000000),
              ('two', 'access', 'notice-1', 5, 2, x'00', 2000000, x'ff', 1, 1000000);
            PRAGMA user_version = 2;
            """
        )
        former.close()
        at = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
        confirmed = an_outcome(recorded_at=at)
        raised = an_outcome(
            "two",
            Right.ACCESS,
            state=OutcomeState.RAISED,
            sequence=2,
            acknowledgement=b"\x00",
            retry_at=at + timedelta(seconds=1),
            sealed_obligation=b"\xff",
            is_unsent=True,
            recorded_at=at,
        )
        store = SqliteOutcomeStore(file)
        for _ in range(2):
            await store.open()
            assert await store.find([confirmed.key, raised.key]) == {
                confirmed.key: confirmed,
                raised.key: raised,
            }
            assert list(await store.due(NOW, 10)) == list(await store.unsent(10)) == [raised]
            await store.close()
        await store.open()
        suspended = replace(raised, revision=3, is_suspended=True, effect_may_stand=True)
        await store.save([suspended])
        assert await store.find([raised.key]) == {raised.key: suspended}
        assert await store.forget(NOW, 10) == 1
        await store.close()

    async def test_of_a_forgotten_export_no_key_is_left_in_the_file(self, tmp_path: Path) -> None:
        file, key = tmp_path / "outcomes.sqlite", b"0123456789abcdef0123456789abcdef"
        store = SqliteOutcomeStore(file)
        await store.open()
        await store.note_parts(ACCESS, "export-1", key, {DATA: b"first"})
        await store.close()
        assert key in file.read_bytes()
        await store.open()
        await store.save([an_outcome(right=Right.ACCESS)])
        await store.close()
        assert key not in file.read_bytes()

    async def test_what_is_read_now_and_then_is_read_by_an_index(self, tmp_path: Path) -> None:
        store = SqliteOutcomeStore(tmp_path / "outcomes.sqlite")
        await store.open()
        reads = {"outcomes_ended": _FORGET, "outcomes_to_retry": _DUE, "outcomes_unsent": _UNSENT}
        for index, statement in reads.items():
            values = [0] * statement.count("?")
            plan = store._open().execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            assert f"INDEX {index}" in " ".join(step for *_, step in plan)
        await store.close()

    async def test_a_former_versions_file_is_taken_over(self, tmp_path: Path) -> None:
        file = tmp_path / "outcomes.sqlite"
        former = sqlite3.connect(file)
        former.executescript(
            """
            CREATE TABLE outcomes (
              request_id TEXT NOT NULL, subject_right TEXT NOT NULL, notice_id TEXT NOT NULL,
              state INTEGER NOT NULL, sequence INTEGER NOT NULL DEFAULT 0,
              acknowledgement BLOB NOT NULL DEFAULT x'', retry_at INTEGER,
              sealed_obligation BLOB NOT NULL DEFAULT x'', is_unsent INTEGER NOT NULL DEFAULT 0,
              PRIMARY KEY (request_id, subject_right)
            ) WITHOUT ROWID;
            INSERT INTO outcomes VALUES
              ('one', 'deletion', 'notice-1', 3, 1, x'00616e73776572', NULL, x'', 0);
            PRAGMA user_version = 1;
            """
        )
        former.close()
        began = datetime.now(UTC).replace(microsecond=0)
        store = SqliteOutcomeStore(file)
        await store.open()
        (found,) = (await store.find([a_key()])).values()
        assert found.recorded_at is not None
        assert found == an_outcome(recorded_at=found.recorded_at)
        assert began <= found.recorded_at <= datetime.now(UTC)
        await store.close()
        await store.open()
        assert await store.find([a_key()]) == {a_key(): found}
        assert await store.forget(datetime.now(UTC) + timedelta(days=1), 10) == 1
        await store.close()

    async def test_only_the_owner_reads_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "outcomes.sqlite"
        store = SqliteOutcomeStore(file)
        await store.open()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        await store.close()

    async def test_a_second_process_is_kept_out(self, tmp_path: Path) -> None:
        first, second = (SqliteOutcomeStore(tmp_path / "outcomes.sqlite") for _ in range(2))
        await first.open()
        with pytest.raises(Unavailable, match="locked"):
            await second.open()
        await first.close()
        await second.open()
        await second.close()

    async def test_a_file_that_is_no_store_is_unavailable(self, tmp_path: Path) -> None:
        file = tmp_path / "outcomes.sqlite"
        file.write_text("this is not a database, and it is long enough to be looked at " * 40)
        with pytest.raises(Unavailable, match="not a database"):
            await SqliteOutcomeStore(file).open()

    async def test_a_later_versions_file_is_left_alone(self, tmp_path: Path) -> None:
        store = SqliteOutcomeStore(tmp_path / "outcomes.sqlite")
        await store.open()
        store._open().execute("PRAGMA user_version = 99")
        await store.close()
        with pytest.raises(Unavailable, match="later version"):
            await store.open()
