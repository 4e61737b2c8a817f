"""The demonstration: deletion requests round the whole loop, and what they left behind."""
