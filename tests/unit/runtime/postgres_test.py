"""What PostgreSQL's faults mean, and an address that is none."""

from __future__ import annotations

import asyncpg
import pytest

from dsr_core.errors import RejectedInput, Unavailable
from dsr_runtime.postgres import connect_pool, translated
from dsr_runtime.process import StartFault


@pytest.mark.parametrize(
    "fault",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.CrashShutdownError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.DiskFullError(),
        asyncpg.InterfaceError("the connection is closed"),
        asyncpg.InternalClientError("ended between a statement and its reset"),
        asyncpg.LockNotAvailableError(),
        asyncpg.ReadOnlySQLTransactionError(),
        asyncpg.SerializationError(),
        asyncpg.TooManyConnectionsError(),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_passes_is_unavailable_and_names_the_kind_only(fault: Exception) -> None:
    with pytest.raises(Unavailable, match=f"^postgresql: {type(fault).__name__}$"), translated():
        raise fault


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.DataError("invalid input for query argument $1: 'someone'"),
        asyncpg.CharacterNotInRepertoireError(),
        asyncpg.NumericValueOutOfRangeError(),
        asyncpg.ProgramLimitExceededError(),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_cannot_be_stored_is_the_callers_fault_and_not_waited_for(fault: Exception) -> None:
    with pytest.raises(RejectedInput) as raised, translated():
        raise fault
    assert raised.value.reason == "unstorable"
    assert "someone" not in str(raised.value)


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.UndefinedTableError(),
        asyncpg.ForeignKeyViolationError(),
        asyncpg.ClientConfigurationError("no such option"),
        asyncpg.UnsupportedServerFeatureError("no such feature"),
        LookupError(),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_fault_of_the_code_stays_one_though_asyncpg_derives_it_from_interface_error(
    fault: Exception,
) -> None:
    with pytest.raises(type(fault)), translated():
        raise fault


def test_who_knows_that_a_fault_passes_says_so() -> None:
    with pytest.raises(Unavailable), translated(asyncpg.ForeignKeyViolationError):
        raise asyncpg.ForeignKeyViolationError


@pytest.mark.parametrize("dsn", ["nonsense", "https://db.test/dsr"])
async def test_an_address_that_is_none_is_not_waited_for(dsn: str) -> None:
    with pytest.raises(StartFault, match="DSR_POSTGRES_DSN"):
        await connect_pool(dsn, size=1)
