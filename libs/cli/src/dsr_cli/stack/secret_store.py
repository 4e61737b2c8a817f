"""Passwords and keys of one stack: made at random once, the same thereafter."""

from __future__ import annotations

import base64
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import readable_os_errors
from dsr_wire.log.notes import NoteSigner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A name and its password."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Show who, never the password."""
        return f"Credentials(username={self.username!r})"


class SecretStore:
    """Secrets as files that only their owner reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def secret(self, name: str) -> str:
        """Return the password of this name, made at the first call.

        Several processes may ask at once: all get the same.
        """
        return self._once(name, lambda: secrets.token_urlsafe(24))

    def key_file(self, name: str) -> Path:
        """Return a file with 32 random bytes in base64, made at the first call."""
        self._once(name, lambda: base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())
        return self._path(name)

    def note_key_file(self, name: str, *, origin: str) -> Path:
        """Return a file with a transparency log's private key, made at the first call."""
        self._once(name, lambda: NoteSigner.generate(origin).text())
        return self._path(name)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            message = f"not a name for a secret: {name!r}"
            raise ValueError(message)
        return self._folder / name

    def _once(self, name: str, make: Callable[[], str]) -> str:
        path = self._path(name)
        with readable_os_errors("keep a secret"):
            if not path.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_unless_there(path, make())
            return path.read_text(encoding="utf-8")


def _write_unless_there(path: Path, text: str) -> None:
    """Write a whole file under its name, or leave the one that another process just wrote."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)  # noqa: PTH108 - the name from mkstemp is a string
