"""The local stack: the real Kafka, Temporal and PostgreSQL, as plain processes.

What is imported here is what the rest of the repository may rely on.
"""

from dsr_cli.kafka.access import Grant
from dsr_cli.stack.access import create_users, grant
from dsr_cli.stack.errors import StackError
from dsr_cli.stack.events import PartStatus, StackEvent
from dsr_cli.stack.process import ProcessSpec
from dsr_cli.stack.secret_store import Credentials
from dsr_cli.stack.settings import StackSettings
from dsr_cli.stack.stack import Stack

__all__ = [
    "Credentials",
    "Grant",
    "PartStatus",
    "ProcessSpec",
    "Stack",
    "StackError",
    "StackEvent",
    "StackSettings",
    "create_users",
    "grant",
]
