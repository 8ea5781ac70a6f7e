"""An M-BEIR that is drawn at random and laid out as badly as files can be and still be right, and an encoder that ties all the time."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.embedding import raw_vectors
from tests.folders import lay, picture
from uniir.documents import Document, Modality
from uniir.errors import ItemFailure
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace

_BOM = "\ufeff"
_SPELLINGS = {
    "text": ["text", "Text"],
    "image": ["image", " image"],
    "image,text": ["image,text", "text,image", "image, text", "Image,Text"],
}
_HEAD = "query_modality\tcand_modality\tdataset_name\tdataset_id\tprompt_1\tprompt_2\tprompt_3\tprompt_4"
_PICTURES = 6
_SPACE = VectorSpace("tying", "1", "none", "float32", 8)


@dataclass(frozen=True)
class Tying:
    """Eight numbers of -1, 0 and 1 from what is read: few distances, so that candidates tie all the time. Vectors are not normalised."""

    space: VectorSpace = _SPACE
    accepts: frozenset[Modality] = frozenset(Modality)

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        rows, positions, failures = [], [], []
        for number, one in enumerate(items):
            content = one.image.path.read_bytes() if one.image is not None else b""
            if one.image is not None and not content:
                failures.append(ItemFailure(number, "image-empty", "no bytes"))
                continue
            # Instructions are not read, so that vectors stay as they are whatever was drawn.
            digest = hashlib.sha256(content + (one.text or "").encode()).digest()
            rows.append([number % 3 - 1 for number in digest[:8]])
            positions.append(number)
        return Prepared(tuple(positions), tuple(failures), np.array(rows, np.float32).reshape(-1, 8))

    def raw(self, batch: Prepared) -> NDArray[np.float32]:
        return np.asarray(batch.inputs, np.float32) * 7

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        rows = raw_vectors(self, batch)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        return vectors


def hostile_mbeir(root: Path, seed: int) -> Path:
    """Sets with one task and with several in a file, shared pictures, positives of other sets and of no pool, byte-order marks, CRLF."""
    draw = random.Random(seed)
    cirr = _pool(draw, [f"8:{number}" for number in range(1, 40)], ("image",))
    oven = _pool(draw, [f"{draw.choice('56')}:{number}" for number in range(1, 60)], ("text", "image,text"))
    mixed = _pool(draw, [f"40:{number}" for number in range(1, 50)], ("text", "image", "image,text"))
    pools = {"cirr_task7": cirr, "INFOSEEK_task6": oven, "mini": mixed}
    questions: dict[str, list[dict[str, object]]] = {
        "cirr_task7": [_query(draw, f"8:{number}", 7, "image,text", cirr) for number in range(30)],
        "INFOSEEK_task6": [_query(draw, f"6:{number}", 6, "image,text", oven) for number in range(30)],
        "mini": [_query(draw, f"40:{number}", draw.choice((0, 1, 3)), "text", mixed) for number in range(45)],
    }
    qrels = {name: _qrels(draw, questions[name], pools[name], [*cirr, *oven]) for name in questions}
    union = {str(one["did"]): one for pool in pools.values() for one in pool}
    lay(
        root,
        {
            "query/test": {f"mbeir_{name}_test.jsonl": _BOM + _lines(draw, some) for name, some in questions.items()},
            "cand_pool/local": {f"mbeir_{name.lower()}_cand_pool.jsonl": _lines(draw, pool) for name, pool in pools.items()},
            "cand_pool/global": {"mbeir_union_test_cand_pool.jsonl": _BOM + _lines(draw, list(union.values()))},
            "qrels/test": {f"mbeir_{name}_test_qrels.txt": _BOM + lines for name, lines in qrels.items()},
            "instructions/query_instructions.tsv": _BOM + "\r\n".join([_HEAD, *_wordings()]) + "\r\n",
            "mbeir_images": {f"{number}.png": picture(number) for number in range(_PICTURES)},
        },
    )
    return root


def _pool(draw: random.Random, dids: Sequence[str], modalities: Sequence[str]) -> list[dict[str, object]]:
    return [_candidate(draw, did, draw.choice(modalities)) for did in dids]


def _candidate(draw: random.Random, did: str, modality: str) -> dict[str, object]:
    text, image = _parts(draw, modality)
    return {"did": did, "txt": text, "img_path": image, "modality": draw.choice(_SPELLINGS[modality]), "src_content": None}


def _query(draw: random.Random, qid: str, task: int, modality: str, pool: Sequence[dict[str, object]]) -> dict[str, object]:
    text, image = _parts(draw, modality)
    positives: list[object] = [one["did"] for one in draw.sample(pool, draw.randint(1, 4))]
    return {
        "qid": qid,
        "query_txt": text,
        "query_img_path": image,
        "query_modality": draw.choice(_SPELLINGS[modality]),
        "query_src_content": None,
        "pos_cand_list": [{"did": did} if draw.random() < 0.3 else did for did in positives],
        "neg_cand_list": draw.choice(([], None)),
        "task_id": task,
    }


def _parts(draw: random.Random, modality: str) -> tuple[str | None, str | None]:
    text = draw.choice(["a red bird", "it is green", 'say "what"', "über\r\nalles", f"number {draw.randint(0, 9)}"])
    image = f"mbeir_images/{draw.randrange(_PICTURES)}.png"  # few, so that queries find their own
    return (text if "text" in modality else draw.choice((None, ""))), (image if "image" in modality else None)


def _qrels(
    draw: random.Random, queries: Sequence[dict[str, object]], pool: Sequence[dict[str, object]], others: Sequence[dict[str, object]]
) -> str:
    lines = []
    for one in queries[:-3]:  # the last three were judged by nobody
        own = [entry["did"] if isinstance(entry, dict) else entry for entry in one["pos_cand_list"]]  # type: ignore[attr-defined]
        judged = [(did, 1) for did in own] + [(draw.choice(others)["did"], 1)] * (draw.random() < 0.3)
        judged += [(draw.choice(pool)["did"], draw.choice((0, -1)))] + [("99:7", 1)] * (draw.random() < 0.1)
        lines += [f"{one['qid']}{draw.choice((' ', chr(9)))}0 {did} {relevance} {one['task_id']}" for did, relevance in judged]
    lines += ["8:999 0 8:1 1 7", ""]  # a query that is not there
    draw.shuffle(lines)
    return "".join(line + draw.choice(("\n", "\r\n")) for line in lines)


def _wordings() -> list[str]:
    keys = [("8", "CIRR", "image,text", ("image",)), ("6", "INFOSEEK", "image,text", ("text", "image,text", "image"))]
    keys.append(("40", "MINI", "text", ("text", "image", "text,image")))
    return [f"{query}\t{target}\t{name}\t{number}\tFind it.\tLook.\t\t" for number, name, query, targets in keys for target in targets]


def _lines(draw: random.Random, objects: Sequence[object]) -> str:
    return "".join(json.dumps(one, ensure_ascii=draw.random() < 0.5) + draw.choice(("\n", "\r\n", "\n\n")) for one in objects)
