"""The three services: whether they answer, what each says of its parts, and what their metrics show."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from dsr_cli.doctor.findings import Finding, fault, fine, warning

__all__ = ["measured", "samples", "service", "skew", "status", "text"]

_TIMEOUT_S = 8.0
_CLOCKS_DIFFER_BY_S = 1.0

_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>[-+0-9.eE]+|NaN)$")
_TOPIC = re.compile(r'topic="([^"]+)"')

_LAG_RECORDS = 10_000
_OUTBOX_AGE_S = 60.0
_LOG_AGE_S = 300.0


def text(url: str, path: str) -> str:
    """Return what a service answers.

    Raises:
        httpx.HTTPError: It does not, or not with 200.
    """
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as http:
        return http.get(url.rstrip("/") + path).raise_for_status().text


def status(url: str) -> dict[str, Any]:
    """Return what a service says of itself; raises as `text`."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as http:
        found: dict[str, Any] = http.get(f"{url.rstrip('/')}/statusz").raise_for_status().json()
    return found


def service(name: str, url: str) -> Iterator[Finding]:
    """Yield how a service is, its clock, and each part that it knows of."""
    asked = time.time()
    try:
        said = status(url)
    except httpx.HTTPStatusError as error:
        seen = f"{url} answers {error.response.status_code} at /statusz"
        yield warning(name, seen, "it is an older version: upgrade it")
        return
    except httpx.HTTPError as error:
        seen = f"{url} does not answer ({type(error).__name__})"
        yield fault(name, seen, f"start it, or see why it ended: `dsr stack logs {name}`")
        return
    answered = time.time()
    about = said["about"]
    seen = ", ".join(f"{word} {one}" for word, one in sorted(about.items()))
    yield fine(name, f"answers at {url}: {seen}")
    # What it says lies between the two; only what is beyond them is a difference for sure.
    ahead = max(said["now"] - answered, 0.0) - max(asked - said["now"], 0.0)
    if abs(ahead) > _CLOCKS_DIFFER_BY_S:
        todo = "have both machines keep the time (NTP): dates are counted by these clocks"
        yield warning(f"{name}: clock", f"{ahead:+.1f} s beside this machine's", todo)
    else:
        yield fine(f"{name}: clock", f"within {_CLOCKS_DIFFER_BY_S:g} s of this machine's")
    for part, one in said["parts"].items():
        if one["is_up"]:
            yield fine(f"{name}: {part}", one["text"] or "up")
        else:
            yield fault(
                f"{name}: {part}", f"away: {one['text']}", "docs/operations.md has each part"
            )


def skew(urls: Mapping[str, str], own: str) -> Iterator[Finding]:
    """Yield whether the services and this command are of one version."""
    versions = {"dsr": own}
    for name, url in urls.items():
        try:
            versions[name] = status(url)["about"]["version"]
        except httpx.HTTPError:
            continue  # its own line says it
    if len(set(versions.values())) == 1:
        yield fine("versions", f"{', '.join(versions)}: {own}")
        return
    seen = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield warning("versions", seen, "finish the upgrade; two neighbouring versions work together")


def samples(exposition: str) -> Iterator[tuple[str, str, float]]:
    """Yield the name, the labels and the value of each sample."""
    for line in exposition.splitlines():
        match = _SAMPLE.fullmatch(line)
        if match is not None:
            yield match["name"], match["labels"] or "", float(match["value"])


def measured(name: str, url: str) -> Iterator[Finding]:
    """Yield what a service's own measurements show: lag, outbox, log, keys, letters, the breaker."""
    try:
        found = list(samples(text(url, "/metrics")))
    except httpx.HTTPError:
        return  # the service's own line says it
    prefix = f"dsr_{name}_"
    values: dict[str, float] = {}  # of a metric with labels, the largest
    for sample, _, value in found:
        metric = sample.removeprefix(prefix)
        values[metric] = max(value, values.get(metric, value))
    lag = {
        match[1]: value
        for sample, labels, value in found
        if sample == f"{prefix}consumer_lag_records" and (match := _TOPIC.search(labels))
    }
    if lag:
        topic, most = max(lag.items(), key=lambda one: one[1])
        if most > _LAG_RECORDS:
            todo = "docs/runbooks has DsrConsumerBehind: is it busy, stopped, or does a part hold it up?"
            yield warning(f"{name}: lag", f"{most:.0f} records of {topic} wait", todo)
        else:
            yield fine(f"{name}: lag", f"{most:.0f} records at most ({topic})")
    yield from _limited(name, values)


def _limited(name: str, values: Mapping[str, float]) -> Iterator[Finding]:
    limits = (
        ("outbox_age_seconds", _OUTBOX_AGE_S, "outbox", "seconds that the oldest record waits",
         "see whether Kafka takes records, and `/readyz`"),
        ("log_pending_age_seconds", _LOG_AGE_S, "log", "seconds that the oldest fact waits",
         "see the verifier's log; `dsr log check`"),
        ("keys_unknown", 0.0, "keys unknown", "requests whose key is wrapped under one not at hand",
         "give intake that key back: `dsr keys status` names it"),
        ("letters_waiting_age_seconds", 3600.0, "letters", "seconds that the oldest letter waits",
         "see the mail server; `dsr letter list`"),
        ("receipts_untold", 0.0, "receipts", "people under one law were not told that requests arrived",
         "docs/runbooks/DsrReceiptUntold.md; `dsr explain` names the date"),
        ("packages_waiting_age_seconds", 3600.0, "packages", "seconds that the oldest package waits",
         "docs/runbooks/DsrPackagesStuck.md"),
        ("packages_set_aside", 0.0, "packages", "packages cannot be made and are tried no more",
         "docs/runbooks/DsrPackageSetAside.md"),
        ("breaker_waiting", 0.0, "breaker", "requests wait for the breaker",
         "`dsr breaker` says why; two people let them go on"),
    )  # fmt: skip
    for metric, limit, part, words, todo in limits:
        value = values.get(metric)
        if value is None:
            continue
        seen = f"{value:.0f} {words}"
        if value > limit:
            yield warning(f"{name}: {part}", seen, todo)
        else:
            yield fine(f"{name}: {part}", seen)
