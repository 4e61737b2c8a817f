"""What the service does by itself: keeping the transparency log, and counting what is missing."""
