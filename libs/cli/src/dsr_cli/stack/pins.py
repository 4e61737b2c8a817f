"""The pin file: exactly which jars make up Kafka, with a checksum for each.

`python -m dsr_cli.stack.maven` writes it anew after a change of a version at its top.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import readable_os_errors

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One file from Maven."""

    coordinate: str
    """Group, artifact and version, joined by colons."""

    sha256: str

    @property
    def group(self) -> str:
        """The Maven group."""
        return self.coordinate.split(":")[0]

    @property
    def artifact(self) -> str:
        """The Maven artifact."""
        return self.coordinate.split(":")[1]

    @property
    def version(self) -> str:
        """The version."""
        return self.coordinate.split(":")[2]

    @property
    def file_name(self) -> str:
        """The name of the file in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def read_pins(path: Path) -> list[Jar]:
    """Return the jars that make up Kafka, in the order of the class path.

    Raises:
        StackError: The file cannot be read.
    """
    with readable_os_errors("read the pins of Kafka"):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Jar(coordinate=name, sha256=sha256) for name, sha256 in content["jars"].items()]
