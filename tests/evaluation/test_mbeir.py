"""The reader of M-BEIR's layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from evaluation.mbeir.layout import evaluation_sets, global_pool, global_pools, query_files
from evaluation.mbeir.reading import (
    InstructionKey,
    read_candidates,
    read_instructions,
    read_qrels,
    read_queries,
)
from tests.folders import lay
from uniir.documents import Modality
from uniir.errors import UsageError

QUERY = {
    "qid": "9:1",
    "query_txt": "a dog",
    "query_img_path": None,
    "query_modality": "text",
    "query_src_content": None,
    "pos_cand_list": ["9:2"],
    "neg_cand_list": [],
    "task_id": 0,
}
CANDIDATE = {"did": "9:2", "txt": None, "img_path": "mbeir_images/dog.jpg", "modality": "image", "src_content": None}


def lines(*objects: object) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


def test_a_query_is_read_as_it_stands(tmp_path: Path) -> None:
    lay(tmp_path, {"q.jsonl": lines(QUERY)})
    (query,) = read_queries(tmp_path / "q.jsonl")
    assert (query.qid, query.text, query.image, query.modality) == ("9:1", "a dog", None, Modality.TEXT)
    assert (query.positives, query.negatives, query.task) == (("9:2",), (), 0)


def test_gzipped_files_are_read_alike(tmp_path: Path) -> None:
    lay(tmp_path, {"c.jsonl.gz": gzip.compress(lines(CANDIDATE).encode())})
    (candidate,) = read_candidates(tmp_path / "c.jsonl.gz")
    assert (candidate.did, candidate.image, candidate.modality) == ("9:2", "mbeir_images/dog.jpg", Modality.IMAGE)


def test_the_cards_spelling_of_modality_and_positives_is_understood(tmp_path: Path) -> None:
    spelled = {**QUERY, "query_modality": "text,image", "pos_cand_list": [{"did": "9:2"}, "9:3"]}
    lay(tmp_path, {"q.jsonl": lines(spelled)})
    (query,) = read_queries(tmp_path / "q.jsonl")
    assert query.modality is Modality.IMAGE_TEXT
    assert query.positives == ("9:2", "9:3")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        lines({**QUERY, "qid": 3}),
        lines({**QUERY, "query_modality": "sound"}),
        lines({**QUERY, "query_txt": 5}),
        '{"qid": "9:1"}',
        lines({**QUERY, "pos_cand_list": "9:2"}),
        lines({**QUERY, "pos_cand_list": [None]}),
        lines({**QUERY, "task_id": 7.5}),
        lines({**QUERY, "task_id": True}),
        lines({**QUERY, "query_modality": None}),
        json.dumps(QUERY).replace('"task_id": 0', f'"task_id": {"9" * 5000}'),
    ],
    ids=lambda line: line[-60:].strip(),
)
def test_a_line_that_is_no_query_is_named(tmp_path: Path, line: str) -> None:
    lay(tmp_path, {"q.jsonl": lines(QUERY) + line})
    with pytest.raises(UsageError, match=r"q\.jsonl, line 2"):
        list(read_queries(tmp_path / "q.jsonl"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.jsonl"):
        list(read_queries(tmp_path / "gone.jsonl"))


def test_only_judgments_above_zero_count(tmp_path: Path) -> None:
    lay(tmp_path, {"qrels.txt": "9:1 0 9:2 1 0\n9:1 0 9:3 0 0\n\n9:4 0 9:5 2\n"})
    assert read_qrels(tmp_path / "qrels.txt") == {"9:1": {"9:2"}, "9:4": {"9:5"}}


def test_a_judgment_that_is_none_is_named(tmp_path: Path) -> None:
    lay(tmp_path, {"qrels.txt": "9:1 0 9:2 1 0\n9:1 9:2\n"})
    with pytest.raises(UsageError, match="line 2"):
        read_qrels(tmp_path / "qrels.txt")


def test_empty_wordings_of_an_instruction_are_skipped(tmp_path: Path) -> None:
    head = "query_modality\tcand_modality\tdataset_name\tdataset_id\tprompt_1\tprompt_2\tprompt_3\tprompt_4\n"
    lay(tmp_path, {"i.tsv": head + 'text\timage,text\tEDIS\t3\tFind "it".\t\tLook.\n'})
    assert read_instructions(tmp_path / "i.tsv") == {InstructionKey("3", Modality.TEXT, Modality.IMAGE_TEXT): ('Find "it".', "Look.")}


@pytest.mark.parametrize("row", ["text\timage", "sound\timage\tEDIS\t3\tFind it.", "text\timage\tEDIS\t \tFind it."])
def test_a_row_that_is_no_instruction_is_named(tmp_path: Path, row: str) -> None:
    lay(tmp_path, {"i.tsv": f"query_modality\tcand_modality\tdataset_name\tdataset_id\tprompt_1\n{row}\n"})
    with pytest.raises(UsageError, match=r"i\.tsv, line 2: .*(dataset_id is missing|is not a valid modality)"):
        read_instructions(tmp_path / "i.tsv")


def test_sets_are_found_with_pools_of_their_split_before_pools_of_all_splits(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "query/test": {"mbeir_mscoco_task3_test.jsonl": "", "mbeir_edis_task2_test.jsonl": "", "notes.txt": ""},
            "cand_pool/local": {
                "mbeir_mscoco_task3_test_cand_pool.jsonl": "",
                "mbeir_mscoco_task3_cand_pool.jsonl": "",
                "mbeir_edis_task2_cand_pool.jsonl.gz": b"",
            },
            "cand_pool/global": {"mbeir_union_test_cand_pool.jsonl": ""},
            "qrels/test": {"mbeir_mscoco_task3_test_qrels.txt": "", "mbeir_edis_task2_test_qrels.txt": ""},
        },
    )
    found = evaluation_sets(tmp_path, "test")
    assert [(one.name, one.task) for one in found] == [("edis", 2), ("mscoco", 3)]
    assert [one.local_pool.name for one in found] == ["mbeir_edis_task2_cand_pool.jsonl.gz", "mbeir_mscoco_task3_test_cand_pool.jsonl"]
    assert global_pool(tmp_path, "test").exists()


def test_a_folder_without_queries_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no queries"):
        evaluation_sets(tmp_path, "test")


def test_a_file_of_several_tasks_is_a_set_whose_task_its_name_does_not_tell(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "query/test/mbeir_mini_test.jsonl": "",
            "cand_pool/local/mbeir_mini_cand_pool.jsonl": "",
            "qrels/test/mbeir_mini_test_qrels.txt": "",
        },
    )
    (one,) = query_files(tmp_path, "test")
    assert (one.name, one.task) == ("mini", None)
    assert evaluation_sets(tmp_path, "test") == []
    assert [file.name for file in global_pools(tmp_path, "test")] == ["mbeir_mini_cand_pool.jsonl"]


def test_the_older_layout_is_found_too(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "test/mbeir_cirr_task7_test.jsonl": "",
            "cand_pool/mbeir_cirr_task7_cand_pool.jsonl": "",
            "cand_pool/union_pool/mbeir_union_test_cand_pool.jsonl": "",
            "qrels/mbeir_cirr_task7_test_qrels.txt": "",
        },
    )
    (one,) = query_files(tmp_path, "test")
    assert (one.name, one.task, one.local_pools[0].parent.name, one.qrels.parent.name) == ("cirr", 7, "cand_pool", "qrels")
    assert global_pool(tmp_path, "test").parent.name == "union_pool"


def test_the_train_splits_files_of_several_tasks_have_the_pools_of_these(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "query/train/mbeir_mscoco_train.jsonl": "",
            "cand_pool/local": {
                "mbeir_mscoco_task0_test_cand_pool.jsonl": "",
                "mbeir_mscoco_task0_train_cand_pool.jsonl": "",
                "mbeir_MSCOCO_task3_cand_pool.jsonl": "",
                "mbeir_edis_task2_cand_pool.jsonl": "",
            },
            "qrels/train/mbeir_mscoco_train_qrels.txt": "",
        },
    )
    (one,) = query_files(tmp_path, "train")
    assert [file.name for file in one.local_pools] == ["mbeir_MSCOCO_task3_cand_pool.jsonl", "mbeir_mscoco_task0_train_cand_pool.jsonl"]
