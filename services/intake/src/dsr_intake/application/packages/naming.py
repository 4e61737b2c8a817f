"""Names of files, as they are told apart by whoever unpacks a package anywhere."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

__all__ = ["Names", "fitting", "folders", "unlike"]

_PART_BYTES = 255
"""So long is a name of a file or folder at most on most file systems, in UTF-8."""

_EXTENSION = re.compile(r"(?:\.[a-z0-9]{1,12}){1,2}$", re.ASCII | re.IGNORECASE)


class Names:
    """The names that were given, of which none is another's, or another's folder."""

    def __init__(self) -> None:
        self._files, self._folders = set[bytes](), set[bytes]()

    def give(self, name: str) -> bool:
        """Give a name, unless a file of that name could not lie beside those that have theirs."""
        own, above = unlike(name), set(map(unlike, folders(name)))
        if own in self._files | self._folders or above & self._files:
            return False
        self._files.add(own)
        self._folders |= above
        return True


def fitting(name: str) -> str:
    """Return a name that can be unpacked: where a part of it is too long, what it begins with and ends in.

    Between them stands a digest of that part, so that names that differ go on to.
    """
    return "/".join(map(_fitting, name.split("/")))


def _fitting(part: str) -> str:
    whole = part.encode()
    if len(whole) <= _PART_BYTES:
        return part
    found = _EXTENSION.search(part)
    end = f"~{hashlib.sha256(whole).hexdigest()[:16]}{found[0] if found else ''}"
    return whole[: _PART_BYTES - len(end)].decode(errors="ignore") + end


def folders(name: str) -> Iterator[str]:
    """Yield the folders on the way to a file."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def unlike(name: str) -> bytes:
    """Return the same for two names that are one on some systems, for their letter case or accents."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return hashlib.blake2b(plain.encode(), digest_size=16).digest()
