"""Assembly on a real folder: what is in a package, and what a system cannot do to it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dsr_core.errors import RejectedInput
from dsr_core.exports import Delivery
from dsr_core.ids import RequestId
from dsr_intake.application.packages import archive
from dsr_intake.application.packages.assembling import (
    BadExport,
)
from dsr_intake.application.packages.pieces import PieceCipher
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_wire.exports import Stream, part_path
from dsr_wire.sealing_keys import PrivateSealingKey
from support.builders import NOW, an_id
from support.exports import Handed, hand_over, lines, opened_package, unzipped
from support.packages import CRM, REQUEST, SCHEMA, SEED, WORDS, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


ORDERS = lines("orders", [{"id": n, "city": "Berlin"} for n in range(25)])
PHOTO = Handed("photos/me.jpg", b"\xff\xd8" + bytes(20_000), "image/jpeg")


def test_a_package_holds_every_file_as_it_was_handed_over(world: World) -> None:
    found = world.package({"crm": world.hand_over(ORDERS, PHOTO)})
    assert found["data/crm/orders.jsonl"] == ORDERS.content
    assert found["data/crm/photos/me.jpg"] == PHOTO.content
    assert list(found)[-4:] == [
        "index.html",
        "manifest.schema.json",
        "manifest.json",
        "manifest.sig",
    ]


def test_the_manifest_follows_its_schema_and_says_what_is_there_and_what_is_not(
    world: World,
) -> None:
    found = world.package({"crm": world.hand_over(ORDERS, PHOTO)})
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    by_id = {one["id"]: one for one in manifest["systems"]}
    assert {name: one["status"] for name, one in by_id.items()} == {
        "backup": "missing",
        "billing": "exempt",
        "crm": "included",
        "mailer": "nothing_found",
    }
    for one in by_id["crm"]["files"]:
        content = found[one["path"]]
        assert (one["size"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert by_id["billing"]["exemptions"][0]["ground"] == "HGB 257"
    assert by_id["crm"]["retention"] == "3 years"
    for member in ("page", "schema"):
        told = manifest[member]
        assert hashlib.sha256(found[told["path"]]).hexdigest() == told["sha256"]
    assert "GDPR art. 15" in manifest["legal"]["citation"]
    assert sorted(manifest["legal"]["text"]) == list("abcdefgh")


def test_the_signature_holds_under_the_published_key_and_for_this_manifest_alone(
    world: World,
) -> None:
    found = world.package({"crm": world.hand_over(ORDERS)})
    signed = json.loads(found["manifest.sig"])
    public = Ed25519PublicKey.from_public_bytes(ManifestSigner(SEED).public)
    digest = hashlib.sha256(found["manifest.json"]).digest()
    assert signed["sha256"] == digest.hex()
    public.verify(base64.b64decode(signed["signature"]), signed["context"].encode() + digest)


def test_an_assembly_that_is_begun_again_makes_the_same_manifest_under_another_key(
    world: World,
) -> None:
    deliveries = {"crm": world.hand_over(ORDERS, PHOTO)}
    first, second = world.made(deliveries), world.made(deliveries)
    assert first.manifest_digest == second.manifest_digest
    stored = [world.objects.range(one.path, 0, 1000) for one in (first, second)]
    assert stored[0] != stored[1]


def _spoil(world: World, delivery: Delivery, stream: Stream = Stream.DATA) -> Path:
    return world.folder / part_path(REQUEST, CRM, delivery.export_id, stream, 0)


def _changed(world: World) -> Delivery:
    delivery = world.hand_over(ORDERS)
    path = _spoil(world, delivery)
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)
    return delivery


def _cut(world: World) -> Delivery:
    delivery = world.hand_over(ORDERS)
    path = _spoil(world, delivery)
    path.write_bytes(path.read_bytes()[:-1])
    return delivery


def _emptied(world: World) -> Delivery:
    delivery = world.hand_over(ORDERS)
    _spoil(world, delivery).write_bytes(b"")
    return delivery


def _longer(world: World) -> Delivery:
    delivery = world.hand_over(ORDERS)
    path = _spoil(world, delivery)
    path.write_bytes(path.read_bytes() + bytes(10_000))
    return delivery


def _gone(world: World) -> Delivery:
    delivery = world.hand_over(ORDERS)
    _spoil(world, delivery, Stream.INDEX).unlink()
    return delivery


def _names(*names: str) -> Callable[[World], Delivery]:
    return lambda world: world.hand_over(*(Handed(one, b"x") for one in names))


def _lies(**changes: Any) -> Callable[[World], Delivery]:
    told = tuple(changes.items())
    return lambda world: world.hand_over(replace(PHOTO, changes=told))


def _says(**changes: Any) -> Callable[[World], Delivery]:
    return lambda world: world.hand_over(ORDERS, **changes)


def _for_others(world: World) -> Delivery:
    other = PrivateSealingKey.generate().public.raw
    return hand_over(world.folder, other, [ORDERS], request_id=REQUEST, system_id=CRM)


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        pytest.param(_changed, "corrupted_part", id="a corrupted part"),
        pytest.param(_cut, "wrong_length", id="a part that is cut"),
        pytest.param(_emptied, "wrong_length", id="an empty part"),
        pytest.param(_longer, "wrong_length", id="a part that is longer"),
        pytest.param(_gone, "part_missing", id="a part that is not there"),
        pytest.param(_names("../../x"), "invalid_name", id="a path out of the folder"),
        pytest.param(_names("/etc/passwd"), "invalid_name", id="a path from the root"),
        pytest.param(_names("CON"), "invalid_name", id="a device's name"),
        pytest.param(_names("COM\u00b9"), "invalid_name", id="a device's name, by another digit"),
        pytest.param(_names("a/lpt\u00b2.txt"), "invalid_name", id="a device's name in a folder"),
        pytest.param(_names("CON .txt"), "invalid_name", id="a device's name with a space"),
        pytest.param(_names("a", "A"), "wrong_index", id="two names that are one elsewhere"),
        pytest.param(_names("a", "a/b"), "wrong_index", id="a file in the place of a folder"),
        pytest.param(_lies(sha256="0" * 64), "wrong_digest", id="a file's wrong digest"),
        pytest.param(_lies(size=10**15), "wrong_length", id="a bomb: more than there is"),
        pytest.param(_lies(size=1), "wrong_digest", id="less than there is"),
        pytest.param(_says(files=2), "wrong_index", id="fewer files than was said"),
        pytest.param(_says(index_digest=bytes(32)), "wrong_digest", id="another index"),
        pytest.param(_for_others, "cannot_open", id="sealed to another package"),
    ],
)
def test_an_export_that_is_not_what_it_says_stops_the_package_and_is_named(
    world: World, spoilt: Callable[[World], Delivery], reason: str
) -> None:
    good = world.hand_over(ORDERS, system_id="backup", export=2)
    bad = spoilt(world)
    with pytest.raises(BadExport) as fault:
        world.made({"crm": bad, "backup": good})
    assert (fault.value.system_id, fault.value.reason) == (CRM, reason)
    left = [one for one in (world.folder / "packages").rglob("*") if one.is_file()]
    assert not left, "nothing of it is there"


def test_a_script_is_neither_on_the_page_nor_run_by_it(world: World) -> None:
    evil = "<script>alert(1)</script>"
    svg = Handed("x.svg", b"<svg onload='alert(1)'/>", "image/svg+xml")
    html = Handed("x.html", evil.encode(), "text/html")
    table = lines("notes", [{evil: evil, "b": "\"'><img src=x onerror=alert(1)>"}])
    page = world.package({"crm": world.hand_over(svg, html, table)})["index.html"].decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>things" not in page
    assert "default-src 'none'" in page
    assert page.count("Can hold programs") == 2
    assert 'href="data/crm/x' not in page
    assert "<td>data/crm/x.svg<br>" in page


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("x.html", "text/plain"),
        ("x.HTM", "image/png"),
        ("x.xhtml", "text/plain"),
        ("x.svg", "image/png"),
        ("x.svgz", "text/plain"),
        ("x.mht", "text/plain"),
        ("x.xml", "text/plain"),
        ("x.pdf", "text/plain"),
        ("x.docm", "text/plain"),
        ("x.xlsm", "text/plain"),
        ("x.js", "text/plain"),
        ("x.exe", "text/plain"),
        ("x.lnk", "text/plain"),
        ("x", "text/plain"),
        ("x.unheard-of", "text/plain"),
        ("x.txt", "text/html"),
        ("x.jpg", "image/svg+xml"),
        ("photos/x.txt.html", "text/plain"),
    ],
)
def test_what_may_run_something_by_its_name_or_by_its_type_has_a_warning_and_no_link(
    world: World, name: str, media_type: str
) -> None:
    found = world.package({"crm": world.hand_over(Handed(name, b"x", media_type))})
    page = found["index.html"].decode()
    assert page.count("Can hold programs") == 1
    assert "href" not in page.partition("<article ")[2]
    assert f"<td>data/crm/{name}<br>" in page
    assert f"data/crm/{name}" in found


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("x.jsonl", "application/jsonl"),
        ("x.txt", "text/plain; charset=utf-8"),
        ("x.CSV", "text/csv"),
        ("x.json", "application/json"),
        ("x.jpg", "image/jpeg"),
        ("x.mp4", "video/mp4"),
    ],
)
def test_what_cannot_run_anything_is_a_link(world: World, name: str, media_type: str) -> None:
    page = world.package({"crm": world.hand_over(Handed(name, b"{}", media_type))})
    shown = page["index.html"].decode()
    assert f'href="data/crm/{name}"' in shown
    assert "Can hold programs" not in shown


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "pt"])
def test_the_page_speaks_the_language_of_the_letters(world: World, language: str) -> None:
    page = world.package({"crm": world.hand_over(ORDERS)}, language)["index.html"].decode()
    words = WORDS.of(language)
    assert f'<html lang="{language}">' in page
    assert words["title"] in page
    assert words["status"]["nothing_found"].replace("'", "&#39;") in page
    assert "{{" not in page


def test_the_page_shows_systems_with_data_first_and_of_others_only_what_is_known(
    world: World,
) -> None:
    page = world.package({"crm": world.hand_over(ORDERS)})["index.html"].decode()
    first, *others = page.split("<article ")[1:]
    assert 'id="crm"' in first
    assert "not stated" not in "".join(others)
    assert "The first 10 records" in first


def test_a_table_that_is_shown_whole_is_not_said_to_go_on(world: World) -> None:
    few = lines("few", [{"id": 1}, {"id": 2}])
    page = world.package({"crm": world.hand_over(few)})["index.html"].decode()
    assert "Beginning of few.jsonl" in page
    assert "The file has all" not in page


def test_what_a_system_should_have_protected_is_protected_in_the_package(world: World) -> None:
    rows = [{"friend": "Somebody Else", "password": "hunter2-hunter2", "city": "Berlin"}]
    found = world.package({"crm": world.hand_over(lines("people", rows), PHOTO)})
    assert b"Somebody" not in b"".join(found.values())
    assert b"hunter2" not in b"".join(found.values())
    entry = json.loads(found["manifest.json"])["systems"][2]["files"][0]
    assert entry["protected"] == {"secret": 1, "third_party": 1}
    content = found["data/crm/people.jsonl"]
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert json.loads(content)["city"] == "Berlin"


def test_of_a_long_table_only_the_record_with_a_secret_is_written_anew(world: World) -> None:
    rows: list[dict[str, Any]] = [{"id": n, "text": "x" * 200} for n in range(5000)]
    sent = lines("orders", [*rows[:3000], {**rows[3000], "password": "x"}, *rows[3001:]])
    found = world.package({"crm": world.hand_over(sent)})
    before, after = (each.splitlines() for each in (sent.content, found["data/crm/orders.jsonl"]))
    assert [n for n in range(5000) if before[n] != after[n]] == [3000]
    assert json.loads(after[3000]) == rows[3000]
    [one] = [each for each in json.loads(found["manifest.json"])["systems"] if each["id"] == "crm"]
    digest = hashlib.sha256(found["data/crm/orders.jsonl"]).hexdigest()
    assert one["files"][0]["sha256"] == digest


def test_a_table_that_cannot_be_read_is_not_handed_over_where_something_in_it_is_protected(
    world: World,
) -> None:
    bad = Handed("people.jsonl", b'{"friend": "Somebody', "application/jsonl", 1)
    with pytest.raises(BadExport, match="unreadable_records"):
        world.made({"crm": world.hand_over(bad)})


def test_what_is_made_of_a_table_never_lies_where_a_folder_has_to_be(world: World) -> None:
    names = ["a", "a.csv/b", "A.CSV/c", "a.schema.json/d", "e"]
    found = world.package({"crm": world.hand_over(*(lines(one, [{"id": 1}]) for one in names))})
    beside = {one for one in found if one.startswith(("csv/", "schemas/"))}
    assert beside == {
        *(f"csv/crm/{one}.csv" for one in ("a", "a.schema.json/d", "e")),
        *(f"schemas/crm/{one}.schema.json" for one in ("a", "a.csv/b", "A.CSV/c", "e")),
    }
    assert {f"data/crm/{one}.jsonl" for one in names} < found.keys()


def test_a_table_that_grows_as_it_is_protected_may_become_a_long_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long files are told from short ones before they are written."""
    monkeypatch.setattr(archive, "SHORT_LIMIT", 100_000)
    monkeypatch.setattr(archive, "_ZIP64_FROM", 50_000)
    sent = lines("people", [{"friend": [1] * 10_000}])
    found = world.package({"crm": world.hand_over(sent)})
    assert len(found["data/crm/people.jsonl"]) > 100_000


