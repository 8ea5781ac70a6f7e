"""A few documents whose scores can be worked out, and a service over them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from search.service import SearchService
from tests.folders import lay, picture
from tests.worlds import World
from uniir.documents import ImageReference, Modality
from uniir.instructions import Instructions, load_instructions
from uniir.protocols import VectorStore

TREE = {
    "red.png": picture("red", kind="PNG"),
    "green.png": picture("green", kind="PNG"),
    "boat.png": picture("blue", kind="PNG"),
    "boat.txt": "a blue boat",
    "cat.md": "a cat sleeps",
    "dog.md": "a dog barks",
    "fish.md": "fish swim silently",
    "described.png": picture("yellow", kind="PNG"),
    "described.json": json.dumps({"txt": "a yellow field", "year": 1999}),
}


def no_remarks(query: Modality, target: Modality | None) -> Sequence[str]:
    return ()


class Scene:
    """A searchable world; `ids` are by place."""

    def __init__(self, world: World, store: VectorStore | None = None, instructions: Instructions | None = None) -> None:
        self.world = world
        world.ingest()
        self.ids: Mapping[str, int] = world.ids()
        self.service = SearchService(
            world.encoder,
            store or world.store,
            world.library,
            world.images,
            instructions or load_instructions(),
            no_remarks,
        )

    def image(self, name: str) -> ImageReference:
        return ImageReference(self.world.corpus / name)

    def question(self, look: str) -> ImageReference:
        """A picture that is in no collection."""
        lay(self.world.place / "questions", {f"{look}.png": picture(look, (30, 30), kind="PNG")})
        return ImageReference(self.world.place / "questions" / f"{look}.png")


def outside(place: Path, content: bytes) -> ImageReference:
    place.mkdir(parents=True, exist_ok=True)
    (place / "question.png").write_bytes(content)
    return ImageReference(place / "question.png")
