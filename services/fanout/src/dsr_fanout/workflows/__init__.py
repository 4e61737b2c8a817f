"""Workflows. What they import is loaded again for each of them, so it is next to nothing."""
