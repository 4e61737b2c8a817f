"""The package of an access request, in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

__all__ = ["package_view"]

_STYLES = {"waiting": "yellow", "ready": "green", "expired": "dim"}
_SET_ASIDE = {"key_gone": "its key is gone"}


def package_view(package: Mapping[str, Any]) -> Group:
    """Return how a package stands."""
    return Group(*_lines(package))


def _lines(package: Mapping[str, Any]) -> Iterator[Text]:
    state = package["state"]
    kind = ", partial" if package["is_partial"] else ""
    kind = ", a supplement" if package["number"] > 1 else kind
    yield Text.assemble("package  ", (state, _STYLES.get(state, "")), kind)
    if package.get("set_aside_at"):
        why = _SET_ASIDE.get(package.get("set_aside_why", ""), "it failed again and again")
        since = _minute(package["set_aside_at"])
        yield Text(f"set aside {since}, since {why}: `release` has it tried again", "red")
    if package["made_at"]:
        yield Text(f"made     {_minute(package['made_at'])}, {package['files']} files")
        yield Text(f"size     {package['size']} bytes")
        yield Text(f"expires  {_minute(package['expires_at'])}")
    for system_id, why in sorted(package["missing"].items()):
        yield Text(f"missing  {system_id}: {why.replace('_', ' ')}", style="red")
    if package["missing"] and not package.get("copy_settled_at"):
        yield Text("erasures of the same person wait: `accept` has them go on", "yellow")
    for one in package["links"]:
        ended = f", revoked {_minute(one['revoked_at'])}" if one["revoked_at"] else ""
        issued = _minute(one["issued_at"])
        yield Text(f"link {one['number']}   issued {issued}, opened {one['opened']} times{ended}")
    for one in package.get("hand_overs", ()):
        yield _hand_over(one)


def _hand_over(one: Mapping[str, Any]) -> Text:
    state = one["state"]
    sent = "" if one["parts"] is None else f", {one['parts_confirmed']} of {one['parts']} parts"
    ended = f", {_minute(one['ended_at'])}" if one["ended_at"] else ""
    tried = ""
    if one["tries"] and one["next_try_at"]:
        tried = f", not taken {one['tries']} times, again {_minute(one['next_try_at'])}"
    style = "green" if state == "handed_over" else "yellow" if not one["ended_at"] else "red"
    of = f" of package {one['number']}" if one["number"] > 1 else ""
    return Text.assemble("callback ", (state.replace("_", " "), style), f"{of}{sent}{tried}{ended}")


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")
