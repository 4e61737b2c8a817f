"""Which answers held links that intake was told of: how many there are is asked, what they say is sealed."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0012"
down_revision = "0011"

_TABLE = """
create table verifier.links_told (
    request_id uuid not null,
    system_id text not null,
    sequence bigint not null,
    told_at timestamptz not null,
    primary key (request_id, system_id, sequence)
)
"""


def upgrade() -> None:
    """Add the table; no answer has held links before."""
    op.execute(_TABLE)
    op.execute(append_only("verifier.links_told"))
