"""A package on its way to the person: by a link, with a code, as often as is allowed, and no longer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pyrage
import pytest
from integration.intake.packages_test import BASE, ORDERS, PHOTO, Access

from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.builders import MARKER
from support.exports import unzipped
from support.intake import Intake, VerifierDouble, running_intake
from support.post import MailServer
from support.submissions import a_submission
from support.waiting import eventually

ZIP = "/package.zip"
SESSION_S = 600


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("handing-over")
    async with running_intake(
        kafka,
        database,
        verifier.url,
        folder,
        smtp_url=post.url,
        package_openings=2,
        package_session_s=SESSION_S,
    ) as intake:
        yield intake, folder


class Handed(Access):
    """A request whose package is made, and what its person got by mail."""

    def __init__(self, intake: Intake, folder: Path, verifier: VerifierDouble) -> None:
        super().__init__(intake, folder, verifier)
        self.browsers: list[httpx.AsyncClient] = []

    post: MailServer

    async def mailed(self, kind: str, number: int = 1) -> str:
        async def arrived() -> list[str]:
            return [
                one.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each has one
                for one in self.post.to(self.id)
                if one["Message-ID"].startswith(f"<{kind}.")
            ]

        async def enough() -> str | None:
            found = await arrived()
            return found[number - 1] if len(found) >= number else None

        return str(await eventually(enough, within=30))

    async def link(self, kind: str = "done") -> str:
        found = re.search(r"http://localhost(/p/[\w-]+)", await self.mailed(kind))
        assert found, "the letter has a link"
        return found[1]

    async def opened(self, link: str, codes: int = 1, age_key: str = "") -> httpx.AsyncClient:
        """Open a link as a browser does; return what has the cookie."""
        browser = httpx.AsyncClient(base_url=self.intake.url, timeout=30)
        self.browsers.append(browser)
        sent = await browser.post(f"{link}/code")
        assert sent.status_code == 200, sent.text
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", await self.mailed("package_code", codes))
        assert code
        answer = await browser.post(f"{link}/open", data={"code": code[0], "age_key": age_key})
        assert answer.status_code == 200, answer.text
        # Over TLS alone it would be marked so; here the service is reached without.
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "SameSite=strict" in answer.headers["set-cookie"]
        return browser

    async def audited(self) -> list[str]:
        rows = await self.intake.pool.fetch(
            "select action from intake.audit where $1 = any(targets) order by id", self.id
        )
        return [row["action"] for row in rows]


@pytest.fixture
async def handed(
    running: tuple[Intake, Path],
    verifier: VerifierDouble,
    registry: Registry,
    publisher: Publisher,
    post: MailServer,
) -> AsyncIterator[Handed]:
    one = Handed(*running, verifier)
    one.post = post
    await one.submit(registry, letters=True)
    first, *_ = one.systems
    one.answered({first: await one.hand_over(first, ORDERS, PHOTO)})
    await one.close(publisher)
    await one.until("ready")
    yield one
    for browser in one.browsers:
        await browser.aclose()


async def test_the_letter_has_a_link_and_a_code_opens_it(handed: Handed) -> None:
    link = await handed.link()

    async def is_answered() -> bool:
        return await handed.state() == "answered"

    await eventually(is_answered)
    browser = await handed.opened(link)
    answer = await browser.get(link + ZIP)
    assert answer.status_code == 200
    assert f"data/{handed.systems[0]}/orders.jsonl" in unzipped(answer.content)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-disposition"] == 'attachment; filename="package.zip"'
    assert MARKER not in str(answer.headers)
    assert (await handed.audited())[-2:] == ["package.opened", "package.fetched"]


async def test_neither_token_nor_code_nor_address_is_in_the_database(handed: Handed) -> None:
    link = await handed.link()
    await handed.opened(link)
    rows = await handed.intake.pool.fetch("select * from intake.package_links")
    rows += await handed.intake.pool.fetch("select * from intake.packages")
    text = str([dict(row) for row in rows])
    token = link.removeprefix("/p/")
    assert token not in text
    assert token.encode().hex() not in text
    assert MARKER not in text


async def test_a_range_goes_on_where_a_download_broke_and_of_another_package_all_is_sent(
    handed: Handed,
) -> None:
    link = await handed.link()
    browser = await handed.opened(link)
    whole = await browser.get(link + ZIP)
    size, tag = len(whole.content), whole.headers["etag"]
    rest = await browser.get(link + ZIP, headers={"range": f"bytes={size - 10}-", "if-range": tag})
    assert (rest.status_code, rest.content) == (206, whole.content[-10:])
    assert rest.headers["content-range"] == f"bytes {size - 10}-{size - 1}/{size}"
    first = await browser.get(link + ZIP, headers={"range": "bytes=0-0"})
    assert (first.status_code, first.content) == (206, whole.content[:1])
    last = await browser.get(link + ZIP, headers={"range": "bytes=-5"})
    assert last.content == whole.content[-5:]
    other = await browser.get(link + ZIP, headers={"range": "bytes=5-", "if-range": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)
    beyond = await browser.get(link + ZIP, headers={"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")


async def test_two_downloads_at_once_get_the_same(handed: Handed) -> None:
    link = await handed.link()
    browser = await handed.opened(link)
    one, other = await asyncio.gather(browser.get(link + ZIP), browser.get(link + ZIP))
    assert one.content == other.content
    assert unzipped(one.content)


async def test_a_link_without_a_code_gives_nothing_and_looking_at_it_sends_nothing(
    handed: Handed,
) -> None:
    link = await handed.link()
    async with httpx.AsyncClient(base_url=handed.intake.url) as stranger:
        assert (await stranger.get(link)).status_code == 200
        refused = await stranger.get(link + ZIP)
        forged = await stranger.get(link + ZIP, headers={"cookie": f"dsr_package={'0' * 64}"})
    assert (refused.status_code, forged.status_code) == (403, 403)
    assert b"PK" not in refused.content
    codes = await handed.intake.pool.fetchval(
        "select code_number from intake.package_links where request_id = $1", handed.id
    )
    assert codes == 0
    assert (await handed.audited())[-2:] == ["package.refused", "package.refused"]


async def test_a_guessed_a_revoked_and_an_expired_link_are_answered_alike(handed: Handed) -> None:
    link = await handed.link()
    browser = await handed.opened(link)
    guessed = await browser.get("/p/" + "A" * 43)
    revoke = await handed.intake.http.post(
        f"/internal{BASE}/{handed.id}/package:revoke",
        headers=handed.intake.officer,
        json={"reason": "the mailbox was broken into"},
    )
    assert revoke.status_code == 200, revoke.text
    revoked = await browser.get(link + ZIP)
    await handed.intake.pool.execute(
        "update intake.package_links set revoked_at = null, expires_at = now()"
        " where request_id = $1",
        handed.id,
    )
    expired, in_its_session = await browser.get(link), await browser.get(link + ZIP)
    answers = {(one.status_code, one.text) for one in (guessed, revoked, expired, in_its_session)}
    assert len(answers) == 1
    assert guessed.status_code == 404
    assert "package.revoke" in await handed.audited()


async def test_a_session_of_one_link_opens_no_other(
    handed: Handed, registry: Registry, publisher: Publisher
) -> None:
    link = await handed.link()
    browser = await handed.opened(link)
    other = Handed(handed.intake, handed.folder, handed.verifier)
    other.post = handed.post
    await other.submit(registry, letters=True)
    first, *_ = other.systems
    other.answered({first: await other.hand_over(first, ORDERS)})
    await other.close(publisher)
    theirs = await other.link()
    cookie = browser.cookies["dsr_package"]
    refused = await browser.get(theirs + ZIP, headers={"cookie": f"dsr_package={cookie}"})
    assert refused.status_code == 403


async def test_a_session_that_is_over_asks_for_a_code_again(handed: Handed) -> None:
    link = await handed.link()
    browser = await handed.opened(link)

    async def is_older(seconds: int) -> None:
        await handed.intake.pool.execute(
            "update intake.package_links set code_issued_at = now() - interval '1 hour',"
            " session_expires_at = session_expires_at - make_interval(secs => $2)"
            " where request_id = $1",
            handed.id,
            seconds,
        )

    asks = f"action='{link}/code'"
    await is_older(SESSION_S - 60)
    assert (await browser.get(link + ZIP)).status_code == 200
    assert asks not in (await browser.get(link)).text
    await is_older(60)
    for over in (await browser.get(link + ZIP), await browser.get(link)):
        assert asks in over.text
        assert b"PK" not in over.content
    assert (await browser.get(link + ZIP)).status_code == 403
    assert (await handed.audited())[-1] == "package.refused"
    again = await handed.opened(link, codes=2)
    assert (await again.get(link + ZIP)).status_code == 200


async def test_a_code_is_used_once_and_a_link_opened_so_often(handed: Handed) -> None:
    link = await handed.link()
    browser = await handed.opened(link)
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", await handed.mailed("package_code"))
    assert code
    again = await browser.post(f"{link}/open", data={"code": code[0]})
    assert again.status_code == 403
    for number in (2, 3):
        await handed.intake.pool.execute(
            "update intake.package_links set code_issued_at = now() - interval '1 hour'"
            " where request_id = $1",
            handed.id,
        )
        await browser.post(f"{link}/code")
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", await handed.mailed("package_code", number))
        assert code
        opened = await browser.post(f"{link}/open", data={"code": code[0]})
        assert opened.status_code == (200 if number == 2 else 403)


async def test_wrong_codes_are_counted_and_a_second_one_is_not_sent_at_once(
    handed: Handed,
) -> None:
    link = await handed.link()
    async with httpx.AsyncClient(base_url=handed.intake.url, timeout=30) as browser:
        await browser.post(f"{link}/code")
        await browser.post(f"{link}/code")
        await handed.mailed("package_code")
        for _ in range(5):
            wrong = await browser.post(f"{link}/open", data={"code": "0000-0000"})
            assert wrong.status_code == 403
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", await handed.mailed("package_code"))
        assert code
        right = await browser.post(f"{link}/open", data={"code": code[0]})
    assert right.status_code == 403
    sent = await handed.intake.pool.fetchval(
        "select code_number from intake.package_links where request_id = $1", handed.id
    )
    assert sent == 1


async def test_a_lost_link_is_issued_anew_and_the_former_does_not_work_any_more(
    handed: Handed,
) -> None:
    former = await handed.link()
    answer = await handed.intake.http.post(
        f"/internal{BASE}/{handed.id}/package:link",
        headers=handed.intake.officer,
        json={"reason": "the letter was lost"},
    )
    assert answer.status_code == 200, answer.text
    assert "token" not in answer.text
    link = await handed.link("package_link")
    assert link != former
    browser = await handed.opened(link)
    assert (await browser.get(link + ZIP)).status_code == 200
    assert (await browser.get(former)).status_code == 404


async def test_a_client_that_tells_its_people_itself_fetches_their_package(
    handed: Handed, registry: Registry, publisher: Publisher
) -> None:
    refused = await handed.intake.http.get(f"{BASE}/{handed.id}/package/content")
    assert refused.status_code == 409
    own = Handed(handed.intake, handed.folder, handed.verifier)
    await own.submit(registry, letters=False)
    first, *_ = own.systems
    own.answered({first: await own.hand_over(first, ORDERS)})
    await own.close(publisher)
    await own.until("ready")
    shown = (await own.intake.http.get(f"{BASE}/{own.id}/package")).json()
    assert (shown["state"], shown["files"], shown["links"]) == ("ready", 1, [])
    found = await own.intake.http.get(f"{BASE}/{own.id}/package/content")
    assert f"data/{first}/orders.jsonl" in unzipped(found.content)
    assert (await own.audited())[-1] == "package.fetched"
    stranger = await own.intake.client()
    other = await own.intake.http.get(f"{BASE}/{own.id}/package/content", headers=stranger)
    assert other.status_code == 404
    keys = (await own.intake.http.get("/v1/package-keys")).json()["keys"]
    assert keys[0]["algorithm"] == "ed25519"


def opened_by(identity: pyrage.x25519.Identity, answer: httpx.Response) -> dict[str, bytes]:
    assert answer.status_code == 200
    assert 'filename="package.zip.age"' in answer.headers["content-disposition"]
    return unzipped(pyrage.decrypt(answer.content, [identity]))


async def test_a_key_that_is_given_with_the_code_locks_the_package(handed: Handed) -> None:
    link = await handed.link()
    wrong = await handed.intake.http.post(f"{link}/open", data={"code": "", "age_key": "age1no"})
    assert wrong.status_code == 422
    assert "no public key" in wrong.text
    identity = pyrage.x25519.Identity.generate()
    browser = await handed.opened(link, age_key=str(identity.to_public()))
    assert str(identity.to_public()) in (await browser.get(link)).text
    found = await browser.get(link + ZIP)
    first, *_ = handed.systems
    assert f"data/{first}/orders.jsonl" in opened_by(identity, found)
    assert (await handed.audited())[-1] == "package.fetched"


async def test_a_download_under_a_key_goes_on_where_it_broke_and_under_another_key_begins_anew(
    handed: Handed,
) -> None:
    link = await handed.link()
    identity = pyrage.x25519.Identity.generate()
    browser = await handed.opened(link, age_key=str(identity.to_public()))
    whole = await browser.get(link + ZIP)
    begun = {"range": "bytes=300-", "if-range": whole.headers["etag"]}
    rest = await browser.get(link + ZIP, headers=begun)
    assert (rest.status_code, rest.content) == (206, whole.content[300:])
    await handed.intake.pool.execute(
        "update intake.package_links set age_key = $2 where request_id = $1",
        handed.id,
        str(pyrage.x25519.Identity.generate().to_public()),
    )
    other = await browser.get(link + ZIP, headers=begun)
    assert other.status_code == 200
    assert other.content[:100] != whole.content[:100]


async def test_a_key_that_came_with_the_request_locks_the_package_for_everyone(
    handed: Handed, registry: Registry, publisher: Publisher
) -> None:
    identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    own = Handed(handed.intake, handed.folder, handed.verifier)
    await own.submit(registry, letters=False, age_key=str(identity.to_public()))
    first, *_ = own.systems
    own.answered({first: await own.hand_over(first, ORDERS)})
    await own.close(publisher)
    await own.until("ready")
    found = await own.intake.http.get(f"{BASE}/{own.id}/package/content")
    assert f"data/{first}/orders.jsonl" in opened_by(identity, found)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(found.content, [other])
    await own.intake.pool.execute(
        "update intake.packages set expires_at = now() where request_id = $1", own.id
    )
    await own.until("expired")
    kept = await own.intake.pool.fetchval(
        "select age_key from intake.subject_requests where id = $1", own.id
    )
    assert kept is None


@pytest.mark.parametrize("changes", [{"age_key": "age1" + "q" * 58}, {"age_key": "age1"}])
async def test_what_is_no_key_is_refused_at_the_door(handed: Handed, changes: Any) -> None:
    body = a_submission(right="access", **changes)
    assert (await handed.intake.http.post(BASE, json=body)).status_code == 422


async def test_only_a_request_for_access_takes_a_key(handed: Handed) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public())
    body = a_submission(right="deletion", age_key=key)
    assert (await handed.intake.http.post(BASE, json=body)).status_code == 422
