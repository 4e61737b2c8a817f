"""The first who may come in: made by whoever has the database, since nobody can be asked for leave."""

from __future__ import annotations

from dsr_intake.adapters.clients import PostgresApiClients
from dsr_intake.application.clients import ApiClients, NewClient
from dsr_intake.application.clock import utc_now
from dsr_intake.model.audit import act_as
from dsr_intake.model.principals import Authentication, Principal, PrincipalKind
from dsr_runtime.migrations import migrate_at_start
from dsr_runtime.postgres import connect_pool
from dsr_runtime.settings import PostgresSettings

__all__ = ["add_officer"]

_WHY = "made by whoever has the database"


async def add_officer(settings: PostgresSettings, name: str) -> str:
    """Make a privacy officer, and return the key, which is kept nowhere."""
    dsn = settings.postgres_dsn.get_secret_value()
    pool = await connect_pool(dsn, size=1)
    act_as(
        Principal(
            id="database",
            kind=PrincipalKind.PRIVACY_OFFICER,
            scopes=frozenset(),
            authentication=Authentication.DATABASE,
        )
    )
    try:
        await migrate_at_start(settings, pool, package="dsr_intake", schema="intake")
        clients = ApiClients(PostgresApiClients(pool), clock=utc_now)
        made = await clients.add(
            NewClient(name=name, kind=PrincipalKind.PRIVACY_OFFICER), by=None, reason=_WHY
        )
    finally:
        await pool.close()
    return made.api_key
