"""Checking settings before a service is started with them: everything that is wrong, and nothing begun."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar, get_origin

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from dsr_runtime.process import StartFault
from dsr_runtime.settings import EXIT_CONFIGURATION, faults_of, variables

__all__ = ["check"]

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def check(kind: type[SettingsT], look: Callable[[SettingsT], object], *, as_json: bool) -> int:
    """Say what is wrong with the environment, a line a fault; return what the process is to exit with.

    Args:
        kind: The service's settings.
        look: Reads what the settings name, as a start would; raises StartFault where it is wrong.
        as_json: Whether a program reads it: then it is told which variables are known, too, and
            the values of switches, numbers and choices. Texts are never shown: one may be a secret.
    """
    faults = list(_faults(kind, look))
    if as_json:
        said = {"faults": faults, "variables": variables(kind), "shown": _shown(kind)}
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        sys.stdout.write("".join(f"{one}\n" for one in faults or ["no faults"]))
    return EXIT_CONFIGURATION if faults else 0


def _faults(kind: type[SettingsT], look: Callable[[SettingsT], object]) -> Iterator[str]:
    try:
        settings = kind()
    except ValidationError as error:
        yield from faults_of(error)
        return
    absent = False
    for name in kind.model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path) and name not in settings.model_fields_set:
            continue  # a usual place, which is looked at where it is needed
        if isinstance(value, Path) and not _is_readable(value):
            absent = True
            yield f"DSR_{name.upper()}: the file cannot be read"
    if absent:
        return
    try:
        look(settings)
    except StartFault as fault:
        yield str(fault)


def _shown(kind: type[BaseSettings]) -> dict[str, bool | int | float | str]:
    try:
        settings = kind()
    except ValidationError:
        return {}
    found = {}
    for name, field in kind.model_fields.items():
        value = getattr(settings, name)
        is_choice = isinstance(value, str) and get_origin(field.annotation) is Literal
        if isinstance(value, bool | int | float) or is_choice:
            found[f"DSR_{name.upper()}"] = value
    return found


def _is_readable(file: Path) -> bool:
    try:
        with file.open("rb"):
            return True
    except OSError:
        return False
