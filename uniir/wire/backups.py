"""Backups of a collection, and bringing it back."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from uniir.wire.values import Answer, Request


class BackupRequest(Request):
    """Write a collection to a directory on the machine that owns the data; `dry_run` says what would be written."""

    path: str = Field(max_length=4096)
    collection: str | None = Field(None, max_length=100)
    dry_run: bool = False


class RestoreRequest(Request):
    """Bring a collection back, under its name or another one; `dry_run` checks every file and writes nothing."""

    path: str = Field(max_length=4096)
    collection: str | None = Field(None, max_length=100)
    dry_run: bool = False


class BackupAnswer(Answer):
    """What a backup holds. `without_vector` are documents that were searchable and have to be encoded again."""

    collection: str
    path: str
    documents: int
    spaces: int
    vectors: int
    thumbnails: int
    judgments: int
    bytes: int = 0
    made_at: datetime | None = None
    without_vector: int = 0
