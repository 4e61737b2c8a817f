"""Each fault that a registry file can have, by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dsr_cli.registry import Fault, RegistryFaults, load_registry

FindFaults = Callable[..., list[Fault]]


def the_fault(faults: list[Fault]) -> str:
    assert len(faults) == 1, [str(fault) for fault in faults]
    return str(faults[0])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "  owner: Privacy office",
            "  owner: Privacy office\n  ownr: x",
            "a.yaml:8: unknown key 'ownr'; did you mean 'owner'?",
            id="unknown_key",
        ),
        pytest.param(
            "systems:", "system:", "a.yaml:9: unknown key 'system'; did you mean 'systems'?",
            id="unknown_key_at_the_top",
        ),
        pytest.param(
            "  owner: Privacy office\n", "", "a.yaml:2: organisation: missing key 'owner'",
            id="no_owner",
        ),
        pytest.param(
            "    contact: accounts@acme.test\n", "", "a.yaml:10: system: missing key 'contact'",
            id="no_contact",
        ),
        pytest.param(
            "country: DE", "country: NO",
            "a.yaml:5: country: expected text, found a truth value; put it in quotes",
            id="wrong_type_norway",
        ),
        pytest.param(
            "name: Accounts", "name: 12", "a.yaml:11: name: expected text, found a number; put it in quotes",
            id="wrong_type_number",
        ),
        pytest.param(
            "name: Accounts", "name: [x]", "a.yaml:11: name: expected text, found a list",
            id="wrong_type_list",
        ),
        pytest.param(
            "name: Accounts", "name:", "a.yaml:11: name: expected text, found nothing",
            id="wrong_type_null",
        ),
        pytest.param(
            "[email]", "email", "a.yaml:16: identifiers: expected a list, found text",
            id="wrong_type_text_for_list",
        ),
        pytest.param(
            "name: Acme", "name: !!python/object:os.system x",
            "a.yaml:3: name: expected text, found a value with the tag "
            "tag:yaml.org,2002:python/object:os.system; put it in quotes",
            id="wrong_type_python_object",
        ),
        pytest.param("name: Acme", "name: '  '", "a.yaml:3: name: must not be empty", id="empty_text"),
        pytest.param(
            "name: Acme", 'name: "a\\nb"',
            "a.yaml:3: name: must be one line of at most 200 printable characters",
            id="text_of_two_lines",
        ),
        pytest.param(
            "user.contact.email", "user.contact.emial",
            "a.yaml:17: unknown category 'user.contact.emial'; did you mean 'user.contact.email'?",
            id="unknown_category",
        ),
        pytest.param(
            "[email]", "[e-mail]",
            "a.yaml:16: unknown identifier kind 'e-mail'; did you mean 'email'?",
            id="unknown_identifier_kind",
        ),
        pytest.param(
            "[access, deletion]", "[access, erasure]",
            "a.yaml:15: unknown right 'erasure'; known are access, deletion",
            id="unknown_right",
        ),
        pytest.param(
            "[access, deletion]", "[]", "a.yaml:15: rights: must name at least one right",
            id="no_right",
        ),
        pytest.param(
            "[access, deletion]", "[access, access]",
            "a.yaml:15: right 'access' stands twice in this list",
            id="right_twice",
        ),
        pytest.param(
            "role: company", "role: compny", "a.yaml:4: unknown role 'compny'; did you mean 'company'?",
            id="unknown_role",
        ),
        pytest.param(
            "id: accounts", "id: Accounts_1",
            "a.yaml:10: system id: 'Accounts_1' is not lower-case words joined by hyphens, "
            "at most 48 characters",
            id="bad_id",
        ),
        pytest.param(
            "country: DE", "country: de",
            "a.yaml:5: country: 'de' is no ISO 3166-1 code of two letters; did you mean 'DE'?",
            id="country_in_lower_case",
        ),
        pytest.param(
            "country: DE", "country: UK",
            "a.yaml:5: country: 'UK' is no ISO 3166-1 code of two letters; "
            "the United Kingdom is 'GB'",
            id="country_uk",
        ),
        pytest.param(
            "privacy@acme.test", "privacy at acme",
            "a.yaml:8: contact: 'privacy at acme' is not an email address",
            id="invalid_contact",
        ),
        pytest.param(
            "  contact: privacy@acme.test", "  contact: privacy@acme.test\n  parent: acm",
            "a.yaml:9: parent: there is no organisation 'acm'; did you mean 'acme'?",
            id="dangling_parent",
        ),
        pytest.param(
            "  contact: privacy@acme.test", "  contact: privacy@acme.test\n  parent: acme",
            "a.yaml:9: parent: 'acme' is its own parent, by way of 'acme'",
            id="own_parent",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    copies_from: [account]",
            "a.yaml:12: copies_from: there is no system 'account'; did you mean 'accounts'?",
            id="dangling_copies_from",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    copies_from: [accounts]",
            "a.yaml:12: copies_from: 'accounts' names itself",
            id="copies_from_itself",
        ),
        pytest.param(
            "  owner: Privacy office", "  owner: Privacy office\n  owner: Legal",
            "a.yaml:8: key 'owner' stands twice in this mapping, first on line 7",
            id="duplicate_key",
        ),
        pytest.param(
            "name: Acme", "name: &x Acme",
            "a.yaml:3: anchors and aliases are not allowed; write the value out",
            id="anchor",
        ),
        pytest.param(
            "name: Acme", "[a]: Acme\n  name: Acme", "a.yaml:3: unknown key 'a list'",
            id="key_that_is_a_list",
        ),
        pytest.param(
            "name: Acme", "name: Acme: x", "a.yaml:3: not YAML: mapping values are not allowed in this context",
            id="syntax",
        ),
    ],
)  # fmt: skip
def test_fault(good: str, faults_of: FindFaults, old: str, new: str, expected: str) -> None:
    assert old in good
    assert the_fault(faults_of(good.replace(old, new, 1))) == expected


def test_all_faults_come_at_once(good: str, faults_of: FindFaults) -> None:
    first = good.replace("role: company", "role: x").replace("country: DE", "country: XX")
    second = good.replace("id: acme", "id: other").replace("id: accounts", "id: o", 1)
    found = faults_of(first, second.replace("[email]", "[mail]"), "a: [")
    assert [(fault.file, fault.line) for fault in found] == [
        ("a.yaml", 4),
        ("a.yaml", 5),
        ("b.yaml", 16),
        ("c.yaml", 2),
    ]


def test_duplicate_ids_name_both_places(good: str, faults_of: FindFaults, tmp_path: Path) -> None:
    messages = [str(fault).replace(f"{tmp_path}/", "") for fault in faults_of(good, good)]
    assert messages == [
        "b.yaml:2: organisation id 'acme' is taken, at a.yaml:2",
        "b.yaml:10: system id 'accounts' is taken, at a.yaml:10",
    ]


def test_ring_of_parents(good: str, faults_of: FindFaults) -> None:
    def child(name: str, parent: str) -> str:
        head = good.partition("systems:")[0].replace("id: acme", f"id: {name}")
        return head.replace("  role:", f"  parent: {parent}\n  role:")

    found = faults_of(child("one", "two"), child("two", "one"), child("three", "one"))
    assert [fault.file for fault in found] == ["a.yaml", "b.yaml"]
    assert "'one' is its own parent, by way of 'two'" in found[0].message


def test_yaml_bomb(faults_of: FindFaults) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert the_fault(faults_of(bomb)).startswith("a.yaml:1: anchors and aliases are not allowed")


def test_deep_nesting(faults_of: FindFaults) -> None:
    assert the_fault(faults_of("[" * 100_000)) == "a.yaml:1: nested more than 8 deep"


def test_not_utf_8(good: str, faults_of: FindFaults) -> None:
    raw = good.replace("Acme", "Acmé").encode("latin-1")
    assert the_fault(faults_of(raw)) == "a.yaml:3: not UTF-8"


def test_oversized(good: str, faults_of: FindFaults) -> None:
    assert the_fault(faults_of(good + "#" * 300_000)) == "a.yaml: larger than 256 KiB"


def test_empty_file(faults_of: FindFaults) -> None:
    assert the_fault(faults_of("# nothing\n")) == "a.yaml: the file is empty"


def test_control_character(good: str, faults_of: FindFaults) -> None:
    assert "not YAML" in the_fault(faults_of(good.replace("Acme", "\x07", 1)))


def test_list_at_the_top(faults_of: FindFaults) -> None:
    assert the_fault(faults_of("- a\n")) == "a.yaml:1: expected a mapping, found a list"


def test_second_document(good: str, faults_of: FindFaults) -> None:
    assert "a second document" in the_fault(faults_of(f"{good}---\n{good}"))


def test_systems_without_organisation(good: str, faults_of: FindFaults) -> None:
    systems = good[good.index("systems:") :]
    assert the_fault(faults_of(systems)) == "a.yaml:1: file: missing key 'organisation'"


def test_system_that_is_a_text(good: str, faults_of: FindFaults) -> None:
    found = faults_of(good.partition("  - id")[0] + "  - accounts\n")
    assert the_fault(found) == "a.yaml:10: system: expected a mapping, found text"


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(RegistryFaults) as caught:
        load_registry(tmp_path)
    assert str(caught.value).endswith("a.yaml: cannot be read: Is a directory")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(RegistryFaults) as caught:
        load_registry(tmp_path)
    assert str(caught.value) == f"{tmp_path}: holds no .yaml file"


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RegistryFaults) as caught:
        load_registry(tmp_path / "none")
    assert str(caught.value).endswith("no such folder")


def test_an_organisation_without_systems_is_allowed(good: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(good.partition("systems:")[0])
    registry = load_registry(tmp_path)
    assert [one.id for one in registry.organisations] == ["acme"]
    assert registry.systems == ()


def test_the_order_of_files_and_lists_does_not_matter(good: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(good)
    first = load_registry(tmp_path)
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.yml").write_text(good.replace("[access, deletion]", "[deletion, access]"))
    assert load_registry(tmp_path).digest == first.digest
