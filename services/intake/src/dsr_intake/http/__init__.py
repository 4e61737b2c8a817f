"""Intake's HTTP: the public API for clients, the internal API for the group's own services."""
