"""Documents are found by their words, in both databases alike, whatever the words are and whatever became of the files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from tests.folders import picture, rewrite
from tests.worlds import World
from uniir.documents import Document, Modality, Source
from uniir.filters import EVERYTHING, Filter
from uniir.ledger import SourceDraft, SourceKey, SourceKind
from uniir.lexical import LexicalMatch, words_of

_TREE = {
    "boats/red-boat.png": picture("red", kind="PNG"),
    "IMG_2034.jpg": picture(1),
    "RedCar7.jpg": picture(2),
    "harbour.md": "A blue boat lies in the harbour, beside a boat of wood.",
    "café.md": "Crème brûlée in a CAFÉ.",
    "tokyo.md": "東京都の天気",
    "list.jsonl": "\n".join(json.dumps({"did": str(one), "txt": words}) for one, words in enumerate(["a green tram", "a wooden boat"])),
}
_HOSTILE = (
    'boat" OR "1',
    "boat AND NOT harbour",
    "boat* OR name : boat",
    "NEAR(boat harbour, 2)",
    "^boat -harbour + {text}:boat",
    "'boat' | !harbour & <-> :*A",
    "\\'; DROP TABLE documents; --",
    "boat \N{SYMBOL FOR NULL} \N{REPLACEMENT CHARACTER} 🚤🏽 %_%",
    "boat " * 2000,
    "boat" + "x" * 10_000,
    "".join(map(chr, range(1, 0x180))),
)


@pytest.fixture
def world(catalog: str, tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, _TREE, catalog=catalog) as one:
        one.ingest()
        yield one


def found(world: World, query: str, where: Filter = EVERYTHING, limit: int = 10) -> list[str]:
    """Places of what has the query's words, best first."""
    places = {number: place.split("#", maxsplit=1)[0] for place, number in world.ids().items()}
    return [places[match.document] for match in world.library.lexical_matches(words_of(query), limit, where)]


def test_words_are_found_in_texts_and_in_the_names_of_files_whatever_their_case_and_accents(world: World) -> None:
    assert found(world, "BOAT") == ["list.jsonl", "harbour.md", "boats/red-boat.png"]  # a name says less than a text
    assert found(world, "creme brulee") == found(world, "Café") == ["café.md"]
    assert found(world, "red boat")[0] == "boats/red-boat.png"
    assert found(world, "IMG_2034.jpg")[0] == found(world, "2034")[0] == "IMG_2034.jpg"
    assert found(world, "car") == found(world, "redcar7") == ["RedCar7.jpg"]
    assert found(world, "天気") == found(world, "京") == ["tokyo.md"]
    assert found(world, "zeppelin") == found(world, "?!") == []


def test_a_match_tells_its_words_and_how_much_of_the_query_they_are(world: World) -> None:
    whole, *_, least = world.library.lexical_matches(words_of("a blue boat in the harbour"), 10, EVERYTHING)
    assert (whole.document, whole.words, whole.share) == (world.ids()["harbour.md"], ("a", "blue", "boat", "in", "the", "harbour"), 1)
    assert 0 < least.share < 0.5
    rare, common = (world.library.lexical_matches([word, "zeppelin"], 1, EVERYTHING)[0].share for word in ("tram", "boat"))
    assert common < rare < 0.5  # what stands nowhere is the rarest


@pytest.mark.parametrize("query", ["a blue boat in the harbour", "boat", "boat zeppelin", "the tram", "red boat 2034", "café"])
def test_a_least_share_leaves_out_what_holds_less_and_nothing_else(world: World, query: str) -> None:
    every = world.library.lexical_matches(words_of(query), 10, EVERYTHING)
    assert every
    for least in (0.2, 0.5, 0.9, 1.0):
        assert world.library.lexical_matches(words_of(query), 10, EVERYTHING, least) == [match for match in every if match.share >= least]


def test_a_match_does_not_boast_with_words_that_most_documents_have(catalog: str, tmp_path: Path) -> None:
    with World(tmp_path, {"1.md": "a violin", "2.md": "a cello", "3.md": "a drum"}, catalog=catalog) as world:
        world.ingest()
        first, *others = world.library.lexical_matches(["a", "violin"], 10, EVERYTHING)
        assert (first.words, first.share) == (("violin",), 1)
        assert {match.words for match in others} == {("a",)}


def test_the_lines_of_a_manifest_do_not_have_its_name(world: World) -> None:
    assert found(world, "list jsonl") == []
    assert found(world, "tram") == ["list.jsonl"]


@pytest.mark.parametrize("query", _HOSTILE)
def test_no_query_becomes_syntax(world: World, query: str) -> None:
    expected = {place for word in dict.fromkeys(words_of(query)) for place in found(world, word, limit=100)}
    assert set(found(world, query, limit=100)) == expected


