from collections.abc import Callable
from pathlib import Path

import pytest

from dsr_cli.files.faults import Fault, FileFaults
from dsr_cli.registry import load_registry

GOOD = """\
organisation:
  id: acme
  name: Acme
  role: company
  country: DE
  region: europe
  owner: Privacy office
  contact: privacy@acme.test
systems:
  - id: accounts
    name: Accounts
    owner: Accounts team
    contact: accounts@acme.test
    region: europe
    rights: [access, deletion]
    identifiers: [email]
    categories: [user.contact.email]
"""

FindFaults = Callable[..., list[Fault]]


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def faults_of(tmp_path: Path) -> FindFaults:
    """Write files into a folder, and return the faults that reading them finds."""

    def find(*texts: str | bytes) -> list[Fault]:
        for text, name in zip(texts, "abcd", strict=False):
            raw = text if isinstance(text, bytes) else text.encode()
            (tmp_path / f"{name}.yaml").write_bytes(raw)
        with pytest.raises(FileFaults) as caught:
            load_registry(tmp_path)
        return [
            Fault(
                fault.file.removeprefix(f"{tmp_path}/"), fault.line, fault.message, fault.suggestion
            )
            for fault in caught.value.faults
        ]

    return find
