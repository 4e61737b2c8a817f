"""Kafka as an operator sees it: topics, access rights, the registry topic, dead letters."""