def nested(depth: int, value: str) -> str:
    return '{"a":' * depth + value + "}" * depth


@pytest.mark.parametrize("depth", [200, 250, 255, 300, 600, 900])
@pytest.mark.parametrize(
    ("value", "protected"),
    [
        ('{"password":"x"}', "{}"),
        ('"4111111111111111"', '"[not disclosed; ends in 1111]"'),
        ('[1,"friend"]', '[1,"friend"]'),
    ],
)
def test_a_record_that_is_nested_deeply_is_protected_as_any_other(
    world: World, depth: int, value: str, protected: str
) -> None:
    deep = Handed("people.jsonl", nested(depth, value).encode(), "application/jsonl", 1)
    found = world.package({"crm": world.hand_over(deep)})
    assert found["data/crm/people.jsonl"].decode() == nested(depth, protected)


@pytest.mark.parametrize("depth", [1001, 1010, 1100, 5000])
def test_a_record_that_is_nested_without_end_stops_its_export_alone(
    world: World, depth: int
) -> None:
    deep = Handed("people.jsonl", nested(depth, "1").encode(), "application/jsonl", 1)
    with pytest.raises(BadExport, match="unreadable_records"):
        world.made({"crm": world.hand_over(deep)})


def test_a_record_that_is_nested_deeply_is_handed_over_and_not_shown(world: World) -> None:
    deep = Handed("x.jsonl", b'{"a":' * 300 + b"1" + b"}" * 300 + b"\n", "application/jsonl", 1)
    found = world.package({"crm": world.hand_over(deep)})
    assert found["data/crm/x.jsonl"] == deep.content
    assert "<td>…</td>" in found["index.html"].decode()


