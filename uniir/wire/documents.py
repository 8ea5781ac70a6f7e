"""One document, query pictures, examples."""

from __future__ import annotations

from pydantic import Field

from uniir.documents import Modality
from uniir.wire.values import Answer, Sha256


class KeptPicture(Answer):
    """A query picture that the service keeps for a while, so that a link reproduces the search."""

    id: Sha256
    width: int
    height: int


class Neighbour(Answer):
    """A document beside another one in the same file or folder."""

    id: str
    modality: Modality
    text: str | None
    path: str
    locator: str | None
    image: str | None
    metadata: dict[str, object]


class PictureFacts(Answer):
    path: str
    width: int
    height: int
    bytes: int


class DocumentAnswer(Neighbour):
    """One document with all that is known of it. `passage` is its place in `whole_text` where it is a part of a longer text."""

    collection: str
    root: str
    external_id: str | None
    picture: PictureFacts | None
    whole_text: str | None
    passage: tuple[int, int] | None
    neighbours: list[Neighbour]


class ExampleQuery(Answer):
    """A search that finds something in this collection, for a first visit."""

    title: str
    text: str | None
    like: str | None = Field(None, description="the id of a document whose picture is the query")
    instruction: str
