"""The test kit's own examples, and what it refuses."""

from __future__ import annotations

import doctest
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from unit.sdk.running import a_subscriber

import dsr_sdk.testing
from dsr_core.errors import RejectedInput
from dsr_sdk import DeletionRequest, Erased, NotFound, SystemKeyPair
from dsr_sdk.acknowledging import signed_batches
from dsr_sdk.bus import Record
from dsr_sdk.testing import SubscriberHarness, acknowledgements_in, an_identity


def test_the_documented_example_runs() -> None:
    results = doctest.testmod(dsr_sdk.testing)
    assert (results.failed, results.attempted > 5) == (0, True)


def test_the_readmes_example_runs() -> None:
    readme = Path(__file__).resolve().parents[3] / "libs" / "sdk" / "README.md"
    blocks = re.findall(r"^ +```python\n(.*?)^ +```", readme.read_text(), re.DOTALL | re.MULTILINE)
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(textwrap.dedent(block), namespace)  # noqa: S102 - our own text
    namespace["test_erases_the_customer"]()


async def test_a_repeat_can_be_pretended() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Erased | NotFound:
        return Erased() if request.may_be_repeat else NotFound()

    harness = SubscriberHarness(subscriber)
    (first,) = await harness.deliver({"email": "a@example.com"})
    (second,) = await harness.deliver({"email": "a@example.com"}, may_be_repeat=True)
    assert (first.disposition.value, second.disposition.value) == ("not_found", "erased")


async def test_a_later_answer_can_be_given() -> None:
    subscriber = a_subscriber()
    subscriber.deletion(lambda _request: NotFound())
    harness = SubscriberHarness(subscriber)
    (answer,) = await harness.deliver({"email": ["a@example.com", "b@example.com"]})
    await harness.answer(answer.request_id, NotFound())


async def test_nothing_can_be_redelivered_before_something_was() -> None:
    with pytest.raises(RejectedInput, match="nothing was delivered"):
        await SubscriberHarness(a_subscriber()).redeliver()


async def test_answers_under_another_signature_are_not_read() -> None:
    subscriber = a_subscriber()
    harness = SubscriberHarness(subscriber)
    subscriber.deletion(lambda _request: NotFound())
    (answer,) = await harness.deliver(an_identity({"email": "a@example.com"}))
    (batch,) = signed_batches([(answer, 100)], subscriber.keys)
    record = Record(batch.topic, 0, 0, batch.key, batch.value, batch.headers)
    with pytest.raises(AssertionError, match="not the system's own"):
        acknowledgements_in([record], SystemKeyPair.generate("billing").public)
