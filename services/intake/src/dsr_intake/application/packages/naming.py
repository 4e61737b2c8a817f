"""Names of files, as they are told apart by whoever unpacks a package anywhere."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator

__all__ = ["Names", "folders", "unlike"]


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


def folders(name: str) -> Iterator[str]:
    """Yield the folders on the way to a file."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def unlike(name: str) -> bytes:
    """Return the same for two names that are one on some systems, for their letter case or accents."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return hashlib.blake2b(plain.encode(), digest_size=16).digest()
