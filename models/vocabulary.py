"""A language model's tokenizer as its checkpoint holds it, and texts that can never become a part of a prompt's structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from uniir.errors import ModelUnavailable

FILE = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens and ids. `markers` are the strings that mean something other than themselves: special tokens, and a family's own."""

    tokenizer: Tokenizer
    markers: tuple[str, ...]

    def ids(self, prompt: str) -> list[int]:
        """Ids of a whole prompt, markers and the tokenizer's own start and end included."""
        return list(self.tokenizer.encode(prompt).ids)

    def bare_ids(self, text: str) -> list[int]:
        """Ids without the tokenizer's own start and end."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def open_ended_ids(self, prompt: str) -> list[int]:
        """Ids of a whole prompt without the end that the tokenizer may put there, behind which nothing would be answered."""
        encoded = self.tokenizer.encode(prompt)
        length = len(encoded.ids)
        while length and encoded.special_tokens_mask[length - 1]:
            length -= 1
        return list(encoded.ids[:length])

    def id_of(self, token: str) -> int:
        """Raises ModelUnavailable for a token that the vocabulary has not."""
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ModelUnavailable(f"The tokenizer knows no token {token!r}.", "Fetch the checkpoint again; this one is of another kind.")
        return int(found)

    def harmless(self, text: str) -> str:
        """The text with a blank inside of whatever would be read as a marker."""
        changed = True
        while changed:  # taking one apart can put another together
            before = text
            for marker in self.markers:
                text = text.replace(marker, f"{marker[0]} {marker[1:]}")
            changed = text != before
        return text

    def cut(self, text: str, tokens: int) -> str:
        """The text's beginning of at most so many tokens."""
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        return text if len(encoded.ids) <= tokens else text[: encoded.offsets[tokens - 1][1]]


def read_vocabulary(directory: Path, markers: Sequence[str] = ()) -> Vocabulary:
    """From the checkpoint's tokenizer.json: one rebuilt from `tokenizer.model` gives other ids. Raises ModelUnavailable."""
    file = directory / FILE
    try:
        tokenizer = Tokenizer.from_file(str(file))
    # The reader has no exception of its own.
    except Exception as error:
        reason = "it is not there" if not file.is_file() else str(error).partition("\n")[0]
        raise ModelUnavailable(f"The tokenizer {file} can't be read ({reason}).", "Fetch the checkpoint again.") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    # Some vocabularies add runs of blanks or lines too, which mean nothing but themselves.
    meaning = sorted({one for one in {*added, *markers} if len(one) > 1 and set(one) & set("<[|")}, key=len, reverse=True)
    return Vocabulary(tokenizer, tuple(meaning))
