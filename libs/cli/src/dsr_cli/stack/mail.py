"""The mail server of the local stack: what it is sent becomes a file in a mailbox, and goes no further."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsr_cli.stack import ports
from dsr_cli.stack.process import ProcessSpec

if TYPE_CHECKING:
    from dsr_cli.stack.settings import StackSettings

NAME = "mail"


def mail_spec(settings: StackSettings) -> ProcessSpec:
    """Return how the mail server runs here."""
    host, port = settings.host, settings.mail_port
    return ProcessSpec(
        name=NAME,
        argv=(
            sys.executable,
            "-m",
            "dsr_cli.stack.mail",
            host,
            str(port),
            str(settings.folder(NAME)),
        ),
        ports=(port,),
        address=settings.smtp_url,
        ready=lambda: ports.is_listening(host, port),
    )


def mailbox(settings: StackSettings) -> Iterable[EmailMessage]:
    """Yield the messages that have come, the oldest first."""
    for path in sorted(settings.folder(NAME).glob("*.eml")):
        yield message_from_bytes(path.read_bytes(), policy=policy.default)


class _Mailbox:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._next = len(list(folder.glob("*.eml")))

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        # Under another name until it is whole, since a reader may look at any moment.
        name, self._next = f"{self._next:08}", self._next + 1
        part = self._folder / f"{name}.part"
        part.write_bytes(envelope.content)
        part.rename(self._folder / f"{name}.eml")
        return "250 taken"


async def _serve(host: str, port: int, folder: Path) -> None:
    from aiosmtpd.smtp import SMTP  # noqa: PLC0415 - only the server's process needs it

    loop = asyncio.get_running_loop()
    taken = _Mailbox(folder)
    server = await loop.create_server(
        lambda: SMTP(taken, hostname="localhost", enable_SMTPUTF8=True, loop=loop), host, port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
