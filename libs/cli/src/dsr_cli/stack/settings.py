"""Where a stack lives: its ports, its folders, its addresses.

Everything derives from two settings, so that two stacks stand side by side without sharing
anything: `DSR_PORT_BASE` and, where the data should not stay in the checkout, `DSR_DATA_DIR`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dsr_cli.stack.certificates import CertificateFolder
from dsr_cli.stack.errors import StackError

DEFAULT_PORT_BASE = 17000
PINS = Path("deploy/local/kafka.toml")

_FIRST_UNPRIVILEGED_PORT = 1024
_LAST_PORT = 65535
_PORT_SPAN = 100
"""How many ports from the base on belong to one stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """One stack's place on this machine."""

    checkout: Path
    """The root of the repository: pins and configuration are read from it."""

    port_base: int
    data_dir: Path
    """Everything the stack writes, except what several checkouts share."""

    cache_dir: Path
    """Downloads, shared by every checkout of this user."""

    host: str = "127.0.0.1"

    @classmethod
    def from_environment(cls, checkout: Path | None = None) -> StackSettings:
        """Read the settings from the environment.

        Args:
            checkout: The repository's root; looked for when not given, first above the working
                directory, then above this package.

        Raises:
            StackError: A variable has no usable value, or there is no checkout.
        """
        checkout = checkout or find_checkout()
        port_base = _port_base(os.environ.get("DSR_PORT_BASE") or str(DEFAULT_PORT_BASE))
        data_dir = os.environ.get("DSR_DATA_DIR")
        cache_home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return cls(
            checkout=checkout,
            port_base=port_base,
            data_dir=_absolute(data_dir) if data_dir else checkout / ".dsr" / str(port_base),
            cache_dir=_absolute(cache_home) / "dsr",
        )

    @property
    def intake_port(self) -> int:
        """The port of intake's HTTP server."""
        return self.port_base

    @property
    def fanout_port(self) -> int:
        """The port of fanout's HTTP server."""
        return self.port_base + 1

    @property
    def verifier_port(self) -> int:
        """The port of verifier's HTTP server."""
        return self.port_base + 2

    @property
    def fanout_temporal_port(self) -> int:
        """The port on which fanout shows the metrics of Temporal's client and worker."""
        return self.port_base + 3

    @property
    def kafka_port(self) -> int:
        """The port of Kafka for its clients."""
        return self.port_base + 10

    @property
    def kafka_controller_port(self) -> int:
        """The port of Kafka's controller, for Kafka alone."""
        return self.port_base + 11

    @property
    def temporal_port(self) -> int:
        """The port of Temporal's frontend."""
        return self.port_base + 20

    @property
    def temporal_ui_port(self) -> int:
        """The port of Temporal's web UI."""
        return self.port_base + 21

    @property
    def temporal_metrics_port(self) -> int:
        """The port of Temporal's own metrics."""
        return self.port_base + 22

    @property
    def postgres_port(self) -> int:
        """The port of PostgreSQL."""
        return self.port_base + 30

    @property
    def prometheus_port(self) -> int:
        """The port of Prometheus."""
        return self.port_base + 40

    @property
    def mail_port(self) -> int:
        """The port of the mail server."""
        return self.port_base + 50

    @property
    def smtp_url(self) -> str:
        """Where letters are sent."""
        return f"smtp://{self.host}:{self.mail_port}"

    @property
    def intake_url(self) -> str:
        """Where intake serves HTTP."""
        return f"http://{self.host}:{self.intake_port}"

    @property
    def console_url(self) -> str:
        """Where operators look at the loop in a browser."""
        return f"{self.intake_url}/console"

    @property
    def fanout_url(self) -> str:
        """Where fanout serves HTTP."""
        return f"http://{self.host}:{self.fanout_port}"

    @property
    def verifier_url(self) -> str:
        """Where verifier serves HTTP."""
        return f"http://{self.host}:{self.verifier_port}"

    @property
    def kafka_bootstrap(self) -> str:
        """What Kafka's clients connect to."""
        return f"{self.host}:{self.kafka_port}"

    @property
    def temporal_address(self) -> str:
        """What Temporal's clients connect to."""
        return f"{self.host}:{self.temporal_port}"

    @property
    def temporal_ui_url(self) -> str:
        """Temporal's web UI."""
        return f"http://{self.host}:{self.temporal_ui_port}"

    @property
    def prometheus_url(self) -> str:
        """Prometheus' web UI."""
        return f"http://{self.host}:{self.prometheus_port}"

    @property
    def pins_path(self) -> Path:
        """The versions and checksums of what comes from Maven."""
        return self.checkout / PINS

    @property
    def logs_dir(self) -> Path:
        """One log file for each process."""
        return self.data_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """The lock and the pid files."""
        return self.data_dir / "run"

    @property
    def secrets_dir(self) -> Path:
        """Passwords and keys, made once."""
        return self.data_dir / "secrets"

    @property
    def certificates(self) -> CertificateFolder:
        """The stack's own authority, and what it vouches for."""
        return CertificateFolder(self.data_dir / "certificates")

    def folder(self, name: str) -> Path:
        """Return the folder in which one process keeps its data; it need not exist yet."""
        return self.data_dir / name

    @property
    def next_port_base(self) -> int:
        """Another base to offer where this one is in use."""
        further = self.port_base + 1000
        return further if further + _PORT_SPAN <= _LAST_PORT else DEFAULT_PORT_BASE


def find_checkout() -> Path:
    """Return the repository's root, above the working directory or above this package.

    Raises:
        StackError: Neither is inside a checkout.
    """
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / PINS).is_file():
                return folder
    message = f"no checkout found: {PINS} is not above this folder; run this inside the repository"
    raise StackError(message)


def _port_base(text: str) -> int:
    lowest, highest = _FIRST_UNPRIVILEGED_PORT, _LAST_PORT - _PORT_SPAN
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        message = f"DSR_PORT_BASE is {text!r}; it must be a number from {lowest} to {highest}"
        raise StackError(message)
    return int(text)


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()
