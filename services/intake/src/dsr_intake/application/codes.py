"""Codes: the proof of who asks by a code, or a link, that was mailed to the address of the request.

A code proves who reads one address, and nothing about another identifier that is named beside it. So it
is for requests whose identity is one email address alone.

A code is derived, when it is mailed and when it is tried, from a key and from a random value that is
kept with the request. So neither it nor a hash of it is in the database, and a letter that is sent
twice has the same one.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.law.proofs import Level, Method
from dsr_intake.application.assurance import needed
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.identifying import Identifying
from dsr_intake.application.letters.contents import Proving
from dsr_intake.model import Code, CodeLimits, Letter, RequestView
from dsr_intake.ports import CodeStore, RegistryView

__all__ = ["LIMITS", "CodeLetters", "Codes", "Secrets"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter is taken for a digit. Of 32, so that each character has five bits."""

_CODE_LENGTH = 8
_NONCE_BYTES = 16
_READ_AS = str.maketrans("OILoil", "011011")

LIMITS = CodeLimits(
    tries=5,
    pause=timedelta(minutes=1),
    window=timedelta(days=1),
    window_codes=10,
)


class Secrets(NamedTuple):
    """A code and a token: each proves the same."""

    code: str
    token: str

    @classmethod
    def of(cls, request_id: str, code: Code, *, key: bytes) -> Secrets:
        """Derive them, the same each time."""

        def derived(name: bytes) -> bytes:
            bound = b"\x00".join((name, request_id.encode(), b"%d" % code.number, code.nonce))
            return hmac.digest(key, bound, "sha256")

        bits = int.from_bytes(derived(b"one-time-code")[:5], "big")
        text = "".join(_ALPHABET[(bits >> 5 * n) & 31] for n in range(_CODE_LENGTH))
        token = base64.urlsafe_b64encode(derived(b"one-time-link")).decode().rstrip("=")
        return cls(text, token)

    def match(self, *, code: str | None, token: str | None) -> bool:
        """Tell whether one of them was given; it takes as long whether or not."""
        given = "".join((code or "").split()).replace("-", "").translate(_READ_AS).upper()
        is_code = hmac.compare_digest(given.encode(), self.code.encode())
        is_token = hmac.compare_digest((token or "").encode(), self.token.encode())
        return is_code or is_token


class Codes:
    """Issues codes, and takes them as proofs."""

    def __init__(
        self,
        *,
        store: CodeStore,
        identifying: Identifying,
        registry: RegistryView,
        dating: Dating,
        keys: Sequence[bytes],
        lasts: timedelta,
        are_sent: bool,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._store = store
        self._identifying = identifying
        self._registry = registry
        self._dating = dating
        self._keys = tuple(keys)
        self._lasts = lasts
        self._are_sent = are_sent
        self._clock = clock
        self._on_committed = on_committed

    async def issue(self, one: RequestView) -> None:
        """Have a code mailed where that is possible; nothing is said of whether it was.

        Not more often than once a minute, and ten times a day.

        Raises:
            RuleViolation: A code does not suffice for the identity or for what is asked; the detail says
                what does.
            Unavailable: A version that the request pins has not arrived.
        """
        await self._require_enough(one)
        now = self._clock()
        code = Code(number=1, nonce=os.urandom(_NONCE_BYTES), expires_at=now + self._lasts)
        if await self._store.issue(
            one.request_id, code, limits=LIMITS, at=now, is_sent=self._are_sent
        ):
            self._on_committed()

    async def prove(
        self, one: RequestView, *, code: str | None, token: str | None
    ) -> RequestView | None:
        """Take it as proven who asks, by a code or a link's token, once.

        A try counts before it is looked at, whatever becomes of it.

        Raises:
            RejectedInput: It is wrong, has expired, was used or was tried too often; not said which.
            RuleViolation: A code does not suffice for the identity or for what is asked, or no proof is
                awaited any more.
            Unavailable: A version that the request pins has not arrived.
        """
        await self._require_enough(one)
        tried = await self._store.attempt(one.request_id, limits=LIMITS, at=self._clock())
        # Where there is none to compare with, another is: the answer takes as long.
        stored = tried or Code(number=0, nonce=os.urandom(_NONCE_BYTES), expires_at=self._clock())
        # Under every key, one that was mailed before a rotation too; each is tried, whichever fits.
        matches = [
            Secrets.of(one.request_id, stored, key=key).match(code=code, token=token)
            for key in self._keys
        ]
        is_match = any(matches)
        if tried is None or not is_match:
            detail = "it is wrong, has expired or was used; ask for a new code"
            raise RejectedInput("proof_refused", detail)
        return await self._identifying.prove(
            one.request_id,
            method=Method.ONE_TIME_CODE,
            by="the requester",
            reason="a code that was mailed to the address of the request",
            proven_at=None,
            code_number=tried.number,
        )

    async def _require_enough(self, one: RequestView) -> None:
        rules = await self._registry.rules(one.rules_digest)
        registry = await self._registry.version(one.registry_digest)
        wanted = needed(
            self._dating.regime(rules, one),
            registry,
            one.right,
            one.scope,
            one.identifier_kinds,
            received_at=one.received_at,
        )
        lacks = wanted.lacks(Method.ONE_TIME_CODE, Level.LOW)
        if lacks is not None:
            raise RuleViolation("assurance_needed", lacks)
        if not one.is_one_address:
            # Whoever reads one address would have all that is named beside it erased.
            detail = (
                "a code proves one email address, and the identity is not one email address alone: "
                "it takes an operator's decision, or a request that the client attests"
            )
            raise RuleViolation("code_proves_too_little", detail)


class CodeLetters:
    """Says what the letters hand over that codes are mailed with."""

    def __init__(
        self, *, store: CodeStore, key: bytes, lasts: timedelta, public_url: str, clock: Clock
    ) -> None:
        self._store = store
        self._key = key
        self._lasts = lasts
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    async def proving(self, letter: Letter) -> Proving | None:
        """Return what a letter hands over; none where its code has expired or was followed by another."""
        code = await self._store.code(letter.request_id)
        now = self._clock()
        if code is None or code.number != letter.number or code.expires_at <= now:
            return None
        secrets = Secrets.of(letter.request_id, code, key=self._key)
        half = _CODE_LENGTH // 2
        return Proving(
            code=f"{secrets.code[:half]}-{secrets.code[half:]}",
            # Behind the hash, which a browser keeps to itself: the token is in no log on the way.
            link=f"{self._public_url}/{letter.request_id}#{secrets.token}",
            minutes=int(self._lasts.total_seconds() // 60),
        )
