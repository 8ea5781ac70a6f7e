"""M-BEIR mini, encoded by a golden checkpoint and ranked as the authors' own scores rank it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.evaluate import Plan, evaluate
from evaluation.mbeir.reading import read_candidates, read_qrels
from evaluation.results import SetResult
from tests.encoders.uniir_family.golden import IMAGES, MINI, converted, expected, loaded

pytest.importorskip("torch")


@pytest.mark.parametrize("model", ["clip_sf", "blip_ff"])
@pytest.mark.slow
def test_rankings_and_hit_rates_follow_from_the_authors_scores(tmp_path: Path, model: str) -> None:
    sets: list[SetResult] = []
    encoder = loaded(converted(model, tmp_path))
    report = evaluate(Plan(MINI), encoder, IMAGES, tmp_path / "work", sets.append, lambda name, done, whole: None)
    scores = expected(model)["scores"]
    dids = [one.did for one in read_candidates(MINI / "cand_pool" / "local" / "mbeir_mini_cand_pool.jsonl")]
    qrels = read_qrels(MINI / "qrels" / "test" / "mbeir_mini_test_qrels.txt")
    assert [row.task for row in report.rows] == [0, 1, 2, 3, 4, 6, 7, 8]
    for result, line in zip(sets, scores, strict=True):
        order = np.argsort(-line)
        assert list(result.ranked[0]) == [dids[place] for place in order]
        assert np.allclose(result.scores[0][:9], line[order], atol=1e-3)
        (qid,) = result.qids
        for k in (1, 5, 10):
            assert result.row.measures[f"hit@{k}"].value == any(dids[place] in qrels[qid] for place in order[:k])
    assert report.average.published is None  # of the papers' sixteen sets none is here
