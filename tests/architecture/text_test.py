"""What holds for every tracked file: no machine, no place to download from, no loose ends."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from support.sources import ROOT, modules, text_files, tracked

HERE = "tests/architecture/text_test.py"
TEXTS = [(path, text) for path, text in text_files() if path != HERE]

MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/[\w.-]")
DOWNLOADS = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|npmjs\.com|repo1?\.maven\.(?:org|apache\.org)"
    r"|proxy\.golang\.org|[\w.-]*(?:artifactory|nexus)[\w-]*\.[\w.-]+)\b",
    re.IGNORECASE,
)
MAKERS = re.compile(
    r"\b(?:claude|anthropic|openai|chatgpt|copilot|gpt-\d|sub-?agents?|coding agents?|ai[- ]agents?"
    r"|ai[- ]generated|language models?|llms?)\b",
    re.IGNORECASE,
)
LOOSE_ENDS = re.compile(r"\b(?:TODO\b(?=\s*[:(])(?!\(#\d+\): )|FIXME\b|XXX\b|HACK\b)")


def found(pattern: re.Pattern[str], texts: list[tuple[str, str]]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_path_of_a_machine() -> None:
    assert found(MACHINE_PATHS, TEXTS) == []


def test_no_host_of_a_package_registry() -> None:
    assert found(DOWNLOADS, TEXTS) == []


def test_nothing_on_how_the_text_was_made() -> None:
    assert found(MAKERS, TEXTS) == []


def test_every_loose_end_has_an_issue() -> None:
    assert found(LOOSE_ENDS, TEXTS) == []


def test_the_patterns_find_what_they_are_for() -> None:
    sample = [("a", f"/{'work'}/main x\n/home/me/x\npypi.org\nTODO: x\nan LLM\n")]
    assert len(found(MACHINE_PATHS, sample)) == 2
    assert len(found(DOWNLOADS, sample)) == 1
    assert len(found(LOOSE_ENDS, sample)) == 1
    assert len(found(MAKERS, sample)) == 1
    assert found(LOOSE_ENDS, [("a", "TODO(#12): x")]) == []
    assert found(MACHINE_PATHS, [("a", "https://example.com/work/x")]) == []


EXEMPT = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)$")
WITH_CODE = re.compile(r"^(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[a-z0-9, -]+\])(?P<reason>.*)$")
PYTHON = [(path, text) for path, text in TEXTS if path in set(modules(""))]


@pytest.mark.parametrize("kind", ["noqa", "type:ignore"])
def test_every_exemption_names_its_code_and_its_reason(kind: str) -> None:
    """A reason once given in a file serves the same code further down; a comment above is one."""
    bad = []
    for path, text in PYTHON:
        reasoned: set[str] = set()
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            exempt = EXEMPT.search(line)
            if exempt is None or exempt[1].replace(" ", "") != kind:
                continue
            parts = WITH_CODE.match(exempt["rest"])
            if parts is None:
                bad.append(f"{path}:{number} has no code")
                continue
            codes = set(re.findall(r"[A-Z]+\d+|[a-z-]+", parts[1]))
            above = lines[number - 2].strip()
            if above.startswith("#") or len(re.sub(r"[^a-zA-Z]", "", parts["reason"])) > 3:
                reasoned |= codes
            elif not codes <= reasoned:
                bad.append(f"{path}:{number} has no reason")
    assert bad == []


def test_there_is_no_lock_that_holds_addresses() -> None:
    assert [path for path in tracked() if path.endswith("uv.lock")] == []


LOCKED = re.compile(
    r"(?:[a-z0-9._-]+(?:\[[a-z0-9,-]+\])?==[\w.!+]+(?: ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?)"
)


def test_the_lock_has_versions_and_hashes_and_nothing_else() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if line and not LOCKED.fullmatch(line)] == []


def test_generated_contracts_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "gen_proto.py", "--check"],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_naive_datetimes_are_linted() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    assert not [code for code in lint["ignore"] if code.startswith("DTZ")]
    everywhere = [code for codes in lint["per-file-ignores"].values() for code in codes]
    assert not [code for code in everywhere if code.startswith("DTZ")]


def test_every_rule_that_is_off_says_why() -> None:
    lint = (ROOT / "pyproject.toml").read_text().split("[tool.ruff.lint]")[1]
    lint = lint.split("[tool.ruff.lint.pydocstyle]")[0]
    off = [line for line in lint.splitlines() if re.search(r'"[A-Z]+\d*"', line)]
    assert len(off) > 20
    assert [line for line in off if "ALL" not in line and not re.search(r"# .{4}", line)] == []
