"""Faults that are done to a running loop, and undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsr_cli.demo.people import submission
from dsr_cli.stack.specs import service_specs
from dsr_examples.people import Person
from support.command import Said, dsr
from support.loop import Loop
from support.waiting import eventually

__all__ = [
    "ITS_ORGANISATION",
    "SILENT",
    "by_command",
    "in_germany",
    "no_folder",
    "one_missing",
    "set_up_as",
    "without",
]

SILENT, ITS_ORGANISATION = "newsletter", "mail-delivery-provider"
"""The system that is away, so that requests stay open."""


@asynccontextmanager
async def without(loop: Loop, *names: str) -> AsyncIterator[None]:
    """Have processes stopped meanwhile."""
    for name in names:
        await asyncio.to_thread(loop.stack.stop, name)
    try:
        yield
    finally:
        for name in names:
            await asyncio.to_thread(loop.stack.start, name)


@contextmanager
def no_folder(folder: Path) -> Iterator[None]:
    """Have a file in the place of a folder meanwhile, as where the disk of an object store is away."""
    away = folder.with_name(f"{folder.name}-away")
    folder.rename(away)
    folder.write_text("no folder")
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


@asynccontextmanager
async def set_up_as(loop: Loop, service: str, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """Have a service run with other settings meanwhile."""
    stack, other = loop.stack, f"{service}-otherwise"
    spec = next(one for one in service_specs(stack, with_mail=True) if one.name == service)
    stack.add(replace(spec, name=other, env={**spec.env, **settings}))
    async with without(loop, service):
        await asyncio.to_thread(stack.start, other)
        try:
            yield
        finally:
            await asyncio.to_thread(stack.stop, other)


@asynccontextmanager
async def one_missing(
    loop: Loop, person: Person | None = None, **changes: Any
) -> AsyncIterator[str]:
    """Have a request that all systems but one have confirmed; answered afterwards.

    Somebody in Germany asks unless another is named, however many asked before: what is measured is
    labelled with the regime.
    """
    async with without(loop, loop.system(SILENT)):
        async with loop.client() as client:
            accepted = await client.submit(submission(person or in_germany(loop)) | changes)
        request_id = str(accepted["id"])

        async def is_alone() -> bool:
            return await loop.missing(request_id) == {SILENT}

        await eventually(is_alone, within=60)
        yield request_id
    await loop.answered(request_id)


def in_germany(loop: Loop) -> Person:
    """Return a person whom no test has asked for, and whom the GDPR protects."""
    return next(one for one in iter(loop.person, None) if one.country == "DE")


async def by_command(loop: Loop, *arguments: str) -> Said:
    """Do by `dsr` what an operator does."""
    said = await dsr(loop.stack.settings, *arguments)
    assert said.code == 0, said.err
    return said
