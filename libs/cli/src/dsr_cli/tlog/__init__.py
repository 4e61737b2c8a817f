"""The transparency log as an outsider reads it: over HTTP, believing nothing that is not shown."""
