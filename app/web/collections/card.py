"""One collection: what is in it, what it is made of, how it is, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from html import escape

import streamlit as st

from app.web import plain_html
from app.web.collections.verdicts import Remedy, Verdict
from app.web.figures import moment, size
from uniir.counting import counted
from uniir.documents import Modality
from uniir.spaces import SpaceState
from uniir.wire import CollectionAnswer, SpaceAnswer

_KINDS = ((Modality.IMAGE, "Pictures", "first"), (Modality.TEXT, "Texts", "second"), (Modality.IMAGE_TEXT, "Pairs", "third"))
_INDEXES = {"FLAT": "Flat (exact)", "HNSW": "HNSW", "exact": "Exact"}
_STATES = {SpaceState.BUILDING: "being made", SpaceState.RETIRED: "searched before", SpaceState.REMOVING: "being removed"}
_CHECK, _ATTENTION, _UNKNOWN = "check_circle", "error", "help"  # names in the icon font


@dataclass(frozen=True, slots=True)
class Checkup:
    """A verdict and when it was given."""

    verdict: Verdict
    at: datetime


class Wish(StrEnum):
    SEARCH = "search"
    INGEST = "ingest"
    CHECK = "check"
    REPAIR = "repair"


def collection_card(collection: CollectionAnswer, checkup: Checkup | None, in_use: bool, zone: tzinfo | None) -> Wish | None:
    """Draws the card; returns what is wanted of it."""
    with st.container(border=True, key=f"card-{collection.name}", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                plain_html.heading(collection.name)
                if in_use:
                    st.badge("In use", color="primary")
            _badge(checkup)
        _kinds(collection)
        plain_html.facts(_facts(collection, zone))
        _sentence(checkup, zone)
        return _buttons(collection.name, checkup)


def documents_of(collection: CollectionAnswer) -> int:
    return sum(collection.documents.indexed.values())


def _badge(checkup: Checkup | None) -> None:
    if checkup is None:
        st.badge("Not checked", icon=":material/help:", color="gray")
    elif checkup.verdict.remedy is Remedy.NOTHING:
        st.badge(checkup.verdict.word, icon=":material/check_circle:", color="green")
    else:
        st.badge(checkup.verdict.word, icon=":material/error:", color="yellow")


def _kinds(collection: CollectionAnswer) -> None:
    held = [(label, shade, collection.documents.indexed.get(modality, 0)) for modality, label, shade in _KINDS]
    bar = "".join(f'<i class="upkeep-{shade}" style="flex:{count}"></i>' for _, shade, count in held if count)
    legend = "".join(f'<div><dt><i class="upkeep-{shade}"></i>{escape(label)}</dt><dd>{count:,}</dd></div>' for label, shade, count in held)
    st.html(f'<div class="upkeep"><div class="upkeep-bar" aria-hidden="true">{bar}</div><dl class="upkeep-kinds">{legend}</dl></div>')


def _facts(collection: CollectionAnswer, zone: tzinfo | None) -> list[tuple[str, str]]:
    pending = sum(collection.documents.pending.values())
    rows = [("Encoder", _joined(collection.encoder, collection.dimension and f"{collection.dimension:,} dimensions", "half precision"))]
    if collection.index is not None:
        kind = _INDEXES.get(collection.index.kind, collection.index.kind)
        vectors = f"{kind}, {counted(collection.index.vectors, 'vector')} in {collection.index.engine}"
        rows.append(("Index", _joined(vectors, pending and f"{pending:,} not searchable yet")))
    if collection.disk is not None:
        disk = collection.disk
        rows.append(("On disk", f"catalog {size(disk.catalog)} · index {size(disk.vectors)} · thumbnails {size(disk.thumbnails)}"))
    rows += [("Beside it", _beside(space)) for space in collection.spaces if space.state is not SpaceState.ACTIVE]
    rows.append(("Last ingest", _last_ingest(collection, zone)))
    return rows


def _beside(space: SpaceAnswer) -> str:
    """A space of another encoder, with how far it is."""
    done = "" if space.indexed >= space.documents else f"{space.indexed:,} of {counted(space.documents, 'document')}"
    return _joined(space.encoder, _STATES[space.state], done)


def _last_ingest(collection: CollectionAnswer, zone: tzinfo | None) -> str:
    last = collection.last_run
    if last is None:
        return "none yet"
    when = moment(last.finished_at or last.started_at, datetime.now(UTC), zone)
    failed = f"{counted(collection.failed, 'file')} can't be read" if collection.failed else ""  # what stands, whenever it failed
    return _joined(when, last.state if last.state not in {"done", "finished"} else "", failed)


def _joined(*parts: str | int | None) -> str:
    return " · ".join(str(part) for part in parts if part)


def _sentence(checkup: Checkup | None, zone: tzinfo | None) -> None:
    if checkup is None:
        _note("Not checked yet. A check compares catalog, index, previews and files; it changes nothing.", _UNKNOWN, "")
        return
    checked = f"Checked {moment(checkup.at, datetime.now(UTC), zone)}."
    if checkup.verdict.remedy is Remedy.NOTHING:
        _note(f"{checkup.verdict.sentence} {checked}", _CHECK, "")
    else:
        _note(checkup.verdict.sentence, _ATTENTION, " upkeep-todo")


def _note(text: str, icon: str, kind: str) -> None:
    sign = f'<span class="upkeep-icon" aria-hidden="true">{icon}</span>'
    st.html(f'<div class="upkeep upkeep-verdict{kind}">{sign}<p>{plain_html.with_code(text)}</p></div>')


def _buttons(name: str, checkup: Checkup | None) -> Wish | None:
    wish: Wish | None = None
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        with st.container(horizontal=True, width="content"):
            if st.button("Search", icon=":material/search:", key=f"search-{name}"):
                wish = Wish.SEARCH
            if st.button("Ingest", icon=":material/upload:", key=f"ingest-{name}"):
                wish = Wish.INGEST
        with st.container(horizontal=True, width="content", horizontal_alignment="right"):
            repairable = checkup is not None and checkup.verdict.remedy is Remedy.REPAIR
            if repairable and st.button("Repair", icon=":material/build:", type="primary", key=f"repair-{name}"):
                wish = Wish.REPAIR
            if st.button("Check now", icon=":material/stethoscope:", key=f"check-{name}"):
                wish = Wish.CHECK
    return wish
