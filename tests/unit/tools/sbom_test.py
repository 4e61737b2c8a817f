"""The bill of materials has all that is locked, names no place to get it from, and is what is asked about."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest

from dsr_cli.stack.pins import read_pins
from support.services import free_port
from support.sources import ROOT

AT = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def tools() -> Iterator[tuple[ModuleType, ModuleType]]:
    sys.path.insert(0, str(ROOT / "tools"))
    yield importlib.import_module("sbom"), importlib.import_module("audit")
    sys.path.remove(str(ROOT / "tools"))


def test_the_bill_has_every_locked_package_and_every_jar(
    tools: tuple[ModuleType, ModuleType],
) -> None:
    made = tools[0].bill(ROOT, at=AT)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    urls = [one["purl"] for one in made["components"]]
    assert len(urls) == len(set(urls))
    assert sum(one.startswith("pkg:maven/") for one in urls) == len(
        read_pins(ROOT / "deploy" / "local" / "kafka.toml")
    )
    names = {one["name"] for one in made["components"]}
    assert {"pydantic", "temporalio", "cryptography", "kafka_2.13"} <= names
    for one in made["components"]:
        shown = one.get("hashes") or one.get("properties")
        assert shown, one["purl"]


def test_the_bill_names_no_host(tools: tuple[ModuleType, ModuleType]) -> None:
    assert "://" not in json.dumps(tools[0].bill(ROOT, at=AT))


def test_what_another_machine_would_take_is_left_out(tools: tuple[ModuleType, ModuleType]) -> None:
    lock = (
        "here==1.0 \\\n    --hash=sha256:aa\n"
        "there==2.0 ; sys_platform == 'nowhere' \\\n    --hash=sha256:bb\n"
    )
    assert list(tools[0].locked(lock)) == [("here", "1.0", ["sha256:aa".partition(":")[2]])]


class Database(BaseHTTPRequestHandler):
    """Knows something against one package."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results: list[dict[str, Any]] = [
            {"vulns": [{"id": "X-2031-1"}]} if "/httpx@" in one["package"]["purl"] else {}
            for one in asked["queries"]
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"results": results}).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


def test_what_is_known_against_a_package_is_said_and_fails(
    tools: tuple[ModuleType, ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    with HTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        status = tools[1].main(["--database", f"http://127.0.0.1:{server.server_port}"])
        server.shutdown()
    assert status == tools[1].FOUND
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("pkg:pypi/httpx@")
    assert first.endswith(": X-2031-1")
    assert last.endswith(" packages asked about, 1 with known vulnerabilities")


def test_every_run_of_ci_asks() -> None:
    assert "\nmake audit\n" in (ROOT / ".ci" / "run").read_text()


def test_a_database_that_is_away_is_said_and_never_passed_off_as_checked(
    tools: tuple[ModuleType, ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    away = ["--database", f"http://127.0.0.1:{free_port()}"]
    assert tools[1].main(away) == 0
    assert capsys.readouterr().out.startswith("not checked: ")
    assert tools[1].main([*away, "--required"]) == tools[1].UNREACHED
