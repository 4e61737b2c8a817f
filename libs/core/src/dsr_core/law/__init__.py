"""The law of dates: rules as data, and what they make of the facts of one subject request."""
