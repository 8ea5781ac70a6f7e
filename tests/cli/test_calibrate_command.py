"""uniir judge calibrate"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.folders import lay

WORDS = ("apple", "boat", "cloud", "dragon", "engine", "forest", "garden", "harbour", "island", "jungle", "kettle", "lantern")
TREE = {f"{word}.md": f"The {word} is described here, as every {word} deserves, with all that belongs to it." for word in WORDS}


@pytest.mark.slow
def test_values_are_laid_beside_chance_then_fitted_to_judgments(uniir: Cli, tmp_path: Path) -> None:
    uniir("ingest", lay(tmp_path / "corpus", TREE))
    first = uniir("judge", "calibrate", "--pairs", 100, "--json")
    assert first.code == 0, first.err
    assert (first.json["method"], first.json["pairs"]) == ("random", 100)
    assert first.json["cuts_after"] != first.json["cuts_before"]
    assert "beat chance" in uniir("judge", "calibrate", "--pairs", 100).out
    query = ("search", "the boat", "--target", "text", "--rerank", "--json")
    before = uniir(*query).json["hits"]
    hits = {Path(hit["path"]).stem: hit["id"] for hit in uniir("search", "it", "-k", 50, "--json").json["hits"]}
    for place, word in enumerate(WORDS):
        uniir("judge", "add", f"the {word}", "--target", "text", "--document", hits[word])
        uniir("judge", "add", f"the {word}", "--target", "text", "--grade", 0, "--document", hits[WORDS[place - 1]])
    found = uniir("judge", "calibrate", "--json").json
    assert (found["method"], found["pairs"], found["right"], found["queries"]) == ("platt", 24, 12, 12)
    assert found["quality_after"]["brier"] < 0.25
    after = uniir(*query).json["hits"]
    assert [hit["id"] for hit in after] == [hit["id"] for hit in before]
    assert [hit["relevance"] for hit in after] != [hit["relevance"] for hit in before]
    assert "Platt" in uniir("judge", "calibrate").out
    assert "taken as they are" in uniir("judge", "calibrate", "--forget").out
    assert uniir("judge", "calibrate", "--pairs", 5).code == 2
