"""Validation and training never share an item."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from evaluation.mbeir.reading import MbeirCandidate, MbeirQuery
from tests.folders import lay
from training.starter.pairs import Groups, build_task, text_split
from uniir.documents import Modality


def test_joined_items_are_one_group_in_whatever_order_they_were_joined() -> None:
    groups = Groups()
    for one, other in (("a", "b"), ("c", "d"), ("d", "a")):
        groups.join(one, other)
    assert len({groups.of(item) for item in "abcd"}) == 1
    assert groups.of("e") == "e"


def test_text_pairs_that_share_a_text_stay_on_one_side_and_barred_texts_are_not_learnt(tmp_path: Path) -> None:
    pairs = [{"query": f"q{number // 2}", "positive": f"p{number}"} for number in range(400)]
    data = "".join(json.dumps(pair) + "\n" for pair in pairs)
    lay(tmp_path, {"train_text/some.jsonl.gz": gzip.compress(data.encode())})
    split = text_split(tmp_path, barred={"p0"})
    learnt, held_out = set(split.training[0].texts), {one.text for one in split.validation[0].queries}
    assert held_out
    assert not learnt & held_out
    assert "p0" not in learnt


def test_queries_without_a_positive_in_the_pool_are_left_out() -> None:
    pool = [MbeirCandidate("1:1", "a", None, Modality.TEXT)]
    queries = [MbeirQuery(f"1:{n}", "q", None, Modality.TEXT, (f"1:{n}",), (), 1) for n in (1, 2)]
    task = build_task("set", 1, queries, pool)
    assert len(task.queries) == 1
    assert task.positives == ((0,),)
