"""Alembic, for every service."""
