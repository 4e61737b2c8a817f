"""The commands of `dsr`, one module each."""
