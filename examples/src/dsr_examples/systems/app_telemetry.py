"""What apps report: an SQLite file, people known by devices, often by several."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("devices", "id integer primary key, device_id text not null, model text, system text"),
    Table(
        "launches",
        "id integer primary key, device integer not null references devices, "
        "version text not null, at text not null",
    ),
    Table(
        "crashes",
        "id integer primary key, launch integer not null references launches, kind text not null",
    ),
    known_by={"device_id": "device_id"},
)
