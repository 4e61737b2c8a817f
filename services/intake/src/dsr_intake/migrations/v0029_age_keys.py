"""The requester's own key, which a package is handed over under: given with the request, or at its link."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the columns; nobody had given a key before."""
    op.execute("alter table intake.subject_requests add column age_key text")
    op.execute("alter table intake.package_links add column age_key text")


def downgrade() -> None:
    """Remove the columns: what is fetched from then on is under no key but the way's."""
    op.execute("alter table intake.package_links drop column age_key")
    op.execute("alter table intake.subject_requests drop column age_key")
