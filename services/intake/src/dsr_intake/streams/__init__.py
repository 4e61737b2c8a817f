"""What intake reads from Kafka."""
