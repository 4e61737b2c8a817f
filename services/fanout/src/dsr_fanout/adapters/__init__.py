"""Adapters: one outside thing each, behind a port. They know ports and nothing above."""
