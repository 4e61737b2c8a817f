"""Letters to the requester: what they say, in whose language, and how they are sent."""
