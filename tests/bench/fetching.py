"""The download of `dsr bench package` as a process of its own: a package, from intake into a file.

`python fetching.py URL FILE`, with the API client's key in `DSR_API_KEY`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx


def main(url: str, path: Path) -> None:
    """Fetch it, piece by piece."""
    headers = {"Authorization": f"Bearer {os.environ['DSR_API_KEY']}"}
    with httpx.stream("GET", url, headers=headers, timeout=60) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            file.write(piece)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
