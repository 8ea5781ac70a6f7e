"""Peak memory of an ingest at 5,000 and at 20,000 documents, less what the raw store needs for the same rows.

The corpus holds one picture for nine texts; the arithmetic encoder is widened to the starter encoder's dimension, so that what is measured
is the pipeline and not a model. The raw store is Milvus Lite alone: the same number of rows of the same width, upserted in batches of the
same size, flushed, indexed and loaded as an ingest does at its end. Each measurement is a process of its own; memory is its highest
resident set.
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from bench.inputs import mixed
from bench.report import PLACE, Number, in_child, options, progress, report
from encoders.starter.encoder import StarterEncoder
from models.devices import Device

AT_MOST = 1.10
_BATCHES = ("text", 64), ("text", 64), ("image", 16)  # what the pipeline hands to the store at once, in the corpus' proportions


def main() -> None:
    given = options(__doc__)
    few, many = (500, 2000) if given.quick else (5_000, 20_000)
    repeats = 1 if given.quick else 3
    dimension = StarterEncoder.load(Device()).space.dimension
    peaks: dict[tuple[str, int], list[float]] = {}
    for turn in range(repeats):
        for count in (few, many):
            for what, argument in (("ingest", str(mixed(count))), ("store", str(count))):
                peak = in_child("bench.memory", "--child", what, argument, str(dimension))
                peaks.setdefault((what, count), []).append(peak)
                progress(f"round {turn + 1}: {what} of {count}: {peak:.0f} MiB")
    lowest = {key: min(values) for key, values in peaks.items()}
    small, large = (lowest["ingest", count] - lowest["store", count] for count in (few, many))
    ratio = large / small
    figures: dict[str, object] = {f"{what} of {count:,}, MiB": [round(one) for one in values] for (what, count), values in peaks.items()}
    figures |= {
        "dimension": dimension,
        f"ingest less store at {few:,}, MiB": round(small),
        f"ingest less store at {many:,}, MiB": round(large),
    }
    name = f"memory beside the store at {many:,} documents / at {few:,}"
    report("memory", given, [Number(name, ratio, f"<= {AT_MOST}", ratio <= AT_MOST, figures)])


def ingest_all(folder: Path, dimension: int) -> None:
    """What `uniir ingest` does, with the wide arithmetic encoder."""
    from app.wiring.installation import Installation
    from app.wiring.owned import OwnedInstallation
    from encoders.arithmetic import COLOURS, ArithmeticEncoder
    from ingest.changes import Request
    from ingest.scopes import resolve_scopes
    from storage.ownership import Ownership
    from uniir.protocols import Encoder
    from uniir.settings import load_settings

    wide = ArithmeticEncoder(words=dimension - COLOURS - 3)

    class Wide(Installation):
        def encoder(self, name: str, dtype: str | None = None) -> Encoder:
            return wide

    with tempfile.TemporaryDirectory(dir=PLACE) as scratch, Ownership(Path(scratch), "bench", wait_seconds=0):
        everything = OwnedInstallation(Wide(load_settings(data_dir=Path(scratch), encoder="arithmetic", vector_store="milvus")))
        collection = everything.installation.collection_for_ingest("default")
        request = Request(resolve_scopes([folder], everything.installation.ledger(collection)))
        counts = everything.ingest(collection, request, lambda event: None, threading.Event()).run()
        assert not counts.failed, counts.failed
        everything.close()


def store_alone(count: int, dimension: int) -> None:
    """Milvus Lite through pymilvus, told the same as by our adapter."""
    from milvus_lite.server_manager import server_manager_instance
    from pymilvus import DataType, MilvusClient

    from storage.milvus.choosing import AUTO, plan_index
    from storage.milvus.engines import engine_of
    from storage.milvus.indexes import Shape
    from uniir.ids import new_id

    chosen = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=PLACE) as scratch:
        path = f"{scratch}/milvus.db"
        client = MilvusClient(path)
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        schema.add_field("modality", DataType.VARCHAR, max_length=16)
        client.create_collection("rows", schema=schema)
        left = count
        for modality, size in itertools.cycle(_BATCHES):
            vectors = chosen.standard_normal((min(size, left), dimension), dtype=np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            client.upsert("rows", [{"id": new_id(), "vector": vector, "modality": modality} for vector in vectors])
            left -= len(vectors)
            if not left:
                break
        client.release_collection("rows")
        client.flush("rows")
        engine = engine_of(client.get_server_version())
        plan = plan_index(engine, AUTO, Shape(count, dimension))
        parameters = client.prepare_index_params()
        parameters.add_index("vector", index_type=plan.type, metric_type="IP", params=engine.build_parameters(plan.build))
        client.create_index("rows", parameters)
        client.load_collection("rows")
        client.close()
        server_manager_instance.release_server(path)


def _peak() -> float:
    """The highest resident set of this process so far, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        if sys.argv[2] == "ingest":
            ingest_all(Path(sys.argv[3]), int(sys.argv[4]))
        else:
            store_alone(int(sys.argv[3]), int(sys.argv[4]))
        print(json.dumps(_peak()))
    else:
        main()
