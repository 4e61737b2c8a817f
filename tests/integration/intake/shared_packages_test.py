"""One package for a request and those that repeat it, whichever of them has letters."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.intake.handing_over_test import ZIP
from integration.intake.packages_test import BASE, ORDERS, TOLD
from integration.intake.partial_packages_test import Late

from dsr_core.ids import RequestId
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.intake import Intake, VerifierDouble, running_intake
from support.post import MailServer
from support.submissions import a_submission

people = iter(range(7000, 8000))


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("shared-packages")
    async with running_intake(
        kafka,
        database,
        verifier.url,
        folder,
        smtp_url=post.url,
        intake_links_duplicates=True,
    ) as intake:
        yield intake, folder


@pytest.fixture
async def pair(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry, post: MailServer
) -> AsyncIterator[tuple[Late, Late]]:
    """A request without letters, and one with letters that repeats it."""
    first, second = (Late(*running, verifier) for _ in range(2))
    number = next(people)
    await first.submit(registry, number=number, letters=False)
    body = a_submission(number, right="access", letters=True)
    answer = await first.intake.http.post(BASE, json=body)
    second.id, second.systems = RequestId(answer.json()["id"]), first.systems
    shown = await first.intake.http.get(f"{BASE}/{second.id}")
    assert shown.json()["duplicate_of"] == first.id
    first.post = second.post = post
    first.there = await first.hand_over(first.systems[0], ORDERS)
    first.delivered()
    yield first, second
    for browser in second.browsers:
        await browser.aclose()


async def test_who_repeats_a_request_without_letters_can_fetch_the_package_by_theirs(
    pair: tuple[Late, Late], publisher: Publisher
) -> None:
    first, second = pair
    first.answered({first.systems[0]: first.there})
    await first.close(publisher)
    link = await second.link()
    browser = await second.opened(link)
    assert f"data/{first.systems[0]}/orders.jsonl" in await second.fetched(browser, link)
    anew = [
        await first.intake.http.post(
            f"/internal{BASE}/{one.id}/package:link",
            headers=first.intake.officer,
            json={"reason": "the letter was lost"},
        )
        for one in pair
    ]
    # Of the first nobody is told by letter, whoever else is.
    assert [one.status_code for one in anew] == [409, 200]
    letter = await second.mailed("package_link")
    assert re.search(r"http://localhost/p/[\w-]+", letter)
    assert (await browser.get(link + ZIP)).status_code == 404


async def test_the_client_of_a_request_that_repeats_another_is_told_of_a_partial_package(
    pair: tuple[Late, Late],
) -> None:
    first, second = pair
    await first.intake.pool.execute(
        """
        insert into intake.webhooks (client_id, url, secret_version, secret_changed_at, read_to)
        select client_id, 'https://shop.example/hook', 1, now(), 0
        from intake.subject_requests where id = $1
        """,
        first.id,
    )
    assert (await first.release()).status_code == 200
    await first.made(1)
    rows = await first.intake.pool.fetch(
        "select request_id from intake.webhook_deliveries where event = $1", TOLD
    )
    assert {str(row["request_id"]) for row in rows} == {first.id, second.id}
    await second.mailed("package_partial")