def test_a_piece_opens_in_its_own_place_only(world: World) -> None:
    cipher = PieceCipher(world.key, request_id=REQUEST, assembly_id="one")
    stored = cipher.encrypt(3, b"piece", is_last=False)
    assert cipher.decrypt(3, stored, is_last=False) == b"piece"
    others = (
        PieceCipher(world.key, request_id=RequestId(an_id(9)), assembly_id="one"),
        PieceCipher(world.key, request_id=REQUEST, assembly_id="two"),
        PieceCipher(PrivateSealingKey.generate(), request_id=REQUEST, assembly_id="one"),
    )
    for other, number, is_last in (
        (cipher, 4, False),
        (cipher, 3, True),
        *((one, 3, False) for one in others),
    ):
        with pytest.raises(RejectedInput, match="not what was written"):
            other.decrypt(number, stored, is_last=is_last)


def test_the_schema_that_is_documented_is_the_one_in_the_package() -> None:
    documented = Path(__file__).parents[4] / "docs" / "package-manifest.schema.json"
    assert documented.read_bytes() == SCHEMA


def test_a_zip_bomb_stays_as_small_as_it_was_handed_over(world: World) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100_000_000))
    bomb = Handed("bomb.zip", packed.getvalue(), "application/zip")
    made = world.made({"crm": world.hand_over(bomb)})
    content = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    assert len(content) < len(bomb.content) + 50_000
    found = unzipped(content)
    assert found["data/crm/bomb.zip"] == bomb.content
    assert "bomb.zip" in found["index.html"].decode()


def test_files_are_dated_by_the_closing(world: World) -> None:
    made = world.made({"crm": world.hand_over(ORDERS)})
    content = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        dates = {one.date_time for one in archive.infolist()}
    assert dates == {NOW.timetuple()[:6]}
