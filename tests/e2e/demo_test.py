"""`dsr demo` as a person runs it: it proves what it shows, again and again, and leaves no process behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from dsr_cli.demo.law_story import STORIES
from dsr_cli.demo.ways import OTHER_WAYS
from dsr_cli.stack import StackSettings
from dsr_examples.catalogue import EXAMPLES
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.verifying import verify
from support.command import environment
from support.parts import ROOT, data_folder, stack_settings
from support.small_disk import fill, on_small_disk

REQUESTS = 3
"""Among so many people there is one whose invoices billing keeps, and one of whom all goes."""

ALL = REQUESTS + len(OTHER_WAYS)
ROW = r"^{name} +(\d+) +(\d+) +(\d+) +(\d+) +(.*?) *$"
SERVICES_READY = ("intake: ready", "fanout: ready", "verifier: ready")

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def settings() -> Iterator[StackSettings]:
    with data_folder() as folder:
        yield stack_settings(folder / "data")


class Demo:
    """A demonstration under way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._progress: list[str] = []

    async def has_said(self, *beginnings: str) -> None:
        """Wait until a line of progress has begun with each of these."""
        missing = set(beginnings)
        assert self.process.stderr
        while missing:
            line = (await self.process.stderr.readline()).decode()
            assert line, "".join(self._progress)
            self._progress.append(line)
            missing = {one for one in missing if not line.startswith(one)}

    async def ended(self) -> tuple[int, str, str]:
        """Wait for its end; return its exit code, its screen, and its progress and complaints."""
        out, err = await self.process.communicate()
        return self.process.returncode or 0, out.decode(), "".join(self._progress) + err.decode()


@asynccontextmanager
async def demo(
    settings: StackSettings,
    before: Sequence[str] = (),
    options: Sequence[str] = ("--requests", str(REQUESTS)),
) -> AsyncIterator[Demo]:
    command = ("-c", "from dsr_cli.main import main; main()", "demo", *options)
    process = await asyncio.create_subprocess_exec(
        *before,
        sys.executable,
        *command,
        cwd=ROOT,
        env=environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120):
            yield Demo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def left_behind(settings: StackSettings) -> list[str]:
    """Return the processes that this stack's data folder is known to."""
    folder = str(settings.data_dir)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            known = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if any(folder in text for text in known):
                found.append(f"{process.pid} {process.cmdline()}")
    return found


def held(screen: str, name: str) -> tuple[int, int, int, int]:
    [row] = re.findall(ROW.format(name=name), screen, re.MULTILINE)
    before, after, all_before, all_after = map(int, row[:4])
    return before, after, all_before, all_after


def assert_proved(screen: str, settings: StackSettings) -> None:
    names = [one.system_id for one in EXAMPLES]
    rows = [held(screen, name) for name in names]
    total = held(screen, "all")
    assert total == tuple(map(sum, zip(*rows, strict=True)))
    before, after, all_before, all_after = total
    assert before > after
    assert before - after == all_before - all_after
    said = [re.findall(ROW.format(name=name), screen, re.MULTILINE)[0][4] for name in names]
    assert {sum(map(int, re.findall(r"\d+", answers))) for answers in said} == {ALL}
    assert any("erased" in answers for answers in said)
    assert any("not found" in answers for answers in said)
    ends = re.findall(
        r"^ ?acc-\w+ .*? ((?:partly )?fulfilled|withdrawn|refused|referred|not verified) +\d+\.\d *$",
        screen,
        re.MULTILINE,
    )
    assert len(ends) == ALL
    ways = {way.outcome.replace("_", " ") for way in OTHER_WAYS}
    assert {*ends} == {"fulfilled", "partly fulfilled", *ways}
    assert f"{ALL} of {ALL} requests closed and answered; fastest" in screen
    assert "Every request ended by its systems' signed answers, and the data agrees." in screen
    file, keys = settings.data_dir / "certificate.json", settings.data_dir / "evidence-keys.json"
    assert f"A certificate holds without a network: dsr verify {file} --keys {keys}" in screen
    assert verify(file.read_bytes(), PublishedKeys.from_bytes(keys.read_bytes())).is_good
    assert_unpacked(screen, settings.data_dir / "package")
    assert f"{settings.intake_url}/docs" in screen
    assert settings.temporal_ui_url in screen


def assert_unpacked(screen: str, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    files = [file for one in manifest["systems"] for file in one["files"]]
    assert files
    for file in files:
        content = (folder / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert "<table" in (folder / "index.html").read_text()
    assert f"to read: {folder / 'index.html'}" in screen


async def test_demo_proves_what_was_erased_and_does_so_again_with_a_full_disk_for_logs(
    settings: StackSettings,
) -> None:
    async with demo(settings) as first:
        code, screen, progress = await first.ended()
    assert code == 0, progress
    assert_proved(screen, settings)
    assert "dsr:" not in progress
    assert left_behind(settings) == []

    logs = settings.logs_dir
    async with demo(settings, on_small_disk(logs, kilobytes=60_000)) as second:
        await second.has_said("kafka: ready")
        # The disk is there for the demonstration alone.
        fill(Path(f"/proc/{second.process.pid}/root{logs}"))
        code, again, progress = await second.ended()
    assert code == 0, progress
    assert_proved(again, settings)
    assert set(people(again)).isdisjoint(people(screen))
    [line] = [one for one in progress.splitlines() if one.startswith("dsr:")]
    assert line.startswith(f"dsr: cannot write logs to {logs}: No space left on device; free some")
    assert left_behind(settings) == []


async def test_the_law_s_story_lives_through_months_and_every_request_ends_as_it_must(
    tmp_path: Path,
) -> None:
    async with demo(stack_settings(tmp_path / "data"), options=("--story", "law")) as story:
        code, screen, progress = await story.ended()
    assert code == 0, screen + progress
    for said in (
        "the legal date has passed: the breach is on record",
        "extended, and the person told",
        "proven who asks; the clock starts",
        "the hold is lifted: erasure goes on",
        "answered: withdrawn",
        "answered: refused",
        "answered: referred",
        "answered: not verified",
    ):
        assert said in screen
    assert screen.count("answered:") == len(STORIES)


def people(screen: str) -> list[str]:
    return re.findall(r"^ ?(acc-\w+) ", screen, re.MULTILINE)


@pytest.mark.parametrize(
    ("number", "lines"),
    [
        (signal.SIGINT, ("kafka: ready",)),
        (signal.SIGINT, SERVICES_READY),
        (signal.SIGTERM, SERVICES_READY),
    ],
)
async def test_demo_that_is_interrupted_leaves_no_process_behind(
    settings: StackSettings, number: signal.Signals, lines: tuple[str, ...]
) -> None:
    async with demo(settings) as running:
        await running.has_said(*lines)
        assert left_behind(settings) != []
        running.process.send_signal(number)
        code, _, said = await running.ended()
    assert left_behind(settings) == []
    assert code == 130, said
    assert said.splitlines()[-1] == "dsr: interrupted"
