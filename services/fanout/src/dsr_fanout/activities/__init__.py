"""Activities: the application as Temporal calls it, and its errors as Temporal's failures."""
