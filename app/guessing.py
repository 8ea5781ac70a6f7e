"""What guesses before a search, made when the settings name a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.guessing import GuessStage
from uniir.instructions import Instructions
from uniir.protocols import ImageLoader
from uniir.settings import Settings

if TYPE_CHECKING:
    from app.chat import ChatGuesser


class Guessing:
    """One guesser and one stage for an installation; `stage` is None where no model is set."""

    def __init__(self, settings: Settings, images: ImageLoader, instructions: Instructions) -> None:
        self._guesser: ChatGuesser | None = None
        self.stage: GuessStage | None = None
        if settings.guess_url is not None and settings.guess_model is not None:
            from app.chat import ChatGuesser

            key = settings.guess_key.get_secret_value() if settings.guess_key is not None else None
            self._guesser = ChatGuesser(settings.guess_url, settings.guess_model, key, settings.guess_seconds)
            self.stage = GuessStage(self._guesser, images, instructions, settings.guess_seconds)

    def close(self) -> None:
        if self._guesser is not None:
            self._guesser.close()
