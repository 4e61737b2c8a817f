"""What holds for every module: its size, its words, its excepts, and who builds adapters."""

from __future__ import annotations

import ast
import re

import pytest

from support.sources import ROOT, definitions, modules, tree

PRODUCT = modules("libs/", "services/", "examples/", "tools/")
TESTS = modules("tests/")
SERVICES = ("intake", "fanout", "verifier")

FORBIDDEN_WORDS = {
    "ack": "acknowledgement; Kafka's side is to commit the offset",
    "acks": "acknowledgements",
    "catalog": "registry",
    "connector": "system",
    "dataset": "system",
    "job": "subject request, or obligation",
    "leg": "obligation",
    "tenant": "organisation",
    "ticket": "subject request",
    "vendor": "organisation",
}
"""The glossary's column "never", where the word alone is wrong in any name; each with the right one."""

FORBIDDEN_NAMES = {"user_data": "identity"}
"""Names that are wrong as a whole."""


OTHERS_WORDS = {
    "libs/cli/src/dsr_cli/stack/prometheus.py": {"job"},  # Prometheus's
    "services/fanout/src/dsr_fanout/adapters/calls.py": {"connector"},  # aiohttp's
}
"""Words of a library, in the module that speaks to it."""


def size(path: str) -> int:
    return len((ROOT / path).read_text().splitlines())


def words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return {word for word in spaced.lower().split("_") if word}


def test_no_module_is_over_500_lines() -> None:
    assert [(path, size(path)) for path in (*PRODUCT, *TESTS) if size(path) > 500] == []


@pytest.mark.parametrize("paths", [PRODUCT, TESTS], ids=["product", "tests"])
def test_nine_modules_of_ten_are_under_300_lines(paths: list[str]) -> None:
    long = [path for path in paths if size(path) >= 300]
    assert len(long) <= len(paths) / 10, long


def test_nothing_catches_base_exception_or_everything() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in (*PRODUCT, *TESTS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or "BaseException" in ast.unparse(node.type))
    ]
    assert found == []


def test_the_glossary_s_never_column_is_kept_to() -> None:
    found = [
        f"{path}:{line} {name}: say {FORBIDDEN_WORDS.get(word, FORBIDDEN_NAMES.get(name))}"
        for path in PRODUCT
        for line, name in definitions(path)
        for word in [*words(name), name]
        if word not in OTHERS_WORDS.get(path, ())
        and ((word in FORBIDDEN_WORDS and word in words(name)) or name in FORBIDDEN_NAMES)
    ]
    assert sorted(set(found)) == []


def test_names_are_cut_into_words() -> None:
    assert words("AckPolicy") == {"ack", "policy"}
    assert words("_backlog_size") == {"backlog", "size"}


def adapters_of(service: str) -> set[str]:
    folder = f"services/{service}/src/dsr_{service}/adapters"
    return {
        node.name
        for path in modules(folder)
        for node in tree(path).body
        if isinstance(node, ast.ClassDef)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_but_bootstrap_constructs_an_adapter(service: str) -> None:
    root = f"services/{service}/src/dsr_{service}"
    found = [
        f"{path}:{node.lineno}"
        for path in modules(f"{root}/")
        if not path.startswith((f"{root}/adapters/", f"{root}/bootstrap"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in adapters_of(service)
    ]
    assert found == []
    assert adapters_of(service)


def untranslated(node: ast.AST, *, inside: bool = False) -> list[int]:
    """The lines at which a pool is used outside `with translated()`."""
    if isinstance(node, ast.With):
        inside = inside or any("translated" in ast.unparse(one) for one in node.items)
    found = [
        line for child in ast.iter_child_nodes(node) for line in untranslated(child, inside=inside)
    ]
    is_used = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self._pool"
    return [*found, node.lineno] if is_used and not inside else found


def test_every_use_of_a_pool_tells_its_faults_as_this_project_s_errors() -> None:
    used = [
        path
        for path in modules("services/", "libs/runtime/")
        if "self._pool." in ast.unparse(tree(path))
    ]
    assert [f"{path}:{line}" for path in used for line in untranslated(tree(path))] == []
    assert len(used) > len(SERVICES)


def calls(name: str, paths: list[str]) -> list[str]:
    """Where modules call something by its name."""
    return [
        f"{path}:{node.lineno}"
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] == name
    ]


def test_one_place_asks_the_closing_rule_and_nothing_else_says_closed() -> None:
    source = {path: ast.unparse(tree(path)) for path in PRODUCT}
    knowing = [path for path, text in source.items() if "dsr_core.closing" in text]
    asking = calls("closing", knowing)
    deciding, checking = (
        "services/verifier/src/dsr_verifier/application/settling.py",
        ("libs/wire/src/dsr_wire/certificate/closed.py"),
    )
    assert sorted(one.rpartition(":")[0] for one in asking) == [checking, deciding]
    assert calls("Closed", knowing) == [], "only the rule says so"
    hidden = [
        path
        for path, text in source.items()
        if re.search(r"from dsr_core import .*\bclosing\b|dsr_core\.closing import .*\bas\b", text)
    ]
    assert hidden == [], "under another name it would not be found here"


def test_metrics_are_made_in_one_place_from_what_is_said_of_them() -> None:
    kinds = {"Counter", "Gauge", "Histogram", "Summary"}
    found = [
        f"{path}:{node.lineno}"
        for path in modules("services/", "libs/runtime/", "libs/sdk/")
        if path != "libs/runtime/src/dsr_runtime/metrics.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        and node.module == "prometheus_client"
        and kinds & {alias.name for alias in node.names}
    ]
    assert found == []


def protocols() -> set[str]:
    """The names of every service's and the SDK's ports."""
    return {
        node.name
        for path in modules("services/", "libs/sdk/")
        if path.endswith(("/ports.py", "/bus.py", "/outcomes.py"))
        for node in tree(path).body
        if isinstance(node, ast.ClassDef) and "Protocol" in {ast.unparse(b) for b in node.bases}
    }


def test_fakes_of_ports_live_in_modules_of_their_own() -> None:
    """In tests/support where several tests need one, else beside the tests of its service."""
    ports = protocols()
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path in TESTS
        if not path.startswith("tests/support/") and not path.endswith("fakes.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and re.sub(r"^(Fake|Memory|InMemory|Stub)", "", node.name) in ports - {node.name}
    ]
    assert found == []
    assert ports


def test_tests_are_named_as_they_are_found() -> None:
    assert [path for path in TESTS if path.rsplit("/", 1)[-1].startswith("test_")] == []


def test_tests_patch_nothing_of_ours() -> None:
    found = [
        path
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "mock" in {part for alias in node.names for part in alias.name.split(".")}
    ]
    assert found == []


def test_tests_do_not_sleep() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in TESTS
        if path.endswith("_test.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}
        and ast.unparse(node.args[0]) != "0"
    ]
    assert found == []
