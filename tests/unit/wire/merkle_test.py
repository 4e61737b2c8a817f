"""Merkle trees, against the vectors of RFC 6962's reference implementation and its own recursion."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest

from dsr_wire.merkle import leaf_hash, path, root, root_from_path

# Certificate Transparency's reference test data: leaves, and the root over the first n of them.
LEAVES = [
    bytes.fromhex(one)
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
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = range(1, 41)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"leaf %d" % number) for number in range(size)]


def reference_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    both = reference_root(hashes[:k]) + reference_root(hashes[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def reference_path(hashes: Sequence[bytes], m: int) -> tuple[bytes, ...]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(hashes) == 1:
        return ()
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    if m < k:
        return (*reference_path(hashes[:k], m), reference_root(hashes[k:]))
    return (*reference_path(hashes[k:], m - k), reference_root(hashes[:k]))


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_vectors(size: int) -> None:
    assert root([leaf_hash(one) for one in LEAVES[:size]]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("size", SIZES)
def test_roots_are_those_of_the_rfc_s_recursion(size: int) -> None:
    assert root(leaves(size)) == reference_root(leaves(size))


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_s_path_is_the_rfc_s_and_leads_to_the_root(size: int) -> None:
    hashes = leaves(size)
    for index in range(size):
        found = path(hashes, index)
        assert found == reference_path(hashes, index)
        assert root_from_path(hashes[index], index, size, found) == root(hashes)


@pytest.mark.parametrize("size", SIZES)
def test_a_path_leads_another_leaf_or_place_elsewhere(size: int) -> None:
    hashes = leaves(size)
    index = size // 2
    found = path(hashes, index)
    assert root_from_path(leaf_hash(b"another"), index, size, found) != root(hashes)
    if size > 1:
        assert root_from_path(hashes[index - 1], index, size, found) != root(hashes)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_there_is_no_path_without_a_leaf(index: int) -> None:
    with pytest.raises(IndexError):
        path(leaves(3), index)
    with pytest.raises(ValueError, match="no such leaf"):
        root_from_path(b"", index, 3, [])


@pytest.mark.parametrize("size", SIZES)
def test_a_path_of_the_wrong_length_is_refused(size: int) -> None:
    hashes = leaves(size)
    found = path(hashes, size - 1)
    with pytest.raises(ValueError, match="too long"):
        root_from_path(hashes[-1], size - 1, size, (*found, b""))
    if found:
        with pytest.raises(ValueError, match="too short"):
            root_from_path(hashes[-1], size - 1, size, found[:-1])


def test_a_leaf_is_not_mistaken_for_a_node() -> None:
    left, right = leaves(2)
    assert leaf_hash(left + right) != root([left, right])
