"""A certificate from the whole loop, checked by the command, and by a verifier that shares no code with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command import dsr
from support.loop import Loop
from support.parts import ROOT
from support.second_verifier import Second, build_log_reader


@pytest.mark.timeout(300)
async def test_a_certificate_is_fetched_and_holds_for_both_verifiers(
    loop: Loop, second_verifier: Second, tmp_path: Path
) -> None:
    person = loop.person()
    request_id = await loop.submit(person)
    await loop.answered(request_id)
    file, keys = tmp_path / "certificate.json", tmp_path / "keys.json"
    settings = loop.stack.settings
    fetched = await dsr(settings, "certificate", request_id, "-o", str(file), "--keys", str(keys))
    assert fetched.code == 0, fetched.err
    given = ("--keys", str(keys), "--registry", str(ROOT / "registry"), "--json")
    report = (await dsr(settings, "verify", str(file), *given)).json
    assert report["is_good"], report
    parts = {one["part"] for one in report["checks"] if one["mark"] == "good"}
    assert {"file", "statement", "log", "log.checkpoint", "statement.outcome"} <= parts
    assert "statement.asked" in parts  # planned again from the registry, nobody was left out
    answered = [one for one in parts if one.startswith("answers[")]
    assert len(answered) >= len(await loop.obligations(request_id))

    data, published = file.read_bytes(), keys.read_bytes()
    assert second_verifier(data, published) == "good"
    (key,) = json.loads(published)["log"]
    checkpoint = json.loads(data)["log"]["checkpoint"]
    read = build_log_reader(tmp_path)
    assert read(f"{settings.verifier_url}/tlog", key, checkpoint) == "good"
    assert person.email.encode() not in data

    changed = data.replace(b'"disposition":"erased"', b'"disposition":"exempt"', 1)
    assert changed != data
    other = tmp_path / "changed.json"
    other.write_bytes(changed)
    refused = await dsr(settings, "verify", str(other), "--keys", str(keys))
    assert refused.code == 1
    assert "is not what the signed answer says" in refused.out
    assert second_verifier(changed, published) == "refused: answers"
