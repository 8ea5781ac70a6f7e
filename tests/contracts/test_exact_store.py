"""The exact store, in memory and in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.exact import ExactVectors
from tests.contracts.vector_store_contract import DIMENSION, OpenStore, VectorStoreContract, fill, held, unit_rows
from uniir.protocols import VectorStore


class TestInAFile(VectorStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        opened: list[VectorStore] = []

        def open_store() -> VectorStore:
            for store in opened:
                store.close()
            opened.append(ExactVectors(DIMENSION, tmp_path / "store" / "vectors.npz"))
            return opened[-1]

        return open_store

    def test_a_write_that_was_cut_off_leaves_the_last_whole_file(self, open_store: OpenStore, tmp_path: Path) -> None:
        ids = fill(open_store(), unit_rows(5))
        (tmp_path / "store" / "vectors.new").write_bytes(b"half a file")
        assert held(open_store()) == ids


class TestInMemory(VectorStoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        store = ExactVectors(DIMENSION)
        return lambda: store
