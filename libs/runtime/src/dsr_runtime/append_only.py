"""Append-only tables: what is written is never changed, by whomever.

The service's login is granted `select` and `insert` alone, and a trigger stops the schema's owner and
the super user, who could do more by mistake.
"""

from __future__ import annotations

__all__ = ["append_only"]


def append_only(table: str, *, function_in: str = "") -> str:
    """Return the statement that makes a table append-only, for a migration.

    Args:
        table: As `schema.table`.
        function_in: The schema that has `refuse_change` from an earlier version; the table's unless
            given.
    """
    schema = function_in or table.partition(".")[0]
    return (
        f"create trigger append_only before update or delete or truncate on {table}"
        f" for each statement execute function {schema}.refuse_change()"
    )
