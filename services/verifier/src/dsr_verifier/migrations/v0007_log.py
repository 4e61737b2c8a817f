"""The transparency log: what waits for it, its leaves, tiles and checkpoints, and the statements."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_TABLES = """
create table verifier.log_pending (
    id bigint generated always as identity primary key,
    kind text not null,
    request_id uuid,
    digest bytea,
    at timestamptz not null,
    check ((kind = 'closure') = (request_id is not null)),
    check ((kind = 'closure') = (digest is null))
) with (autovacuum_vacuum_scale_factor = 0.01);
create unique index log_pending_once on verifier.log_pending (kind, digest) where digest is not null;
comment on table verifier.log_pending is
    'Facts that are no leaves yet. A closure''s digest is known once its statement is made.';

create table verifier.log_leaves (
    leaf_index bigint primary key,
    kind text not null,
    digest bytea not null,
    data bytea not null
);
create unique index log_leaves_once on verifier.log_leaves (kind, digest) where kind <> 'closure';

create table verifier.log_tiles (
    level smallint not null,
    tile_index bigint not null,
    hashes bytea not null,
    primary key (level, tile_index)
);
alter table verifier.log_tiles alter column hashes set storage external;

create table verifier.log_checkpoints (
    id bigint generated always as identity primary key,
    size bigint not null,
    root bytea not null,
    origin text not null,
    note text not null,
    signed_at timestamptz not null
);
create index log_checkpoints_size on verifier.log_checkpoints (size);

create table verifier.log_cosignatures (
    checkpoint_id bigint not null references verifier.log_checkpoints,
    name text not null,
    key_id bigint not null,
    line text not null,
    cosigned_at timestamptz not null,
    primary key (checkpoint_id, name, key_id)
);

create table verifier.statements (
    request_id uuid primary key,
    statement bytea not null,
    leaf_index bigint not null
);
comment on table verifier.statements is
    'What was closed, as it stands in the log; evidence never depends on making it again.';
"""

_APPEND_ONLY = ("log_leaves", "log_checkpoints", "log_cosignatures", "statements")

_STATEMENTS = (
    """
    create function verifier.refuse_rewriting() returns trigger language plpgsql as $$
    begin
        if (new.level, new.tile_index) <> (old.level, old.tile_index)
            or substr(new.hashes, 1, length(old.hashes)) <> old.hashes then
            raise exception '% only grows', tg_table_name;
        end if;
        return new;
    end
    $$
    """,
    """
    create trigger append_only before delete or truncate on verifier.log_tiles
    for each statement execute function verifier.refuse_change()
    """,
    """
    create trigger grows_only before update on verifier.log_tiles
    for each row execute function verifier.refuse_rewriting()
    """,
    # What was closed before there was a log becomes part of it too.
    """
    insert into verifier.log_pending (kind, request_id, at)
    select 'closure', request_id, closed_at from verifier.closures order by closed_at, request_id
    """,
)


def upgrade() -> None:
    """Make the log, and let it begin with every closure that there is."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(
            f"""
            create trigger append_only before update or delete or truncate on verifier.{table}
            for each statement execute function verifier.refuse_change()
            """
        )
    for statement in _STATEMENTS:
        op.execute(statement)
