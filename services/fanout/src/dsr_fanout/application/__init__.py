"""What fanout does, on ports alone: open, notify, start and hint. No clock, no client, no topic name spelt out."""
