"""What is put together from values: SQL never is, and one part alone writes what a spreadsheet reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from support.sources import modules, tree

PRODUCT = modules("libs/", "services/")

WITHOUT_SQL = ("libs/core/", "libs/wire/", "libs/cli/")
"""Packages that speak to no database, whose sentences may begin like SQL.

The command line makes databases and logins of the local stack alone, from names of its own.
"""

SPEAKING = [path for path in PRODUCT if not path.startswith(WITHOUT_SQL)]

SQL = re.compile(
    r"\s*(?:\?\s+)?(?:select|insert|update|delete|with|create|alter|drop|grant|revoke|truncate|lock"
    r"|notify|copy|where|and|join)\s",
    re.IGNORECASE,
)
"""How an SQL text begins; `?` stands for what is put in."""

FIXED = re.compile(r"(?:\w+\.)*_?[A-Z][A-Z0-9_]*(?:\.value)?|(?:self\._)?schema")
"""What is put into SQL: a constant of a module, or the name of a service's own schema."""

LOOKED_AT = {
    "services/intake/src/dsr_intake/adapters/reading.py": {
        "' and '.join(conditions)",  # fixed texts with numbered places; the values go beside them
        "len(values)",
    },
    "services/intake/src/dsr_intake/adapters/console.py": {"' and '.join(conditions)"},  # likewise
    "services/intake/src/dsr_intake/adapters/key_store.py": {"table"},
    "services/intake/src/dsr_intake/adapters/letters.py": {
        "', '.join((f'l.{one}' for one in _COLUMNS.split(', ')))",
    },
    "services/verifier/src/dsr_verifier/migrations/v0001_ledger.py": {"table"},
    "services/verifier/src/dsr_verifier/migrations/v0007_log.py": {"table"},
    "libs/runtime/src/dsr_runtime/append_only.py": {"table"},
    "libs/runtime/src/dsr_runtime/grants.py": {  # which take no parameters: every name in quotes
        "_quoted(schema)",
        "_table(one.table)",
        "login",
        "one.words",
    },
}
"""What else is put in, each looked at: names that the code itself gives."""

SAID = {
    "services/fanout/src/dsr_fanout/application/notifying.py",
    "services/intake/src/dsr_intake/bootstrap/keys.py",
}
"""Sentences that begin like SQL."""


def pattern(node: ast.JoinedStr) -> str:
    """A text with `?` where something is put in."""
    return "".join(one.value if isinstance(one, ast.Constant) else "?" for one in node.values)


def put_into_sql(path: str) -> Iterator[tuple[int, str]]:
    """Each expression that a module puts into an SQL text, with its line."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.JoinedStr() if SQL.match(pattern(node)) or re.search(r"\$\d", pattern(node)):
                for one in node.values:
                    if isinstance(one, ast.FormattedValue):
                        yield node.lineno, ast.unparse(one.value)
            case ast.BinOp(left=ast.Constant(value=str(text))) if SQL.match(text):
                yield node.lineno, ast.unparse(node.right)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                if SQL.match(text):
                    yield node.lineno, ast.unparse(node)
            case _:
                pass


def test_no_value_is_put_into_sql() -> None:
    found = [(path, *one) for path in SPEAKING for one in put_into_sql(path)]
    assert len(found) > 25  # else the search is broken
    wrong = [
        f"{path}:{line} {what}"
        for path, line, what in found
        if FIXED.fullmatch(what) is None
        and what not in LOOKED_AT.get(path, set())
        and path not in SAID
    ]
    assert wrong == []


def test_what_was_looked_at_is_still_there() -> None:
    for path, expressions in LOOKED_AT.items():
        assert expressions <= {what for _, what in put_into_sql(path)}, path


def test_a_value_in_sql_would_be_seen() -> None:
    node = ast.parse("f\"select * from t where id = '{name}'\"").body[0]
    assert isinstance(node, ast.Expr)
    assert isinstance(node.value, ast.JoinedStr)
    assert SQL.match(pattern(node.value))
    assert FIXED.fullmatch("name") is None
    assert FIXED.fullmatch("self._schema_of(x)") is None


def imported(path: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_one_part_alone_exports_for_spreadsheets() -> None:
    """So that a value that begins with `=` is a formula nowhere; whoever adds an export adds its guard."""
    writers = {"csv", "openpyxl", "xlsxwriter", "pandas", "odf"}
    allowed = {
        # Its guard: tests/unit/intake/packages/spreadsheet_test.py::test_no_text_is_a_formula.
        "services/intake/src/dsr_intake/application/packages/spreadsheet.py": {"csv"},
        # It takes values out of a system's own rows; what it puts in begins with a bracket.
        "services/intake/src/dsr_intake/application/packages/columns.py": {"csv"},
        # It only reads.
        "services/intake/src/dsr_intake/application/packages/delimiters.py": {"csv"},
    }
    assert {path: found for path in PRODUCT if (found := imported(path) & writers)} == allowed


def test_nothing_that_was_sent_is_run_or_built() -> None:
    """No pickle, no YAML that builds objects, no code from texts, no shell, no archive unpacked."""
    builders = {
        "pickle",
        "marshal",
        "shelve",
        "dill",
        "tarfile",
        "zipfile",
        "xmlrpc",
        "imp",
        "code",
    }
    allowed = {
        # It writes packages, and reads none.
        "services/intake/src/dsr_intake/application/packages/archive.py": {"zipfile"},
        # It says how they are written.
        "libs/wire/src/dsr_wire/packages/form.py": {"zipfile"},
        # It writes the support bundle, and reads none.
        "libs/cli/src/dsr_cli/doctor/bundle.py": {"tarfile"},
        # The demonstration unpacks what its own intake has just written, as a person would.
        "libs/cli/src/dsr_cli/demo/package.py": {"zipfile"},
        # Whoever has a package checks it: what is stored is read, and nothing is unpacked.
        "libs/wire/src/dsr_wire/packages/archive.py": {"zipfile"},
        "libs/wire/src/dsr_wire/packages/checking.py": {"zipfile"},
        # The benchmark reads the package that its own systems have handed over, file by file.
        "libs/cli/src/dsr_cli/bench/packages.py": {"zipfile"},
    }
    assert {path: found for path in PRODUCT if (found := imported(path) & builders)} == allowed
    wrong = []
    for path in PRODUCT:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            shell = [one for one in node.keywords if one.arg == "shell"]
            if called in {"eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system"} or shell:
                wrong.append(f"{path}:{node.lineno} {called}")
    assert wrong == []
