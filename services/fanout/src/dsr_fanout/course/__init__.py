"""The parts of a cohort's workflow. The sandbox passes them through: they use Temporal and `orders` only."""
