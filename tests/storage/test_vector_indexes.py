"""Index types: what each engine has, the limits of every parameter, what `auto` takes and why, and how recall is measured."""

from __future__ import annotations

import numpy as np
import pytest

from storage.milvus.choosing import AUTO, CAGRA_FROM_ROWS, DISK_FROM_ROWS, HNSW_FROM_ROWS, Wanted, plan_index
from storage.milvus.engines import Engine, engine_of
from storage.milvus.indexes import KINDS, IndexType, Shape, build_values, harder, search_values, values_for
from storage.milvus.recall import Truth, questions_near
from uniir.errors import SettingsError, StoreUnavailable, UsageError

LITE, BUNDLED = engine_of("milvus_lite-3.2.2"), engine_of("v2.3.5-lite")
SERVER, GPU_SERVER = engine_of("v2.6.2"), engine_of("v2.6.2-gpu")
SHAPE = Shape(100_000, 768)


@pytest.mark.parametrize(
    ("engine", "builds"),
    [
        (LITE, {"FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8"}),
        (engine_of("milvus_lite-2.5.1"), {"FLAT", "IVF_FLAT"}),
        (BUNDLED, {"FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "IVF_PQ"}),
        (SERVER, {"FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "IVF_PQ", "SCANN", "DISKANN"}),
        (GPU_SERVER, set(IndexType)),
        (engine_of("v2.6.2", gpu=True), set(IndexType)),
        (engine_of("v2.6.2-gpu", gpu=False), set(SERVER.builds)),
        (engine_of("v2.3.1-gpu"), {*SERVER.builds, "GPU_IVF_FLAT", "GPU_IVF_PQ"}),
    ],
    ids=lambda value: value.name if isinstance(value, Engine) else "",
)
def test_an_engine_is_told_by_its_version_and_refuses_what_it_does_not_build(engine: Engine, builds: set[str]) -> None:
    assert engine.builds == builds
    for index in IndexType:
        if index in builds:
            assert plan_index(engine, Wanted(index), SHAPE).type is index
        else:
            with pytest.raises(SettingsError, match=f"builds no index of type {index}. It has: {', '.join(sorted(builds))}"):
                plan_index(engine, Wanted(index), SHAPE)


def test_a_server_that_is_too_old_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="too old"):
        engine_of("v2.2.16")


@pytest.mark.parametrize(
    ("engine", "rows", "chosen"),
    [
        (LITE, 0, "FLAT"),
        (LITE, HNSW_FROM_ROWS - 1, "FLAT"),
        (LITE, HNSW_FROM_ROWS, "HNSW"),
        (LITE, 500_000, "HNSW"),
        (SERVER, 100, "FLAT"),
        (SERVER, HNSW_FROM_ROWS, "HNSW"),
        (SERVER, DISK_FROM_ROWS, "DISKANN"),
        (BUNDLED, DISK_FROM_ROWS, "HNSW"),
        (GPU_SERVER, CAGRA_FROM_ROWS - 1, "GPU_BRUTE_FORCE"),
        (GPU_SERVER, CAGRA_FROM_ROWS, "GPU_CAGRA"),
        (engine_of("v2.3.1-gpu"), 100_000, "HNSW"),
        (engine_of("milvus_lite-2.5.1"), 100_000, "IVF_FLAT"),
    ],
)
def test_auto_takes_what_fits_the_engine_and_the_size_and_says_why(engine: Engine, rows: int, chosen: str) -> None:
    plan = plan_index(engine, AUTO, Shape(rows, 768))
    assert plan.type == chosen
    assert f"{rows:,} vectors" in plan.why
    assert engine.name in plan.why


def test_beyond_its_size_lite_is_said_to_be_too_small() -> None:
    assert "server" in plan_index(LITE, AUTO, Shape(300_000, 768)).why


def test_parameters_without_a_type_are_refused() -> None:
    with pytest.raises(SettingsError, match="index_build"):
        plan_index(LITE, Wanted(None, {"M": 8}), SHAPE)


@pytest.mark.parametrize(
    ("index", "build", "reason"),
    [
        ("HNSW", {"M": 1}, "M is a whole number from 2 to 2,048"),
        ("HNSW", {"M": 2049}, "M is a whole number"),
        ("HNSW", {"M": "16"}, "M is a whole number"),
        ("HNSW", {"M": True}, "M is a whole number"),
        ("HNSW", {"efConstruction": 0}, "efConstruction is a whole number"),
        ("HNSW", {"nlist": 8}, "it has no parameter nlist"),
        ("FLAT", {"M": 8}, r"it has: none"),
        ("IVF_FLAT", {"nlist": 65537}, "nlist is a whole number from 1 to 65,536"),
        ("IVF_PQ", {"m": 100}, "m must divide the dimension 768, and 100 does not"),
        ("IVF_PQ", {"nbits": 17}, "nbits is a whole number from 1 to 16"),
        ("GPU_IVF_FLAT", {"cache_dataset_on_device": "maybe"}, "cache_dataset_on_device is false or true"),
        ("GPU_IVF_PQ", {"nbits": 4}, "nbits is a whole number from 8 to 8"),
        ("GPU_CAGRA", {"graph_degree": 128}, "intermediate_graph_degree must be above graph_degree"),
        ("GPU_CAGRA", {"build_algo": "HNSW"}, "build_algo is IVF_PQ or NN_DESCENT"),
    ],
)
def test_a_build_parameter_out_of_its_limits_is_refused_before_anything_is_sent(
    index: str, build: dict[str, int | str], reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        build_values(IndexType(index), build, SHAPE)


@pytest.mark.parametrize(
    ("index", "search", "reason"),
    [
        ("HNSW", {"ef": 40_000}, "ef is a whole number from 1 to 32,768"),
        ("IVF_FLAT", {"nprobe": 70_000}, "nprobe is a whole number"),
        ("IVF_FLAT", {"nprobe": 101}, "nprobe is at most nlist, which is 100"),
        ("DISKANN", {"search_list": 0}, "search_list is a whole number"),
        ("GPU_CAGRA", {"itopk_size": 100}, "a power of two"),
        ("GPU_CAGRA", {"itopk_size": 2048}, "itopk_size is a whole number from 1 to 1,024"),
        ("FLAT", {"ef": 10}, "it has no parameter ef"),
    ],
)
def test_a_search_parameter_out_of_its_limits_is_refused_too(index: str, search: dict[str, int | str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        search_values(IndexType(index), search, build_values(IndexType(index), _cells(index, 100), SHAPE), SHAPE)


def _cells(index: str, nlist: int) -> dict[str, int | str]:
    return {"nlist": nlist} if any(one.name == "nlist" for one in KINDS[IndexType(index)].build) else {}


@pytest.mark.parametrize("index", list(IndexType))
@pytest.mark.parametrize("k", [1, 10, 32, 33, 500, 1024, 16384])
@pytest.mark.parametrize("shape", [Shape(0, 8), Shape(50, 7), SHAPE, Shape(5_000_000, 1)])
def test_the_usual_parameters_are_within_their_limits_and_wide_enough_for_every_k(index: IndexType, k: int, shape: Shape) -> None:
    build = build_values(index, {}, shape)
    search = search_values(index, {}, build, shape)
    if k > KINDS[index].most_results:
        with pytest.raises(UsageError, match=f"at most {KINDS[index].most_results:,} results"):
            values_for(index, search, k)
        return
    values = values_for(index, search, k)
    for name in {"ef", "search_list", "reorder_k", "itopk_size"} & values.keys():
        assert values[name] >= k
    if "nprobe" in values:
        assert 1 <= values["nprobe"] <= build["nlist"]
    if index is IndexType.GPU_CAGRA:
        assert k <= max((values["itopk_size"] + 31) // 32, values["search_width"]) * 32
        assert values["itopk_size"] & (values["itopk_size"] - 1) == 0
    if "m" in build:
        assert shape.dimension % int(build["m"]) == 0


@pytest.mark.parametrize("index", [index for index in IndexType if not KINDS[index].exact])
def test_effort_is_raised_step_by_step_and_not_without_end(index: IndexType) -> None:
    build = build_values(index, {}, SHAPE)
    search = search_values(index, {}, build, SHAPE)
    steps = 0
    while (raised := harder(index, search, build)) is not None:
        assert raised[KINDS[index].effort] > search[KINDS[index].effort]
        assert search_values(index, raised, build, SHAPE) == raised
        search, steps = raised, steps + 1
    assert 1 <= steps <= 12


def test_cells_that_are_a_bit_off_are_not_built_anew() -> None:
    small, larger, huge = (plan_index(SERVER, Wanted(IndexType.IVF_FLAT), Shape(rows, 64)) for rows in (20_000, 200_000, 2_000_000))
    assert larger.fits(small)
    assert not huge.fits(small)
    assert not plan_index(SERVER, Wanted(IndexType.HNSW, {"M": 8}), SHAPE).fits(plan_index(SERVER, AUTO, SHAPE))


def test_build_parameters_are_nested_for_lite_alone() -> None:
    assert LITE.build_parameters({"M": 8}) == {"params": {"M": 8}}
    assert SERVER.build_parameters({"M": 8}) == {"M": 8}
    assert LITE.build_parameters({}) == {}


def test_recall_is_one_for_the_truth_counts_ties_as_right_and_misses_as_missed() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[250:260] = rows[5]  # eleven of a kind
    ids = np.arange(1000, 1500)
    questions = np.concatenate([questions_near(rows[:20]), rows[5:6]])
    truth = Truth(questions, ((ids[start : start + 70], rows[start : start + 70]) for start in range(0, 500, 70)))
    ranked = [ids[np.argsort(-(rows @ question), kind="stable")].tolist() for question in questions]
    assert truth.recall(lambda _: [row[:10] for row in ranked]) == 1
    assert truth.recall(lambda _: [[*row[:5], *row[300:305]] for row in ranked[:-1]] + [ranked[-1][1:11]]) == pytest.approx(
        (20 * 0.5 + 1) / 21
    )
    assert truth.recall(lambda _: [[] for _ in ranked]) == 0
    assert Truth(questions, []).recall(lambda _: [[] for _ in ranked]) == 1


def test_questions_lie_near_and_far_and_are_always_the_same() -> None:
    rows = np.eye(64, dtype=np.float32)
    questions = questions_near(rows)
    np.testing.assert_allclose(np.linalg.norm(questions, axis=1), 1, atol=1e-6)
    closeness = (questions * rows).sum(axis=1)
    assert closeness[:10].min() > 0.9
    assert closeness[-10:].max() < 0.85
    assert (questions == questions_near(rows)).all()
