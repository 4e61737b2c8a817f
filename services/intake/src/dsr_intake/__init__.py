"""Takes subject requests over HTTP, keeps identity, publishes onto Kafka, answers."""
