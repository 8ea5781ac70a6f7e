"""The result grid: what each tile says, and what a person did with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

import streamlit as st

from app.web import kind_words
from app.web.media import original, thumbnail
from app.web.results import judging
from app.web.results import words as result_words
from app.web.titles import alternative_text, file_of, place_in_file, plain, title_of
from uniir.documents import Modality
from uniir.hits import Band
from uniir.wire import HitAnswer

_HERE = Path(__file__).parent
_KINDS = {Modality.IMAGE: "picture", Modality.TEXT: "text", Modality.IMAGE_TEXT: "pair"}
_LEVELS = {Band.STRONG: 3, Band.GOOD: 2, Band.WEAK: 1}
_HEARD = "grid_heard"  # when the last act was, by the clock of the page
_LONGEST = 600  # characters of a text that a tile could show at all
_component = st.components.v2.component("uniir.grid", js=(_HERE / "grid.js").read_text("utf-8"), isolate_styles=False)


def grid(
    hits: Sequence[HitAnswer], shown: int, said: float, acted: Callable[[str, str], None], asked: Callable[[Mapping[str, object]], None]
) -> None:
    """Draws the first `shown` hits. `said` tells one search from the next, for a reader.

    `acted` hears open, more, picture, copied or a thumb, and the document's id; `asked` the words that Enter was pressed on.
    """

    def on_act() -> None:
        for act in _unheard(st.session_state["grid_tiles"].get("act")):
            acted(str(act.get("kind")), str(act.get("id")))

    def on_go() -> None:
        value = st.session_state["grid_tiles"].get("go")
        if isinstance(value, Mapping):
            asked(value)

    data = {**grid_data(hits, shown, said), "refusals": judging.refusals(), "heard": st.session_state.get(_HEARD, 0.0)}
    _component(key="grid_tiles", data=cast(Any, data), on_act_change=on_act, on_go_change=on_go)


def _unheard(value: object) -> Iterator[Mapping[str, object]]:
    """The acts that were not heard before: the page's script sends a thumb again until it is told of in `heard`."""
    for act in value.get("acts", ()) if isinstance(value, Mapping) else ():
        if act["at"] > st.session_state.get(_HEARD, 0.0):
            st.session_state[_HEARD] = act["at"]
            yield act


def grid_data(hits: Sequence[HitAnswer], shown: int, said: float = 0.0) -> dict[str, object]:
    """What the grid's script needs."""
    strong = first_weak(hits)
    divider = {"before": strong, "title": result_words.WEAKER, "detail": result_words.weaker(len(hits) - strong, strong)}
    return {
        "tiles": [tile(hit) for hit in hits[:shown]],
        "said": {"at": said, "words": result_words.announced(len(hits), shown)},
        "divider": divider if strong < len(hits) else None,
        "words": {
            "list": "Results",
            "more": result_words.MORE_LIKE_THIS,
            "menu": "More to do",
            "picture": result_words.SEARCH_WITH_PICTURE,
            "copy": result_words.COPY_LINK,
            "original": result_words.ORIGINAL,
            "missing": result_words.NO_PREVIEW,
            "fits": result_words.FITS,
            "fails": result_words.FAILS,
            "back": result_words.TAKE_BACK,
        },
    }


def first_weak(hits: Sequence[HitAnswer]) -> int:
    """Where the weak matches begin that nothing better follows; the number of hits where there are none."""
    return len(hits) - sum(1 for _ in takewhile(lambda hit: hit.band is Band.WEAK, reversed(hits)))


def tile(hit: HitAnswer) -> dict[str, object]:
    """One tile."""
    title = title_of(hit)
    has_picture = hit.modality.has_image
    before = hit.retrieval_rank
    fits = None if hit.judgment is None else hit.judgment.grade > 0
    return {
        "id": hit.id,
        "kind": _KINDS[hit.modality],
        "badge": kind_words.ONE[hit.modality],
        "icon": kind_words.ICONS[hit.modality],
        "title": title,
        "file": file_of(hit),
        "path": place_in_file(hit.path, hit.locator),
        "text": plain(hit.text or "")[:_LONGEST],
        "src": thumbnail(hit.id) if has_picture else None,
        "original": original(hit.id),
        "alt": alternative_text(hit) if has_picture else "",
        "place": str(hit.rank),
        "change": {"up": before - hit.rank, "tip": result_words.was_before(before)} if before is not None and before != hit.rank else None,
        "band": {"level": _LEVELS[hit.band], "word": kind_words.BANDS[hit.band]} if hit.band is not None else None,
        "score": f"{hit.score:.2f}",
        "tip": result_words.tip(hit.score, hit.by_words.words if hit.by_words is not None else ()),
        "label": result_words.tile(hit.rank, hit.modality, title, hit.band, before, fits),
        "thumb": judging.thumb(hit.judgment),
        "half": _half(hit),
    }


def _half(hit: HitAnswer) -> dict[str, object] | None:
    """The missing half of a hit, where one was asked for and found."""
    if hit.complement is None:
        return None
    other = hit.complement.document
    label = kind_words.NEAREST.get(other.modality, kind_words.ONE[other.modality])
    if other.modality.has_image:
        return {"label": label, "src": thumbnail(other.id), "alt": alternative_text(other)}
    return {"label": label, "text": plain(other.text or "")[:_LONGEST]}
