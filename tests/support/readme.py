"""The examples of README.md and other documents, by the name that the comment before each gives."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def example(name: str, document: Path = README) -> str:
    """Return the block of code after `<!-- run: name -->`."""
    pattern = rf"<!-- run: {name} -->\n```\w+\n(.*?)```"
    found = re.search(pattern, document.read_text(), flags=re.DOTALL)
    assert found, f"{document.name} has no example {name}"
    return found[1]
