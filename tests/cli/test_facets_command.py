"""Counts of what a filter can name are those that the filter finds."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import Cli
from tests.folders import lay, picture

TREE = {
    "shoes/1.png": picture("red", kind="PNG"),
    "shoes/1.json": json.dumps({"caption": "one", "year": 2020, "tags": ["a", "b", "a"], "sold": True}),
    "shoes/2.png": picture("blue", kind="PNG"),
    "shoes/2.json": json.dumps({"caption": "two", "year": 1, "tags": ["a"], 'it\'s "x"': "or", "long": "x" * 300}),
    "cat.md": "a cat",
}


def test_each_count_is_what_its_filter_finds(uniir: Cli, tmp_path: Path) -> None:
    uniir("ingest", lay(tmp_path / "corpus", TREE))
    answer = uniir("facets", "--json").json
    assert answer["documents"] == 3
    assert [(one["value"], one["count"]) for one in answer["modalities"]] == [("image,text", 2), ("text", 1)]
    assert [(one["value"], one["count"]) for one in answer["folders"]] == [("shoes/", 2)]
    keys = {one["key"]: [(value["value"], value["count"]) for value in one["values"]] for one in answer["keys"]}
    assert keys == {"tags": [("a", 2), ("b", 1)], "year": [(1, 1), (2020, 1)], "sold": [(True, 1)], 'it\'s "x"': [("or", 1)]}
    listed = [*answer["modalities"], *answer["folders"], *(value for key in answer["keys"] for value in key["values"])]
    for one in listed[:1] + listed[-2:]:
        assert uniir("facets", "--where", one["where"], "--json").json["documents"] == one["count"]
    shown = uniir("facets", "--where", "tags=b")
    assert "1 document\n" in shown.out
    assert 'path:"shoes/*"' in shown.out
    assert uniir("facets", "--where", "(").code == 2
