"""What all words on the wire share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from uniir.queries import MAX_WEIGHT

MAX_TEXT = 20_000  # characters of a query; the longest passage any encoder reads is far shorter
Weight = Annotated[float, Field(ge=0, le=MAX_WEIGHT, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
DocumentId = Annotated[str, Field(pattern="^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{13}$")]


class Request(BaseModel):
    """What is asked for. A field nobody knows is refused, since it is a misspelling."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Answer(BaseModel):
    """What comes back. Unknown fields are read over: they are a newer service's."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)
