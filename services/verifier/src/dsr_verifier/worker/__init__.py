"""What the service does by itself: keeping the transparency log."""
