"""The example group on the local stack: what turns running parts into a working loop."""
