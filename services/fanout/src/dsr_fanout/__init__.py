"""Fanout: one Temporal workflow a cohort. It opens obligations, notifies, reminds; it owns no database."""
