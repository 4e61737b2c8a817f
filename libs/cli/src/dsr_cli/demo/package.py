"""The demonstration's package: somebody asks what is held on them, follows the letter's link, and unpacks."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from dsr_cli.api.client import IntakeClient
from dsr_cli.demo.people import submission
from dsr_cli.errors import CommandError
from dsr_cli.group.bring_up import api_key
from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.mail import mailbox
from dsr_cli.waiting import wait_until
from dsr_examples.people import Person
from dsr_wire.packages.checking import check_package

__all__ = ["ask_for_package", "fetch_package", "leave_package"]

_TIMEOUT_S = 90.0
_LINK = re.compile(r"https?://\S+(/p/[\w-]+)")
_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")


def leave_package(stack: Stack, console: Console, person: Person) -> None:
    """Have a person ask for access, unpack what they get into the data folder, and show what is in it.

    Raises:
        CommandError: The request was not answered in time, or the package is not what was signed.
    """
    request_id = asyncio.run(ask_for_package(stack, person))
    folder = stack.settings.data_dir / "package"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = fetch_package(stack.settings, request_id, folder / "package.zip")
    _check(path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    console.print(_table(manifest))
    page = folder / "index.html"
    console.print(f"Unpacked, and every file as the manifest says; to read: {page}", soft_wrap=True)


async def ask_for_package(stack: Stack, person: Person) -> str:
    """Submit a request for access; return its id when it is answered.

    Raises:
        CommandError: It was not answered in time.
    """
    async with IntakeClient(stack.settings.intake_url, api_key(stack)) as client:
        accepted = await client.submit(submission(person) | {"right": "access"})
        request_id = str(accepted["id"])
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                async for _ in client.events(request_id):
                    pass  # it ends once the request is answered
        except TimeoutError as error:
            raise CommandError(f"request {request_id} was not answered in time") from error
    return request_id


def fetch_package(settings: StackSettings, request_id: str, path: Path) -> Path:
    """Fetch a package as its person does: by the link of the letter, and the code that is mailed for it.

    Raises:
        CommandError: The letter or the code did not come, or was not taken.
    """
    link = _mailed(settings, request_id, "done", _LINK.search)[1]
    with httpx.Client(base_url=settings.intake_url, timeout=30) as browser:
        _taken(browser.post(f"{link}/code"))
        code = _mailed(settings, request_id, "package_code", _CODE.search)[0]
        _taken(browser.post(f"{link}/open", data={"code": code}))
        with browser.stream("GET", f"{link}/package.zip") as answer, path.open("wb") as file:
            _taken(answer)
            for piece in answer.iter_bytes():
                file.write(piece)
    return path


def _mailed(
    settings: StackSettings,
    request_id: str,
    kind: str,
    search: Callable[[str], re.Match[str] | None],
) -> re.Match[str]:
    """Wait for what is looked for in the last letter of a kind about a request."""
    found: list[re.Match[str]] = []

    def has_come() -> bool:
        for one in mailbox(settings):
            name = one["Message-ID"].strip("<")
            body = one.get_body(("plain",))
            if name.startswith(f"{kind}.") and request_id in name and body is not None:
                match = search(body.get_content())
                if match is not None:
                    found.append(match)
        return bool(found)

    if not wait_until(has_come, timeout=_TIMEOUT_S):
        raise CommandError(f"request {request_id}: no letter {kind} came that has what it should")
    return found[-1]


def _taken(answer: httpx.Response) -> None:
    if answer.is_error:
        raise CommandError(f"{answer.request.url.path.rpartition('/')[2]}: {answer.status_code}")


def _check(path: Path) -> None:
    with path.open("rb") as file:
        report = check_package(file)
    if not report.is_good:
        raise CommandError("; ".join(f"{one.part} {one.text}" for one in report.failures))


def _table(manifest: dict[str, Any]) -> Table:
    table = Table(
        title="\nWhat one person got who asked for access",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("system", no_wrap=True)
    table.add_column("answer")
    for column in ("files", "records", "bytes"):
        table.add_column(column, justify="right")
    for one in manifest["systems"]:
        files = one["files"]
        sums = (
            len(files),
            sum(each["records"] or 0 for each in files),
            sum(each["size"] for each in files),
        )
        numbers = [f"{each:,}" if files else "" for each in sums]
        table.add_row(one["id"], _answer(one), *numbers)
    return table


def _answer(system: dict[str, Any]) -> str:
    answer = str(system["disposition"] or "").replace("_", " ")
    return answer if system["status"] != "missing" else f"{answer}, missing".lstrip(", ")
