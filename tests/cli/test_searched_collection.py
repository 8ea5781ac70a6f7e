"""What an evaluation asks of a collection, as it goes to whoever owns the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from app.cli.evaluating import SearchedCollection
from app.local.opening import own
from tests.folders import lay
from uniir.documents import Modality
from uniir.instructions import Instruction
from uniir.queries import Query
from uniir.service import Service
from uniir.settings import Settings
from uniir.wire import IngestRequest, SearchManyAnswer, SearchManyRequest, SpacesAnswer

_WRITTEN = Instruction("9:1", Modality.TEXT, Modality.IMAGE, "Find a picture.", "MSCOCO")


@dataclass
class Listening:
    """A service that keeps what it was asked."""

    service: Service
    asked: list[SearchManyRequest] = field(default_factory=list)

    def spaces(self, collection: str | None = None) -> SpacesAnswer:
        return self.service.spaces(collection)

    def search_many(self, request: SearchManyRequest) -> SearchManyAnswer:
        self.asked.append(request)
        return self.service.search_many(request)


def test_queries_go_in_requests_that_are_not_too_large_and_come_back_in_their_order(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", encoder="arithmetic", vector_store="exact")
    corpus = lay(tmp_path / "corpus", {f"{number}.txt": f"word{number}" for number in range(5)})
    with own(settings, "a test") as service:
        list(service.follow(service.start_own_ingest(IngestRequest(paths=[str(corpus)], collection="default")).id))
        listening = Listening(service)
        collection = SearchedCollection(cast(Service, listening), "default")
        texts = [f"word{number % 5}" for number in range(300)]
        texts[7], texts[8], texts[9] = "half of a pair: \ud800", "x" * 600_000, "word4 " + "y" * 400_000
        answers = collection.answers([Query(text=text, instruction=_WRITTEN, k=1) for text in texts])
    assert [number for number, one in enumerate(answers) if one.hits is None] == [7, 8]
    assert sum(len(one.queries) for one in listening.asked) == 298
    assert len(listening.asked) == 2
    instruction = listening.asked[0].queries[0].instruction
    assert instruction is not None
    assert (instruction.wording, instruction.query, instruction.target, instruction.dataset) == (
        "Find a picture.",
        "text",
        "image",
        "MSCOCO",
    )
    for number in (0, 4, 298, 299):
        (first,) = answers[number].hits or ()
        (same,) = answers[number % 5].hits or ()
        assert first == same
    assert len({answers[number].hits[0].did for number in range(5) if answers[number].hits}) == 5  # type: ignore[index]
