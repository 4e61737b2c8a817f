"""PostgreSQL's logins on a real server: each may do what is declared, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from dsr_cli.group.provision import create_databases
from dsr_cli.stack import Stack
from dsr_cli.stack.roles import SCHEMAS, create_roles, login_of, owner_of
from dsr_runtime.grants import Privilege, declared, granted, privileges_of, settle
from support.parts import as_user

SERVICES = tuple(SCHEMAS)
OTHERS = {"intake": "verifier", "verifier": "intake"}
TABLES = {"intake": "intake.decisions", "verifier": "verifier.closures"}
"""One append-only table of each."""

TRIGGERS = """
select tgrelid::regclass::text as "table", tgtype
from pg_trigger join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = c.relnamespace
where not tgisinternal and tgname = 'append_only' and n.nspname = any($1::text[])
"""
STATEMENT_BEFORE_UPDATE_DELETE_TRUNCATE = 2 + 8 + 16 + 32
"""As pg_trigger.h numbers the kinds of trigger."""

REFUSED = [
    "create table {own}.mine (one integer)",
    "create table public.mine (one integer)",
    "create temporary table mine (one integer)",
    "create schema mine",
    "create function {own}.mine() returns integer language sql as 'select 1'",
    "create role mine",
    "alter table {table} add column mine integer",
    "alter table {table} disable trigger append_only",
    "alter table {table} disable trigger all",
    "drop trigger append_only on {table}",
    "drop table {table}",
    "truncate {table}",
    "update {table} set request_id = request_id",
    "delete from {table}",
    "comment on table {table} is 'mine'",
    "select * from {own}.alembic_version",
    "select * from {other}.outbox",
    "insert into {other}.outbox (slot, topic, key, value, headers) values (0, '', '', '', '')",
    "set role {owner}",
    "set role {other_login}",
    "set session_replication_role = 'replica'",
    "alter system set fsync = off",
    "alter role {login} superuser",
    "alter role {owner} password 'x'",
    "select * from pg_authid",
    "select pg_read_file('/etc/hostname')",
    "select pg_ls_dir('/')",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'dsr'",
    "select lo_import('/etc/hostname')",
    "copy (select 1) to program 'true'",
    "copy {table} from program 'true'",
    "copy (select 1) to '/tmp/never-written'",
    "do $$ begin execute 'create table public.mine (one integer)'; end $$",
]


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_login_has_what_is_declared_and_nothing_else(migrated: str, service: str) -> None:
    everywhere = [schema for schemas in SCHEMAS.values() for schema in schemas]
    async with connected(migrated) as one:
        found = await granted(one, login_of(service), [*everywhere, "public"])
        assert found == privileges_of(declared(f"dsr_{service}"))
        role = await one.fetchrow(
            "select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication,"
            " exists (select from pg_auth_members where member = pg_roles.oid) as has_others"
            " from pg_roles where rolname = $1",
            login_of(service),
        )
        assert set(role or ()) == {False}
        for schema in everywhere:
            may = await one.fetchrow(
                "select has_schema_privilege($1, $2, 'usage') as usage,"
                " has_schema_privilege($1, $2, 'create') as create",
                login_of(service),
                schema,
            )
            assert dict(may or {}) == {"usage": schema in SCHEMAS[service], "create": False}


async def test_everybody_else_has_nothing_at_all(migrated: str) -> None:
    everywhere = [schema for schemas in SCHEMAS.values() for schema in schemas]
    async with connected(migrated) as one:
        public = await one.fetch(
            "select c.oid::regclass from pg_class c cross join lateral aclexplode(c.relacl) a"
            " where a.grantee = 0 and c.relnamespace::regnamespace::text = any($1::text[])"
            " union all select n.oid from pg_namespace n cross join lateral aclexplode(n.nspacl) a"
            " where a.grantee = 0 and n.nspname = any($1::text[])",
            everywhere,
        )
        assert public == []
        database = await one.fetchval(
            "select count(*) from pg_database cross join lateral aclexplode(datacl) a"
            " where datname = current_database() and a.grantee = 0"
        )
        assert database == 0


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_has_a_line_and_an_owner_that_is_not_its_user(
    migrated: str, service: str
) -> None:
    async with connected(migrated) as one:
        rows = await one.fetch(
            "select n.nspname || '.' || c.relname as name, c.relowner::regrole::text as owner"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = any($1::text[]) and c.relkind in ('r', 'p', 'v', 'm')",
            SCHEMAS[service],
        )
    names = {row["name"] for row in rows}
    assert names - {f"{service}.alembic_version"} == declared(f"dsr_{service}").keys()
    assert {row["owner"] for row in rows} == {owner_of(service)}


@pytest.mark.parametrize("service", SERVICES)
async def test_what_may_only_be_added_to_is_held_by_a_trigger_as_well(
    migrated: str, service: str
) -> None:
    """Also where a column alone may be changed, of which a trigger for each row sees to the rest."""
    by_table: dict[str, set[str]] = {}
    for one in privileges_of(declared(f"dsr_{service}")):
        by_table.setdefault(one.table, set()).add(f"{one.name}{'()' if one.column else ''}")
    kept = {name for name, may in by_table.items() if may == {"select", "insert"}}
    in_part = {name for name, may in by_table.items() if "update()" in may}
    assert kept
    async with connected(migrated) as connection:
        rows = await connection.fetch(TRIGGERS, SCHEMAS[service])
    found = {row["table"]: row["tgtype"] for row in rows}
    assert found.keys() == kept | in_part
    assert {found[name] for name in kept} == {STATEMENT_BEFORE_UPDATE_DELETE_TRUNCATE}


@pytest.mark.parametrize("as_owner", [True, False], ids=["owner", "super user"])
@pytest.mark.parametrize("service", SERVICES)
async def test_the_triggers_refuse_the_owner_and_the_super_user_too(
    migrated: str, service: str, *, as_owner: bool
) -> None:
    """On an empty table as well: it is the statement that is refused, not a row."""
    dsn = as_user(migrated, owner_of(service)) if as_owner else migrated
    kept = [name for name, may in declared(f"dsr_{service}").items() if may == ("select", "insert")]
    assert kept
    async with connected(dsn) as one:
        for table in kept:
            schema, name = table.split(".")
            column = await one.fetchval(
                "select column_name from information_schema.columns"
                " where table_schema = $1 and table_name = $2"
                " and is_identity = 'NO' and is_generated = 'NEVER' limit 1",
                schema,
                name,
            )
            for statement in (
                f"update {table} set {column} = {column}",
                f"delete from {table}",
                f"truncate {table} cascade",
            ):
                with pytest.raises(asyncpg.RaiseError, match="is append-only"):
                    await one.execute(statement)


@pytest.mark.parametrize("statement", REFUSED)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_login_is_refused(migrated: str, service: str, statement: str) -> None:
    other = OTHERS[service]
    text = statement.format(
        own=service,
        other=other,
        table=TABLES[service],
        login=login_of(service),
        owner=owner_of(service),
        other_login=login_of(other),
    )
    async with connected(as_user(migrated, login_of(service))) as one:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await one.execute(text)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_login_gives_itself_nothing(migrated: str, service: str) -> None:
    login = login_of(service)
    async with connected(as_user(migrated, login)) as one:
        before = await granted(one, login, SCHEMAS[service])
        await one.execute(f"grant update, delete on {TABLES[service]} to {login}")  # warns, no more
        assert await granted(one, login, SCHEMAS[service]) == before


@pytest.mark.parametrize("service", SERVICES)
async def test_an_owner_sees_no_other_schema_and_is_no_super_user(
    migrated: str, service: str
) -> None:
    async with connected(as_user(migrated, owner_of(service))) as one:
        for statement in (
            f"select * from {OTHERS[service]}.outbox",
            "select pg_read_file('/etc/hostname')",
            "copy (select 1) to program 'true'",
            "create role mine",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await one.execute(statement)


async def test_what_is_beyond_the_declaration_is_taken_back(migrated: str) -> None:
    login, grants = login_of("verifier"), declared("dsr_verifier")
    async with connected(as_user(migrated, owner_of("verifier"))) as owner:
        await owner.execute(f"grant update, delete on verifier.closures to {login}")
        await owner.execute(f"grant update (kind) on verifier.amendments to {login}")
        await owner.execute(f"revoke insert on verifier.plans from {login}")
        surplus = await granted(owner, login, ["verifier"]) - privileges_of(grants)
        assert surplus == {
            Privilege("verifier.closures", "update"),
            Privilege("verifier.closures", "delete"),
            Privilege("verifier.amendments", "update", "kind"),
        }
        await settle(owner, login, grants)
        assert await granted(owner, login, ["verifier"]) == privileges_of(grants)


async def test_where_one_login_does_both_nothing_is_granted(stack: Stack, database: str) -> None:
    del stack
    async with connected(database) as one:
        before = await granted(one, "dsr", ["verifier"])
        await settle(one, "dsr", {"verifier.of-nobody": ("select",)})
        assert await granted(one, "dsr", ["verifier"]) == before


async def test_schemas_from_before_there_were_logins_go_to_their_owner(
    stack: Stack, migrated: str
) -> None:
    name = migrated.rpartition("/")[2]
    async with connected(migrated) as one:
        await one.execute("alter table intake.letters owner to dsr")
        await one.execute("alter schema intake owner to dsr")
        await one.execute("alter function intake.refuse_change() owner to dsr")
    await asyncio.to_thread(create_roles, stack, name)
    async with connected(migrated) as one:
        owners = await one.fetch(
            "select nspowner::regrole::text from pg_namespace where nspname = 'intake'"
            " union select relowner::regrole::text from pg_class where oid = 'intake.letters'::regclass"
            " union select proowner::regrole::text from pg_proc"
            " where oid = 'intake.refuse_change()'::regprocedure"
        )
    assert [tuple(row) for row in owners] == [("dsr_intake_owner",)]


async def test_an_example_system_owns_its_database_and_reaches_no_other(
    stack: Stack, migrated: str
) -> None:
    await asyncio.to_thread(create_databases, stack, ["system_tried"])
    own = stack.postgres_dsn("system_tried", user="system_tried")
    async with connected(own) as one:
        await one.execute("create schema held; create table held.mine (one integer)")
    for user, database in (
        ("system_tried", migrated.rpartition("/")[2]),
        ("dsr_intake", "system_tried"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(stack.postgres_dsn(database, user=user))


async def test_a_password_is_needed_and_kept_as_scram(stack: Stack, migrated: str) -> None:
    async with connected(migrated) as one:
        kept = await one.fetch("select rolpassword from pg_authid where rolname like 'dsr%'")
    assert len(kept) >= 5
    assert all(row[0].startswith("SCRAM-SHA-256$") for row in kept)
    right = stack.postgres_password("dsr_intake")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(as_user(migrated, "dsr_intake").replace(right, "guessed"))
