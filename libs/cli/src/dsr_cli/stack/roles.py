"""PostgreSQL's logins: for each service one that owns and migrates its schemas, and one that uses them.

What the second may do with each table is granted by the first, when it migrates. Neither is a super
user, and neither sees another service's schemas.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsr_cli.stack.stack import Stack

__all__ = ["SCHEMAS", "create_owner", "create_roles", "login_of", "owner_of", "statements"]

_LOCK = 7_305_117
"""An advisory lock of this project, as `dsr_runtime` has others."""

SCHEMAS: Mapping[str, tuple[str, ...]] = {
    "intake": ("intake", "intake_keys"),
    "verifier": ("verifier",),
}
"""What each service owns."""


def login_of(service: str) -> str:
    """Return the login that a service uses."""
    return f"dsr_{service}"


def owner_of(service: str) -> str:
    """Return the login that owns and migrates a service's schemas."""
    return f"dsr_{service}_owner"


def statements(database: str) -> list[str]:
    """Return what makes the logins of every service in a database, their passwords apart.

    A super user runs them; repeating them changes nothing. Schemas that another login made, before
    there were these, go to their owner.
    """
    found = [f'revoke all on database "{database}" from public']
    for service, schemas in SCHEMAS.items():
        login, owner = login_of(service), owner_of(service)
        found += [
            *map(_role, (login, owner)),
            f'grant connect on database "{database}" to {login}',
            f'grant connect, create on database "{database}" to {owner}',
            _taken_over(f"nspname in ({', '.join(map(repr, schemas))})", owner),
        ]
    return found


def create_roles(stack: Stack, database: str) -> None:
    """Have every service's logins in a database of the stack, with the passwords of its secrets."""
    roles = [role(service) for service in SCHEMAS for role in (login_of, owner_of)]
    _execute(stack, database, [*statements(database), *(_password(stack, one) for one in roles)])


def create_owner(stack: Stack, database: str) -> None:
    """Have a login of a database's own name, which owns it and all that is in it."""
    _execute(
        stack,
        database,
        [
            _role(database),
            _password(stack, database),
            f'revoke all on database "{database}" from public',
            f'alter database "{database}" owner to "{database}"',
            _taken_over("nspname !~ '^pg_' and nspname <> 'information_schema'", database),
        ],
    )


def _execute(stack: Stack, database: str, commands: list[str]) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(stack.postgres_dsn(database))
        try:
            async with connection.transaction():
                # Logins belong to all databases: two who make the same at once would both fail.
                await connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
                for command in commands:
                    await connection.execute(command)
        finally:
            await connection.close()

    asyncio.run(execute())


def _role(name: str) -> str:
    return (
        f"do $$ begin if not exists (select from pg_roles where rolname = '{name}')"
        f' then create role "{name}" login; end if; end $$'
    )


def _password(stack: Stack, role: str) -> str:
    # Of URL-safe characters, so nothing in it ends the quotes.
    return f"alter role \"{role}\" password '{stack.postgres_password(role)}'"


def _taken_over(schemas: str, owner: str) -> str:
    """Return what gives schemas, which a condition on `nspname` names, and what is in them to an owner."""
    return f"""do $$
declare one record;
begin
    for one in select nspname as name from pg_namespace where {schemas} loop
        execute format('alter schema %I owner to "{owner}"', one.name);
    end loop;
    for one in select c.oid::regclass as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where {schemas} and c.relkind in ('r', 'p', 'v')
    loop
        execute format('alter table %s owner to "{owner}"', one.name);
    end loop;
    for one in select p.oid::regprocedure as name
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {schemas}
    loop
        execute format('alter function %s owner to "{owner}"', one.name);
    end loop;
end $$"""
