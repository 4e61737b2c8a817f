"""What shares the loop stays together, nothing else does, and the longest begins first."""

from __future__ import annotations

from support.parts import ROOT
from support.spreading import LOOPS_OF_THEIR_OWN, together, turn


def test_what_shares_the_loop_stays_together_and_all_else_goes_by_file() -> None:
    shared = {together(f"tests/e2e/{one}_test.py::test[a::b]") for one in ("access", "twice")}
    alone = {together(f"tests/e2e/{one}_test.py::test[a::b]") for one in ("demo", "law")}
    assert (len(shared), len(alone)) == (1, 1)
    assert shared != alone
    assert together("tests/unit/core/rights_test.py::test") == "tests/unit/core/rights_test.py"


def test_those_with_loops_of_their_own_are_named() -> None:
    def shares(text: str) -> bool:
        return "loop: Loop" in text and "def loop(" not in text

    files = (ROOT / "tests" / "e2e").glob("*_test.py")
    alone = {str(one.relative_to(ROOT)) for one in files if not shares(one.read_text())}
    assert alone == LOOPS_OF_THEIR_OWN


def test_the_longest_begins_first() -> None:
    files = (
        "tests/unit/core/rights_test.py::test",
        "tests/integration/intake/batch_test.py::test",
        "tests/architecture/modules_test.py::test",
        "tests/e2e/access_test.py::test",
    )
    assert sorted(files, key=turn) == [files[3], files[1], files[0], files[2]]
