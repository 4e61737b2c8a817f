"""What people type as an id is one part of a path, and a certificate goes where it is told and nowhere else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from dsr_cli.api.client import IntakeClient
from dsr_cli.api.paths import part
from dsr_cli.errors import CommandError

ID = "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"


def led_to(given: str) -> str:
    """The path of a call about what was given, as it is sent."""
    with httpx.Client(base_url="https://intake.example.com") as client:
        return client.build_request("GET", f"/v1/x/{part(given)}/y").url.raw_path.decode()


@pytest.mark.parametrize(
    "given",
    [
        "../evidence-keys",
        "a/../../../internal/v1/clients",
        "a?x=1",
        "a#b",
        "a%2f..%2fb",
        "..%2f",
        "a\r\nHost: other",
        "a\\..\\b",
        "//other.example.com",
        "a;b",
        "\x00",
        "é",
    ],
)
def test_an_id_is_one_part_of_a_path_whatever_was_typed(given: str) -> None:
    head, version, kind, one, rest = led_to(given).split("/")
    assert (head, version, kind, rest) == ("", "v1", "x", "y")
    assert set(one) & set("/?#;\\\r\n\x00") == set()


def test_an_id_as_it_was_given_is_left_as_it_is() -> None:
    assert led_to(ID) == f"/v1/x/{ID}/y"


@pytest.mark.parametrize("given", ["", ".", "..", "..."])
async def test_dots_are_no_id(given: str) -> None:
    with pytest.raises(CommandError, match="is no id"):
        part(given)
    async with IntakeClient("http://127.0.0.1:9", "key") as client:
        with pytest.raises(CommandError, match="is no id"):
            await client.certificate(given)


def test_no_module_of_the_cli_puts_an_id_into_a_path_by_itself() -> None:
    for module in (Path(part.__code__.co_filename).parent).glob("*.py"):
        text = module.read_text()
        assert "/v1/subject-requests/{request_id}" not in text
        assert "_id}" not in "".join(
            line for line in text.splitlines() if "/v1/" in line and "f" in line
        ), module.name
