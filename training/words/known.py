"""Searching for a thing by its name: pictures under the names their makers gave them."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.mbeir.layout import global_pool
from training.starter.pairs import Parts, RetrievalTask

_MOST = 300  # of each set


def known_items(root: Path, union: RetrievalTask) -> tuple[list[RetrievalTask], list[str]]:
    """Tasks over the union of all pools, and the file name of each of its candidates, empty where the data knows none."""
    lines = map(json.loads, global_pool(root, "test").read_text("utf-8").splitlines())
    origins = {line["did"]: _name(line.get("src_content")) for line in lines}
    names = [origins[did] for did in sorted(origins)]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name and union.pool[place].text is None:
            places.setdefault(name, []).append(place)
    numbers = {name: name for name in places if name[0].isdigit()}
    titles = {name: name.removesuffix(".jpg").replace("_", " ") for name in places if name not in numbers}
    tasks = [
        RetrievalTask(
            kind,
            0,
            tuple(Parts(asked[name], None) for name in list(asked)[:_MOST]),
            union.pool,
            tuple(tuple(places[name]) for name in list(asked)[:_MOST]),
        )
        for kind, asked in (("file names", numbers), ("titles", titles))
    ]
    return tasks, names


def _name(content: str | None) -> str:
    """`Standing_Hip_Circles.jpg`, `2610447973_89227ff978.jpg`"""
    told = json.loads(content or "{}")
    if file := told.get("file"):
        return str(file)
    title = str(told.get("id") or "")
    return f"{title}.jpg" if title and not title.isdigit() else ""
