"""Kafka's records, through Faust, to the application."""
