"""`dsr package verify`: whatever is changed in a package is found, and named."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from dsr_cli.main import new_app
from dsr_intake.application.packages.archive import Archive
from dsr_intake.application.packages.pieces import PieceWriter
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_wire.certificate.report import Report
from dsr_wire.packages.archive import members
from dsr_wire.packages.checking import check_package
from support.builders import NOW
from support.exports import Handed, lines, opened_package
from support.packages import REQUEST, SEED, World

PHOTO = Handed("photos/me.jpg", bytes(range(256)) * 8, "image/jpeg")
ORDERS = lines("orders", [{"id": n, "city": "Berlin"} for n in range(5)])
PUBLIC = ManifestSigner(SEED).public


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    world = World(tmp_path_factory.mktemp("package"))
    made = world.made({"crm": world.hand_over(PHOTO, ORDERS)})
    return opened_package(world.objects, made.path, made.size, world.key, REQUEST)


class PieceLike:
    """Takes an archive, and says how long it is."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    @property
    def size(self) -> int:
        return self._stream.tell()

    def write(self, data: bytes | memoryview) -> int:
        return self._stream.write(data)

    def tell(self) -> int:
        return self._stream.tell()

    def flush(self) -> None:
        pass


def checked(package: bytes, keys: Any = (PUBLIC,)) -> Report:
    return check_package(io.BytesIO(package), keys)


def parts(report: Report) -> set[str]:
    return {one.part for one in report.failures}


def with_changed_byte(package: bytes, place: int) -> bytes:
    return package[:place] + bytes([package[place] ^ 1]) + package[place + 1 :]


def test_a_package_as_it_was_made_is_good(package: bytes) -> None:
    report = checked(package)
    assert report.is_good, report.failures
    assert [one.text for one in report.checks[-2:]] == [
        "all 8 are what the manifest says, byte for byte",
        "nothing else is in it",
    ]
    assert len(report.checks) == 4


def test_without_published_keys_nobody_is_believed(package: bytes) -> None:
    report = checked(package, None)
    assert report.is_good
    assert [one.mark for one in report.checks].count("unchecked") == 1


def test_a_package_under_another_key_is_refused(package: bytes) -> None:
    assert parts(checked(package, (ManifestSigner(b"x" * 32).public,))) == {"manifest.sig"}


def test_a_changed_byte_anywhere_is_found(package: bytes) -> None:
    directory = package.index(b"PK\x01\x02")
    places = {*range(0, len(package), 23), *range(directory, len(package)), *range(60)}
    overlooked = [one for one in sorted(places) if checked(with_changed_byte(package, one)).is_good]
    assert overlooked == []


@pytest.mark.parametrize(
    ("inside", "part"),
    [
        (PHOTO.content, "data/crm/photos/me.jpg"),
        (ORDERS.content, "data/crm/orders.jsonl"),
        (b"<!DOCTYPE html>", "index.html"),
        (b'"manifest_version":1', "manifest.json"),
        (b'"public_key"', "manifest.sig"),
    ],
)
def test_the_part_that_was_changed_is_named(package: bytes, inside: bytes, part: str) -> None:
    assert part in parts(checked(with_changed_byte(package, package.index(inside) + 3)))


def test_what_is_added_is_named(package: bytes) -> None:
    grown = io.BytesIO(package)
    with zipfile.ZipFile(grown, "a") as archive:
        archive.writestr("../../extra.html", "x")
    assert "../../extra.html" in parts(checked(grown.getvalue()))
    assert parts(checked(package + b"x")) == {"archive"}
    assert parts(checked(b"x" + package)) == {"archive"}


def test_what_is_taken_out_is_named(package: bytes) -> None:
    less = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as archive, zipfile.ZipFile(less, "w") as other:
        for one in archive.infolist():
            if one.filename != "data/crm/photos/me.jpg":
                other.writestr(one.filename, archive.read(one))
    assert "data/crm/photos/me.jpg" in parts(checked(less.getvalue()))


