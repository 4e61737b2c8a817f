"""Links to packages, and the codes that open them.

A token is derived from a key and a random value that is kept with the link, as one-time codes are: the
database has a hash of it, and a letter that is sent twice has the same one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.ids import RequestId
from dsr_intake.application.clock import Clock
from dsr_intake.application.codes import LIMITS, Secrets
from dsr_intake.application.letters.contents import Proving
from dsr_intake.application.packages.contact import opened_contact
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.model import Code, Letter, LetterKind, RequestView
from dsr_intake.model.packages import Package, PackageLink, PackageState
from dsr_intake.ports import PackageLinkStore, PackageStore

__all__ = ["LinkTerms", "Links", "hashed"]

_NONCE_BYTES = 16

_CODES_A_LINK = 1000
"""The letter of a code is numbered by its link's number times this, and its own."""

_FIRST = frozenset({LetterKind.DONE, LetterKind.PACKAGE_PARTIAL})
"""The letters that first tell of a package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTerms:
    """How packages are handed over here."""

    url: str
    """Where people reach this service."""

    code_lasts: timedelta
    session_lasts: timedelta
    sessions: int
    """So often a link can be opened."""


class Links:
    """Issues links and codes, and lets in who has both."""

    def __init__(
        self,
        *,
        links: PackageLinkStore,
        store: PackageStore,
        package_keys: PackageKeys,
        keys: Sequence[bytes],
        terms: LinkTerms,
        clock: Clock,
    ) -> None:
        self._links = links
        self._store = store
        self._package_keys = package_keys
        self._keys = tuple(keys)
        self._terms = terms
        self._clock = clock

    @property
    def is_secure(self) -> bool:
        """Whether people come by TLS."""
        return self._terms.url.startswith("https:")

    async def proving(self, letter: Letter, one: RequestView) -> Proving | None:
        """Return what a letter hands over: a link, or a code; none where there is no use in it.

        Raises:
            Unavailable: The package is still to be made.
        """
        if letter.kind in _FIRST:
            return await self._first_shown(letter.kind, one)
        is_code = letter.kind is LetterKind.PACKAGE_CODE
        number = letter.number // _CODES_A_LINK if is_code else letter.number
        found = await self._links.links(one.request_id)
        link = next((each for each in found if each.number == number), None)
        if link is None or not self._lives(link):
            return None
        return self._code_shown(letter, link) if is_code else self._shown(link)

    async def contact(self, request_id: RequestId) -> str | None:
        """Return the address of a package's letters; none where it is destroyed."""
        packages = await self._store.packages(request_id)
        key = await self._package_keys.private(request_id)
        contact = next((one.contact for one in packages if one.contact), None)
        if key is None or contact is None:
            return None
        return opened_contact(contact, key, request_id)

    async def issue_anew(self, one: RequestView, *, reason: str) -> PackageLink:
        """Have a new link to the newest package mailed; those before to it do not work any more.

        Raises:
            RuleViolation: There is no package of it, or nobody is told of it by letter.
        """
        packages = await self._store.packages(one.answered_with)
        package = next((each for each in packages if each.state is PackageState.READY), None)
        if package is None:
            raise RuleViolation("no_package", "the request has no package that can be fetched")
        if not one.letters or not package.contact:
            raise RuleViolation("no_package", "nobody is told of this package by letter")
        link = self._made(one, package, await self._links.links(one.request_id))
        await self._links.add(link, hashed(self._token(link)), has_letter=True, reason=reason)
        return link

    async def found(self, token: str) -> PackageLink:
        """Return the link of a token that works.

        Raises:
            RejectedInput: It is none, has expired, was revoked or is followed by another; not said which.
        """
        link = await self._links.found(hashed(token))
        if link is None or not self._lives(link):
            if link is not None:  # else anybody could fill the log
                await self._links.record(link, "package.refused", "by a link that works no more")
            raise RejectedInput("link_refused", "this link does not work, or not any more")
        return link

    async def send_code(self, token: str) -> None:
        """Have a code mailed to the address of the letters; nothing is said of whether it was.

        Raises:
            RejectedInput: As in `found`.
        """
        link = await self.found(token)
        now = self._clock()
        code = Code(
            number=0, nonce=os.urandom(_NONCE_BYTES), expires_at=now + self._terms.code_lasts
        )
        await self._links.issue(link, code, limits=LIMITS, at=now)

    async def open(self, token: str, code: str, *, age_key: str | None = None) -> str:
        """Return the secret of a session that may fetch the package, for a code; once.

        With a key, which has been checked, it is fetched under that.

        Raises:
            RejectedInput: The link, or the code, is wrong, has expired, or was used too often.
        """
        link = await self.found(token)
        now = self._clock()
        tried = await self._links.attempt(link, limits=LIMITS, at=now)
        stored = tried or Code(number=0, nonce=os.urandom(_NONCE_BYTES), expires_at=now)
        matches = [
            Secrets.of(_bound(link), stored, key=key).match(code=code, token=None)
            for key in self._keys
        ]
        secret = os.urandom(32).hex()
        is_open = any(matches) and tried is not None
        if is_open:
            until = min(now + self._terms.session_lasts, link.expires_at)
            is_open = await self._links.open(
                link,
                hashed(secret),
                until=until,
                at=now,
                limit=self._terms.sessions,
                age_key=age_key,
            )
        if not is_open:
            await self._links.record(link, "package.refused", "a code that does not open it")
            raise RejectedInput("code_refused", "it is wrong, has expired or was used")
        await self._links.record(link, "package.opened", "by a code")
        return secret

    async def lets_in(self, link: PackageLink, session: str) -> bool:
        """Tell whether a session may fetch the package; a try of one that may not is entered."""
        is_entered = await self.is_entered(link, session)
        if not is_entered:
            await self._links.record(link, "package.refused", "without a code")
        return is_entered

    async def is_entered(self, link: PackageLink, session: str) -> bool:
        """Tell whether a session is let in."""
        return await self._links.is_open(link, hashed(session), at=self._clock())

    async def fetched(self, link: PackageLink, part: str) -> None:
        """Enter that a package is fetched, and which part of it."""
        await self._links.record(link, "package.fetched", part)

    async def revoke(self, request_id: RequestId, *, reason: str) -> int:
        """Revoke the links of a request; return how many there were."""
        return await self._links.revoke(request_id, reason=reason, at=self._clock())

    async def of(self, request_id: RequestId) -> list[PackageLink]:
        """Return the links of a request, the newest first."""
        return await self._links.links(request_id)

    async def _first_shown(self, kind: LetterKind, one: RequestView) -> Proving | None:
        """Return the link of the letter that first tells of a package."""
        packages = await self._store.packages(one.answered_with)
        if kind is LetterKind.PACKAGE_PARTIAL:
            packages = [each for each in packages if each.is_partial]
        if not packages or packages[0].state is PackageState.EXPIRED:
            return None
        if packages[0].state is PackageState.WAITING:
            raise Unavailable("the package of the request is still to be made")
        former = [await self._first(one, each) for each in packages[1:]]
        link = await self._first(one, packages[0])
        if not self._lives(link):
            return None
        shown = [self._shown(each).link for each in former if self._lives(each)]
        return replace(self._shown(link), first_package=shown[0] if shown else "")

    async def _first(self, one: RequestView, package: Package) -> PackageLink:
        """Return the newest link to a package, or the first, made now."""
        found = await self._links.links(one.request_id)
        own = [each for each in found if each.package_number == package.number]
        if own:
            return own[0]
        link = self._made(one, package, found)
        await self._links.add(link, hashed(self._token(link)), has_letter=False, reason="")
        found = await self._links.links(one.request_id)
        return next((each for each in found if each.package_number == package.number), link)

    def _made(
        self, one: RequestView, package: Package, before: Sequence[PackageLink]
    ) -> PackageLink:
        if package.expires_at is None:
            raise RuntimeError("a package that is ready expires")
        return PackageLink(
            request_id=one.request_id,
            number=1 + max((each.number for each in before), default=0),
            package_id=package.request_id,
            package_number=package.number,
            nonce=os.urandom(_NONCE_BYTES),
            issued_at=self._clock(),
            expires_at=package.expires_at,
        )

    def _lives(self, link: PackageLink) -> bool:
        return link.revoked_at is None and self._clock() < link.expires_at

    def _token(self, link: PackageLink) -> str:
        """Return a link's token: by the key that it was made under, which may be a former one."""
        tokens = [_token(link, key) for key in self._keys]
        return next((one for one in tokens if hashed(one) == link.token_hash), tokens[0])

    def _shown(self, link: PackageLink) -> Proving:
        return Proving(
            code="",
            link=f"{self._terms.url.rstrip('/')}/p/{self._token(link)}",
            until=link.expires_at,
        )

    def _code_shown(self, letter: Letter, link: PackageLink) -> Proving | None:
        code = link.code
        if code is None or code.number != letter.number or code.expires_at <= self._clock():
            return None
        text = Secrets.of(_bound(link), code, key=self._keys[0]).code
        half = len(text) // 2
        return Proving(
            code=f"{text[:half]}-{text[half:]}",
            link="",
            minutes=int(self._terms.code_lasts.total_seconds() // 60),
        )


def hashed(secret: str) -> bytes:
    """Return what is kept of a secret that was handed out."""
    return hashlib.sha256(secret.encode()).digest()


def _bound(link: PackageLink) -> str:
    return f"{link.request_id}/package"


def _token(link: PackageLink, key: bytes) -> str:
    made = Code(number=link.number, nonce=link.nonce, expires_at=link.expires_at)
    return Secrets.of(_bound(link), made, key=key).token
