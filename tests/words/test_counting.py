"""How many of something there are, as people say it."""

from __future__ import annotations

import pytest

from uniir.counting import counted


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [(1, "query", "1 query"), (2, "judged query", "2 judged queries"), (0, "file", "0 files"), (2183, "document", "2,183 documents")],
)
def test_what_is_counted_is_said_as_people_say_it(count: int, noun: str, said: str) -> None:
    assert counted(count, noun) == said
