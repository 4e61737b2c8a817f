"""Partial packages: one that is made before all systems have delivered, and the one that follows it."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"

_STATEMENTS = (
    "alter table intake.package_links drop constraint package_links_package_id_fkey",
    """
    alter table intake.packages
        add column number integer not null default 1,
        add column is_partial boolean not null default false,
        drop constraint packages_pkey,
        add primary key (request_id, number)
    """,
    """
    alter table intake.package_links
        add column package_number integer not null default 1,
        add foreign key (package_id, package_number) references intake.packages
    """,
    """
    comment on column intake.packages.number is
        'The first of a request is 1; 2 supplements it, and has what was not in it.'
    """,
    """
    comment on column intake.packages.is_partial is
        'It is made while the request is open, of what is there.'
    """,
)


def upgrade() -> None:
    """Let a request have two packages; what there are so far are whole."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what people can still fetch would be lost."""
    raise NotImplementedError("restore a backup instead")
