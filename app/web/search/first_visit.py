"""Before the first search: examples that find something here, and what the collection holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.web import kind_words, navigation
from app.web.bar.picker_groups import label, named
from app.web.figures import moment
from app.web.ingest.page import reader_zone
from app.web.media import thumbnail
from app.web.search import words as state_words
from uniir.documents import Modality
from uniir.wire import CollectionAnswer, ExampleQuery, InstructionAnswer

_component = st.components.v2.component("uniir.cards", js=(Path(__file__).parent / "cards.js").read_text("utf-8"), isolate_styles=False)
_PICTURES = 6


def welcome() -> None:
    st.html(f'<h1 class="u-title">{state_words.WELCOME}</h1><p class="u-lead">{state_words.WELCOME_LEAD}</p>')


def examples(found: Sequence[ExampleQuery], instructions: Sequence[InstructionAnswer], chosen: Callable[[ExampleQuery], None]) -> None:
    """The example searches as cards; `chosen` hears which one was pressed."""
    st.html(f'<h2 class="u-section">{state_words.TRY}</h2>')

    def on_chosen() -> None:
        value = st.session_state["examples"].get("chosen")
        if isinstance(value, Mapping):
            chosen(found[int(value["id"])])

    data = {
        "kind": "examples",
        "arrow": True,
        "label": state_words.TRY,
        "cards": [_card(at, one, instructions) for at, one in enumerate(found)],
    }
    cards("examples", data, on_chosen)


def cards(key: str, data: Mapping[str, object], on_chosen: Callable[[], None]) -> None:
    """Draws cards; the one that is pressed stands in the session under `key`."""
    _component(key=key, data=cast(Any, data), on_chosen_change=on_chosen)


def example_bones() -> str:
    """Empty cards of the final size, while examples are being made."""
    return (
        f'<h2 class="u-section">{state_words.TRY}</h2><div class="examples card-bones" aria-hidden="true">{"<div></div>" * _PICTURES}</div>'
    )


def holdings(collection: CollectionAnswer) -> DeltaGenerator:
    """Counts, and when the collection was last brought up to date; gives back where `glance` adds pictures."""
    with st.container(horizontal=True, vertical_alignment="center", key="holdings"):
        st.html(f'<h2 class="u-section">{state_words.IN_COLLECTION}</h2>', width="content")
        st.space("stretch")
        st.page_link(navigation.collections_page(), label=state_words.ALL_COLLECTIONS, icon=":material/layers:")
    place = st.empty()
    glance(place, collection, ())
    return place


def glance(place: DeltaGenerator, collection: CollectionAnswer, pictures: Sequence[str]) -> None:
    """The counts with a few pictures beside them."""
    figures = "".join(
        f'<div><dt><span class="material" aria-hidden="true">{kind_words.ICONS[kind]}</span>{kind_words.KINDS[kind]}</dt>'
        f"<dd>{collection.documents.indexed.get(kind, 0):,}</dd></div>"
        for kind in (Modality.IMAGE, Modality.TEXT, Modality.IMAGE_TEXT)
    )
    shown = "".join(f'<img src="{thumbnail(one)}" alt="" width="56" height="56" loading="lazy">' for one in pictures[:_PICTURES])
    strip = f'<div class="strip" aria-hidden="true">{shown}</div>'
    history = f'<p class="u-muted u-history">{escape(_history(collection))}</p>'
    place.html(f'<dl class="counts">{figures}{strip}</dl>{history}')


def _history(collection: CollectionAnswer) -> str:
    parts = [collection.name]
    last = collection.last_run
    if last is not None:
        parts.append(f"last ingest {moment(last.finished_at or last.started_at, datetime.now(UTC), reader_zone())}")
    if collection.failed:
        parts.append(state_words.could_not_be_read(collection.failed))
    return " · ".join(parts)


def _card(position: int, example: ExampleQuery, instructions: Sequence[InstructionAnswer]) -> dict[str, object]:
    instruction = named(instructions, example.instruction)
    flow = f"{kind_words.GIVEN[instruction.query]} → {kind_words.GETTING[instruction.target]}" if instruction is not None else ""
    return {
        "id": position,
        "title": (example.text or state_words.ONLY_A_PICTURE) if example.like else example.title,
        "detail": label(instruction) if instruction is not None else "",
        "flow": flow,
        "src": thumbnail(example.like) if example.like else None,
        "alt": "",
    }
