"""The domain of data subject requests.

Rules only, on the standard library alone: nothing in this package reads a clock, a store, a topic or a file.
"""
