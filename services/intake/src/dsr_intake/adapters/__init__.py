"""The ports' implementations: PostgreSQL, the verifier, the registry topic, key files."""
