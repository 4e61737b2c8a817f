"""Erasures that are looked at again long after the closing, and who follows a request."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"

_CHANGES = """
alter table intake.deferred_notices
    add column why text not null default 'exemption_review';
comment on table intake.deferred_notices is
    'Identities that one system alone opens, kept until that system is asked again.';
alter table intake.cohorts add column held_before timestamptz;
comment on column intake.cohorts.held_before is
    'Set where systems are only asked to look: what they held before then is meant.';
create index subject_requests_follows on intake.subject_requests (follows) where follows is not null;
comment on table intake.audit is
    'Append-only. What programs and services do is not here, but where a client is told and which
    lookup keys are in use: the rest follows from what people decide.'
"""


def upgrade() -> None:
    """Add the columns; what is deferred from before is for reviews."""
    for statement in _CHANGES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is to be looked at again is not forgotten."""
    raise NotImplementedError("restore a backup instead")
