"""`dsr config`: whether services would start with what they are told, the registry and the rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer

from dsr_cli.errors import CommandError
from dsr_cli.files.faults import FileFaults
from dsr_cli.registry.load import load_registry
from dsr_cli.rules.load import load_rules
from dsr_cli.settings_check import SERVICES, checked, told_to

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Settings, registry and rules: check")


@app.callback()
def group() -> None:
    """Help with what services are told."""


@app.command()
def check(
    services: Annotated[
        list[str] | None, typer.Argument(help="intake, fanout, verifier; all unless named")
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            help="A NAME=VALUE a line, in place of the environment; or settings in TOML, beneath it"
        ),
    ] = None,
    registry: Annotated[Path, typer.Option(help="The registry's folder")] = Path("registry"),
    rules: Annotated[Path, typer.Option(help="The rules' folder")] = Path("rules"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Say everything that is wrong with settings, registry and rules, a line a fault; start nothing.

    The settings are those of --file, which is TOML where it ends in .toml, else of the environment, else of the local stack. No value is
    shown. Exits with 1 where there is a fault.
    """
    wanted = services or list(SERVICES)
    if strange := [one for one in wanted if one not in SERVICES]:
        raise CommandError(f"there is no service {strange[0]}; there are {', '.join(SERVICES)}")
    told = told_to(file)
    faults: dict[str, list[str]] = {}
    absent: list[str] = []
    unknown: set[str] = set()
    with ThreadPoolExecutor(len(wanted)) as pool:
        answers = list(pool.map(lambda one: checked(one, told[one]), wanted))
    for service, said in zip(wanted, answers, strict=True):
        if said is None:
            absent.append(service)
            continue
        unknown |= set(said.unknown)
        faults[service] = list(said.faults)
    faults["unknown"] = sorted(unknown)
    faults["registry"] = list(_faults_in(registry, load_registry))
    faults["rules"] = list(_faults_in(rules, load_rules))
    _show(faults, absent, as_json=as_json)
    if any(faults.values()):
        raise typer.Exit(1)


def _faults_in(folder: Path, load: Callable[[Path], object]) -> Iterator[str]:
    try:
        load(folder)
    except FileFaults as error:
        yield from map(str, error.faults)


def _show(faults: Mapping[str, list[str]], absent: list[str], *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"faults": faults, "not_installed": absent}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for part, lines in faults.items():
        for line in lines or ["no faults"]:
            typer.echo(f"{part}: {line}")
    for service in absent:
        typer.echo(f"{service}: not installed here; run `dsr-{service} check` where it is")
    count = sum(map(len, faults.values()))
    if count:
        typer.echo(f"{count} fault{'s' if count > 1 else ''}", err=True)
