"""Each fault that a registry file can have, by name."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dsr_cli.errors import CommandError
from dsr_cli.files.faults import Fault, FileFaults
from dsr_cli.registry import load_registry
from dsr_core.registry import Registry, Sale

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
            "  owner: Privacy office\n", "", "a.yaml:2: organisation: missing key 'owner'; add it, like 'owner: Privacy office'",
            id="no_owner",
        ),
        pytest.param(
            "    contact: accounts@acme.test\n", "", "a.yaml:10: system: missing key 'contact'; add it, like 'contact: accounts@example.com'",
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
            "name: Accounts", "name: [x]", "a.yaml:11: name: expected text, found a list; write one text",
            id="wrong_type_list",
        ),
        pytest.param(
            "name: Accounts", "name:", "a.yaml:11: name: expected text, found nothing; write one text",
            id="wrong_type_null",
        ),
        pytest.param(
            "[email]", "email", "a.yaml:16: identifiers: expected a list, found text; write each entry on a line, after '- '",
            id="wrong_type_text_for_list",
        ),
        pytest.param(
            "name: Acme", "name: !!python/object:os.system x",
            "a.yaml:3: name: expected text, found a value with the tag "
            "tag:yaml.org,2002:python/object:os.system; leave the tag out",
            id="wrong_type_python_object",
        ),
        pytest.param("name: Acme", "name: '  '", "a.yaml:3: name: must not be empty; write a text", id="empty_text"),
        pytest.param(
            "name: Acme", 'name: "a\\nb"',
            "a.yaml:3: name: holds a line break, or a character that cannot be printed; take it out",
            id="text_of_two_lines",
        ),
        pytest.param(
            "name: Acme", f"name: {'a' * 203}", "a.yaml:3: name: longer than 200 characters; take out 3",
            id="text_too_long",
        ),
        pytest.param(
            "user.contact.email", "user.contact.emial",
            "a.yaml:17: unknown category 'user.contact.emial'; did you mean 'user.contact.email'?",
            id="unknown_category",
        ),
        pytest.param(
            "[user.contact.email]", "[phone]",
            "a.yaml:17: unknown category 'phone'; did you mean 'user.contact.phone_number'?",
            id="unknown_category_that_is_part_of_one",
        ),
        pytest.param(
            "[user.contact.email]", "[zzz]",
            "a.yaml:17: unknown category 'zzz'; the nearest of 85 is 'user.authorization'",
            id="unknown_category_like_no_other",
        ),
        pytest.param(
            "[email]", "[e-mail]",
            "a.yaml:16: unknown identifier kind 'e-mail'; did you mean 'email'?",
            id="unknown_identifier_kind",
        ),
        pytest.param(
            "[access, deletion]", "[access, erasure]",
            "a.yaml:15: unknown right 'erasure'; known are access, correction, deletion, objection, opt_out, "
            "portability, restriction",
            id="unknown_right",
        ),
        pytest.param(
            "[access, deletion]", "[]", "a.yaml:15: rights: must name at least one right; known are access, correction, deletion, objection, opt_out, "
            "portability, restriction",
            id="no_right",
        ),
        pytest.param(
            "[access, deletion]", "[access, access]",
            "a.yaml:15: right 'access' stands twice in this list; keep one of the two",
            id="right_twice",
        ),
        pytest.param(
            "role: company", "role: compny", "a.yaml:4: unknown role 'compny'; did you mean 'company'?",
            id="unknown_role",
        ),
        pytest.param(
            "id: accounts", "id: Accounts_1",
            "a.yaml:10: system id: 'Accounts_1' is not lower-case words joined by hyphens, "
            "at most 48 characters; write 'accounts-1'",
            id="bad_id",
        ),
        pytest.param(
            "region: europe", "region: 欧洲",
            "a.yaml:6: region: '欧洲' is not lower-case words joined by hyphens, "
            "at most 48 characters; write it like 'asia-pacific'",
            id="bad_id_like_no_good_one",
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
            "country: DE", "country: Germany",
            "a.yaml:5: country: 'Germany' is no ISO 3166-1 code of two letters; "
            "write two capital letters, like 'DE'",
            id="country_by_name",
        ),
        pytest.param(
            "privacy@acme.test", "privacy at acme",
            "a.yaml:8: contact: 'privacy at acme' is not an email address; write it like 'privacy@example.com'",
            id="invalid_contact",
        ),
        pytest.param(
            "  contact: privacy@acme.test", "  contact: privacy@acme.test\n  parent: acm",
            "a.yaml:9: parent: there is no organisation 'acm'; did you mean 'acme'?",
            id="dangling_parent",
        ),
        pytest.param(
            "  contact: privacy@acme.test", "  contact: privacy@acme.test\n  parent: zzz",
            "a.yaml:9: parent: there is no organisation 'zzz'; known are acme",
            id="dangling_parent_like_no_other",
        ),
        pytest.param(
            "  contact: privacy@acme.test", "  contact: privacy@acme.test\n  parent: acme",
            "a.yaml:9: parent: 'acme' is its own parent, by way of 'acme'; leave 'parent' out of the one above the others",
            id="own_parent",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    copies_from: [account]",
            "a.yaml:12: copies_from: there is no system 'account'; did you mean 'accounts'?",
            id="dangling_copies_from",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    copies_from: [accounts]",
            "a.yaml:12: copies_from: 'accounts' names itself; name the system that its data comes from",
            id="copies_from_itself",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    erase_after: [account]",
            "a.yaml:12: erase_after: there is no system 'account'; did you mean 'accounts'?",
            id="dangling_erase_after",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    erase_after: [accounts]",
            "a.yaml:12: erase_after: 'accounts' names itself; name the system that erases before it",
            id="erases_after_itself",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    resolves: [{from: email, to: phon, confidence: verified}]",
            "a.yaml:12: unknown identifier kind 'phon'; did you mean 'phone'?",
            id="resolves_to_an_unknown_kind",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    resolves: [{from: email, to: phone, confidence: sure}]",
            "a.yaml:12: unknown confidence 'sure'; known are probable, verified",
            id="resolves_with_an_unknown_confidence",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    resolves: [{from: email, to: phone}]",
            "a.yaml:12: resolves: missing key 'confidence'; add it, like 'confidence: verified'",
            id="resolves_with_no_confidence",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    resolves: [{from: phone, to: username, confidence: verified}]",
            "a.yaml:12: resolves: the system knows nobody by 'phone'; add it to its identifiers, or name one of them",
            id="resolves_from_what_it_does_not_know",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    resolves: [{from: email, to: email, confidence: verified}]",
            "a.yaml:12: resolves: 'email' is found out from itself; name another kind",
            id="resolves_to_itself",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    resolves: [{from: email, to: phone, confidence: verified},"
            " {from: email, to: phone, confidence: probable}]",
            "a.yaml:12: resolves: 'email' to 'phone' stands twice in this list; keep one of the two",
            id="resolves_one_pair_twice",
        ),
        pytest.param(
            "  owner: Privacy office", "  owner: Privacy office\n  policy: processors_last",
            "a.yaml:8: unknown policy 'processors_last'; did you mean 'processors_first'?",
            id="unknown_policy",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    retired: 2026-01-31\n    successor: acounts",
            "a.yaml:13: successor: there is no system 'acounts'; did you mean 'accounts'?",
            id="dangling_successor",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    retired: 2026-01-31\n    successor: accounts",
            "a.yaml:13: successor: 'accounts' names itself; name the system that has its data now",
            id="successor_of_itself",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    retired: last year",
            "a.yaml:12: retired: expected a day; write it as 2026-01-31",
            id="retired_on_no_day",
        ),
        pytest.param(
            "  owner: Privacy office", "  owner: Privacy office\n  sold: {on: 2026-01-31}",
            "a.yaml:8: sold: missing key 'to'; add it, like 'to: Example Holding'",
            id="sold_to_nobody",
        ),
        pytest.param(
            "  owner: Privacy office", "  owner: Privacy office\n  sold: {on: 31.1.2026, to: a buyer}",
            "a.yaml:8: on: expected a day; write it as 2026-01-31",
            id="sold_on_no_day",
        ),
        pytest.param(
            "  owner: Privacy office", "  owner: Privacy office\n  sold: yesterday",
            "a.yaml:8: sold: expected a mapping, found text; write its keys: on, to",
            id="sold_that_is_a_text",
        ),
        pytest.param(
            "  owner: Privacy office", "  owner: Privacy office\n  owner: Legal",
            "a.yaml:8: key 'owner' stands twice in this mapping, first on line 7; keep one of the two",
            id="duplicate_key",
        ),
        pytest.param(
            "name: Acme", "name: &x Acme",
            "a.yaml:3: anchors and aliases are not allowed; write the value out",
            id="anchor",
        ),
        pytest.param(
            "name: Acme", "[a]: Acme\n  name: Acme", "a.yaml:3: unknown key 'a list'; known are contact, country, id, name, owner, parent, policy, region, role, sold",
            id="key_that_is_a_list",
        ),
        pytest.param(
            "name: Acme", "name: Acme: x", "a.yaml:3: not YAML: mapping values are not allowed in this context; "
            "put text with ':' or '#' in quotes, close what is open, indent by spaces",
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


def test_duplicate_ids_name_both_places_and_another_id(
    good: str, faults_of: FindFaults, tmp_path: Path
) -> None:
    messages = [str(fault).replace(f"{tmp_path}/", "") for fault in faults_of(good, good)]
    assert messages == [
        "b.yaml:2: organisation id 'acme' is taken, at a.yaml:2; give it another, like 'acme-2'",
        "b.yaml:10: system id 'accounts' is taken, at a.yaml:10; give it another, like 'accounts-2'",
    ]


def test_ring_of_parents(good: str, faults_of: FindFaults) -> None:
    def child(name: str, parent: str) -> str:
        head = good.partition("systems:")[0].replace("id: acme", f"id: {name}")
        return head.replace("  role:", f"  parent: {parent}\n  role:")

    found = faults_of(child("one", "two"), child("two", "one"), child("three", "one"))
    assert [fault.file for fault in found] == ["a.yaml", "b.yaml"]
    assert str(found[0]) == (
        "a.yaml:4: parent: 'one' is its own parent, by way of 'two'; "
        "leave 'parent' out of the one above the others"
    )


def another(good: str, name: str, more: str) -> str:
    """One more system for a file, which can be asked for deletion alone."""
    system = good.partition("systems:\n")[2].replace("accounts\n", f"{name}\n", 1)
    return system.replace("[access, deletion]", "[deletion]") + more


def test_only_what_is_retired_has_a_successor(good: str, faults_of: FindFaults) -> None:
    found = faults_of(good + another(good, "ledger", "    successor: accounts\n"))
    assert the_fault(found) == (
        "a.yaml:26: successor: only a retired system has one; "
        "say since when, like 'retired: 2026-01-31'"
    )


def test_a_successor_can_be_asked_for_all_that_the_retired_one_could(
    good: str, faults_of: FindFaults
) -> None:
    retired = "    retired: 2026-01-31\n    successor: ledger\n"
    found = faults_of(good + retired + another(good, "ledger", ""))
    assert the_fault(found) == (
        "a.yaml:19: successor: 'ledger' cannot be asked for access, as 'accounts' could; "
        "add it to that system's rights, or name another"
    )


def test_ring_of_successors(good: str, faults_of: FindFaults) -> None:
    def after(name: str) -> str:
        return f"    retired: 2026-01-31\n    successor: {name}\n"

    text = good.replace("[access, deletion]", "[deletion]") + after("two")
    found = faults_of(
        text + another(good, "two", after("three")) + another(good, "three", after("accounts"))
    )
    assert [fault.line for fault in found] == [19, 29, 39]
    assert found[0].message == "successor: 'accounts' comes after itself, by way of 'two'"
    assert found[0].suggestion == "leave 'successor' out of the one that has the data now"


def test_a_retired_system_and_a_sale_are_read(good: str, tmp_path: Path) -> None:
    sale = "  sold:\n    on: 2026-06-30\n    to: a buyer\nsystems:"
    retired = "    retired: 2026-01-31\n    successor: ledger\n"
    text = good.replace("systems:", sale, 1).replace("[access, deletion]", "[deletion]")
    (tmp_path / "a.yaml").write_text(text + retired + another(good, "ledger", ""))
    registry = load_registry(tmp_path)
    [organisation] = registry.organisations
    assert organisation.sold == Sale(on=date(2026, 6, 30), to="a buyer")
    heir = registry.heir("accounts")
    assert heir is not None
    assert heir.id == "ledger"
    assert Registry.from_canonical(registry.canonical()) == registry


def test_yaml_bomb(faults_of: FindFaults) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert the_fault(faults_of(bomb)).startswith("a.yaml:1: anchors and aliases are not allowed")


def test_deep_nesting(faults_of: FindFaults) -> None:
    assert the_fault(faults_of("[" * 100_000)) == (
        "a.yaml:1: nested more than 8 deep; a list in a system holds plain texts"
    )


def test_not_utf_8(good: str, faults_of: FindFaults) -> None:
    raw = good.replace("Acme", "Acmé").encode("latin-1")
    assert the_fault(faults_of(raw)) == "a.yaml:3: not UTF-8; save the file as UTF-8"


def test_oversized(good: str, faults_of: FindFaults) -> None:
    assert the_fault(faults_of(good + "#" * 300_000)) == (
        "a.yaml:1: larger than 256 KiB; keep one organisation a file, and its texts short"
    )


def test_empty_file(faults_of: FindFaults) -> None:
    assert the_fault(faults_of("# nothing\n")) == (
        "a.yaml:1: the file is empty; begin with 'organisation:', or remove the file"
    )


def test_control_character(good: str, faults_of: FindFaults) -> None:
    assert the_fault(faults_of(good.replace("Acme", "Ä\x07", 1))) == (
        "a.yaml:3: not YAML: control characters are not allowed; take the character out"
    )


def test_list_at_the_top(faults_of: FindFaults) -> None:
    assert the_fault(faults_of("- a\n")) == (
        "a.yaml:1: expected a mapping, found a list; begin with 'organisation:'"
    )


def test_second_document(good: str, faults_of: FindFaults) -> None:
    assert "a second document" in the_fault(faults_of(f"{good}---\n{good}"))


def test_systems_without_organisation(good: str, faults_of: FindFaults) -> None:
    systems = good[good.index("systems:") :]
    assert the_fault(faults_of(systems)) == (
        "a.yaml:1: file: missing key 'organisation'; add it, like 'organisation: {id: acme, …}'"
    )


def test_system_that_is_a_text(good: str, faults_of: FindFaults) -> None:
    found = faults_of(good.partition("  - id")[0] + "  - accounts\n")
    assert the_fault(found) == (
        "a.yaml:10: system: expected a mapping, found text; "
        "write its keys: id, name, owner, contact, region, rights, identifiers, categories"
    )


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(FileFaults) as caught:
        load_registry(tmp_path)
    assert str(caught.value).endswith(
        "a.yaml:1: cannot be read: Is a directory; make it a file that you may read"
    )


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(FileFaults) as caught:
        load_registry(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: holds no .yaml file; write one for each organisation, like acme.yaml"
    )


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileFaults) as caught:
        load_registry(tmp_path / "none")
    assert str(caught.value).endswith(
        "no such folder; name the folder that holds the registry's files"
    )


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


def test_faults_end_any_command_with_one_line_each(good: str, faults_of: FindFaults) -> None:
    """Commands other than `registry` ended in a traceback."""
    faults = faults_of(
        good.replace("role: company", "role: x").replace("country: DE", "country: XX")
    )
    told = FileFaults(faults)
    assert isinstance(told, CommandError)
    assert str(told).splitlines() == [str(fault) for fault in faults]
