"""An access handler yields; what it yields arrives as it was, but for what is protected."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.exports import PART_BYTES
from dsr_core.protecting import REDACTED
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    AccessRequest,
    Answer,
    ConfigurationError,
    Delivered,
    Erased,
    Exempt,
    ExportLimits,
    Failed,
    File,
    NotFound,
    PartiallyExempt,
    Row,
)
from dsr_sdk.testing import (
    Acknowledgement,
    FakeBus,
    MemoryStore,
    ProtectedField,
    Protection,
    SubscriberHarness,
    a_notice,
)
from support.builders import a_request_id
from support.waiting import eventually

PERSON = {"email": "marked.person@example.com"}
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

Yielding = Callable[[AccessRequest], AsyncIterator[Any] | Iterator[Any]]


def a_harness(function: Any, *, patience: float = 60.0, **settings: Any) -> SubscriberHarness:
    subscriber = a_subscriber(**settings)
    subscriber.access(function)
    return SubscriberHarness(subscriber, patience=patience)


def yielding(*items: Any) -> Yielding:
    async def access(_request: AccessRequest) -> AsyncIterator[Any]:
        for item in items:
            yield item

    return access


def plainly_yielding(*items: Any) -> Yielding:
    def access(_request: AccessRequest) -> Iterator[Any]:
        yield from items

    return access


async def the_answer(harness: SubscriberHarness, **more: Any) -> Acknowledgement:
    (answer,) = await harness.deliver(identity=PERSON, **more)
    return answer


@pytest.mark.parametrize("made", [yielding, plainly_yielding])
async def test_what_is_yielded_arrives(made: Callable[..., Yielding]) -> None:
    harness = a_harness(
        made(
            Row("orders", {"id": 1, "total": Decimal("9.50")}, categories=("user.financial",)),
            Row(
                "orders", {"id": 2, "on": date(2026, 1, 31), "at": AT}, categories=("user.payment",)
            ),
            File("letters/welcome.txt", b"hello", "text/plain", categories=("user.contact",)),
            Row("carts", {"id": 7, "gift": None}),
            File("empty.bin", b""),
        )
    )
    answer = await the_answer(harness)
    assert (answer.disposition, answer.records) == (Disposition.DELIVERED, 5)
    handed = harness.handed_over(answer)
    assert handed.rows("orders") == [
        {"id": 1, "total": "9.50"},
        {"id": 2, "on": "2026-01-31", "at": "2026-01-31T12:00:00+00:00"},
    ]
    assert handed.rows("carts") == [{"id": 7, "gift": None}]
    assert handed.files["letters/welcome.txt"] == b"hello"
    assert [(one.name, one.media_type, one.records, one.categories) for one in handed.index] == [
        ("orders.jsonl", "application/jsonl", 2, ("user.financial", "user.payment")),
        ("letters/welcome.txt", "text/plain", None, ("user.contact",)),
        ("carts.jsonl", "application/jsonl", 1, ()),
        ("empty.bin", "application/octet-stream", None, ()),
    ]


@pytest.mark.parametrize("made", [yielding, plainly_yielding])
async def test_nothing_yielded_is_nothing_found(made: Callable[..., Yielding]) -> None:
    harness = a_harness(made())
    answer = await the_answer(harness)
    assert (answer.disposition, answer.delivery) == (Disposition.NOT_FOUND, None)
    assert not harness.store.objects
    assert not harness.outcomes.exports


async def test_an_answer_at_the_end_says_what_is_kept() -> None:
    ground = PartiallyExempt("GDPR 15(4)", AT, kept=2)
    harness = a_harness(yielding(Row("orders", {"id": 1}), ground))
    answer = await the_answer(harness)
    assert (answer.disposition, answer.records) == (Disposition.PARTIALLY_EXEMPT, 1)
    assert answer.exemptions[0].records == 2
    assert harness.handed_over(answer).rows("orders") == [{"id": 1}]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Exempt("GDPR 15(4)", AT), Disposition.EXEMPT),
        (NotFound(), Disposition.NOT_FOUND),
        (Delivered(3), Disposition.DELIVERED),
        (Failed("busy"), Disposition.FAILED),
    ],
)
async def test_an_answer_alone_is_told_as_it_is(only: Answer, expected: Disposition) -> None:
    answer = await the_answer(a_harness(yielding(only)))
    assert (answer.disposition, answer.delivery) == (expected, None)


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([Row("a", {}), NotFound()], "what was yielded cannot be answered with NotFound"),
        ([Row("a", {}), Exempt("x", AT)], "what was yielded cannot be answered with Exempt"),
        ([PartiallyExempt("x", AT), Row("a", {})], "a handler yields nothing after its answer"),
        ([{"id": 1}], "a handler yields rows, files and an answer, not dict"),
        ([Erased(1)], "the handler's answer is refused: disposition_not_allowed"),
        ([Row("a", {"at": object()})], "a row holds a value that JSON has not"),
        ([Row("a", {"at": float("nan")})], "a row holds a value that JSON has not"),
        ([Row("a", {"x": "y" * 1_100_000})], "a row has more than 1,048,576 bytes; it is to be a file"),
        ([File("a.txt", "text")], "the content of a file is bytes, or pieces of bytes"),
        ([File("a.txt", ["text"])], "the content of a file is bytes, or pieces of bytes"),
        ([File("a.txt", b"", "nonsense")], "a file is refused: a digest or a media type is none"),
        ([Row("a", {}, ("Marked Person",))], "a category is none of the taxonomy"),
        ([Row("a", {}), Row("b", {}), Row("a", {})], "a file is named as another"),
        ([File("A.txt", b""), File("a.TXT", b"")], "a file is named as another"),
        ([File("a", b""), File("a/b", b"")], "a file is named as another"),
        ([File("a/b", b""), File("a", b"")], "a file is named as another"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("made", [yielding, plainly_yielding])
async def test_what_cannot_be_handed_over_is_failed_with_a_reason(
    made: Callable[..., Yielding], items: list[Any], reason: str
) -> None:
    harness = a_harness(made(*items))
    answer = await the_answer(harness)
    assert answer.disposition is Disposition.FAILED
    assert answer.reason.startswith(reason)
    assert answer.retry_at is not None


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "CON", "con.txt", "a/../b", "a//b", "a\\b", "a/NUL.jsonl", "", "x" * 300,
     "marked.person@example.com\n", ".hidden", "a/.", "COM1", "https://x"],
)  # fmt: skip
@pytest.mark.parametrize("item", [lambda name: File(name, b"x"), lambda name: Row(name, {"id": 1})])
async def test_a_name_that_could_leave_its_folder_is_refused(
    name: str, item: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    harness = a_harness(yielding(item(name)))
    answer = await the_answer(harness)
    assert answer.disposition is Disposition.FAILED
    assert answer.reason.startswith("the name of a file is refused: ")
    assert not harness.store.objects
    assert "marked.person" not in answer.reason + caplog.text


async def test_values_are_protected_by_the_notice_and_by_themselves() -> None:
    row = {
        "agent": "Ann Other",
        "door": "1234",
        "card": "4111 1111 1111 1111",
        "password": "x",
        "id": 1,
    }
    harness = a_harness(yielding(Row("visits", row)))
    protected = [
        ProtectedField("visits.agent", Protection.THIRD_PARTY),
        ProtectedField("*.door", Protection.SECRET),
    ]
    answer = await the_answer(harness, protected=protected)
    handed = harness.handed_over(answer)
    assert handed.rows("visits") == [
        {"agent": REDACTED, "card": "[not disclosed; ends in 1111]", "id": 1}
    ]
    assert handed.index[0].protected == {
        Protection.THIRD_PARTY: 1,
        Protection.SECRET: 2,
        Protection.NEVER_DISCLOSED: 1,
    }


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


LARGE = bytes(range(256)) * (PART_BYTES // 256) * 2 + b"end"


@pytest.mark.parametrize(
    "content",
    [
        lambda: LARGE,
        lambda: memoryview(LARGE),
        lambda: iter([LARGE[:100], bytearray(LARGE[100:9_000_000]), memoryview(LARGE)[9_000_000:]]),
        lambda: pieces_of(LARGE[:7], LARGE[7:]),
    ],
    ids=["bytes", "memoryview", "pieces", "async_pieces"],
)
async def test_a_large_file_is_cut_into_parts(content: Callable[[], Any]) -> None:
    harness = a_harness(
        yielding(Row("first", {"id": 1}), File("large.bin", content()), Row("last", {"id": 2}))
    )
    answer = await the_answer(harness)
    handed = harness.handed_over(answer)
    assert handed.files["large.bin"] == LARGE
    assert handed.rows("last") == [{"id": 2}]
    parts = Counter(path.rpartition("/")[2].partition("-")[0] for path in harness.store.objects)
    assert parts == {"data": 3, "index": 1}
    assert max(map(len, harness.store.objects.values())) == PART_BYTES + 16


async def test_what_fills_its_last_part_is_no_longer_than_that() -> None:
    harness = a_harness(yielding(File("a.bin", bytes(PART_BYTES))))
    answer = await the_answer(harness)
    assert harness.handed_over(answer).files["a.bin"] == bytes(PART_BYTES)
    assert len(harness.store.objects) == 2


async def test_tiny_files_are_few_parts() -> None:
    async def access(_request: AccessRequest) -> AsyncIterator[File]:
        for number in range(20_000):
            yield File(f"notes/{number:06d}.txt", b"a note")

    harness = a_harness(access)
    answer = await the_answer(harness)
    assert answer.delivery is not None
    assert answer.delivery.files == 20_000
    assert len(harness.handed_over(answer).files) == 20_000
    assert len(harness.store.objects) == 2


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ExportLimits(size=10), "an export has at most 10 bytes"),
        (ExportLimits(files=1), "an export has at most 1 files"),
    ],
)
async def test_more_than_an_export_may_hold_is_failed_and_not_tried_again(
    limits: ExportLimits, reason: str
) -> None:
    harness = a_harness(
        yielding(File("a.txt", b"12345"), File("b.txt", b"678901")), export_limits=limits
    )
    answer = await the_answer(harness)
    assert (answer.disposition, answer.reason, answer.retry_at) == (
        Disposition.FAILED, reason, None,
    )  # fmt: skip


async def test_a_handler_that_raises_tells_its_class_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def access(_request: AccessRequest) -> AsyncIterator[Row]:
        yield Row("orders", {"id": 1})
        raise LookupError("marked.person@example.com")

    answer = await the_answer(a_harness(access))
    assert (answer.disposition, answer.reason) == (Disposition.FAILED, "LookupError")
    assert "marked.person" not in caplog.text


async def test_a_handler_is_closed_whatever_ends_it() -> None:
    closed = []

    async def access(_request: AccessRequest) -> AsyncIterator[Any]:
        try:
            yield Row("orders", {"id": 1})
            yield "nonsense"
            yield Row("orders", {"id": 2})
        finally:
            closed.append("yes")

    await the_answer(a_harness(access))
    assert closed == ["yes"]


async def test_a_plain_handler_runs_in_a_thread_and_a_file_is_read_before_it_goes_on() -> None:
    seen: list[Any] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            seen.append(number)
            yield b"x"

    def access(_request: AccessRequest) -> Iterator[Any]:
        yield File("a.txt", pieces())
        seen.append(threading.current_thread() is threading.main_thread())
        yield Row("orders", {"id": 1})

    harness = a_harness(access)
    answer = await the_answer(harness)
    assert seen == [0, 1, 2, False]
    assert harness.handed_over(answer).files["a.txt"] == b"xxx"


async def test_a_notice_without_a_package_is_failed() -> None:
    world, store = World(), MemoryStore()
    subscriber = a_subscriber(store=store)
    subscriber.access(yielding(Row("orders", {"id": 1})))
    async with world.serving(subscriber):
        world.send(a_notice({a_request_id(): PERSON}, to=(KEYS.public,), right=Right.ACCESS))
        await eventually(lambda: bool(world.answers))
    (answer,) = world.answers
    assert answer.reason == "the notice names no package to hand over to"
    assert not store.objects


async def test_one_long_export_keeps_no_other_waiting() -> None:
    going_on = asyncio.Event()

    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        if request.identity.first("email") == "long@example.com":
            yield Row("orders", {"id": 0})
            await going_on.wait()
        yield Row("orders", {"id": 1})

    harness = a_harness(access, patience=3.0)
    people = [{"email": "long@example.com"}, *({"email": f"p{n}@example.com"} for n in range(9))]
    answers = await harness.deliver(identities=people)
    assert Counter(one.disposition for one in answers) == {
        Disposition.IN_PROGRESS: 1,
        Disposition.DELIVERED: 9,
    }
    [long] = [one for one in answers if one.disposition is Disposition.IN_PROGRESS]
    going_on.set()
    answer = await harness.later(long.request_id)
    assert answer.disposition is Disposition.DELIVERED
    assert harness.handed_over(answer).rows("orders") == [{"id": 0}, {"id": 1}]


async def test_a_long_export_that_fails_is_told_and_asked_for_again() -> None:
    asked: list[bool] = []
    going_on = asyncio.Event()

    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        asked.append(request.may_be_repeat)
        await going_on.wait()
        yield Row("orders", {"id": 1})
        if len(asked) == 1:
            raise LookupError

    harness = a_harness(access, patience=0.01)
    answer = await the_answer(harness)
    assert answer.disposition is Disposition.IN_PROGRESS
    going_on.set()

    async def asked_again() -> Acknowledgement | None:
        (again,) = await harness.advance(timedelta(seconds=61))
        return None if again.disposition is Disposition.IN_PROGRESS else again

    failed = await eventually(asked_again)
    assert failed is not None
    assert (failed.disposition, failed.reason) == (Disposition.FAILED, "LookupError")
    delivered = await eventually(asked_again)
    assert delivered is not None
    assert delivered.disposition is Disposition.DELIVERED
    assert asked == [False, True]


async def test_a_stop_ends_a_long_export() -> None:
    closed = asyncio.Event()

    async def access(_request: AccessRequest) -> AsyncIterator[Row]:
        try:
            yield Row("orders", {"id": 1})
            await asyncio.Event().wait()
        finally:
            closed.set()

    harness = a_harness(access, patience=0.01)
    answer = await the_answer(harness)
    (stopped,) = await harness.stop(answer.request_id)
    assert stopped.disposition is Disposition.TOO_LATE
    await asyncio.wait_for(closed.wait(), 5)


async def test_rows_without_end_let_others_have_their_turn() -> None:
    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        is_long = request.identity.first("email") == "long@example.com"
        for number in itertools.count() if is_long else range(1):
            yield Row("orders", {"id": number})

    harness = a_harness(access, patience=2.0)
    answers = await harness.deliver(identities=[{"email": "long@example.com"}, PERSON])
    assert {one.disposition for one in answers} == {Disposition.IN_PROGRESS, Disposition.DELIVERED}
    await harness.stop(*(one.request_id for one in answers))


async def test_half_a_character_is_no_hindrance() -> None:
    harness = a_harness(yielding(Row("posts", {"text": "broken \ud83d", "é": "ü"})))
    answer = await the_answer(harness)
    line = harness.handed_over(answer).files["posts.jsonl"]
    assert json.loads(line) == {"text": "broken \ud83d", "é": "ü"}
    assert "ü".encode() in line


def test_only_what_is_handed_over_for_one_person_is_yielded() -> None:
    async def handler(_request: Any) -> AsyncIterator[Row]:
        yield Row("orders", {"id": 1})

    for register in (a_subscriber().access_batch, a_subscriber().deletion):
        with pytest.raises(ConfigurationError, match="only a handler that hands over"):
            register(handler)  # type: ignore[type-var]  # as who does not check types may


async def test_a_subscriber_that_yields_needs_a_store(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    subscriber = a_subscriber()
    subscriber.access(yielding())
    with pytest.raises(ConfigurationError, match="there is no object store"):
        await subscriber.serve(FakeBus())
    for url in ("ftp://x/y", "file:///", "file://host/x", "s3:///x", "nonsense"):
        other = a_subscriber(store=url)
        other.access(yielding())
        with pytest.raises(ConfigurationError, match="the object store must"):
            await other.serve(FakeBus())
