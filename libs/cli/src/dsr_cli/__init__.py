"""The command `dsr`: the local stack, the registry, requests, dead letters, benchmarks."""
