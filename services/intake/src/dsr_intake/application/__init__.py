"""What intake does, without HTTP, Kafka or SQL."""
