"""Finding and mending what differs after PostgreSQL was put back to an earlier time than Kafka."""
