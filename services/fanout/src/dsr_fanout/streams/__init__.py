"""Streams: Kafka's records in, one module a topic. What can never succeed is dead-lettered here."""
