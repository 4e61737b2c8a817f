"""What systems found out about persons: what was taken in, and every step of what became of it.

No value stands here: identifiers are in the request's own ciphertext, and `link_id` names one under a key
that dies with the request's.
"""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0028"
down_revision = "0027"

_TABLES = """
create table intake.link_answers (
    request_id uuid not null,
    system_id text not null,
    sequence bigint not null,
    outcome text not null,
    recorded_at timestamptz not null,
    primary key (request_id, system_id, sequence)
);
comment on column intake.link_answers.outcome is
    'taken; ended, where the request had ended; else the reason why all of it was refused.';

create table intake.link_steps (
    id bigint generated always as identity primary key,
    request_id uuid not null,
    link_id text not null,
    system_id text not null,
    sequence bigint not null,
    through text not null,
    kind text not null,
    confidence text not null,
    proof text not null,
    round smallint not null,
    outcome text not null,
    reason text not null,
    registry_digest text not null,
    recorded_at timestamptz not null
);
create index link_steps_request on intake.link_steps (request_id, id);

create table intake.link_rulings (
    id bigint generated always as identity primary key,
    request_id uuid not null,
    link_id text not null,
    accepts boolean not null,
    ruled_by text not null,
    reason text not null,
    ruled_at timestamptz not null
);
create index link_rulings_request on intake.link_rulings (request_id, link_id, id);

create table intake.told_without (
    request_id uuid not null,
    system_id text not null,
    told_at timestamptz not null,
    primary key (request_id, system_id)
);
comment on table intake.told_without is
    'Systems that were told of a request without an identifier that they know people by, though another
    system may find one out.'
"""

_APPEND_ONLY = ("link_answers", "link_steps", "link_rulings", "told_without")


def upgrade() -> None:
    """Make the tables."""
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(append_only(f"intake.{table}"))


def downgrade() -> None:
    """Refuse: what was found out, and who decided about it, is not forgotten."""
    raise NotImplementedError("restore a backup instead")
