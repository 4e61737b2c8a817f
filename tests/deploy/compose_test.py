"""compose.yaml tells each service what it asks for, and names no part's image that cannot be another."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from dsr_examples.catalogue import example
from dsr_fanout.settings import FanoutSettings
from dsr_intake.settings import Settings as IntakeSettings
from dsr_sdk.environment import VARIABLES
from dsr_verifier.settings import VerifierSettings
from support.sources import ROOT

FOLDER = ROOT / "deploy" / "docker"
SERVICES: dict[str, type[BaseSettings]] = {
    "intake": IntakeSettings,
    "fanout": FanoutSettings,
    "verifier": VerifierSettings,
}
TEXT = (FOLDER / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", TEXT))
SYSTEMS = COMPOSE["services"]["setup"]["environment"]["DSR_TRIAL_SYSTEMS"].split(",")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_settings_and_all_that_it_needs(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, given = SERVICES[service], COMPOSE["services"][service]["environment"]
    assert given.keys() <= {f"DSR_{name.upper()}" for name in kind.model_fields}
    for name in [one for one in os.environ if one.startswith("DSR_")]:
        monkeypatch.delenv(name)
    for name, one in given.items():
        monkeypatch.setenv(name, one)
    kind()


@pytest.mark.parametrize("service", [*SERVICES, *SYSTEMS])
def test_a_service_runs_as_in_the_cluster(service: str) -> None:
    one = COMPOSE["services"][service]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["build"]["target"] == ("examples" if service in SYSTEMS else service)
    assert "user" not in one  # the image's own


def test_the_images_of_the_parts_are_variables() -> None:
    images = re.findall(r"^ +image: (.+)$", TEXT, re.MULTILINE)
    assert len(images) == len({one["image"] for one in COMPOSE["services"].values()})
    assert [one for one in images if not one.startswith("${")] == []


def test_every_file_that_is_mounted_is_there() -> None:
    for one in COMPOSE["services"].values():
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (FOLDER / source).exists(), volume


def test_the_systems_that_are_registered_are_those_that_run() -> None:
    running = {name: one for name, one in COMPOSE["services"].items() if name in SYSTEMS}
    assert sorted(running) == SYSTEMS
    for name, one in running.items():
        assert one["environment"].keys() <= set(VARIABLES) | {
            "DSR_EXAMPLE_FOLDER", "DSR_EXAMPLE_PEOPLE",
        }  # fmt: skip
        assert one["environment"]["DSR_SYSTEM_ID"] == name
        assert one["environment"]["DSR_ORGANISATION_ID"] == example(name).organisation_id


def test_nothing_listens_for_other_machines() -> None:
    for one in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
