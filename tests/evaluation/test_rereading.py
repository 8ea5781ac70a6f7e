"""Run files of anybody's are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.evaluating import reading_with
from evaluation.asking import Instructing
from evaluation.reading_again import SecondReading
from evaluation.rereading import Reread, as_markdown, read_run, reread, run_lines
from models.devices import Device
from rerank.catalogue import load_model_reranker
from tests.evaluation.small import candidate, lines, query, small_mbeir
from tests.evaluation.test_reading_again import ByLength
from tests.folders import lay, picture
from tests.rerank.mllm.small_chats import write_llava_next_chat
from uniir.documents import Document, ImageReference, Modality, Source
from uniir.errors import UsageError
from uniir.images import FileImages
from uniir.queries import Query, Reranking
from uniir.settings import Settings

# As the authors write them: seven columns; equal scores stand by their rank, and lines in any order.
RUN = """\
5:1 Q0 5:5 2 0.5 run 6
5:1 Q0 5:2 1 0.9 run 6
5:1 Q0 6:3 4 0.4 run 6

5:1 Q0 6:4 3 0.5 run 6
8:1 Q0 8:0 1 1.0 run 7
8:1 Q0 8:1 2 0.5 run 7
"""


def again(root: Path, run: str, qrels: Path | None = None, top: int = 50) -> Reread:
    lay(root, {"run.txt": run})
    reading = SecondReading(ByLength(), lambda query, target: True, Reranking.ON, None, top)
    return reread(read_run(root / "run.txt"), root, "test", qrels, reading, Instructing.FIRST, lambda name, done, whole: None)


def test_a_run_is_read_by_score_and_then_by_rank(tmp_path: Path) -> None:
    lay(tmp_path, {"run.txt": RUN})
    run = read_run(tmp_path / "run.txt")
    assert run["5:1"].dids == ("5:2", "5:5", "6:4", "6:3")
    assert run["5:1"].scores == (0.9, 0.5, 0.5, 0.4)


def test_hits_that_are_read_again_are_scored_before_and_after(tmp_path: Path) -> None:
    found = again(small_mbeir(tmp_path), RUN)
    assert found.rankings == {"5:1": ["5:2", "6:3", "5:5", "6:4"], "8:1": ["8:0", "8:1"]}  # by length; pictures are not read
    rows = {row.dataset: row for row in found.rows}
    assert (rows["oven"].before["mrr@10"].value, rows["oven"].after["mrr@10"].value) == (0.25, 0.5)
    assert rows["oven"].after["map@5"].value == 0.5
    assert rows["cirr"].before == rows["cirr"].after
    assert "| 6 image,text -> text | oven | 1 | hit@5 |" in as_markdown(found)
    lay(tmp_path, {"new.txt": "".join(run_lines(found, "new"))})
    assert read_run(tmp_path / "new.txt")["5:1"].dids == ("5:2", "6:3", "5:5", "6:4")


def test_only_the_first_hits_are_read(tmp_path: Path) -> None:
    assert again(small_mbeir(tmp_path), RUN, top=3).rankings["5:1"] == ["5:2", "5:5", "6:4", "6:3"]


def test_other_judgments_can_be_named_and_what_nobody_judged_is_counted(tmp_path: Path) -> None:
    lay(tmp_path, {"own.txt": "5:1 0 5:5 1\n"})
    found = again(small_mbeir(tmp_path), RUN, tmp_path / "own.txt")
    assert [(row.dataset, row.after["mrr@10"].value) for row in found.rows] == [("oven", 1 / 3)]
    assert found.unjudged == 1


CIRCO_RUN = "10:1 Q0 10:2 1 0.9 run\n10:1 Q0 10:1 2 0.8 run\n10:1 Q0 10:3 3 0.7 run\n10:1 Q0 10:4 4 0.6 run\n"


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["true-false", "yes-no", "chat"])
def test_a_model_that_sees_pictures_reads_a_run_again_and_circo_is_told_as_its_server_does(tmp_path: Path, asked: str) -> None:
    colours = ("red", "green", "blue", "yellow")
    lay(
        tmp_path / "data",
        {
            "query/test/mbeir_circo_task7_test.jsonl": lines([query("10:1", 7, ["10:1", "10:3"], "in another colour", "white")]),
            "cand_pool/local/mbeir_circo_task7_cand_pool.jsonl": lines(
                [candidate(f"10:{number}", image=colour) for number, colour in enumerate(colours, start=1)]
            ),
            "qrels/test/mbeir_circo_task7_test_qrels.txt": "10:1 0 10:1 1 7\n10:1 0 10:3 1 7\n",
            **{f"mbeir_images/{colour}.png": picture(colour) for colour in (*colours, "white")},
            "run.trec": CIRCO_RUN,
        },
    )
    write_llava_next_chat(tmp_path / "models" / "llava")
    device = Device("cpu", "float32", 1)
    reading = reading_with(f"{asked}:llava", device, Settings(models_dir=tmp_path / "models"), FileImages(), 3)
    found = reread(
        read_run(tmp_path / "data" / "run.trec"), tmp_path / "data", "test", None, reading, Instructing.OFF, lambda name, done, whole: None
    )
    (order,) = found.rankings.values()
    assert sorted(order[:3]) == ["10:1", "10:2", "10:3"]
    assert order[3] == "10:4"
    reranker = load_model_reranker(f"{asked}:llava", device, tmp_path / "models", FileImages())
    shown = Query(text="in another colour", image=ImageReference(tmp_path / "data/mbeir_images/white.png"))
    there = {f"10:{number}": document(tmp_path / f"data/mbeir_images/{colour}.png") for number, colour in enumerate(colours[:3], start=1)}
    values = dict(zip(there, reranker.score(shown, list(there.values())), strict=True))
    assert order[:3] == sorted(there, key=lambda did: -values[did])
    (row,) = found.rows
    assert row.headline == "map@5 of 5"
    places = [order.index("10:1") + 1, order.index("10:3") + 1]
    precisions = [number / place for number, place in enumerate(sorted(places), start=1)]
    assert row.after["map@5 of 5"].value == pytest.approx(sum(precisions) / 2)


def document(file: Path) -> Document:
    return Document(id=1, modality=Modality.IMAGE, image=ImageReference(file), source=Source("/", "somewhere"))


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("5:1 Q0 5:2 1\n", "line 1: no line of a run"),
        ("5:1 Q0 5:2 first 0.5 run\n", "line 1: no line of a run"),
        ("\n", "no line in"),
        ("5:77 Q0 5:2 1 0.5 run\n", "query 5:77 of the run is in no file"),
        ("5:1 Q0 5:77 1 0.5 run\n", "candidate 5:77 of the run is in no pool"),
    ],
)
def test_what_does_not_fit_the_data_is_named(tmp_path: Path, run: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        again(small_mbeir(tmp_path), run)
