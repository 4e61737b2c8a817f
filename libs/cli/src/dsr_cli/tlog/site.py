"""A log at an address: its checkpoint, tiles and entries, fetched as C2SP tlog-tiles has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import httpx

from dsr_cli.errors import CommandError
from dsr_wire.log.tiles import InvalidTile, Tile, entries, entries_of, node_in, tile_of
from dsr_wire.log.tree import Place, Range, cover, fold

__all__ = ["LogSite"]

_TIMEOUT_S = 30.0
_PREFIX = "/tlog"


class LogSite:
    """A log that is read from where it is served.

    Args:
        url: The verifier's address, or the log's own prefix where something else serves it.
        client: What fetches; one of its own unless a test has another.
    """

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self.url = url.rstrip("/").removesuffix(_PREFIX)
        self._client = client or httpx.Client(timeout=_TIMEOUT_S)
        self._tiles: dict[Tile, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def checkpoint(self) -> str:
        """Return the newest checkpoint's note, unchecked."""
        return self._get(f"{_PREFIX}/checkpoint").text

    def bundles(self, size: int, start: int = 0) -> Iterator[tuple[Tile, tuple[bytes, ...]]]:
        """Yield every bundle of entries of a log of this size, one at a time.

        Raises:
            InvalidTile: What is served is no bundle.
        """
        for tile in entries_of(size, start):
            data = self._get(f"{_PREFIX}/tile/{tile.path}").content
            yield tile, entries(data, tile.width)

    def range_hashes(self, size: int, wanted: Sequence[Range]) -> tuple[bytes, ...]:
        """Return the hash of each range of leaves, from as few tiles as they take.

        Raises:
            InvalidTile: What is served is no tile.
        """
        return tuple(fold([self._node(one, size) for one in cover(each)]) for each in wanted)

    def fault(self) -> str | None:
        """Return what the log says of itself where it stands still; none where it goes on, or is mute."""
        try:
            faults = self._client.get(f"{self.url}/readyz").json()["faults"]
            said = faults.get("log")
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return str(said) if said is not None else None

    def pending(self) -> int | None:
        """Return how many facts wait for the log, or none where nobody says."""
        try:
            lines = self._client.get(f"{self.url}/metrics").text.splitlines()
            words = [one.split() for one in lines if one.startswith("dsr_verifier_log_pending ")]
            return int(float(words[0][1])) if words else None
        except (httpx.HTTPError, ValueError, IndexError):
            return None

    def _node(self, place: Place, size: int) -> bytes:
        tile = tile_of(place, size)
        if tile not in self._tiles:
            self._tiles[tile] = self._get(f"{_PREFIX}/tile/{tile.path}").content
        return node_in(tile, self._tiles[tile], place)

    def _get(self, path: str) -> httpx.Response:
        try:
            answer = self._client.get(f"{self.url}{path}")
        except httpx.HTTPError as error:
            raise CommandError(
                f"no log answers at {self.url} ({type(error).__name__}); give its address with --url"
            ) from error
        if answer.status_code == 404 and path.startswith(f"{_PREFIX}/tile/"):
            raise InvalidTile(f"{path.removeprefix(_PREFIX)} is not there")
        if answer.status_code != 200:
            raise CommandError(f"the log at {self.url} answers {answer.status_code} to {path}")
        return answer
