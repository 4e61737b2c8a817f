"""The data stores of the example systems: one module a technology, one way to describe tables."""
