"""The link key: what a system finds out about a person is sealed to it, and intake alone opens it.

The private half is derived from the request's own key, so it needs no place and no end of its own: what
was sealed to it is noise as soon as that key is destroyed, wherever copies lie.
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsr_core.errors import RejectedInput
from dsr_core.identity import Identifier
from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import Link
from dsr_wire.codec.links import links_from_bytes, links_to_bytes
from dsr_wire.sealing import suite_of
from dsr_wire.sealing_keys import PrivateSealingKey, SealingAlgorithm, SealingKey

__all__ = ["LinkKey", "seal_links"]

_CONTEXT = b"dsr.v1.Links"
_NAMES = b"dsr.v1.Links/names"
_KEY_BYTES = 32
_NAME_DIGITS = 16


class LinkKey:
    """Opens the links that were found under one request. Never shown: it has no text of its own."""

    def __init__(self, request_id: RequestId, key: bytes) -> None:
        """Derive it from the request's own key."""
        self._request_id = request_id
        self._private = PrivateSealingKey(_derived(key, _CONTEXT, request_id))
        self._names = _derived(key, _NAMES, request_id)

    @property
    def public(self) -> bytes:
        """The half that goes into notices; the same at each call."""
        return self._private.public.raw

    def open(self, sealed: bytes, *, system_id: SystemId) -> tuple[Link, ...]:
        """Return the links that a system has sealed for this request.

        Raises:
            RejectedInput: They were sealed for another request, system or key, or were changed; or
                what is inside are no links.
        """
        suite = suite_of(SealingAlgorithm.X25519)
        info = _info(self._request_id, system_id)
        try:
            content = bytes(suite.decrypt(sealed, self._private.key, info=info))
        except (InvalidTag, ValueError) as error:
            detail = "the links were not sealed for this request and system"
            raise RejectedInput("cannot_open", detail) from error
        return links_from_bytes(content)

    def name(self, identifier: Identifier) -> str:
        """Return what people call an identifier by; once the key is destroyed it names nothing."""
        plain = f"{identifier.kind}\x00{identifier.value}".encode()
        return hmac.digest(self._names, plain, "sha256").hex()[:_NAME_DIGITS]


def seal_links(
    links: tuple[Link, ...], *, link_key: bytes, request_id: RequestId, system_id: SystemId
) -> bytes:
    """Seal links so that intake alone opens them, for this request and as said by this system."""
    suite = suite_of(SealingAlgorithm.X25519)
    info = _info(request_id, system_id)
    return bytes(suite.encrypt(links_to_bytes(links), SealingKey(link_key).key, info=info))


def _derived(key: bytes, context: bytes, request_id: RequestId) -> bytes:
    info = b"\x00".join((context, request_id.encode()))
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(key)


def _info(request_id: RequestId, system_id: SystemId) -> bytes:
    return b"\x00".join((_CONTEXT, request_id.encode(), system_id.encode()))
