"""Packages for access: wanted at the closing, made, handed over by links with codes, and expired."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"

_STATEMENTS = (
    """
    create table intake.packages (
        request_id uuid primary key,
        state text not null default 'waiting',
        ledger text not null,
        excluded text not null default '{}',
        wanted_at timestamptz not null,
        tries integer not null default 0,
        next_try_at timestamptz,
        assembly_id uuid,
        size bigint,
        files integer,
        manifest_digest bytea,
        contact bytea,
        made_at timestamptz,
        expires_at timestamptz
    )
    """,
    """
    comment on column intake.packages.ledger is
        'JSON: what the ledger said of the request at its closing, with references to exports.'
    """,
    """
    comment on column intake.packages.contact is
        'The address of the letters, encrypted under the key of the package; null where there are none.'
    """,
    "create index packages_waiting on intake.packages (next_try_at) where state = 'waiting'",
    "create index packages_ready on intake.packages (expires_at) where state = 'ready'",
    """
    create table intake.package_links (
        request_id uuid not null,
        number integer not null,
        package_id uuid not null references intake.packages,
        token_hash bytea not null unique,
        nonce bytea not null,
        issued_at timestamptz not null,
        expires_at timestamptz not null,
        revoked_at timestamptz,
        sessions integer not null default 0,
        code_nonce bytea,
        code_number integer not null default 0,
        code_issued_at timestamptz,
        code_expires_at timestamptz,
        code_tries integer not null default 0,
        session_hash bytea,
        session_expires_at timestamptz,
        primary key (request_id, number)
    )
    """,
    "create index package_links_package on intake.package_links (package_id)",
)


def upgrade() -> None:
    """Add the tables; nothing was handed over this way before."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what people can still fetch would be lost."""
    raise NotImplementedError("restore a backup instead")
