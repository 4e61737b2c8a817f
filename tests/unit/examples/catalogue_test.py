"""The catalogue, the registry and the command agree."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dsr_cli.registry import load_registry
from dsr_examples.catalogue import EXAMPLES, example
from dsr_examples.main import main
from dsr_examples.systems import load
from dsr_sdk import SystemKeyPair

ROOT = Path(__file__).parents[3]


def test_the_catalogue_equals_the_registry() -> None:
    registry = load_registry(ROOT / "registry")
    registered = {one.id: one for one in registry.systems}
    assert [one.system_id for one in EXAMPLES] == sorted(registered)
    for one in EXAMPLES:
        system = registered[one.system_id]
        assert system.organisation_id == one.organisation_id
        assert tuple(sorted(load(one).SCHEMA.known_by)) == system.identifiers


def test_there_are_stores_of_each_kind() -> None:
    assert Counter(one.store for one in EXAMPLES) == {"postgres": 7, "sqlite": 5, "files": 3}


def test_systems_import_the_sdk_alone() -> None:
    for file in (ROOT / "examples" / "src").rglob("*.py"):
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]) and words[1].startswith("dsr_"):
                assert words[1].partition(".")[0] in {"dsr_examples", "dsr_sdk"}, (file, line)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import dsr_examples.catalogue", {"faker", "asyncpg", "dsr_sdk", "asyncio"}),
        ("import dsr_examples.main", {"faker", "asyncpg", "dsr_sdk"}),
        ("import dsr_examples.systems.newsletter", {"faker", "asyncpg"}),
        ("import dsr_examples.systems.accounts", {"faker", "asyncpg"}),
    ],
)
def test_imports_are_light(code: str, unwanted: set[str]) -> None:
    script = f"{code}; import sys; print(*({unwanted!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert not result.stdout.strip()


def test_newsletter_is_short_enough_to_read() -> None:
    text = Path(str(load(example("newsletter")).__file__)).read_text()
    assert len(text.splitlines()) < 50


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert "newsletter" in run(capsys, "list")[1]
    content = json.loads(run(capsys, "list", "--json")[1])
    assert content[0]["command"] == ["dsr-example", "run", "accounts"]


def test_person(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(run(capsys, "person", "7", "--json")[1])
    kinds = {one["kind"] for one in content["identifiers"]}
    assert kinds == {"account_id", "cookie_id", "customer_number", "device_id", "email", "phone"}
    assert "seeded in" in run(capsys, "person", "7")[1]


def test_seed_and_count(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DSR_EXAMPLE_FOLDER", str(tmp_path))
    monkeypatch.setenv("DSR_EXAMPLE_PEOPLE", "20")
    assert run(capsys, "seed", "newsletter") == (0, "newsletter: seeded\n")
    assert run(capsys, "seed", "newsletter") == (0, "newsletter: was seeded before\n")
    totals = json.loads(run(capsys, "count", "newsletter", "--json")[1])
    known = [number for number in range(1, 21) if example("newsletter").knows(number)]
    assert totals["subscribers"] == len(known)
    arguments = ("count", "newsletter", "--json", "--person", str(known[0]))
    assert json.loads(run(capsys, *arguments)[1])["subscribers"] == 1
    stranger = next(number for number in range(1, 21) if number not in known)
    assert "nothing" in run(capsys, "count", "newsletter", "--person", str(stranger))[1]


def test_a_wrong_call_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSR_EXAMPLE_DSN", raising=False)
    assert run(capsys, "seed", "none")[0] == 2
    code, text = run(capsys, "seed", "billing")
    assert code == 2
    assert "set DSR_EXAMPLE_DSN" in text


def test_run_tells_what_the_environment_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DSR_SYSTEM_ID", "DSR_ORGANISATION_ID", "DSR_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    code, text = run(capsys, "run", "newsletter")
    assert code == 2
    assert "DSR_KAFKA_BOOTSTRAP is not set" in text
    keys = tmp_path / "keys.json"
    keys.write_text(SystemKeyPair.generate("billing").to_json())
    keys.chmod(0o600)
    monkeypatch.setenv("DSR_SYSTEM_ID", "billing")
    monkeypatch.setenv("DSR_ORGANISATION_ID", "cloud-europe")
    monkeypatch.setenv("DSR_SYSTEM_KEYS_FILE", str(keys))
    monkeypatch.setenv("DSR_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("DSR_KAFKA_USERNAME", "organisation.cloud-europe")
    monkeypatch.setenv("DSR_KAFKA_PASSWORD", "secret")
    monkeypatch.setenv("DSR_OUTCOMES_FILE", str(tmp_path / "outcomes.sqlite"))
    code, text = run(capsys, "run", "newsletter")
    assert (code, text) == (2, "dsr-example: DSR_SYSTEM_ID names billing, not newsletter\n")
