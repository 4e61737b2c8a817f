"""Proofs, against the vectors of RFC 6962's reference implementation and the RFCs' own recursions."""

from __future__ import annotations

import pytest

from dsr_wire.log.proofs import (
    ProofFailed,
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    prove_consistency,
    prove_inclusion,
)
from dsr_wire.merkle import leaf_hash, root

# Certificate Transparency's reference test data, as in tests/unit/wire/merkle_test.py.
LEAVES = [
    leaf_hash(bytes.fromhex(one))
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
PATHS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (0, 1): [],
}
GROWTHS = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_paths_are_those_of_the_reference_vectors(index: int, size: int) -> None:
    assert [one.hex() for one in prove_inclusion(LEAVES[:size], index)] == PATHS[index, size]


@pytest.mark.parametrize(("first", "second"), GROWTHS)
def test_consistency_is_that_of_the_reference_vectors(first: int, second: int) -> None:
    found = [one.hex() for one in prove_consistency(LEAVES[:second], first)]
    assert found == GROWTHS[first, second]


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_without_a_leaf(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion(index, size)
    with pytest.raises(ProofFailed):
        check_inclusion(LEAVES[0], index=index, size=size, hashes=(), root=LEAVES[0])


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3)])
def test_a_tree_does_not_shrink(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="only grows"):
        consistency(first, second)
    with pytest.raises(ProofFailed, match="only grows"):
        check_consistency(first=first, second=second, first_root=b"", second_root=b"", hashes=())


def test_anything_grows_from_nothing() -> None:
    check_consistency(
        first=0, second=3, first_root=root([]), second_root=root(LEAVES[:3]), hashes=()
    )
    with pytest.raises(ProofFailed, match="empty tree"):
        check_consistency(
            first=0, second=3, first_root=LEAVES[0], second_root=root(LEAVES[:3]), hashes=()
        )


def test_one_size_has_one_root() -> None:
    check_consistency(first=1, second=1, first_root=LEAVES[0], second_root=LEAVES[0], hashes=())
    with pytest.raises(ProofFailed, match="two roots"):
        check_consistency(first=1, second=1, first_root=LEAVES[0], second_root=LEAVES[1], hashes=())
    with pytest.raises(ProofFailed, match="too long"):
        check_consistency(
            first=1, second=1, first_root=LEAVES[0], second_root=LEAVES[0], hashes=LEAVES[:1]
        )


def test_a_path_to_another_root_shows_nothing() -> None:
    proof = prove_inclusion(LEAVES, 3)
    check_inclusion(LEAVES[3], index=3, size=8, hashes=proof, root=root(LEAVES))
    with pytest.raises(ProofFailed, match="does not lead"):
        check_inclusion(LEAVES[3], index=3, size=8, hashes=proof, root=root(LEAVES[:7]))
