"""Picture components, and what is learnt once everything is chosen."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from encoders.starter.heads import picture_features
from tests.folders import lay
from training.starter.heads_file import levelled_components, principal_components
from training.starter.pairs import everything


def test_levelled_components_point_as_principal_ones_do_but_weak_ones_count_for_more() -> None:
    rows = (np.random.default_rng(0).normal(size=(500, 6)) * [8, 4, 2, 1, 1, 1]).astype(np.float32)
    plain, levelled = principal_components(rows, 3), levelled_components(rows, 3)
    lengths = np.linalg.norm(levelled, axis=0)
    np.testing.assert_allclose(levelled / lengths, plain, atol=1e-5)
    assert lengths[0] < lengths[1] < lengths[2]


def test_picture_features_have_unit_length_however_loud_a_tower_is() -> None:
    features = np.random.default_rng(0).random((3, 3232)).astype(np.float32)
    louder = features.copy()
    louder[:, :1280] *= 100
    np.testing.assert_allclose(np.linalg.norm(picture_features(features), axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(picture_features(louder), picture_features(features), atol=1e-5)


def test_nothing_is_held_out_in_the_end(tmp_path: Path) -> None:
    def lines(*rows: dict[str, object]) -> bytes:
        return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())

    files: dict[str, bytes] = {}
    for number, name in enumerate(("mbeir_union_train", "mbeir_flickr8k_more_train", "mbeir_flickr8k_val")):
        query = {"qid": f"30:{number}", "query_txt": None, "query_img_path": f"{number}.webp", "query_modality": "image"}
        query |= {"query_src_content": None, "pos_cand_list": [f"30:{number}"], "neg_cand_list": [], "task_id": 3}
        candidate = {"did": f"30:{number}", "txt": f"caption {number}", "img_path": None, "modality": "text", "src_content": None}
        files[f"train/query/union_train/{name}.jsonl.gz"] = lines(query)
        files[f"train/cand_pool/global/{name}_cand_pool.jsonl.gz"] = lines(candidate)
    pairs = [{"query": f"q{number}", "positive": f"p{number}"} for number in range(50)]
    lay(tmp_path, files | {"train_text/some.jsonl.gz": lines(*pairs)})
    tasks, texts = everything(tmp_path)
    assert [len(task.queries) for task in tasks] == [3]
    assert [len(task.queries) for task in texts] == [50]
