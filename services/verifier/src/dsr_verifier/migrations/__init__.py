"""The schema's versions, as plain SQL."""
