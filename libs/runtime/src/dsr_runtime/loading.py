"""Loading settings: from the environment, and beneath it from a file where one is named.

Every fault is one line, with the variable or the file and its key, and never with a value.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from dsr_runtime.variables import PREFIX, SETTINGS_FILE, unknown_keys, unknown_variables

__all__ = ["EXIT_CONFIGURATION", "Read", "load", "read", "variable_of"]

EXIT_CONFIGURATION = 78
"""What a process exits with when its settings are wrong (EX_CONFIG of sysexits.h)."""

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


@dataclass(frozen=True, slots=True)
class Read(Generic[SettingsT]):
    """What there is to read, and everything that is wrong with it, a line each."""

    settings: SettingsT | None
    """None where something is wrong with them."""

    wrong: tuple[str, ...] = ()
    """What is wrong with what this service reads."""

    unknown: tuple[str, ...] = ()
    """What nobody reads: the same for every service that is told so."""


def load(kind: type[SettingsT]) -> SettingsT:
    """Return settings that have no fault, or leave the process with one line for each."""
    found = read(kind)
    if found.settings is None or found.unknown:
        for fault in found.wrong + found.unknown:
            sys.stderr.write(f"{fault}\n")
        sys.stderr.write("docs/settings.md explains each setting\n")
        sys.exit(EXIT_CONFIGURATION)
    return found.settings


def read(kind: type[SettingsT]) -> Read[SettingsT]:
    """Return the settings of a service, of which the environment's go before the file's; and the faults."""
    unknown = unknown_variables(os.environ)
    given = {name.upper() for name in os.environ}
    file = os.environ.get(SETTINGS_FILE) or None
    try:
        content = _content(Path(file)) if file else {}
    except (OSError, ValueError) as error:
        return Read(None, (f"{SETTINGS_FILE}: {file} {_reason(error)}",), tuple(unknown))
    unknown += [f"{file}: {one}" for one in unknown_keys(content)]
    beneath = {
        name: content[name]
        for name in kind.model_fields
        if name in content and variable_of(name) not in given
    }
    try:
        return Read(kind(**beneath), (), tuple(unknown))
    except ValidationError as error:
        return Read(None, tuple(_wrong(error, f"{file}: ", beneath)), tuple(unknown))


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _content(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _reason(error: OSError | ValueError) -> str:
    """Say why a file is none, without what is in it."""
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    return f"is not TOML ({error})"


def _wrong(error: ValidationError, place: str, from_file: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with values, a line each."""
    for fault in error.errors(include_input=False, include_url=False):
        message = fault["msg"].removeprefix("Value error, ")
        if not fault["loc"]:
            yield message  # of several settings together, which it names
            continue
        name, *within = map(str, fault["loc"])
        setting = f"{place}{name}" if name in from_file else variable_of(name)
        yield f"{'.'.join([setting, *within])}: {message[:1].lower()}{message[1:]}"
