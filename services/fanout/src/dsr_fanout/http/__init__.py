"""HTTP: health and metrics. Nobody asks fanout for anything else."""
