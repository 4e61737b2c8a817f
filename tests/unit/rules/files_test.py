"""Files that are no rules at all, or not in one's charge."""

from pathlib import Path

import pytest
from unit.rules.finding import FindFaults, the_fault

from dsr_cli.files.faults import FileFaults
from dsr_cli.rules import load_rules


def test_yaml_bomb(default: str, faults_of: FindFaults) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    found = the_fault(faults_of(bomb, default))
    assert found.startswith("a.yaml:1: anchors and aliases are not allowed")


@pytest.mark.parametrize("bomb", ["[" * 100_000, '{"a":' * 40_000, "- " * 100_000])
def test_deep_nesting(bomb: str, default: str, faults_of: FindFaults) -> None:
    assert "nested more than 8 deep" in the_fault(faults_of(bomb, default))


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [x]", "!!python/name:os.system"])
def test_a_tag_builds_nothing(tag: str, good: str, default: str, faults_of: FindFaults) -> None:
    faults = faults_of(
        good.replace("title: General Data Protection Regulation", f"title: {tag}"), default
    )
    assert [one.line for one in faults] == [2]


def test_no_default(good: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(good)
    with pytest.raises(FileFaults) as caught:
        load_rules(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no file has the regime 'default'; "
        "every jurisdiction without a law of its own needs it"
    )


def test_empty_file(default: str, faults_of: FindFaults) -> None:
    assert (
        the_fault(faults_of("# nothing\n", default))
        == "a.yaml:1: the file is empty; begin with 'regime:', or remove the file"
    )


def test_list_at_the_top(default: str, faults_of: FindFaults) -> None:
    expected = "a.yaml:1: expected a mapping, found a list; begin with 'regime:'"
    assert the_fault(faults_of("- a\n", default)) == expected


def test_second_document(good: str, default: str, faults_of: FindFaults) -> None:
    expected = "a.yaml:20: a second document; keep one regime a file"
    assert the_fault(faults_of(f"{good}---\n{good}", default)) == expected


def test_rule_that_is_a_text(good: str, default: str, faults_of: FindFaults) -> None:
    rule = good[good.index("  - name") : good.index("tiers:")]
    found = faults_of(good.replace(rule, "  - respond_by\n"), default)
    assert the_fault(found) == (
        "a.yaml:8: rule: expected a mapping, found text; "
        "write its keys: name, version, in_force_from, counts_from, term, citation"
    )


def test_not_utf_8(good: str, default: str, faults_of: FindFaults) -> None:
    raw = good.replace("General", "Général").encode("latin-1")
    assert the_fault(faults_of(raw, default)) == "a.yaml:2: not UTF-8; save the file as UTF-8"


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileFaults) as caught:
        load_rules(tmp_path / "none")
    assert (
        str(caught.value)
        == f"{tmp_path}/none: no such folder; name the one that holds the rules' files"
    )


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(FileFaults) as caught:
        load_rules(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: no file has the regime 'default'")


def test_what_is_no_yaml_file_is_left_alone(good: str, default: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yml").write_text(default)
    (tmp_path / "README.md").write_text("# The rules\n")
    assert [one.name for one in load_rules(tmp_path).regimes] == ["default", "gdpr"]
