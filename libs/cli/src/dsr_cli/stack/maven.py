"""Getting jars from Maven, and finding out which ones Kafka needs.

`python -m dsr_cli.stack.maven` writes the pin file anew after a change of a version at its top.
"""

from __future__ import annotations

import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from jgo.maven import MavenContext
from jgo.parse import Coordinate

from dsr_cli.stack.binaries import jars_dir, sha256
from dsr_cli.stack.errors import StackError, readable_os_errors
from dsr_cli.stack.pins import Jar
from dsr_cli.stack.settings import PINS, find_checkout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DOWNLOADS_AT_ONCE = 6

_HEADER = """\
# What comes from Maven: the versions asked for, and every jar that they need.
# After a change under [roots]: python -m dsr_cli.stack.maven
"""


def fetch(jars: Sequence[Jar], cache_dir: Path, note: Callable[[str], None]) -> None:
    """Have these jars in the cache, each whole and checked as soon as it has its name.

    Raises:
        StackError: One could not be fetched, or is not what the pin file says.
    """
    folder = jars_dir(cache_dir)
    with readable_os_errors("fetch Kafka"):
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=cache_dir) as temporary,
            ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool,
        ):
            context = MavenContext(repo_cache=Path(temporary))
            futures = [pool.submit(_fetch, jar, context, folder) for jar in jars]
            for count, future in enumerate(as_completed(futures), start=1):
                try:
                    future.result()
                except StackError:
                    pool.shutdown(cancel_futures=True)
                    raise
                note(f"fetched {count} of {len(jars)} files")


def _fetch(jar: Jar, context: MavenContext, folder: Path) -> None:
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        fetched = component.artifact().resolve()
    except (requests.RequestException, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"cannot fetch {jar.coordinate} from Maven: {reason}; is there a network?"
        raise StackError(message) from error
    found = sha256(fetched)
    if found != jar.sha256:
        message = (
            f"{jar.coordinate} from Maven has SHA-256 {found}, pinned is {jar.sha256}; "
            "do not use it before you know why"
        )
        raise StackError(message)
    fetched.replace(folder / jar.file_name)


def write_pins(path: Path) -> None:
    """Resolve the roots of a pin file, and write it anew with all that they need.

    Each root is resolved by itself: resolved together, the one's managed versions would
    replace the other's.

    Raises:
        StackError: Two roots need different versions of one artifact.
    """
    roots: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["roots"]
    jars: dict[str, Jar] = {}
    with tempfile.TemporaryDirectory() as temporary:
        context = MavenContext(repo_cache=Path(temporary))
        for name, version in roots.items():
            for jar in _resolve(context, name, version):
                known = jars.setdefault(f"{jar.group}:{jar.artifact}", jar)
                if known.version != jar.version:
                    message = f"the roots need both {known.coordinate} and {jar.version}"
                    raise StackError(message)
    lines = [_HEADER, "[roots]"]
    lines += [f'"{name}" = "{version}"' for name, version in roots.items()]
    lines += ["", "[jars]"]
    lines += [f'"{jar.coordinate}" = "{jar.sha256}"' for jar in jars.values()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _resolve(context: MavenContext, name: str, version: str) -> list[Jar]:
    group, artifact = name.split(":")
    coordinate = Coordinate(groupId=group, artifactId=artifact, version=version, scope="compile")
    root, transitive = context.resolver.resolve([context.create_dependency(coordinate)])
    needed = [*root, *(one for one in transitive if one.scope in {"compile", "runtime"})]
    return [
        Jar(
            coordinate=f"{one.groupId}:{one.artifactId}:{one.version}",
            sha256=sha256(one.artifact.resolve()),
        )
        for one in needed
    ]


if __name__ == "__main__":
    write_pins(find_checkout() / PINS)
