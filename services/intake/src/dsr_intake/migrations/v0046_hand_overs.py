"""Packages that are handed over to the callback of an API client, part by part."""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"

_STATEMENTS = (
    "alter table intake.api_clients add column package_recipient text",
    """
    comment on column intake.api_clients.package_recipient is
        'The recipient of age that packages for its callback are encrypted to; null where it may have none.'
    """,
    "alter table intake.subject_requests add column hand_over boolean not null default false",
    """
    comment on column intake.subject_requests.hand_over is
        'Whether its packages are sent to the callback of its client.'
    """,
    "alter table intake.webhook_deliveries add column details text",
    """
    comment on column intake.webhook_deliveries.details is
        'JSON: what a message says besides; null where it says no more.'
    """,
    """
    create table intake.hand_overs (
        request_id uuid not null,
        number integer not null,
        package_id uuid not null,
        client_id text not null,
        wanted_at timestamptz not null,
        recipient text,
        size bigint,
        parts_confirmed integer not null default 0,
        begun_at timestamptz,
        claim_id uuid,
        tries integer not null default 0,
        next_try_at timestamptz,
        revoked_at timestamptz,
        settled_at timestamptz,
        result text,
        primary key (request_id, number)
    ) with (fillfactor = 85)
    """,
    """
    comment on column intake.hand_overs.recipient is
        'Whom the file is for whose parts are confirmed; null before the first, and once the package has expired.'
    """,
    """
    comment on column intake.hand_overs.claim_id is
        'Who sends a part of it, until next_try_at; null where nobody does.'
    """,
    "create index hand_overs_due on intake.hand_overs (next_try_at) where settled_at is null",
    "create index hand_overs_package on intake.hand_overs (package_id)",
    "create index hand_overs_settled on intake.hand_overs (settled_at)",
)


def upgrade() -> None:
    """Add what is wanted, what is on its way, and whom it is for; no client may have any before."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take it all back: who waits for a package has the link, and is told no more of parts."""
    for statement in (
        "drop table intake.hand_overs",
        "delete from intake.webhook_deliveries where details is not null",
        "alter table intake.webhook_deliveries drop column details",
        "alter table intake.subject_requests drop column hand_over",
        "alter table intake.api_clients drop column package_recipient",
    ):
        op.execute(statement)
