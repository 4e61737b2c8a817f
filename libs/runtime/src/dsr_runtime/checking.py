"""Checking settings before a service is started with them: everything that is wrong, and nothing begun."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar, get_origin

from pydantic_settings import BaseSettings

from dsr_runtime.loading import EXIT_CONFIGURATION, read, variable_of
from dsr_runtime.process import StartFault

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
    found = read(kind)
    wrong, shown = list(found.wrong), {}
    if found.settings is not None:
        wrong, shown = list(_faults(found.settings, look)), _shown(found.settings)
    faults = [*wrong, *found.unknown]
    if as_json:
        variables = sorted(map(variable_of, kind.model_fields))
        said = {"faults": wrong, "unknown": found.unknown, "variables": variables, "shown": shown}
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        sys.stdout.write("".join(f"{one}\n" for one in faults or ["no faults"]))
    return EXIT_CONFIGURATION if faults else 0


def _faults(settings: SettingsT, look: Callable[[SettingsT], object]) -> Iterator[str]:
    absent = False
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path) and name not in settings.model_fields_set:
            continue  # a usual place, which is looked at where it is needed
        if isinstance(value, Path) and not _is_readable(value):
            absent = True
            yield f"{variable_of(name)}: the file cannot be read"
    if absent:
        return
    try:
        look(settings)
    except StartFault as fault:
        yield str(fault)


def _shown(settings: BaseSettings) -> dict[str, bool | int | float | str]:
    found = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        is_choice = isinstance(value, str) and get_origin(field.annotation) is Literal
        if isinstance(value, bool | int | float) or is_choice:
            found[variable_of(name)] = value
    return found


def _is_readable(file: Path) -> bool:
    try:
        with file.open("rb"):
            return True
    except OSError:
        return False
