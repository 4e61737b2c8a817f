"""Packages for access, as whoever has one can check them: no network, and nothing believed but a key."""
