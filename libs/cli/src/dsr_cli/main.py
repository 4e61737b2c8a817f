"""The command `dsr`: a command's module is loaded when it is called, so that help comes at once."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from dsr_cli.connection import act_as
from dsr_cli.errors import CommandError

__all__ = ["COMMANDS", "main", "new_app", "principal_of"]

COMMANDS = {
    "stack": "The local stack: start, stop, look at it, read its logs",
    "demo": "Send deletion requests round the whole loop, and show what was proved",
    "submit": "Submit a subject request",
    "show": "Show one subject request: who has answered, who is missing",
    "explain": "Say what keeps a request open, who can change it, and what comes next",
    "watch": "Watch subject requests live: a row a request, a cell a system",
    "list": "List subject requests",
    "registry": "The registry: check, show, draw, publish",
    "plan": "Who would be asked, in which order, and why; from the registry's files alone",
    "identity": "Who asks: take it as proven",
    "authority": "Who asks for another person: take it as shown that they may",
    "request": "Decide about one request: withdraw, refuse, refer, extend, clarify, settle",
    "links": "What systems found out about persons: list what waits for people, accept, refuse",
    "hold": "Legal holds: place, list, lift",
    "appeal": "Appeals: grant one",
    "suppression": "The suppression list: check, list-size, export, opt-in",
    "breaker": "The breaker: what stops more erasures than are usual, and lets them go on",
    "letter": "Letters to requesters: list, give up, send again",
    "package": "Packages for access: show, verify, release, link, revoke",
    "rules": "The rules of law: check, show, publish",
    "timeline": "The legal dates of a request, or of one that might be, and why they are so",
    "system": "Systems that subscribe: register, list, rotate and revoke their keys",
    "webhook": "Webhooks of an API client: set, show, rotate, replay, remove",
    "keys": "The keys that wrap requests' keys: status, rotate, destroy",
    "client": "Who may call: create, list, rotate, renew, revoke",
    "audit": "The audit log: what people changed",
    "config": "The settings of services, the registry and the rules: check them before a start",
    "topics": "Kafka topics: create, list, print for Strimzi",
    "acl": "Kafka's logins and rights: plan, apply, password, print for Strimzi",
    "log": "The transparency log: show it, check it, list its keys",
    "dead-letters": "What consumers refused: list, show, replay",
    "certificate": "Fetch the certificate of a closed request",
    "verify": "Check a certificate offline: signatures, digests, the log, the closing rule",
    "database": "PostgreSQL's logins: print what makes them",
    "doctor": "Look at every part: what was seen, and what to do next",
    "reconcile": "After PostgreSQL was restored: what differs from Kafka, and mending it",
    "support-bundle": "One archive for whoever helps: versions, settings, metrics, logs; nobody in it",
    "selftest": "Look whether an installation works: all is up, and a request comes and goes",
    "bench": "Measure the loop",
}
"""Every command, with what it is for. Its module in `dsr_cli.commands` has `app`, or `command`."""

_INTERRUPTED = 130

_HELP = """Orchestrate data subject requests across every system of a group of companies.

On a fresh checkout `make demo` shows the whole loop; `dsr stack up` starts it to stay.
Commands call as DSR_TOKEN says, or anywhere on the line with `--as NAME` as a principal of the local
stack: client, operator-1, operator-2 or privacy-officer.
"""


def new_app(arguments: Sequence[str]) -> typer.Typer:
    """Return the application for these arguments: the called command whole, the others by name."""
    app = typer.Typer(
        help=_HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    called = next((one for one in arguments if not one.startswith("-")), None)
    for name, purpose in COMMANDS.items():
        if name != called:
            app.command(name, help=purpose)(_not_called)
            continue
        module = import_module(f"dsr_cli.commands.{name.replace('-', '_')}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, help=purpose)
        else:
            app.command(name)(module.command)
    return app


def main() -> None:
    """Run the command line; a fault is one line on standard error and exit code 1."""
    try:
        arguments, name = principal_of(sys.argv[1:])
        act_as(name)
        new_app(arguments)(arguments, prog_name="dsr")
    except CommandError as error:
        sys.stderr.write(f"dsr: {error}\n")
        sys.exit(1)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        where = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"dsr: {error.strerror}{where}; free some space, and try again\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("dsr: interrupted\n")
        sys.exit(_INTERRUPTED)
    except SystemExit as ending:
        if ending.code == _INTERRUPTED:  # what Typer makes of a KeyboardInterrupt, without a word
            sys.stderr.write("dsr: interrupted\n")
        raise


def principal_of(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments without `--as NAME`, which any command takes, and the name."""
    rest: list[str] = []
    name: str | None = None
    given = iter(arguments)
    for one in given:
        if one == "--":
            return [*rest, one, *given], name
        if one == "--as":
            name = next(given, "")
        elif one.startswith("--as="):
            name = one.removeprefix("--as=")
        else:
            rest.append(one)
    return rest, name


def _not_called() -> None:
    """Stand in the help for a command that was not called."""
