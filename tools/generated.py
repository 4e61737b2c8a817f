"""What the generators share: files that are written from the code, or only looked at whether they are fresh."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write_or_check(
    about: str | None, wanted: Mapping[Path, str], surplus: Collection[Path] = ()
) -> int:
    """Write files, and remove what is left over; with --check change nothing, and name what is stale.

    Returns:
        The exit status: 1 where something is stale.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    if parser.parse_args().check:
        stale = {path for path, text in wanted.items() if _content(path) != text}
        for path in sorted(stale.union(surplus)):
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run `make docs`\n")
        return 1 if stale or surplus else 0
    for path in surplus:
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def between_markers(document: str, name: str, part: str, *, tool: str) -> str:
    """Return a document with a fresh part between the markers of its name.

    Raises:
        ValueError: The markers are not there.
    """
    begin = f"<!-- {name}: written by tools/{tool} -->\n"
    end = f"<!-- end of {name} -->\n"
    before, rest = document.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{part}\n{end}{after}"


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
