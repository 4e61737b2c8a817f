"""The rules' files: reading them, and every fault in them."""

from dsr_cli.rules.load import load_rules

__all__ = ["load_rules"]
