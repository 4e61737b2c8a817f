"""The log's own keys and its witnesses', as settings name them."""

from __future__ import annotations

from pathlib import Path

from dsr_runtime.process import StartFault
from dsr_wire.log.notes import COSIGNATURE, NoteKey, NoteSigner

__all__ = ["read_signers", "read_witnesses"]


def read_signers(path: Path, *, origin: str) -> tuple[NoteSigner, ...]:
    """Return the keys that a file holds, one a line: two while one is being replaced.

    Raises:
        StartFault: The file cannot be read or holds something else. The text shows nothing of it.
    """
    try:
        lines = path.read_text("utf-8").split()
    except OSError as error:
        raise StartFault(f"DSR_LOG_KEY_FILE: the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise StartFault("DSR_LOG_KEY_FILE: the file does not hold text") from error
    try:
        signers = tuple(NoteSigner.parse(line) for line in lines)
    except ValueError as error:
        raise StartFault(
            "DSR_LOG_KEY_FILE: the file must hold PRIVATE+KEY+..., one key a line"
        ) from error
    if not signers:
        raise StartFault("DSR_LOG_KEY_FILE: the file holds no key")
    if any(one.name != origin for one in signers):
        raise StartFault("DSR_LOG_KEY_FILE: a key's name is not DSR_LOG_ORIGIN")
    return signers


def read_witnesses(text: str) -> tuple[tuple[NoteKey, str], ...]:
    """Return witnesses' keys and addresses: words in turn, a key and where its holder answers.

    Raises:
        StartFault: The text is none; it says which word.
    """
    words = text.split()
    if len(words) % 2:
        raise StartFault("DSR_LOG_WITNESSES: a key without an address")
    found: list[tuple[NoteKey, str]] = []
    for word, url in zip(words[::2], words[1::2], strict=True):
        try:
            key = NoteKey.parse(word)
        except ValueError as error:
            raise StartFault(f"DSR_LOG_WITNESSES: {word} is no key") from error
        if key.kind != COSIGNATURE:
            raise StartFault(f"DSR_LOG_WITNESSES: {word} is no key of cosignatures")
        if not url.startswith(("https://", "http://")):
            raise StartFault(f"DSR_LOG_WITNESSES: {url} is no address")
        found.append((key, url))
    return tuple(found)
