"""Intake's API as a client sees it."""
