"""Names of files, as long as systems may make them, are unpacked on a file system that takes 255 bytes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_core.exports import name_fault
from dsr_intake.application.packages.naming import fitting
from dsr_wire.packages.checking import check_package
from support.exports import Handed, lines, opened_package
from support.packages import REQUEST, SCHEMA, World

LIMIT = 255
HAN, ROCKET = "\u8a9e", "\U00020bb7"
"""Letters of three and of four bytes."""


@pytest.mark.parametrize("name", ["a.jsonl", "a" * 255, HAN * 85, f"{HAN * 60}/{HAN * 60}.txt"])
def test_a_name_that_fits_stays(name: str) -> None:
    assert fitting(name) == name


@pytest.mark.parametrize("extension", [".jsonl", ".tar.gz", ".MP4", ""])
@pytest.mark.parametrize("letter", ["\u00e4", HAN, ROCKET])
def test_one_that_does_not_is_cut_between_letters_and_keeps_its_extension(
    letter: str, extension: str
) -> None:
    name = letter * (200 - len(extension)) + extension
    found = fitting(f"folder/{name}")
    folder, _, short = found.partition("/")
    assert folder == "folder"
    assert LIMIT - len(letter.encode()) < len(short.encode()) <= LIMIT
    kept, _, end = short.partition("~")
    assert kept == letter * len(kept)
    assert end[16:] == extension
    assert fitting(found) == found


@given(st.sets(st.text(f"{HAN}{ROCKET}a./", min_size=60, max_size=200), min_size=2))
def test_names_that_differ_do_so_when_they_are_short(names: set[str]) -> None:
    short = {fitting(one) for one in names}
    assert len(short) == len(names)
    assert max(len(part.encode()) for one in short for part in one.split("/")) <= LIMIT


def test_files_with_the_longest_names_are_unpacked_to_a_disk(tmp_path: Path) -> None:
    world = World(tmp_path / "exported")
    table, other, folder = HAN * 190, HAN * 189 + "x", ROCKET * 97
    names = [f"{table}.jsonl", f"{other}.jsonl", f"{folder}/{folder}.mp4", f"{folder}/x.mp4"]
    assert not any(map(name_fault, names))
    rows = [[{"id": 1}], [{"id": 2}]]
    tables = [
        lines(one.removesuffix(".jsonl"), each) for one, each in zip(names, rows, strict=False)
    ]
    films = [Handed(one, one.encode(), "video/mp4") for one in names[2:]]
    made = world.made({"crm": world.hand_over(*tables, *films)})
    content = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "unpacked")
    manifest = json.loads((tmp_path / "unpacked" / "manifest.json").read_bytes())
    jsonschema_rs.validate(json.loads(SCHEMA), manifest)
    assert check_package(io.BytesIO(content)).is_good
    [crm] = [one["files"] for one in manifest["systems"] if one["id"] == "crm"]
    assert [one["name"] for one in crm[:3]] == names[:3]
    for one, sent in zip(crm, [*tables, *films], strict=True):
        assert (tmp_path / "unpacked" / one["path"]).read_bytes() == sent.content
        for beside in ("csv", "row_schema"):
            assert beside not in one or (tmp_path / "unpacked" / one[beside]["path"]).is_file()
    assert all("csv" in one and "row_schema" in one for one in crm[:2])
