"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from uniir.settings import Settings


def path(text: str) -> Path:
    """A path that was named. An empty one, most likely a shell's variable that is not set, would be the working directory."""
    if not text:
        raise typer.BadParameter("it is empty; name a file or a folder, `.` for the one you are in.")
    return Path(text)


DataDir: TypeAlias = Annotated[
    Path | None, typer.Option("--data-dir", parser=path, help="Where catalog, vectors and thumbnails are kept.", show_default=False)
]
Collection: TypeAlias = Annotated[str | None, typer.Option("--collection", "-c", help="The collection.", show_default="default")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


def settings_for(data_dir: Path | None = None, collection: str | None = None, encoder: str | None = None) -> Settings:
    """The settings in force for a command with these options."""
    from uniir.settings import load_settings

    return load_settings(data_dir=data_dir, collection=collection, encoder=encoder)


def settings_of_data(data_dir: Path | None = None, collection: str | None = None) -> Settings:
    """The same for a command on what is kept already. Raises NotFound where nothing is: a mistyped directory is not to be made."""
    from uniir.errors import NotFound

    settings = settings_for(data_dir, collection)
    if is_bare(settings):
        raise NotFound(
            f"Nothing is kept in {settings.data_dir}: there is no such directory.",
            "`uniir ingest PATH` makes one; `--data-dir` and UNIIR_DATA_DIR name another.",
        )
    return settings


def is_bare(settings: Settings) -> bool:
    """Whether nothing was ever kept there: no directory, and no catalog elsewhere."""
    return settings.catalog_url is None and not settings.data_dir.exists()
