"""Which `DSR_` variables there are, and which are none.

All services of one machine may share an environment, so each knows the names of the others, of
systems and of tools. What services and systems read is written to `known_variables` from their own
classes; what else is read is named here.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from dsr_runtime.known_variables import SERVICE_VARIABLES, SYSTEM_VARIABLES

__all__ = ["OTHERS", "PREFIX", "SETTINGS_FILE", "unknown_keys", "unknown_variables"]

PREFIX = "DSR_"
SETTINGS_FILE = "DSR_SETTINGS_FILE"
"""Names the file that settings are read from beneath the environment."""

OTHERS: dict[str, str] = {
    SETTINGS_FILE: "services: a file of settings, beneath the environment",
    "DSR_API_KEY": "examples and the bench: the key of an API client",
    "DSR_APPROVE": "tests: write what letters look like anew",
    "DSR_BASE_IMAGE": "images: what they are built from",
    "DSR_BASE_SUITE": "images: which Debian a base is made of where none can be had",
    "DSR_DATA_DIR": "local stack: where its data is",
    "DSR_ENGINE_DIR": "tests in containers: where the engine keeps its state",
    "DSR_EXAMPLE_BOOKS_KEPT_UNTIL": "example systems: until when the books are kept",
    "DSR_EXAMPLE_DSN": "example systems: the database of one that uses PostgreSQL",
    "DSR_EXAMPLE_FOLDER": "example systems: the store of one that uses files",
    "DSR_EXAMPLE_PEOPLE": "example systems: how many people the group has",
    "DSR_EXAMPLE_REFUSALS": "example systems: how often one fails before it answers",
    "DSR_EXAMPLE_RETRY_SECONDS": "example systems: how long that one asks to be left alone",
    "DSR_EXAMPLE_SLOW_SECONDS": "example systems: how long one person takes in the slow one",
    "DSR_FANOUT_URL": "command line: fanout's address",
    "DSR_IMAGES": "compose.yaml: what the names of the images begin with",
    "DSR_INTAKE_PORT": "compose.yaml: intake's port on the machine",
    "DSR_INTAKE_POSTGRES_DSN": "command line: intake's database, where services have one each",
    "DSR_KAFKA_ORGANISATION_FETCHES": "command line: what an organisation may fetch",
    "DSR_KAFKA_ORGANISATION_SENDS": "command line: what an organisation may send",
    "DSR_LOG_KEYS": "command line: the public keys of the transparency log",
    "DSR_PORT_BASE": "local stack: its first port",
    "DSR_TAG": "compose.yaml: the version of the images",
    "DSR_TEST_VAULT": "tests: the address of a real Vault",
    "DSR_TEST_VAULT_TOKEN": "tests: a token of that Vault",
    "DSR_TOKEN": "command line: the key or token that it calls with",
    "DSR_TRIAL_PASSWORD": "compose.yaml: the password of every login",
    "DSR_TRIAL_PEOPLE": "compose.yaml: how many people the group has",
    "DSR_TRIAL_POSTGRES_DSN": "compose.yaml: the database as its super user",
    "DSR_TRIAL_SECRETS": "compose.yaml: where keys are written to",
    "DSR_TRIAL_SYSTEMS": "compose.yaml: which systems take part",
    "DSR_VERIFIER_POSTGRES_DSN": "command line: the verifier's, likewise",
}
"""What is read besides the settings of services and systems, by whom and for what."""

_KNOWN = SERVICE_VARIABLES | SYSTEM_VARIABLES | OTHERS.keys()
_KEYS = frozenset(name.removeprefix(PREFIX).lower() for name in SERVICE_VARIABLES)


def unknown_variables(names: Iterable[str]) -> list[str]:
    """Return a line for each name that looks like one of ours and is none, with what may be meant."""
    return [
        f"{name} is not a setting; {_nearest(name.upper(), _KNOWN)}"
        for name in sorted(names)
        if name.upper().startswith(PREFIX) and name.upper() not in _KNOWN
    ]


def unknown_keys(keys: Iterable[str]) -> list[str]:
    """Return a line for each key of a settings file that no service knows, with what may be meant."""
    return [
        f"{key} is not a setting; {_nearest(key.lower().removeprefix(PREFIX.lower()), _KEYS)}"
        for key in sorted(keys)
        if key not in _KEYS
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else "docs/settings.md has all that are"
