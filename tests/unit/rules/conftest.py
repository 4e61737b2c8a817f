from collections.abc import Callable
from pathlib import Path

import pytest

from dsr_cli.files.faults import Fault, FileFaults
from dsr_cli.rules import load_rules

GOOD = """\
regime: gdpr
title: General Data Protection Regulation
citation: Regulation (EU) 2016/679
zone: Europe/Berlin
holidays: DE
jurisdictions: [DE, FR]
rules:
  - name: respond_by
    version: 1
    in_force_from: 2018-05-25
    rights: [access, deletion]
    counts_from: received
    term: 1 month
    moved_by: Regulation 1182/71 art. 3(4)
    pauses: EDPB Guidelines 01/2022
    extension: { term: 2 months, citation: GDPR art. 12(3) }
    citation: GDPR art. 12(3)
tiers:
  - { percent: 50, action: remind_systems, version: 1, in_force_from: 2020-07-01, citation: the policy }
"""

DEFAULT = """\
regime: default
title: The company's own promise
citation: the privacy policy
zone: Etc/UTC
rules:
  - name: respond_by
    version: 1
    in_force_from: 1900-01-01
    counts_from: received
    term: 30 days
    citation: the privacy policy
tiers:
  - { percent: 90, action: record_breach, version: 1, in_force_from: 2020-07-01, citation: the policy }
"""

FindFaults = Callable[..., list[Fault]]


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def default() -> str:
    return DEFAULT


@pytest.fixture
def files() -> tuple[str, str]:
    """The fewest that are rules: a law, and the default."""
    return GOOD, DEFAULT


@pytest.fixture
def faults_of(tmp_path: Path) -> FindFaults:
    """Write files into a folder, and return the faults that reading them finds."""

    def find(*texts: str | bytes) -> list[Fault]:
        for text, name in zip(texts, "abcd", strict=False):
            raw = text if isinstance(text, bytes) else text.encode()
            (tmp_path / f"{name}.yaml").write_bytes(raw)
        with pytest.raises(FileFaults) as caught:
            load_rules(tmp_path)
        here = f"{tmp_path}/"
        return [
            Fault(
                one.file.replace(here, ""), one.line, one.message.replace(here, ""), one.suggestion
            )
            for one in caught.value.faults
        ]

    return find
