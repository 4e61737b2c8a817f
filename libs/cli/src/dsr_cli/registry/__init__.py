"""The registry's files: reading them, saying what is wrong with them, and drawing them."""

from dsr_cli.registry.faults import Fault, RegistryFaults
from dsr_cli.registry.load import load_registry

__all__ = ["Fault", "RegistryFaults", "load_registry"]
