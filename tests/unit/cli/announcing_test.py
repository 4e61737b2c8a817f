"""What is announced names all that it is done to."""

from __future__ import annotations

from typing import Any

import pytest

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import Internal


@pytest.mark.parametrize(("targets", "entries"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
def test_no_target_is_left_out_of_the_audit_log(
    monkeypatch: pytest.MonkeyPatch, targets: int, entries: int
) -> None:
    sent: list[dict[str, Any]] = []

    def call(_api: InternalApi, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert (method, path) == ("POST", "/internal/v1/audit")
        sent.append(body)
        return body

    monkeypatch.setattr(InternalApi, "_call", call)
    named = [f"letter/0/{n}" for n in range(targets)]
    InternalApi(Internal("http://127.0.0.1", "x")).announce("dead-letters.replay", named, "mended")
    assert len(sent) == entries
    assert [one for body in sent for one in body["targets"]] == named
    assert all(len(body["targets"]) <= 100 and body["reason"] == "mended" for body in sent)
