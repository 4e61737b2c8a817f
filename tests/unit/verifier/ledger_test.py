"""The application on the ledger in memory."""

from __future__ import annotations

import pytest
from unit.verifier.amending import AmendingBehaviour
from unit.verifier.behaviour import LedgerBehaviour
from unit.verifier.copying import CopyingBehaviour
from unit.verifier.fakes import FakeLedger
from unit.verifier.handing_over import HandingOverBehaviour
from unit.verifier.holding import HoldingBehaviour
from unit.verifier.late import LateBehaviour
from unit.verifier.linking import LinkingBehaviour
from unit.verifier.looking import LookingBehaviour
from unit.verifier.phasing import PhasingBehaviour
from unit.verifier.replanning import ReplanningBehaviour
from unit.verifier.revocation import RevocationBehaviour
from unit.verifier.succession import SuccessionBehaviour
from unit.verifier.world import World, a_registry_view


class TestLedger(LedgerBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestRevocation(RevocationBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestHandingOver(HandingOverBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestLinking(LinkingBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestLate(LateBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestAmending(AmendingBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestHolding(HoldingBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestPhasing(PhasingBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestCopying(CopyingBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestReplanning(ReplanningBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestSuccession(SuccessionBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())


class TestLooking(LookingBehaviour):
    @pytest.fixture
    def world(self) -> World:
        return World(FakeLedger(), a_registry_view())
