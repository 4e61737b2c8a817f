"""Discretion: what people write about a request names nobody, since it is kept when the person is gone."""

from __future__ import annotations

from collections.abc import Iterable

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.identity import Identity
from dsr_core.ids import RequestId
from dsr_intake.application.identity_cipher import decrypt_kept
from dsr_intake.ports import KeyWrapper, LetterStore

__all__ = ["Discretion", "check_names_nobody"]


class Discretion:
    """Looks for a request's identity in what is written about it, while that can be opened."""

    def __init__(self, *, store: LetterStore, wrapper: KeyWrapper) -> None:
        self._store = store
        self._wrapper = wrapper

    async def check(self, request_id: str, texts: Iterable[str]) -> None:
        """Return where no text names the person; nor is anything known where the key is away or gone.

        Raises:
            RejectedInput: One does.
        """
        member = await self._store.member(RequestId(request_id))
        if member is None or member.key is None:
            return
        try:
            [key] = await self._wrapper.unwrap([(member.request_id, member.key)])
        except Unavailable:
            return  # a decision has its date, and does not wait for a key service
        kept = decrypt_kept(member.ciphertext, request_id=request_id, key=key)
        check_names_nobody(kept.told, texts)


def check_names_nobody(identity: Identity, texts: Iterable[str]) -> None:
    """Return where no text holds a value of the identity.

    Raises:
        RejectedInput: One does.
    """
    if identity.is_named_in(*texts):
        detail = "it holds an identifier of the person, and is kept; say it without"
        raise RejectedInput("identity_in_text", detail)
