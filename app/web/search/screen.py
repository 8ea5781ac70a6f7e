"""The Search screen: the bar, and below it whatever the search at hand came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from app.web import away, session
from app.web.bar import picture
from app.web.bar.bar import bar
from app.web.document import dialog as document_dialog
from app.web.media import NEW_PICTURE
from app.web.query import asking
from app.web.query.address import Ask
from app.web.results.results import search_now
from app.web.search import answering, first_visit, states
from app.web.search import words as state_words
from uniir.errors import Unavailable, UniirError
from uniir.problems import problem_of
from uniir.wire import MAX_TEXT, CollectionAnswer, CollectionsAnswer, ExampleQuery, Problem

if TYPE_CHECKING:
    from uniir.client import Client

_HERE = Path(__file__).parent
_senses = st.components.v2.component("uniir.senses", js=(_HERE / "senses.js").read_text("utf-8"), isolate_styles=False)
_LIMIT = 64 * 2**20
_HEARD = "heard_go"


def show(client: Client) -> None:
    """Draws the screen. Raises Unavailable where the service was never reached."""
    asking.adopt_address()
    away.came_back()
    _page_senses()  # first, so that nothing a person does meanwhile is lost
    _screen(client)


def _screen(client: Client) -> None:
    known, missing = _collections()
    collection = _chosen(known)
    exists = any(one.name == collection.name for one in known.collections)
    there = exists or collection.name == known.default  # the service's own is made by the first ingest
    search = answering.begin(client, collection) if missing is None and there else None
    slot = st.empty()
    if asking.ask().is_empty and missing is None and there and picture.refused() is None:
        with slot.container():
            first_visit.welcome()
    offered = known.collections if exists else [*known.collections, collection]
    bar(client, session.instructions(), offered, collection.name)
    if picture.refused() is not None:
        states.refused_picture(cast(picture.Refused, picture.refused()))
    if missing is not None:
        answering.while_away(client, missing)
    elif not there:
        states.unknown_collection(collection.name)
    elif not _holds_something(collection):
        states.empty_collection(collection.name, sum(collection.documents.pending.values()))
    elif asking.ask().is_empty:
        _before_the_first(client, collection)
    else:
        answering.answer(client, collection, search)


def _collections() -> tuple[CollectionsAnswer, Unavailable | None]:
    """The collections, or those known last and why they are not today's."""
    try:
        known = session.collections()
        if not _holds_something(_chosen(known)):  # it may have been made, or filled, just now
            session.forget_collections()
            known = session.collections()
    except Unavailable as error:
        before: CollectionsAnswer | None = st.session_state.get("known_collections")
        if before is None:
            raise
        return before, error
    st.session_state["known_collections"] = known
    return known, None


def _chosen(known: CollectionsAnswer) -> CollectionAnswer:
    """The collection at hand: of the address, there or not; else the one used last, else the service's own, else the first."""
    named = asking.ask().collection
    wanted = (named,) if named else (st.session_state.get("collection"), known.default)
    for name in wanted:
        for one in known.collections:
            if one.name == name:
                if named:
                    st.session_state["collection"] = name
                return one
    if named:
        return _nothing(named)
    return known.collections[0] if known.collections else _nothing(known.default or "default")


def _holds_something(collection: CollectionAnswer) -> bool:
    return bool(sum(collection.documents.indexed.values()))


def _nothing(name: str) -> CollectionAnswer:
    from uniir.wire import HeldDocuments

    return CollectionAnswer(name=name, encoder="", documents=HeldDocuments(indexed={}, pending={}), failed=0)


def _page_senses() -> None:
    """The page's ears: paste, drop and keys."""

    def on_go() -> None:
        _search_if_new(st.session_state["senses"].get("go"))

    def on_picture() -> None:
        value = st.session_state["senses"].get("picture")
        if isinstance(value, Mapping):
            _take(value)

    said = {
        "drop": state_words.DROP,
        "adding": state_words.ADDING,
        "target": NEW_PICTURE,
        "limit": _LIMIT,
        "lost": list(state_words.LOST),
        "again": state_words.TRY_NOW,
        "still": state_words.STILL_LOST,
    }
    heard = _senses(
        key="senses",
        data=cast(Any, {"words": said}),
        on_go_change=on_go,
        on_picture_change=on_picture,
        on_awake_change=lambda: None,
    )
    _search_if_new(heard.get("go"))  # in a session's first run nobody was called yet


def _search_if_new(value: object) -> None:
    """Searches for the words that Enter was pressed on, once."""
    if isinstance(value, Mapping) and value.get("at") != st.session_state.get(_HEARD):
        st.session_state[_HEARD] = value.get("at")
        search_now(text=str(value.get("text", ""))[:MAX_TEXT])


def _take(value: Mapping[str, object]) -> None:
    """A picture that was pasted or dropped: the page's script has sent it to the service already."""
    if isinstance(value.get("id"), str):
        name = str(value.get("name") or "") if value.get("named") else ""
        picture.use(str(value["id"]), name, text=str(value.get("text") or "")[:MAX_TEXT])
    elif isinstance(value.get("problem"), Mapping):
        try:
            picture.refuse(Problem.model_validate(value["problem"]))
        except ValueError:
            picture.refuse(_unknown(state_words.OURS))
    else:
        picture.refuse(
            _unknown({"large": state_words.TOO_LARGE, "kind": state_words.NO_PICTURE}.get(str(value.get("failed")), state_words.NOT_SENT))
        )


def _unknown(detail: str) -> Problem:
    return Problem(title="", status=400, detail=detail, code="picture-not-taken")


def _before_the_first(client: Client, collection: CollectionAnswer) -> None:
    if answering.asked_for_nothing():
        st.warning(state_words.NOTHING_GIVEN, icon=":material/info:")
    place = st.empty()
    place.html(first_visit.example_bones())
    held = first_visit.holdings(collection)
    try:
        found = session.examples(collection.name, sum(collection.documents.indexed.values()))
    except Unavailable:
        raise
    except UniirError as error:
        place.empty()
        states.trouble(error)
        return

    def chosen(example: ExampleQuery) -> None:
        search = Ask(text=example.text or "", instruction=example.instruction, collection=asking.ask().collection)
        asking.start(search)
        if example.like:
            _with_picture_of(client, search, example)

    place.empty()
    if found:
        with place.container():
            first_visit.examples(found, session.instructions(), chosen)
    first_visit.glance(held, collection, session.pictures_beside(tuple(one.like for one in found if one.like)))
    if asking.open_document() is not None:  # a link to a document and to no search
        document_dialog.show(client, None)


def _with_picture_of(client: Client, search: Ask, example: ExampleQuery) -> None:
    try:
        kept = client.keep_picture(client.original(cast(str, example.like)))
    except UniirError as error:
        picture.refuse(problem_of(error))
        return
    asking.start(replace(search, picture=kept.id))
