"""HTTP: applications that answer faults with problem documents, say how they are, and drain."""
