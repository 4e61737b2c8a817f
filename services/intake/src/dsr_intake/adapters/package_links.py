"""PostgreSQL: links to packages, their codes and sessions, and the record of who has used them."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.adapters.audit import audited
from dsr_intake.model import Code, CodeLimits
from dsr_intake.model.audit import REQUESTER
from dsr_intake.model.packages import PackageLink
from dsr_runtime.postgres import translated

__all__ = ["PostgresPackageLinks"]

_ADD = """
    with added as (
        insert into intake.package_links (request_id, number, package_id, token_hash, nonce, issued_at,
            expires_at, package_number)
        values ($1, $2, $3, $4, $5, $6, $7, $9) on conflict do nothing
        returning request_id, number, package_number
    ), former as (
        update intake.package_links l set revoked_at = $6 from added
        where l.request_id = added.request_id and l.number < added.number and l.revoked_at is null
            and l.package_number = added.package_number
    )
    insert into intake.letters (request_id, kind, number, state, next_try_at, waiting_since)
    select request_id, 'package_link', number, 'waiting', $6, $6 from added where $8
    on conflict do nothing
"""

_ISSUE = """
    with issued as (
        update intake.package_links
        set code_nonce = $3, code_number = code_number + 1, code_issued_at = $4,
            code_expires_at = $5, code_tries = 0
        where request_id = $1 and number = $2 and revoked_at is null and code_number < $7
            and (code_issued_at is null or code_issued_at <= $6)
        returning request_id, number * 1000 + code_number as code_number
    )
    insert into intake.letters (request_id, kind, number, state, next_try_at, waiting_since)
    select request_id, 'package_code', code_number, 'waiting', $4, $4 from issued
"""

_ATTEMPT = """
    update intake.package_links set code_tries = code_tries + 1
    where request_id = $1 and number = $2 and code_nonce is not null and code_expires_at > $3
        and code_tries < $4
    returning *
"""

_OPEN = """
    update intake.package_links
    set code_nonce = null, sessions = sessions + 1, session_hash = $3, session_expires_at = $4,
        age_key = $7
    where request_id = $1 and number = $2 and code_nonce is not null and revoked_at is null
        and expires_at > $5 and sessions < $6
"""


class PostgresPackageLinks:
    """Keeps links; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def links(self, request_id: RequestId) -> list[PackageLink]:
        """Return the links of a request, the newest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.package_links where request_id = $1 order by number desc",
                request_id,
            )
        return [_link(row) for row in rows]

    async def add(
        self, link: PackageLink, token_hash: bytes, *, has_letter: bool, reason: str
    ) -> None:
        """Keep a link, with a letter that brings it; those before it to the same package are revoked."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    _ADD,
                    link.request_id,
                    link.number,
                    link.package_id,
                    token_hash,
                    link.nonce,
                    link.issued_at,
                    link.expires_at,
                    has_letter,
                    link.package_number,
                )
                await audited(connection, "package.link", [link.request_id], reason)

    async def found(self, token_hash: bytes) -> PackageLink | None:
        """Return the link of a token; none where there is none."""
        with translated():
            row = await self._pool.fetchrow(
                "select * from intake.package_links where token_hash = $1", token_hash
            )
        return _link(row) if row else None

    async def issue(
        self, link: PackageLink, code: Code, *, limits: CodeLimits, at: datetime
    ) -> bool:
        """Make a code the newest of a link, and write its letter."""
        with translated():
            status = await self._pool.execute(
                _ISSUE,
                link.request_id,
                link.number,
                code.nonce,
                at,
                code.expires_at,
                at - limits.pause,
                limits.window_codes * 10,
            )
        return not status.endswith(" 0")

    async def attempt(self, link: PackageLink, *, limits: CodeLimits, at: datetime) -> Code | None:
        """Count a try; return the code to compare with, or none."""
        with translated():
            row = await self._pool.fetchrow(
                _ATTEMPT, link.request_id, link.number, at, limits.tries
            )
        return _link(row).code if row else None

    async def open(
        self,
        link: PackageLink,
        session_hash: bytes,
        *,
        until: datetime,
        at: datetime,
        limit: int,
        age_key: str | None,
    ) -> bool:
        """Use the code up, and let a session in."""
        with translated():
            status = await self._pool.execute(
                _OPEN, link.request_id, link.number, session_hash, until, at, limit, age_key
            )
        return not status.endswith(" 0")

    async def is_open(self, link: PackageLink, session_hash: bytes, *, at: datetime) -> bool:
        """Tell whether a session is let in."""
        with translated():
            found = await self._pool.fetchval(
                """
                select true from intake.package_links
                where request_id = $1 and number = $2 and session_hash = $3
                    and session_expires_at > $4
                """,
                link.request_id,
                link.number,
                session_hash,
                at,
            )
        return bool(found)

    async def record(self, link: PackageLink, action: str, reason: str) -> None:
        """Enter what a requester, or whoever has the link, has done with it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await audited(connection, action, [link.request_id], reason, by=REQUESTER)

    async def revoke(self, request_id: RequestId, *, reason: str, at: datetime) -> int:
        """Revoke the links of a request that are not, and enter it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                status = await connection.execute(
                    """
                    update intake.package_links set revoked_at = $2, session_hash = null
                    where request_id = $1 and revoked_at is null
                    """,
                    request_id,
                    at,
                )
                await connection.execute(
                    """
                    update intake.hand_overs set revoked_at = $2
                    where request_id = $1 and revoked_at is null
                        and result is distinct from 'handed_over'
                    """,
                    request_id,
                    at,
                )
                await audited(connection, "package.revoke", [request_id], reason)
        return int(status.rpartition(" ")[2])


def _link(row: asyncpg.Record) -> PackageLink:
    code = None
    if row["code_nonce"] is not None:
        number = row["number"] * 1000 + row["code_number"]
        code = Code(number=number, nonce=row["code_nonce"], expires_at=row["code_expires_at"])
    return PackageLink(
        request_id=RequestId(str(row["request_id"])),
        number=row["number"],
        package_id=RequestId(str(row["package_id"])),
        package_number=row["package_number"],
        nonce=row["nonce"],
        token_hash=row["token_hash"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        age_key=row["age_key"],
        sessions=row["sessions"],
        code=code,
        code_number=row["code_number"],
    )
