"""Vectors and probabilities of real weights beside what the authors' code gives."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.catalogue import load_encoder
from models.devices import Device
from rerank.catalogue import load_model_reranker
from uniir.documents import Document, ImageReference, Modality, Source
from uniir.images import FileImages
from uniir.instructions import Instruction
from uniir.queries import Query

GOLDEN = Path(__file__).parent / "golden"
WEIGHTS = Path(os.environ["UNIIR_PARITY_WEIGHTS"]).absolute()
FILES = sorted(GOLDEN.glob("*.json"))
IMAGES = FileImages()


def parts(told: dict[str, Any]) -> dict[str, Any]:
    image = told.get("image")
    return {"text": told.get("text"), "image": None if image is None else ImageReference(GOLDEN / image)}


def document(told: dict[str, Any]) -> Document:
    modality = Modality.of(text="text" in told, image="image" in told)
    return Document(id=1, modality=modality, source=Source(root="/", path="golden"), **parts(told))


def query(case: dict[str, Any]) -> Query:
    wording = case.get("instruction")
    modality = Modality.of(text="text" in case["query"], image="image" in case["query"])
    return Query(**parts(case["query"]), instruction=None if wording is None else Instruction("golden", modality, None, wording))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_model_gives_what_its_authors_code_gives(file: Path) -> None:
    golden = json.loads(file.read_text("utf-8"))
    place = WEIGHTS / golden["model"].rpartition(":")[2]
    if not place.is_dir():
        pytest.skip(f"{place} is not there")
    if golden["kind"] == "reranker":
        reranker = load_model_reranker(golden["model"], Device("auto", "auto"), WEIGHTS, IMAGES)
        for case in golden["cases"]:
            found = float(reranker.score(query(case), [document(case["candidate"])])[0])
            assert found == pytest.approx(case["expected"], rel=golden["relative_tolerance"])
        return
    encoder = load_encoder(golden["model"], Device("auto", "auto"), WEIGHTS)
    for case in golden["cases"]:
        item = document(case["document"]) if "document" in case else query(case)
        vector = encoder.encode(encoder.prepare([item], IMAGES))[0]
        expected = np.asarray(case["expected"], np.float32)
        np.testing.assert_allclose(vector[: expected.size], expected, atol=2e-3)
        if expected.size == vector.size:
            assert float(vector @ expected / np.linalg.norm(expected)) >= 0.999