def test_what_a_filter_bars_is_not_found_and_takes_nobodys_place(world: World) -> None:
    ids = world.ids()
    boats = found(world, "boat")
    first = Filter(without=frozenset({world.library.lexical_matches(["boat"], 1, EVERYTHING)[0].document}))
    assert found(world, "boat", first) == boats[1:]
    assert found(world, "boat", first, limit=1) == boats[1:2]
    assert found(world, "boat", Filter(modalities=frozenset({Modality.IMAGE}))) == ["boats/red-boat.png"]
    assert found(world, "boat", Filter(only=frozenset({ids["harbour.md"], ids["café.md"]}))) == ["harbour.md"]


def test_what_can_not_be_searched_is_not_found_by_its_words_either(world: World) -> None:
    world.ledger.mark_pending([world.ids()["harbour.md"]])
    assert set(found(world, "boat")) == {"list.jsonl", "boats/red-boat.png"}
    with World(world.place, collection="other", catalog=world.engines.writer.url.render_as_string(hide_password=False)) as other:
        assert other.library.lexical_matches(["boat"], 10, EVERYTHING) == []


def test_words_follow_files_that_change_move_and_go(world: World) -> None:
    rewrite(world.corpus / "harbour.md", b"An empty quay.")
    (world.corpus / "IMG_2034.jpg").rename(world.corpus / "sunset.jpg")
    (world.corpus / "café.md").unlink()
    world.ingest(prune=True)
    assert found(world, "blue harbour quay") == ["harbour.md"]
    assert set(found(world, "boat")) == {"list.jsonl", "boats/red-boat.png"}
    assert found(world, "sunset") == ["sunset.jpg"]
    assert found(world, "2034") == found(world, "brulee") == []
    assert world.words.lost() == []


def test_a_root_that_a_wider_one_takes_in_lends_its_name(catalog: str, tmp_path: Path) -> None:
    with World(tmp_path, {"Holiday/beach.jpg": picture(1)}, catalog=catalog) as world:
        world.ingest("Holiday")
        assert found(world, "holiday") == []
        world.ingest()
        assert found(world, "holiday") == ["Holiday/beach.jpg"]


def test_a_collection_that_is_removed_leaves_no_words(world: World) -> None:
    world.collections.remove(world.record)
    with world.engines.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM document_words")).scalar() == 0


def test_an_index_that_lost_rows_is_noticed_and_mended(world: World) -> None:
    whole = found(world, "boat tram harbour")
    with world.engines.writing() as connection:
        connection.execute(text("DELETE FROM document_words"))
    assert [(finding.check, finding.count) for finding in world.findings()] == [("words-missing", len(world.ids()))]
    for finding in world.findings():
        assert finding.mend is not None
        finding.mend()
    assert world.checks() == []
    assert found(world, "boat tram harbour") == whole


def test_an_index_of_sqlite_that_lost_its_own_rows_is_noticed_and_mended(tmp_path: Path) -> None:
    with World(tmp_path, _TREE) as world:
        world.ingest()
        whole = found(world, "boat tram harbour")
        with world.engines.writing() as connection:
            connection.execute(text("INSERT INTO lexical(lexical) VALUES ('delete-all')"))
        assert world.checks() == ["words-missing"]
        world.words.restore(world.words.lost())
        assert world.checks() == []
        assert found(world, "boat tram harbour") == whole
        with world.engines.writing() as connection:
            connection.execute(text("INSERT INTO lexical(lexical, rank) VALUES ('integrity-check', 1)"))


_VOCABULARY = "boat ship harbour sea red blue wood sail 海 船 море crème the a of in and"


def _made_up(chance: random.Random) -> list[SourceDraft]:
    vocabulary = _VOCABULARY.split()

    def words(most: int) -> str:
        return " ".join(chance.choices(vocabulary, weights=range(1, len(vocabulary) + 1), k=chance.randint(1, most)))

    drafts = []
    for number in range(1, 200):
        key = SourceKey("/corpus", f"{words(2)}/{number}.md")
        document = Document(id=number, modality=Modality.TEXT, text=words(30), source=Source(key.root, key.path))
        drafts.append(SourceDraft(key, SourceKind.TEXT, "", document.fingerprint, (document,)))
    return drafts


@pytest.mark.parametrize("seed", range(3))
def test_both_databases_find_the_same_in_the_same_order(postgres: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    drafts = _made_up(chance)
    queries = [" ".join(chance.choices(_VOCABULARY.split(), k=chance.randint(1, 5))) for _ in range(50)]
    answers = [_answers(drafts, queries, tmp_path / name, catalog) for name, catalog in (("lite", None), ("server", postgres))]
    assert answers[0] == answers[1]
    assert sum(map(len, answers[0])) > 500


def _answers(drafts: Sequence[SourceDraft], queries: Sequence[str], place: Path, catalog: str | None) -> list[Sequence[LexicalMatch]]:
    with World(place, catalog=catalog) as world:
        world.ledger.record(drafts)
        world.ledger.mark_indexed({one: np.zeros(world.encoder.space.dimension, np.float16) for one in range(1, len(drafts) + 1)})
        return [world.library.lexical_matches(words_of(query), 20, EVERYTHING) for query in queries]