def test_an_archive_of_many_files_and_of_one_that_may_grow_long_is_whole() -> None:
    written = io.BytesIO()
    out = PieceLike(written)
    with Archive(cast(PieceWriter, out), at=NOW) as archive:
        archive.add("film.mp4", [b"x"], size=1 << 30)
        for number in range(1 << 16):
            archive.add(f"data/{number}", [b"x"], size=1)
    found = list(members(written, NOW))
    assert len(found) == (1 << 16) + 2
    assert all(one.is_whole for one in found)


@pytest.mark.parametrize("junk", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_package_is_said_to_be_none(junk: bytes) -> None:
    assert parts(checked(junk)) == {"file"}


@contextmanager
def api(public: bytes) -> Iterator[tuple[str, list[str]]]:
    """An API that publishes one key to who shows a credential, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_known = self.headers["Authorization"] == "Bearer a-credential"
            key = {"algorithm": "ed25519", "public_key": base64.b64encode(public).decode()}
            body = json.dumps({"keys": [key]} if is_known else {"code": "unauthorised"}).encode()
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("public", "last"),
    [
        (PUBLIC, "good: 4 checks hold; 0 marked ? stay somebody's word"),
        (bytes(32), "refused: 1 check does not hold (manifest.sig)"),
    ],
)
@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_command_fetches_the_published_keys_itself(
    package: bytes, tmp_path: Path, how: str, public: bytes, last: str
) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(package)
    with api(public) as (url, asked):
        given = {"option": ["--url", url], "environment": []}[how]
        known = {"DSR_TOKEN": "a-credential", "DSR_INTAKE_URL": url if not given else None}
        arguments = ["package", "verify", str(file), *given]
        done = CliRunner(env=known).invoke(new_app(["package"]), arguments)
    assert done.output.splitlines()[-1] == last
    assert done.exit_code == (0 if last.startswith("good") else 1)
    assert asked == ["/v1/package-keys"]


def test_the_command_asks_nobody_for_keys_that_it_was_given(package: bytes, tmp_path: Path) -> None:
    file, keys = tmp_path / "package.zip", tmp_path / "keys.json"
    file.write_bytes(package)
    keys.write_text(json.dumps({"keys": [{"public_key": base64.b64encode(PUBLIC).decode()}]}))
    with api(PUBLIC) as (url, asked):
        arguments = ["package", "verify", str(file), "--keys", str(keys), "--url", url]
        done = CliRunner().invoke(new_app(["package"]), arguments)
    assert done.exit_code == 0, done.output
    assert asked == []


def test_an_api_that_does_not_publish_its_keys_to_us_is_an_error(
    package: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(package)
    with api(PUBLIC) as (url, _):
        arguments = ["package", "verify", str(file), "--url", url]
        done = CliRunner(env={"DSR_TOKEN": "another"}).invoke(new_app(["package"]), arguments)
    assert done.exit_code != 0
    assert "good" not in done.output


def test_the_command_says_so_in_words_and_by_its_exit_code(package: bytes, tmp_path: Path) -> None:
    file, keys = tmp_path / "package.zip", tmp_path / "keys.json"
    public = base64.b64encode(PUBLIC).decode()
    keys.write_text(json.dumps({"keys": [{"algorithm": "ed25519", "public_key": public}]}))

    def run() -> Any:
        arguments = ["package", "verify", str(file), "--keys", str(keys)]
        return CliRunner().invoke(new_app(["package"]), arguments)

    file.write_bytes(package)
    done = run()
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "good: 4 checks hold; 0 marked ? stay somebody's word"
    file.write_bytes(with_changed_byte(package, package.index(PHOTO.content)))
    done = run()
    assert done.exit_code == 1
    assert "data/crm/photos/me.jpg: is not what the manifest says" in done.output
    assert done.output.splitlines()[-1].startswith("refused: ")
