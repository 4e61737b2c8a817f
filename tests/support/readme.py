"""The examples of README.md, by the name that the comment before each gives."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def example(name: str) -> str:
    """Return the block of code after `<!-- run: name -->`."""
    pattern = rf"<!-- run: {name} -->\n```\w+\n(.*?)```"
    found = re.search(pattern, README.read_text(), flags=re.DOTALL)
    assert found, f"README.md has no example {name}"
    return found[1]
