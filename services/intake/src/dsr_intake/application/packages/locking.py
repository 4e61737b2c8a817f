"""Locking: a package under a key that its requester gave, in the age format, as a stream.

Whoever has the mailbox then still cannot read it. There is a new file key each time (age-encryption.org/v1),
so no range of it can be fetched later: what broke is begun again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Full, Queue
from threading import Event, Thread

import pyrage

from dsr_core.errors import RejectedInput

__all__ = ["AGE_KEY_PATTERN", "checked_age_key", "locked"]

AGE_KEY_PATTERN = r"^age1[02-9ac-hj-np-z]{58}$"
"""How an X25519 recipient of age is written; its checksum is looked at besides."""

_AHEAD = 8
"""So many pieces wait for whoever reads, at most."""

_LOOK_EVERY_S = 0.5


def checked_age_key(text: str) -> str:
    """Return a recipient of age.

    Raises:
        RejectedInput: It is none.
    """
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except pyrage.RecipientError as error:
        detail = "it is no public key of age, like age1..."
        raise RejectedInput("invalid_age_key", detail, field="age_key") from error


def locked(pieces: Iterable[bytes], age_key: str) -> Iterator[bytes]:
    """Yield what only the owner of a key can read; blocking.

    It is encrypted in a thread of its own, a few pieces ahead. A fault of the pieces is raised here, and
    who stops reading stops the thread.
    """
    ahead = _Ahead(pieces, age_key)
    ahead.start()
    try:
        yield from ahead
    finally:
        ahead.stop()


class _Gone(Exception):  # noqa: N818 - a fact about the reader
    """Nobody reads any more."""


class _Ahead(Thread):
    """Reads pieces, and puts what becomes of them into a queue; what `pyrage` calls is named as it wants."""

    def __init__(self, pieces: Iterable[bytes], age_key: str) -> None:
        super().__init__(name="age", daemon=True)
        self._pieces = iter(pieces)
        self._recipient = pyrage.x25519.Recipient.from_str(age_key)
        self._held = memoryview(b"")
        self._queue: Queue[bytes | None] = Queue(_AHEAD)
        self._fault: Exception | None = None
        self._is_over = Event()

    def __iter__(self) -> Iterator[bytes]:
        while (piece := self._queue.get()) is not None:
            yield piece
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Have it end, a little later."""
        self._is_over.set()

    def run(self) -> None:
        """Encrypt everything."""
        try:
            pyrage.encrypt_io(self, self, [self._recipient])
        except pyrage.EncryptError as error:
            self._fault = self._fault or error
        with suppress(_Gone):
            self._put(None)

    def read(self, size: int = -1) -> bytes:
        """Return what comes next of the pieces, at most so much; nothing at their end."""
        try:
            while not self._held:
                self._held = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except Exception as error:
            self._fault = error  # pyrage would make a text of it
            raise
        part, self._held = self._held[:size], self._held[size:]
        return bytes(part)

    def write(self, data: bytes) -> int:
        """Pass on some of the file."""
        self._put(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is passed on already."""

    def _put(self, piece: bytes | None) -> None:
        while not self._is_over.is_set():
            with suppress(Full):
                self._queue.put(piece, timeout=_LOOK_EVERY_S)
                return
        raise _Gone
