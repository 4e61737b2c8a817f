"""The versions of the schema, as plain SQL."""
