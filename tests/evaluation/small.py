"""A small M-BEIR: two sets, a query's own picture in the pool, several positives, positives of another data set, equal candidates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.folders import lay, picture

_HEAD = "query_modality\tcand_modality\tdataset_name\tdataset_id\tprompt_1\tprompt_2\tprompt_3\tprompt_4\n"
COLOURS = ("red", "green", "blue", "yellow", "white", "orange")


def query(qid: str, task: int, positives: Sequence[str], text: str | None = None, image: str | None = None) -> dict[str, object]:
    return {
        "qid": qid,
        "query_txt": text,
        "query_img_path": image and f"mbeir_images/{image}.png",
        "query_modality": ",".join(name for name, part in (("image", image), ("text", text)) if part),
        "query_src_content": None,
        "pos_cand_list": list(positives),
        "neg_cand_list": [],
        "task_id": task,
    }


def candidate(did: str, text: str | None = None, image: str | None = None) -> dict[str, object]:
    modality = ",".join(name for name, part in (("image", image), ("text", text)) if part)
    return {"did": did, "txt": text, "img_path": image and f"mbeir_images/{image}.png", "modality": modality, "src_content": None}


_CIRR_QRELS = "8:1 0 8:1 1 7\n8:1 0 8:2 1 7\n8:1 0 8:0 0 7\n8:2 0 8:1 1 7\n8:3 0 8:0 1 7\n8:9 0 8:0 1 7\n"
CIRR_POOL = [candidate(f"8:{number}", image=colour) for number, colour in enumerate(COLOURS)]
OVEN_POOL = [
    candidate("5:1", "the red tower of the old town"),
    candidate("5:2", "a green meadow in the hills"),
    candidate("6:3", "a green meadow in the hills"),
    candidate("6:4", "blue water"),
    candidate("5:5", "blue water"),
    candidate("6:6", "yellow flowers"),
]
CIRR = [
    query("8:1", 7, ["8:1", "8:2"], "not like this", "red"),  # its own picture is candidate 8:0
    query("8:2", 7, ["8:1"], "the same", "green"),
    query("8:3", 7, ["8:0"], "in another colour", "blue"),
    query("8:4", 7, ["8:4"], "nobody judged this", "white"),
]
OVEN = [
    query("5:1", 6, ["6:3"], "what meadow is green?", "green"),
    query("5:2", 6, ["5:1"], "which tower is it?", "red"),
    query("5:3", 6, ["6:4"], "blue water", "blue"),
]


def small_mbeir(root: Path) -> Path:
    """The data as files; query 8:4 has no judgment, and 8:9 is judged but not asked."""
    wordings = "image,text\timage\tCIRR\t8\tFind the like.\tFind another.\t\t\nimage,text\ttext\tOVEN\t5\tTell of it.\t\t\t\n"
    return lay(
        root,
        {
            "query/test": {"mbeir_cirr_task7_test.jsonl": lines(CIRR), "mbeir_oven_task6_test.jsonl": lines(OVEN)},
            "cand_pool/local": {"mbeir_cirr_task7_cand_pool.jsonl": lines(CIRR_POOL), "mbeir_oven_task6_cand_pool.jsonl": lines(OVEN_POOL)},
            "cand_pool/global": {"mbeir_union_test_cand_pool.jsonl": lines([*CIRR_POOL, *OVEN_POOL])},
            "qrels/test": {
                "mbeir_cirr_task7_test_qrels.txt": _CIRR_QRELS,
                "mbeir_oven_task6_test_qrels.txt": "5:1 0 6:3 1 6\n5:2 0 5:1 1 6\n5:3 0 6:4 1 6\n",
            },
            "instructions/query_instructions.tsv": _HEAD + wordings,
            "mbeir_images": {f"{colour}.png": picture(colour) for colour in COLOURS},
        },
    )


def lines(objects: Iterable[object]) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)
