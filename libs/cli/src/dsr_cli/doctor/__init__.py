"""Looking at every part of an installation: what was seen, and what to do next."""
