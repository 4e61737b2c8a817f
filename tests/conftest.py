"""Fixtures for what has a lifetime: the real parts, one stack a run."""

from __future__ import annotations

import asyncio
from asyncio import Transport
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Generator, Iterator, Mapping

import pytest
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from dsr_cli.stack import Stack
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection
from support import parts
from support.examples import load_profile
from support.second_verifier import Second, build_second_verifier
from support.spreading import Spreading, turn
from support.waiting import eventually

load_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return Spreading(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    del call
    report = yield
    if report.skipped and item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and --no-skips is given: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def second_verifier(tmp_path_factory: pytest.TempPathFactory) -> Second:
    """The second verifier of certificates, which shares no code with the first one."""
    return build_second_verifier(tmp_path_factory.mktemp("second"))


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The example group's registry; published where `stack` is used."""
    return parts.example_registry()


@pytest.fixture(scope="session")
def stack(registry: Registry) -> Iterator[Stack]:
    """Kafka, Temporal and PostgreSQL with every topic, user, right and system key."""
    with parts.data_folder() as folder, parts.running_parts(folder, registry) as running:
        yield running


@pytest.fixture(scope="session")
async def goodbyes() -> AsyncIterator[None]:
    """Ends once no connection over TLS is left: aiokafka's clients close theirs, and do not wait for the peer."""
    yield
    loop = asyncio.get_running_loop()
    open_ones: Mapping[int, Transport] = loop._transports  # type: ignore[attr-defined]  # no public name

    def is_over() -> bool:
        return not any(isinstance(one.get_protocol(), SSLProtocol) for one in open_ones.values())

    await eventually(is_over, what="every connection is closed")


@pytest.fixture(scope="session")
def kafka(stack: Stack, goodbyes: None) -> KafkaConnection:
    """Kafka's super user."""
    del goodbyes
    return parts.kafka_of(stack)


@pytest.fixture(scope="session")
def temporal_address(stack: Stack) -> str:
    """Where Temporal's development server answers."""
    return stack.temporal_address


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[str]:
    """An empty PostgreSQL database for one module."""
    with parts.fresh_database(stack) as dsn:
        yield dsn
