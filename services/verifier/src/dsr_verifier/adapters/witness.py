"""Witnesses over HTTP: C2SP tlog-witness, `add-checkpoint`."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from dsr_core.errors import Unavailable
from dsr_verifier.log_ports import WitnessConflict, WitnessRefusal
from dsr_wire.log.notes import NoteKey, to_base64

__all__ = ["HttpWitness", "new_session"]

_TIMEOUT = aiohttp.ClientTimeout(total=10.0)
_LONGEST = 65_536
"""What is read of an answer: a few lines are expected."""

_SIZE_TYPE = "text/x.tlog.size"
_REFUSED = {
    403: "it does not trust the log's key",
    404: "it does not know the log",
    409: "it has cosigned another root of the same size",
    422: "it does not see that the log only grew",
}


class HttpWitness:
    """A Witness at an address."""

    def __init__(self, session: aiohttp.ClientSession, key: NoteKey, url: str) -> None:
        self._session = session
        self._key = key
        self._url = f"{url.rstrip('/')}/add-checkpoint"

    @property
    def key(self) -> NoteKey:
        """The key of its cosignatures."""
        return self._key

    async def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> str:
        """Return the signature lines that the witness answers with."""
        lines = [f"old {old}", *(to_base64(one) for one in proof), "", note]
        try:
            async with self._session.post(
                self._url, data="\n".join(lines).encode(), allow_redirects=False
            ) as answer:
                text = (await answer.content.read(_LONGEST)).decode(errors="replace")
        except (aiohttp.ClientError, OSError) as error:  # timeouts too
            raise Unavailable(f"witness: {type(error).__name__}") from error
        if answer.status == 200:
            return text
        if answer.status == 409 and answer.content_type == _SIZE_TYPE:
            raise WitnessConflict(_size(text))
        if answer.status >= 500 or answer.status == 429:
            raise Unavailable(f"witness: it answers {answer.status}")
        raise WitnessRefusal(_REFUSED.get(answer.status, f"it answers {answer.status}"))


def new_session() -> aiohttp.ClientSession:
    """Return the connections that all witnesses share."""
    return aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())


def _size(text: str) -> int:
    number = text.removesuffix("\n")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise WitnessRefusal("it does not say which size it has cosigned")
    return int(number)
