"""What people change: a dry run unless --yes, for a reason, and with an entry in the audit log."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import CollectorRegistry

from dsr_core.lifecycle import Event
from dsr_intake.application.limiting import Limiter
from dsr_intake.http.app import create_app
from dsr_intake.http.context import Context
from dsr_intake.http.doors import Doors
from dsr_intake.http.openapi import permissions
from dsr_intake.model import LetterState
from dsr_intake.model.principals import ALLOWED, Limits, PrincipalKind
from dsr_runtime.health import Health
from support.command_line import FETCHING, MEASURING, READING, commands
from support.sources import modules, tree

A_PROGRAMS = "of an API client, in the name of whoever asks it"
LOCAL = "the stack on this machine, for development"
A_FILE = "writes a file of the caller's, and changes nothing elsewhere"
PROPOSED = "its reason is the proposal's, which the dry run shows"

AT_ONCE = {
    "submit": A_PROGRAMS,
    "webhook set": A_PROGRAMS,
    "webhook rotate": A_PROGRAMS,
    "webhook replay": A_PROGRAMS,
    "webhook remove": A_PROGRAMS,
    "selftest": A_PROGRAMS,
    "stack up": LOCAL,
    "stack down": LOCAL,
    "demo": LOCAL,
    "suppression export": A_FILE,
    "system keys challenge": "prints, and changes nothing",
}
"""Commands that do what they do without --yes, each with why."""

WITHOUT_A_REASON = {
    "request withdraw": A_PROGRAMS,
    "request clarify ask": "its question is what is kept as the reason",
    "request settle approve": PROPOSED,
    "breaker approve": PROPOSED,
    "stack reset": LOCAL,
    "reconcile": "a dry run may be regular; --yes without --reason is refused",
}
"""Commands with --yes that need no --reason, each with why."""

ENTERS = {"announce", "InternalApi", "mend"}
"""What leaves an entry: announcing, what the routes below do, and mending in the database itself."""

REQUEST = "/internal/v1/subject-requests/{request_id}"
ENTRIES = {
    "POST /internal/v1/breaker/refusals": "breaker.propose-refusal",
    "POST /internal/v1/breaker/refusals/{refusal_id}/approval": "breaker.approve-refusal",
    "POST /internal/v1/breaker/releases": "breaker.propose",
    "POST /internal/v1/breaker/releases/{release_id}/approval": "breaker.approve",
    "POST /internal/v1/clients": "client.create",
    "DELETE /internal/v1/clients/{client_id}": "client.revoke",
    "DELETE /internal/v1/clients/{client_id}/package-recipient": "client.receive_nothing",
    "PUT /internal/v1/clients/{client_id}/package-recipient": "client.receive",
    "POST /internal/v1/clients/{client_id}/key:rotate": "client.rotate",
    "POST /internal/v1/holds": "hold.place",
    "POST /internal/v1/holds/{hold_id}/lift": "hold.lift",
    "POST /internal/v1/key:rotate": "client.rotate",
    "DELETE /internal/v1/keys/{kek_id}": "keys.destroy",
    "POST /internal/v1/keys:rehash": "keys.rehash",
    "POST /internal/v1/keys:renew": "keys.renew",
    "POST /internal/v1/keys:rewrap": "keys.rewrap",
    f"POST {REQUEST}/appeal:grant": "request.grant_appeal",
    f"POST {REQUEST}/authority:prove": "request.prove_authority",
    f"POST {REQUEST}/clarification:ask": "request.ask_clarification",
    f"POST {REQUEST}/clarification:give": "request.clarify",
    f"POST {REQUEST}/extension": "request.extend",
    f"POST {REQUEST}/identity:prove": "request.prove_identity",
    f"POST {REQUEST}/letters:give-up": "letter.given-up",
    f"POST {REQUEST}/letters:send-again": "letter.send-again",
    f"POST {REQUEST}/links/{{link_id}}/acceptance": "link.accept",
    f"POST {REQUEST}/links/{{link_id}}/refusal": "link.refuse",
    f"POST {REQUEST}/package:accept": "package.accept",
    f"POST {REQUEST}/package:link": "package.link",
    f"POST {REQUEST}/package:release": "package.release",
    f"POST {REQUEST}/package:revoke": "package.revoke",
    f"POST {REQUEST}/referral": "request.refer",
    f"POST {REQUEST}/refusal": "request.refuse",
    f"POST {REQUEST}/settlements": "settlement.propose",
    f"POST {REQUEST}/settlements/{{settlement_id}}/approval": "request.settle",
    "POST /v1/suppressions/opt-in": "suppression.opt-in",
}
"""Each operation by which people change something, with the entry that it leaves."""

NO_CHANGE = {
    "POST /internal/v1/audit": "is the entry",
    "POST /internal/v1/letters/bounces": "hands in what a mail server has said",
    "POST /v1/suppressions/check": "reads: identifiers belong into a body",
}
"""Operations of people that are no GET and leave none, each with why."""

WORDS_OF_ITS_OWN = {
    "POST /internal/v1/breaker/refusals/{refusal_id}/approval": PROPOSED,
    "POST /internal/v1/breaker/releases/{release_id}/approval": PROPOSED,
    f"POST {REQUEST}/settlements/{{settlement_id}}/approval": PROPOSED,
    f"POST {REQUEST}/clarification:ask": "its question is what is kept as the reason",
    f"POST {REQUEST}/clarification:give": "says it itself where no reason is given",
    f"POST {REQUEST}/referral": "says it itself where no reason is given",
    "POST /v1/suppressions/opt-in": "says it itself where no reason is given; a proof is named",
}
"""Operations whose body needs no reason, each with why."""


def options(command: Any) -> Mapping[str, bool]:
    """Return the options of a command, each with whether it is required."""
    return {name: one.required for one in command.params for name in one.opts}


def changing() -> dict[str, Mapping[str, bool]]:
    """Return the commands that change something, with their options."""
    harmless = READING | MEASURING | FETCHING
    return {
        path: options(command)
        for path, command in commands()
        if path.split()[-1] not in harmless or "--yes" in options(command)
    }


def test_a_command_that_changes_something_is_a_dry_run_unless_yes() -> None:
    without = {path for path, found in changing().items() if "--yes" not in found}
    assert without == AT_ONCE.keys()


def test_a_command_that_changes_something_needs_a_reason() -> None:
    without = {
        path
        for path, found in changing().items()
        if "--yes" in found and not (found.get("--reason") or found.get("--why"))
    }
    assert without == WITHOUT_A_REASON.keys()


def test_a_command_that_changes_something_leaves_an_entry() -> None:
    """Through intake, whose routes do; elsewhere by announcing it before."""
    found = {
        f"{path}:{name}"
        for path in modules("libs/cli/src/dsr_cli/commands/")
        for name in without_entry(path)
    }
    apart = {"commands/stack.py:reset": LOCAL, "commands/request.py:withdraw": A_PROGRAMS}
    assert {one.removeprefix("libs/cli/src/dsr_cli/") for one in found} == apart.keys()


def without_entry(path: str) -> Iterator[str]:
    """Yield the commands of a module that take --yes, and reach nothing that leaves an entry."""
    functions = {
        node.name: node
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for name, node in functions.items():
        is_command = any(isinstance(one, ast.Call) for one in node.decorator_list)
        takes_yes = {"apply", "yes"} & {one.arg for one in node.args.kwonlyargs}
        if (
            (is_command or name == "command")
            and takes_yes
            and not reached(name, functions) & ENTERS
        ):
            yield name


def reached(name: str, functions: Mapping[str, ast.AST]) -> set[str]:
    """Return every name that a function or those of its module that it names make use of."""
    found: set[str] = set()
    ahead = {name}
    while ahead:
        one = ahead.pop()
        found.add(one)
        if one in functions:
            used = {node.id for node in ast.walk(functions[one]) if isinstance(node, ast.Name)}
            ahead |= used - found
    return found


@cache
def document() -> dict[str, Any]:
    """Return the description of intake's API, without anything behind it."""
    doors = Doors(
        clients=cast(Any, None), tokens=None, internal_token="", limiter=Limiter(Limits(1, 1))
    )
    context = cast(Context, SimpleNamespace(doors=doors, console=None))
    app = create_app(context, health=Health(), metrics=CollectorRegistry())
    people = ALLOWED[PrincipalKind.OPERATOR] | ALLOWED[PrincipalKind.PRIVACY_OFFICER]
    of_people = {
        f"{method} {path}"
        for (method, path), scope in permissions(app).items()
        if method != "GET" and scope in people
    }
    return {"operations": of_people, **app.openapi()}


def test_an_operation_by_which_people_change_something_leaves_an_entry() -> None:
    assert document()["operations"] == ENTRIES.keys() | NO_CHANGE.keys()
    assert set(ENTRIES.values()) - entered() == set(), "no adapter enters these"


def entered() -> set[str]:
    """Return the actions that intake enters, as its source names them."""
    words = {
        node.value
        for path in modules("services/intake/src/")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {"request.", "letter."} <= words, "these are put together"
    events = {f"request.{one.value}" for one in Event}
    return words | events | {f"letter.{one.value.replace('_', '-')}" for one in LetterState}


def test_an_operation_by_which_people_change_something_needs_a_reason() -> None:
    without = {one for one in ENTRIES if "reason" not in needed(one)}
    assert without == WORDS_OF_ITS_OWN.keys()


def needed(operation: str) -> set[str]:
    """Return the fields that a body must have, and the parameters that a call must."""
    method, path = operation.split()
    found = document()["paths"][path][method.lower()]
    names = {one["name"] for one in found.get("parameters", ()) if one.get("required")}
    for content in found.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"].get("$ref", "").rpartition("/")[2]
        names |= set(document()["components"]["schemas"][schema].get("required", ()))
    return names
