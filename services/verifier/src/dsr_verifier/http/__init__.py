"""The ledger's read API, for intake and fanout."""
