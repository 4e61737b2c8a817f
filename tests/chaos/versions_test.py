"""The version before this one and this one work together: any service of either beside any of the other.

The schemas are migrated forward while the services of the version before run. Then each service is
replaced by itself, there and back, and in each mixture a deletion goes round.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import replace

import pytest

from dsr_cli.connection import OFFICER, key_name
from dsr_cli.group.principals import make_principals
from dsr_cli.group.provision import create_databases, provision
from dsr_cli.group.systems import databases, system_specs
from dsr_cli.registry.load import load_registry
from dsr_cli.stack import Stack
from dsr_cli.stack.process import ProcessSpec
from dsr_cli.stack.roles import SCHEMAS
from dsr_cli.stack.specs import SERVICES, service_specs
from support.loop import QUICK, Loop
from support.parts import ROOT, data_folder, stack_settings
from support.previous import Previous, previous
from support.registries import publish

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

MIXTURES = (
    {"intake", "fanout"},
    {"fanout"},
    {"verifier", "fanout"},
    {"verifier"},
    {"intake", "verifier"},
    {"intake"},
    set[str](),
)
"""Which services are of the version before: each step replaces one."""


class Versions:
    """A loop whose services can be of either version; those of the version before run at first."""

    def __init__(self, stack: Stack, previous: Previous) -> None:
        """Bring up the parts."""
        self.loop = Loop(stack)
        self._stack = stack
        stack.up()
        specs = {one.name: one for one in service_specs(stack, with_mail=True)}
        self._now = {
            name: replace(specs[name], env={**specs[name].env, **QUICK}) for name in SERVICES
        }
        self._previous = previous
        self._before = previous.services(stack)

    def begin(self) -> None:
        """Bring up what the parts need, the version before, and the example systems."""
        stack = self._stack
        # What is newer in the files is published once every service can read it.
        before = self._previous.folder
        provision(stack, load_registry(before / "registry"), rules_dir=before / "rules")
        create_databases(stack, databases())
        for one in self._before.values():
            if "DSR_POSTGRES_DSN" in one.env:
                run(one, "migrate")
        rest = [one for one in service_specs(stack, with_mail=True) if one.name not in SERVICES]
        for one in (*rest, *self._before.values(), *system_specs(stack)):
            stack.add(replace(one, env={**one.env, **QUICK}))
        stack.up()
        officer = run(self._before["intake"], "officer", OFFICER)
        (stack.settings.secrets_dir / key_name(OFFICER)).write_text(officer)
        make_principals(stack)
        for one in self._now.values():
            stack.add(one)

    async def run(self, before: Collection[str]) -> None:
        """Have these services be of the version before, and the others of this one."""
        for name in SERVICES:
            old, new = self._before[name].name, name
            unwanted, wanted = (new, old) if name in before else (old, new)
            await asyncio.to_thread(self._stack.stop, unwanted)
            await asyncio.to_thread(self._stack.start, wanted)

    def migrate(self, service: str) -> None:
        """Bring a service's schema to this version, as the chart's job does before the upgrade."""
        run(self._now[service], "migrate")


def run(spec: ProcessSpec, *arguments: str) -> str:
    """Run a command of a service's own program, and return what it writes."""
    done = subprocess.run(
        [*spec.argv, *arguments], env={**os.environ, **spec.env},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """The whole loop, by the services of the version before, on schemas that these made."""
    old = previous(tmp_path_factory.mktemp("previous"))
    with data_folder() as folder:
        stack = Stack(stack_settings(folder), attached=True)
        try:
            made = Versions(stack, old)
            made.begin()
            yield made
        finally:
            stack.down()


async def test_the_schemas_are_migrated_forward_while_the_version_before_runs(
    versions: Versions,
) -> None:
    migrated = asyncio.Event()

    async def submitting() -> list[str]:
        request_ids = [await versions.loop.submit()]
        while not migrated.is_set():
            request_ids.append(await versions.loop.submit())
        return request_ids

    people = asyncio.create_task(submitting())
    for service in SCHEMAS:
        await asyncio.to_thread(versions.migrate, service)
    migrated.set()
    request_ids = await people
    await versions.loop.answered(*request_ids, within=120)
    for one in request_ids:
        assert await versions.loop.closures(one) == 1


@pytest.mark.parametrize("before", MIXTURES, ids=lambda one: "+".join(sorted(one)) or "none")
async def test_a_deletion_goes_round_with_some_of_the_version_before(
    versions: Versions, before: set[str]
) -> None:
    underway = await versions.loop.submit()
    await versions.run(before)
    request_id = await versions.loop.submit()
    await versions.loop.answered(underway, request_id, within=120)
    assert versions.loop.dead_letters() == []
    for one in (underway, request_id):
        assert await versions.loop.closures(one) == 1


async def test_what_is_new_in_the_registry_is_published_once_all_are_of_this_version(
    versions: Versions,
) -> None:
    await versions.run(())
    await publish(versions.loop, ROOT / "registry")
    request_id = await versions.loop.submit()
    await versions.loop.answered(request_id, within=120)
    assert versions.loop.dead_letters() == []
