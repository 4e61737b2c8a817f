"""Proofs of who asks, and that they may, are decisions like any other.

What no command tells of has the revision of the command before it, so that two may share one.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Widen the key, and keep the proofs of before that an operator or a requester has brought."""
    op.execute(
        """
        alter table intake.decisions
            drop constraint decisions_pkey, add primary key (request_id, revision, kind)
        """
    )
    op.execute(
        """
        insert into intake.decisions (request_id, revision, kind, decided_by, reason, effective_at,
            recorded_at, details)
        select id, 1, 'prove_identity',
            case identity_method when 'operator' then 'operator' else 'the requester' end,
            coalesce(identity_reason, ''), identity_proven_at, identity_proven_at,
            jsonb_build_object('method', identity_method)
        from intake.subject_requests
        where identity_method in ('operator', 'one_time_code') and identity_proven_at is not null
        """
    )


def downgrade() -> None:
    """Refuse: who was believed, by whom and why, is not forgotten."""
    raise NotImplementedError("restore a backup instead")
