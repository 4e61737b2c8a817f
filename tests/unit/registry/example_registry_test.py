"""The registry that ships with the project, and the commands that read it."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dsr_cli.commands.registry import app
from dsr_cli.registry import load_registry
from dsr_cli.registry.graph import mermaid
from dsr_cli.registry.svg import svg
from dsr_core.exports import Protection
from dsr_core.phases import phases
from dsr_core.plan import Scope, plan
from dsr_core.registry import OrganisationRole, Registry
from dsr_core.rights import Right
from support.builders import NOW

FOLDER = Path(__file__).parents[3] / "registry"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(FOLDER)


def test_the_group_has_the_shape_of_the_domain(registry: Registry) -> None:
    assert len(registry.organisations) == 10
    assert len(registry.systems) == 15
    assert len({one.region for one in registry.organisations}) == 6
    assert {one.role for one in registry.organisations} == set(OrganisationRole)
    assert all({Right.ACCESS, Right.DELETION} <= set(one.rights) for one in registry.systems)
    assert {one.id for one in registry.systems if Right.OPT_OUT in one.rights} == {
        "ad-audiences", "newsletter", "web-analytics"
    }  # fmt: skip
    assert len({kind for one in registry.systems for kind in one.identifiers}) == 6


@pytest.mark.parametrize(
    "key",
    [
        "user.contact.email",
        "user.government_id.passport_number",
        "user.authorization.password",
        "user.financial.credit_card",
        "user.demographic",
        "user.device.ip_address",
        "user.device.device_id",
        "user.device.cookie_id",
    ],
)
def test_every_category_of_the_policy_is_held_somewhere(registry: Registry, key: str) -> None:
    assert any(key in one.categories for one in registry.systems)


def test_every_system_says_what_a_person_is_told_beside_the_data(registry: Registry) -> None:
    terms = [one.access for one in registry.systems]
    assert all(terms)
    kinds = {field.protection for one in terms if one for field in one.protected}
    assert kinds == set(Protection)


def test_contacts_are_roles_on_reserved_names(registry: Registry) -> None:
    for one in (*registry.organisations, *registry.systems):
        domain = one.contact.partition("@")[2]
        assert domain.endswith((".example.com", ".example.net", ".example.org", ".test")), domain


def test_canonical_form_reads_back(registry: Registry) -> None:
    assert Registry.from_canonical(registry.canonical()) == registry


def test_a_deletion_goes_from_the_copies_to_the_account_directory(registry: Registry) -> None:
    def asked(right: Right, *kinds: str) -> list[list[str]]:
        systems = plan(registry, right, Scope(), received_at=NOW)
        return [[one.id for one in phase] for phase in phases(registry, systems, right, kinds)]

    first, second, third = asked(Right.DELETION, "account_id", "email", "customer_number")
    assert second == ["billing", "newsletter", "web-analytics"]
    assert third == ["accounts"]
    assert len(first) == 11
    assert len(asked(Right.ACCESS, "account_id", "email")) == 1


def test_who_knows_people_by_accounts_alone_comes_after_who_finds_them_out(
    registry: Registry,
) -> None:
    for right, phases_ in ((Right.ACCESS, 2), (Right.DELETION, 4)):
        systems = plan(registry, right, Scope(), received_at=NOW)
        found = phases(registry, systems, right, ["email", "customer_number"])
        assert len(found) == phases_
        last = [one.id for one in found[-1]]
        assert last == ["console-activity", "identity-checks", "regional-accounts"]
        assert "accounts" in {one.id for one in found[-2]}


def test_mermaid_names_every_system_and_copy(registry: Registry) -> None:
    text = mermaid(registry)
    assert all(f"system-{one.id}[" in text for one in registry.systems)
    assert text.count("-->|copied to|") == sum(len(one.copies_from) for one in registry.systems)
    assert text.count("subgraph") == text.count("end\n")


def test_svg_is_xml_that_names_every_system(registry: Registry) -> None:
    root = ET.fromstring(svg(registry))  # noqa: S314 - our own text
    texts = " ".join("".join(one.itertext()) for one in root.iter())
    for system in registry.systems:
        assert system.name in texts
    assert "UCloud Technology (US), LLC" in texts


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_check_says_that_there_are_no_faults() -> None:
    code, out = run("check", str(FOLDER))
    assert code == 0
    assert f"{FOLDER}: no faults" in out.splitlines()
    code, out = run("check", str(FOLDER), "--json")
    assert json.loads(out)["systems"] == 15


def test_check_prints_each_fault_on_a_line_and_leaves_with_1(tmp_path: Path, good: str) -> None:
    (tmp_path / "a.yaml").write_text(good.replace("owner", "ownr"))
    code, out = run("check", str(tmp_path))
    assert code == 1
    assert f"{tmp_path}/a.yaml:7: unknown key 'ownr'; did you mean 'owner'?" in out.splitlines()
    code, out = run("check", str(tmp_path), "--json")
    assert code == 1
    assert json.loads(out)["faults"][1]["suggestion"] == "did you mean 'owner'?"


def test_show_lists_systems() -> None:
    assert run("show", str(FOLDER))[0] == 0
    code, out = run("show", str(FOLDER), "--json")
    assert code == 0
    assert len(json.loads(out)["systems"]) == 15


def test_show_an_organisation_without_systems(tmp_path: Path, good: str) -> None:
    (tmp_path / "a.yaml").write_text(good.partition("systems:")[0])
    assert "none" in run("show", str(tmp_path))[1]


def test_graph_in_each_format(tmp_path: Path) -> None:
    assert run("graph", str(FOLDER))[1].startswith("flowchart")
    assert len(json.loads(run("graph", str(FOLDER), "--json")[1])["copies"]) == 10
    file = tmp_path / "graph.svg"
    assert run("graph", str(FOLDER), "--format", "svg", "--output", str(file))[0] == 0
    assert file.read_text().startswith("<svg")


def test_the_command_does_not_pay_for_what_it_does_not_use() -> None:
    code = (
        "import sys, dsr_cli.commands.registry; "
        "sys.exit(bool({'yaml', 'fideslang'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
