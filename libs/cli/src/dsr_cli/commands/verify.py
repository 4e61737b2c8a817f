"""`dsr verify`: a certificate, checked offline against published keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from dsr_cli.errors import CommandError
from dsr_cli.registry import load_registry
from dsr_cli.view.console import printable
from dsr_core.registry import Registry
from dsr_wire.certificate.fields import MalformedError
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.report import Check, Mark, Report
from dsr_wire.certificate.verifying import verify

__all__ = ["command", "report_json", "report_text"]

_MARKS = {Mark.GOOD: "\u2713", Mark.FAILED: "\u2717", Mark.UNCHECKED: "?"}


def command(
    file: Annotated[Path, typer.Argument(help="The certificate, as `dsr certificate` wrote it")],
    *,
    keys: Annotated[
        Path,
        typer.Option(help="The published keys, from a source that you trust: /v1/evidence-keys"),
    ],
    registry: Annotated[
        list[Path] | None,
        typer.Option(
            help="A registry version that it names: its folder, or its canonical form in a file; "
            "give one more for each later version that amended the request"
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint of the log that you have kept")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Check a certificate: every signature and digest, the log, and the closing rule once more.

    A line a check: \u2713 holds, \u2717 does not, ? cannot be checked, and stays somebody's word. Exit code 1
    where one does not hold. Nothing is asked of anybody: it works without a network.
    """
    report = verify(
        _read(file),
        _keys(keys),
        registries=[_registry(one) for one in registry or ()],
        checkpoint=_text(checkpoint) if checkpoint else None,
    )
    typer.echo(report_json(report) if as_json else report_text(report))
    if not report.is_good:
        raise typer.Exit(1)


def report_text(report: Report) -> str:
    """Return a report for people: a line a check, and what it comes to."""
    lines = [f"{_MARKS[one.mark]} {_words(one)}" for one in report.checks]
    count = {mark: sum(one.mark is mark for one in report.checks) for mark in Mark}
    if report.is_good:
        words = f"{count[Mark.UNCHECKED]} marked ? stay somebody's word"
        lines.append(f"good: {count[Mark.GOOD]} checks hold; {words}")
    else:
        parts = ", ".join(dict.fromkeys(printable(one.part) for one in report.failures))
        failed = count[Mark.FAILED]
        words = "1 check does" if failed == 1 else f"{failed} checks do"
        lines.append(f"refused: {words} not hold ({parts})")
    return "\n".join(lines)


def _words(one: Check) -> str:
    return printable(f"{one.part}: {one.text}")


def report_json(report: Report) -> str:
    """Return a report for machines."""
    content = {
        "is_good": report.is_good,
        "checks": [
            {"part": one.part, "mark": one.mark.value, "text": one.text} for one in report.checks
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _keys(path: Path) -> PublishedKeys:
    try:
        return PublishedKeys.from_bytes(_read(path))
    except MalformedError as error:
        raise CommandError(f"{path} holds no published keys: {error}") from error


def _registry(path: Path) -> Registry:
    if path.is_dir():
        return load_registry(path)
    try:
        return Registry.from_canonical(_read(path).removesuffix(b"\n"))
    except ValueError as error:
        raise CommandError(f"{path} holds no registry in its canonical form: {error}") from error


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} holds no checkpoint") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
