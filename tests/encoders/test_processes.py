"""One encoder in two processes: what comes back, who computed it, and what is said when one of them dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from encoders.processes import Crew, SpreadEncoder, start_crew
from models.devices import Device
from tests.contracts.encoder_contract import IMAGES, text
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import Prepared, ReadsPartsTogether, ScoreFusing
from uniir.queries import Query

if TYPE_CHECKING:
    from encoders.uniir_family.encoder import UniirEncoder

pytestmark = pytest.mark.slow
CPU = Device("cpu", "float32", threads=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for library in ("torch", "ftfy"):
        pytest.importorskip(library, reason=f"{library} is not installed (extra `models`)")
    from tests.encoders.uniir_family.golden import converted

    return converted("clip_sf", tmp_path_factory.mktemp("spread"))


@pytest.fixture
def alone(place: Path) -> UniirEncoder:
    from encoders.uniir_family.encoder import UniirEncoder

    return UniirEncoder.load(place, str(place), CPU)


@pytest.fixture
def spread(alone: UniirEncoder, place: Path) -> Iterator[SpreadEncoder]:
    encoder = SpreadEncoder(alone, lambda: start_crew(str(place), alone.space, CPU, place.parent, 2), 2)
    yield encoder
    encoder.close()


def batches(encoder: SpreadEncoder, count: int) -> list[Prepared]:
    return [encoder.prepare([text(f"note {number}"), text(f"rocket {number}")], IMAGES) for number in range(count)]


def test_batches_go_to_both_and_each_to_one(spread: SpreadEncoder, alone: UniirEncoder) -> None:
    prepared = batches(spread, 24)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(spread.encode, prepared))
    for batch, vectors in zip(prepared, found, strict=True):
        np.testing.assert_allclose(vectors, alone.encode(batch), atol=1e-6)
    assert spread.crew is not None
    counts = [worker.batches for worker in spread.crew.workers]
    assert sum(counts) == len(prepared)
    assert min(counts) > 0


def test_a_single_query_waits_for_no_process(spread: SpreadEncoder, alone: UniirEncoder) -> None:
    prepared = spread.prepare([Query(text="a rocket")], IMAGES)
    np.testing.assert_array_equal(spread.encode(prepared), alone.encode(prepared))
    assert spread.crew is None


def test_what_the_encoder_can_do_beside_encoding_it_can_still(spread: SpreadEncoder) -> None:
    assert isinstance(spread, ScoreFusing)
    assert isinstance(spread, ReadsPartsTogether)
    assert spread.lanes == 2


def test_a_process_that_is_killed_is_told_and_the_next_batch_starts_anew(spread: SpreadEncoder, alone: UniirEncoder) -> None:
    first, second = batches(spread, 2)
    spread.encode(first)
    crew = spread.crew
    assert crew is not None
    for worker in crew.workers:
        os.kill(worker.process.pid, signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match=r"killed by signal 9 .* run the same command again"):
        spread.encode(second)
    assert all(worker.process.poll() is not None for worker in crew.workers)
    np.testing.assert_allclose(spread.encode(second), alone.encode(second), atol=1e-6)


def test_no_process_is_left_behind(alone: UniirEncoder, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoders.processes._PATIENCE", 120.0)  # one that is slow to end is not to be killed here
    crew = start_crew(str(place), alone.space, CPU, place.parent, 2)
    crew.close()
    assert [worker.process.returncode for worker in crew.workers] == [0, 0]


def test_a_batch_that_a_model_can_not_bear_ends_no_process(spread: SpreadEncoder) -> None:
    (batch,) = batches(spread, 1)
    with pytest.raises(RuntimeError):
        spread.encode(Prepared(batch.positions, (), ("no item", "of this model")))
    assert spread.encode(batch).shape == (2, spread.space.dimension)


def refused(start: Callable[[], Crew]) -> str:
    with pytest.raises((ModelUnavailable, UsageError)) as error:
        start()
    return str(error.value)


def test_what_can_not_start_says_why(alone: UniirEncoder, place: Path, tmp_path: Path) -> None:
    def start(name: str, device: Device) -> Callable[[], Crew]:
        return lambda: start_crew(name, alone.space, device, tmp_path, 2)

    assert "There is no encoder" in refused(start("startre", CPU))
    assert "do not fit on the one device cuda:1" in refused(start(str(place), Device("cuda:1")))
    other = Device("cpu", "float32", threads=1)
    assert "loaded another" in refused(lambda: start_crew("starter", alone.space, other, tmp_path, 1))
