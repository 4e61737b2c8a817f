"""Every leaf's path leads to the root, and no other leaf's does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_wire.merkle import leaf_hash, path, root, root_from_path

leaves = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


@given(st.data(), leaves)
def test_a_path_leads_to_the_root(data: st.DataObject, content: list[bytes]) -> None:
    hashes = [leaf_hash(one) for one in content]
    index = data.draw(st.integers(0, len(hashes) - 1))
    found = path(hashes, index)
    assert root_from_path(hashes[index], index, len(hashes), found) == root(hashes)
    assert len(found) <= (len(hashes) - 1).bit_length()


@given(st.data(), leaves)
def test_a_changed_path_leads_elsewhere(data: st.DataObject, content: list[bytes]) -> None:
    hashes = [leaf_hash(one) for one in content]
    index = data.draw(st.integers(0, len(hashes) - 1))
    found = list(path(hashes, index))
    if not found:
        return
    place = data.draw(st.integers(0, len(found) - 1))
    found[place] = leaf_hash(found[place])
    assert root_from_path(hashes[index], index, len(hashes), found) != root(hashes)


@given(leaves, st.binary(max_size=8), st.integers(0, 80), st.lists(st.binary(max_size=32)))
def test_a_path_of_anybody_s_is_followed_or_refused(
    content: list[bytes], leaf: bytes, index: int, hashes: list[bytes]
) -> None:
    try:
        found = root_from_path(leaf_hash(leaf), index, len(content), hashes)
    except ValueError:
        return
    assert len(found) == 32


@given(leaves, st.binary(max_size=8))
def test_one_more_leaf_is_another_root(content: list[bytes], leaf: bytes) -> None:
    hashes = [leaf_hash(one) for one in content]
    assert root([*hashes, leaf_hash(leaf)]) != root(hashes)


@given(st.integers(min_value=-3, max_value=0))
def test_an_empty_tree_has_no_leaf(size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        root_from_path(b"", 0, size, [])
