"""The exact store, in memory and in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.exact import ExactVectors
from storage.graphics import gpu_of
from tests.contracts.vector_store_contract import DIMENSION, OpenStore, VectorStoreContract, fill, held, unit_rows
from uniir.errors import StoreUnavailable
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


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_is_damaged_is_named_with_the_way_out(tmp_path: Path, share: float) -> None:
    file = tmp_path / "vectors.npz"
    fill(ExactVectors(DIMENSION, file), unit_rows(30))
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(StoreUnavailable, match=r"vectors\.npz can't be read") as refused:
        ExactVectors(DIMENSION, file)
    assert "uniir rebuild" in refused.value.way_out
    with pytest.raises(StoreUnavailable):
        ExactVectors(DIMENSION + 1, file)


class TestInMemory(VectorStoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        store = ExactVectors(DIMENSION)
        return lambda: store


@pytest.mark.skipif(gpu_of("auto") is None, reason="FAISS sees no GPU here")
class TestOnAGpu(VectorStoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        store = ExactVectors(DIMENSION, device="cuda")
        return lambda: store


def test_without_a_gpu_it_says_that_it_searches_on_the_cpu() -> None:
    assert gpu_of("cpu") is None
    assert gpu_of("cuda:99") is None
    assert "on the CPU" in ExactVectors(DIMENSION, device="cuda:99").report.why
