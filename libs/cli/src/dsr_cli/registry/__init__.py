"""The registry's files: reading them, and drawing them."""

from dsr_cli.registry.load import load_registry

__all__ = ["load_registry"]
