"""The golden files: checkpoints, inputs as our own types, and what the authors' code computes from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.uniir_family import convert
from encoders.uniir_family.encoder import UniirEncoder
from encoders.uniir_family.heads import HeadCounts
from evaluation.mbeir.reading import InstructionKey, dataset_of, read_candidates, read_instructions, read_queries
from models.devices import Device
from uniir.documents import Document, ImageReference, Source
from uniir.images import FileImages
from uniir.instructions import Instruction
from uniir.queries import Query

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "uniir"
MODELS = ("clip_sf", "clip_ff", "blip_sf", "blip_ff")
HEADS = {"clip_sf": HeadCounts(), "clip_ff": HeadCounts(), "blip_sf": HeadCounts(3, 4), "blip_ff": HeadCounts(3, 4)}
IMAGES = FileImages()
MINI = GOLDEN / "mbeir_mini"
SOURCE = Source("/", "somewhere")


@cache
def expected(model: str) -> Mapping[str, NDArray[np.generic]]:
    """The arrays of a model, by name."""
    with np.load(GOLDEN / f"{model}.npz") as file:
        return {name: file[name] for name in file.files}


def converted(model: str, place: Path) -> Path:
    """A directory with the golden checkpoint as `uniir models convert` writes it."""
    convert(GOLDEN / f"{model}.pth", place / model, HEADS[model])
    return place / model


def loaded(directory: Path, dtype: str = "float32") -> UniirEncoder:
    return UniirEncoder.load(directory, directory.name, Device(dtype=dtype, threads=1))


@cache
def queries(*, instructed: bool) -> Sequence[Query]:
    """Those of M-BEIR mini, each with the one instruction that fits it, or with none."""
    wordings = read_instructions(MINI / "instructions" / "query_instructions.tsv")
    modalities = {one.did: one.modality for one in read_candidates(MINI / "cand_pool" / "local" / "mbeir_mini_cand_pool.jsonl")}
    found = []
    for one in read_queries(MINI / "query" / "test" / "mbeir_mini_test.jsonl"):
        target = modalities[one.positives[0]]
        (wording,) = wordings[InstructionKey(dataset_of(one.qid), one.modality, target)]
        instruction = Instruction(one.qid, one.modality, target, wording) if instructed else None
        found.append(Query(text=one.text, image=_picture(one.image), instruction=instruction))
    return found


@cache
def candidates() -> Sequence[Document]:
    pool = read_candidates(MINI / "cand_pool" / "local" / "mbeir_mini_cand_pool.jsonl")
    return [
        Document(id=number, modality=one.modality, text=one.text, image=_picture(one.image), source=SOURCE)
        for number, one in enumerate(pool)
    ]


def inputs(kind: str) -> Sequence[Document | Query]:
    """The items behind the arrays whose names begin with `query`, `query_noinst` or `cand`."""
    return candidates() if kind == "cand" else queries(instructed=kind == "query")


def raw(encoder: UniirEncoder, items: Sequence[Document | Query]) -> NDArray[np.float32]:
    """Vectors before normalisation of items that must all be usable."""
    prepared = encoder.prepare(items, IMAGES)
    assert not prepared.failures
    return encoder.raw(prepared)


def unit(rows: NDArray[np.generic]) -> NDArray[np.generic]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _picture(path: str | None) -> ImageReference | None:
    return None if path is None else ImageReference(MINI / path)
