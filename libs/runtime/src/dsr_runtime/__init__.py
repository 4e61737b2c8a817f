"""What every process needs and no domain knows: settings, logs, metrics, HTTP, Kafka, Temporal, PostgreSQL."""
