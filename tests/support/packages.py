"""One request whose package is assembled on a real folder; also as a process of its own, which can be killed.

`python -m support.packages FOLDER URL [POINT]`: the folder has `told`, as `World.leave` left it. It gets
`memory`, the most that the process has held; at the point it kills itself.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from dsr_core.exports import Delivery, ProtectedField, Protection
from dsr_core.ids import SystemId
from dsr_core.registry import AccessTerms, Registry
from dsr_core.rights import Right
from dsr_intake.adapters.object_store import Objects
from dsr_intake.application.letters.writing import Stationery
from dsr_intake.application.packages.assembling import Assembly, Made, assemble
from dsr_intake.application.packages.page import PackagePage
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.telling import request_told, systems_told
from dsr_intake.application.packages.words import Words
from dsr_intake.model.packages import Package, PackageState
from dsr_intake.ports import ObjectSink
from dsr_wire.sealing_keys import PrivateSealingKey
from support.builders import NOW, a_registry, a_request_id, a_system, an_id
from support.exporting_system import peak
from support.exports import Handed, hand_over, opened_package, unzipped
from support.intake_fakes import FakeRegistryView, a_request_view

REQUEST = a_request_id(1)
CRM = SystemId("crm")
SEED = b"s" * 32
SCHEMA = (files("dsr_intake") / "application/packages/data/manifest.schema.json").read_bytes()
WORDS = Words(Stationery())

TERMS = AccessTerms(
    purpose="To sell <b>things</b>",
    source="You",
    recipients=("The post",),
    retention="3 years",
    protected=(ProtectedField("*.friend", Protection.THIRD_PARTY),),
)
REGISTRY = a_registry(
    a_system("crm", access=TERMS),
    a_system("mailer", "example-mail"),
    a_system("billing"),
    a_system("backup"),
)


class World:
    """One request, its key, and a folder: the object store itself, or what a server keeps it in."""

    def __init__(
        self,
        folder: Path,
        key: PrivateSealingKey | None = None,
        registry: Registry = REGISTRY,
        url: str | None = None,
    ) -> None:
        self.folder = folder
        self.registry = registry
        self.url = url or folder.as_uri()
        self.objects = Objects(self.url)
        self.key = key or PrivateSealingKey.generate()
        self.tries = 0

    def leave(self, deliveries: dict[str, Delivery]) -> None:
        """Leave what another process goes on with."""
        (self.folder / "told").write_bytes(pickle.dumps((self.key.raw, deliveries)))

    @classmethod
    def found(cls, folder: Path, url: str) -> tuple[World, dict[str, Delivery]]:
        """Go on where another process was."""
        raw, deliveries = pickle.loads((folder / "told").read_bytes())  # noqa: S301 - our own
        return cls(folder, PrivateSealingKey(raw), url=url), deliveries

    def hand_over(self, *handed: Handed, system_id: str = "crm", **changes: Any) -> Delivery:
        return hand_over(
            self.folder,
            self.key.public.raw,
            handed,
            request_id=REQUEST,
            system_id=SystemId(system_id),
            **changes,
        )

    def wanted(self, deliveries: dict[str, Delivery], **changes: Any) -> Package:
        told: dict[str, Any] = {
            "request_id": REQUEST,
            "state": PackageState.WAITING,
            "ledger": ledger(deliveries, self.registry),
            "excluded": {},
            "wanted_at": NOW,
            "tries": 1,
            "assembly_id": an_id(self.tries),
            "size": 0,
            "files": 0,
            "manifest_digest": b"",
            "contact": b"",
            "made_at": None,
            "expires_at": None,
        }
        return Package(**(told | changes))

    def assembly(
        self,
        deliveries: dict[str, Delivery],
        language: str = "en",
        *,
        before: Package | None = None,
        **changes: Any,
    ) -> Assembly:
        self.tries += 1
        one = replace(
            a_request_view(request_id=REQUEST),
            closed_at=None if changes.get("is_partial") else NOW,
            regime="gdpr",
            jurisdiction="DE",
            right=Right.ACCESS,
        )
        package = self.wanted(deliveries, **changes)
        systems = systems_told(
            package, self.registry, FakeRegistryView(self.registry), before=before
        )
        late = [each for each in systems if each.told["status"] == "late"]
        return Assembly(
            request_id=REQUEST,
            assembly_id=package.assembly,
            key=self.key,
            at=NOW,
            told=request_told(
                one,
                WORDS,
                language,
                at=NOW,
                late=late if package.is_partial else None,
                before=before,
            ),
            systems=systems,
            language=language,
        )

    def made(self, deliveries: dict[str, Delivery], language: str = "en", **changes: Any) -> Made:
        return assemble(
            self.assembly(deliveries, language, **changes),
            self.objects,
            page=PackagePage(WORDS),
            schema=SCHEMA,
            signer=ManifestSigner(SEED),
        )

    def package(
        self, deliveries: dict[str, Delivery], language: str = "en", **changes: Any
    ) -> dict[str, bytes]:
        made = self.made(deliveries, language, **changes)
        content = opened_package(self.objects, made.path, made.size, self.key, REQUEST)
        return unzipped(content)


def ledger(deliveries: dict[str, Delivery], registry: Registry = REGISTRY) -> str:
    """What the verifier said at the closing."""
    owed = []
    for one in registry.systems:
        delivery = deliveries.get(one.id)
        kept = {"ground": "HGB 257", "categories": ["user.financial"], "review_at": NOW.isoformat()}
        owed.append(
            {
                "system_id": one.id,
                "organisation_id": one.organisation_id,
                "disposition": {"mailer": "not_found", "billing": "exempt", "backup": None}.get(
                    one.id, "delivered"
                ),
                "exemptions": [kept] if one.id == "billing" else [],
                "delivery": delivery
                and {
                    "export_id": delivery.export_id,
                    "sealed_key": delivery.sealed_key.hex(),
                    "size": delivery.size,
                    "index_size": delivery.index_size,
                    "index_digest": delivery.index_digest.hex(),
                    "files": delivery.files,
                },
            }
        )
    return json.dumps({"obligations": owed})


class Deadly(Objects):
    """A store that kills this process once so many pieces are written, or around the end of an object."""

    def __init__(self, url: str, point: str) -> None:
        super().__init__(url)
        self._point = point

    @contextmanager
    def writing(self, path: str) -> Iterator[ObjectSink]:
        with super().writing(path) as sink:
            yield _DeadlySink(sink, int(self._point) if self._point.isdigit() else -1)
            self._die("whole")
        self._die("named")

    def _die(self, point: str) -> None:
        if self._point == point:
            os.kill(os.getpid(), signal.SIGKILL)


class _DeadlySink:
    def __init__(self, sink: ObjectSink, left: int) -> None:
        self._sink = sink
        self._left = left

    def room(self, length: int) -> AbstractContextManager[memoryview]:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return self._sink.room(length)


if __name__ == "__main__":
    world, deliveries = World.found(Path(sys.argv[1]), sys.argv[2])
    if len(sys.argv) > 3:
        world.objects = Deadly(world.url, sys.argv[3])
    world.made(deliveries)
    (world.folder / "memory").write_text(str(peak()))
