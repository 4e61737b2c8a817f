"""Ask a database of known vulnerabilities (OSV) about everything in the bill of materials.

Nothing is installed and nothing is sent but names and versions. Where the database cannot be reached
nothing has been checked: one line says so, and with --required that is a failure.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import httpx
from sbom import ROOT, bill

DATABASE = "https://api.osv.dev"
_AT_ONCE = 500
FOUND, UNREACHED = 1, 2


def known(database: str, urls: Iterable[str]) -> Mapping[str, list[str]]:
    """Return the names of what is known against packages, by their package URL.

    Raises:
        httpx.HTTPError: The database cannot be asked.
    """
    wanted, found = list(urls), {}
    with httpx.Client(base_url=database, timeout=30) as http:
        for first in range(0, len(wanted), _AT_ONCE):
            part = wanted[first : first + _AT_ONCE]
            asked = {"queries": [{"package": {"purl": one}} for one in part]}
            answer = http.post("/v1/querybatch", json=asked).raise_for_status()
            for url, result in zip(part, answer.json()["results"], strict=True):
                if names := [one["id"] for one in result.get("vulns", [])]:
                    found[url] = names
    return found


def main(arguments: list[str]) -> int:
    """Say what is known; the status is 0 where nothing is, or where nothing could be asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default=DATABASE)
    parser.add_argument("--required", action="store_true", help="fail where it cannot be asked")
    asked = parser.parse_args(arguments)
    urls = [str(one["purl"]) for one in bill(ROOT, at=datetime.now(UTC))["components"]]
    try:
        found = known(asked.database, urls)
    except httpx.HTTPError as error:
        sys.stdout.write(
            f"not checked: {asked.database} cannot be asked ({type(error).__name__}); "
            f"it would be asked about {len(urls)} packages\n"
        )
        return UNREACHED if asked.required else 0
    for url, names in found.items():
        sys.stdout.write(f"{url}: {', '.join(names)}\n")
    sys.stdout.write(f"{len(urls)} packages asked about, {len(found)} with known vulnerabilities\n")
    return FOUND if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
