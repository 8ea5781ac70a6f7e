"""The spaces of a collection: one is searched, others are built beside it or kept from before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from uniir.spaces import SpaceState
from uniir.wire.problems import FailedInput
from uniir.wire.values import Answer, Request

Chosen = Annotated[
    str | None, Field(max_length=200, description="a space by its number or its encoder; none: the only one that can be meant")
]


class SpaceAnswer(Answer):
    """One space. `missing` are documents that nobody tried yet; what was `refused` its encoder can't take."""

    id: int
    encoder: str
    weights: str
    preprocessing: str = Field("", description="how texts and pictures are made ready")
    dtype: str
    dimension: int
    state: SpaceState
    since: datetime
    documents: int = Field(description="that the collection has")
    indexed: int
    refused: int
    missing: int


class SpacesAnswer(Answer):
    """All spaces of a collection, oldest first."""

    collection: str
    spaces: list[SpaceAnswer]


class SpaceRequest(Request):
    """Encode a collection for another encoder, beside the space that is searched; the same again goes on."""

    encoder: str = Field(max_length=4096)
    collection: str | None = Field(None, max_length=100)


class SpaceReport(Answer):
    """What `uniir spaces add --json` prints: `added` and `failed` of this run, then how the space stands."""

    collection: str
    space: SpaceAnswer
    added: int
    failed: list[FailedInput]
    seconds: float
    documents_per_second: float
    interrupted: bool = False
    notes: list[str] = []


class PromoteRequest(Request):
    """Search in another space from now on. `force` leaves out of search what its encoder could not take."""

    collection: str | None = Field(None, max_length=100)
    space: Chosen = None
    force: bool = False


class RollbackRequest(Request):
    """Search again in the space that was searched before."""

    collection: str | None = Field(None, max_length=100)
    force: bool = False


class RemoveSpaceRequest(Request):
    """Forget a space that is not searched, rows and vectors; `dry_run` answers with what would go, and leaves it."""

    collection: str | None = Field(None, max_length=100)
    space: Chosen = None
    dry_run: bool = False
