"""`dsr support-bundle`: one archive that helps whoever helps, and says nothing of any person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from dsr_cli.commands.doctor import as_json
from dsr_cli.doctor.bundle import log_lines, metrics_of, settings_of, versions, write
from dsr_cli.doctor.findings import examined
from dsr_cli.doctor.installation import looks, service_urls
from dsr_cli.doctor.services import status
from dsr_cli.errors import CommandError
from dsr_cli.settings_check import SERVICES, told_to
from dsr_cli.stack import StackSettings

__all__ = ["command"]

_README = """What is in here, and what is not

doctor.json       what `dsr doctor` saw of every part, with lag and dead letters, and what to do
versions.json     what runs
settings.json     switches, numbers and choices; of all other settings only whether they are set
metrics/          samples of each service's own metrics
logs/             the newest lines of each service, with ids and words of ours alone

No identifier of a person, no secret, no text that somebody else has written. Each of these is let in by
an allow-list: look through it before you send it all the same.
"""


def command(
    file: Annotated[
        Path | None, typer.Argument(help="Where it goes; named by the time unless given")
    ] = None,
    *,
    registry: Annotated[Path, typer.Option(help="The registry's folder")] = Path("registry"),
    settings: Annotated[
        Path | None, typer.Option(help="A NAME=VALUE a line, as services are told")
    ] = None,
    logs: Annotated[
        Path | None,
        typer.Option(help="A folder with intake.log, fanout.log and verifier.log, in JSON lines"),
    ] = None,
    within: Annotated[float, typer.Option(help="Seconds that a part has to answer", min=2)] = 20.0,
) -> None:
    """Write one archive: versions, settings, the doctor's report, metrics, logs; nobody and no secret in it.

    Parts are found as `dsr doctor` finds them. Logs are those of the local stack unless a folder is
    named; on Kubernetes `kubectl logs deploy/dsr-intake > FOLDER/intake.log` makes one.
    """
    at = datetime.now(UTC)
    target = file or Path(f"dsr-support-{at:%Y%m%dT%H%M%SZ}.tar.gz")
    contents = {
        "README.txt": _README,
        "doctor.json": _json(as_json(examined(looks(registry, within=within), within=within))),
        "versions.json": _json(versions(_statuses())),
        "settings.json": _json(settings_of(told_to(settings))),
    }
    for name, url in service_urls().items():
        contents[f"metrics/{name}.txt"] = metrics_of(url)
    folder = logs or StackSettings.from_environment().logs_dir
    for name in SERVICES:
        contents[f"logs/{name}.jsonl"] = "".join(f"{one}\n" for one in _log(folder, name))
    try:
        write(target, contents)
    except OSError as error:
        raise CommandError(f"{target} cannot be written ({error.strerror})") from error
    typer.echo(f"{target}: {len(contents)} files, {target.stat().st_size:,} bytes")


def _log(folder: Path, name: str) -> list[str]:
    try:
        with (folder / f"{name}.log").open(encoding="utf-8", errors="replace") as lines:
            return list(log_lines(lines))
    except FileNotFoundError:
        return []


def _statuses() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, url in service_urls().items():
        try:
            found[name] = status(url)["about"]
        except httpx.HTTPError as error:
            found[name] = {"away": type(error).__name__}
    return found


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
