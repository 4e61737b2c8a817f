"""The verifier: the ledger of obligations and acknowledgements, and of closures."""
