"""Benchmarks: the real loop and a lean one, measured on a stack of their own."""
