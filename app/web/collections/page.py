"""The Collections screen: what each one holds, what it is made of, and whether all is well with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.web import plain_html
from app.web.collections.card import Checkup, Wish, collection_card, documents_of
from app.web.collections.verdicts import verdict_of
from app.web.figures import size
from app.web.ingest.page import reader_zone
from app.web.navigation import ingest_page, search_page
from app.web.safe_text import sentence_as_markdown
from app.web.session import forget_collections
from uniir.counting import counted
from uniir.errors import UniirError
from uniir.wire import CollectionAnswer, DoctorRequest, NewCollection

if TYPE_CHECKING:
    from uniir.client import Client

_CHECKUPS = "collections_checkups"
_REFUSED = "collections_refused"
_CHECKED_UNASKED = 5_000  # documents; a check of so many is over in a moment
_STYLES = Path(__file__).parents[1] / "upkeep.css"


def show(client: Client) -> None:
    """Draws the screen. Raises UniirError where the service does not answer."""
    st.html(_STYLES)
    answer = client.collections()
    collections = answer.collections
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(width="content"):
            plain_html.page_title("Collections", _lead(collections))
        making = st.button("New collection", icon=":material/add:", key="new-collection")
        if making:
            _new_collection(client, sorted({one.encoder for one in collections}))
    refused = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        st.error(sentence_as_markdown(refused), icon=":material/error:")
    checkups: dict[str, Checkup] = st.session_state.setdefault(_CHECKUPS, {})
    in_use = st.session_state.get("collection") or answer.default
    for left in range(0, len(collections), 2):
        for column, collection in zip(st.columns(2, gap="small"), collections[left : left + 2], strict=False):
            with column:
                wish = collection_card(collection, checkups.get(collection.name), collection.name == in_use, reader_zone())
            if wish is not None:
                _carry_out(client, wish, collection)
    if making:  # a check runs the page again when it is done, which would close the dialog
        return
    _check_unasked(client, [one for one in collections if one.name not in checkups and documents_of(one) <= _CHECKED_UNASKED])


def _lead(collections: Sequence[CollectionAnswer]) -> str:
    if not collections:
        return "There is none yet. Make one, or ingest a folder."
    documents = sum(map(documents_of, collections))
    disks = [one.disk for one in collections if one.disk is not None]
    # the catalog is one file for all
    bytes_held = max((disk.catalog for disk in disks), default=0) + sum(disk.vectors + disk.thumbnails for disk in disks)
    held = f"{counted(len(collections), 'collection')}, {counted(documents, 'document')}"
    return f"{held}, {size(bytes_held)} on disk" if bytes_held else held


def _carry_out(client: Client, wish: Wish, collection: CollectionAnswer) -> None:
    if wish in {Wish.SEARCH, Wish.INGEST}:
        _go(wish, collection.name)
    with st.spinner("Repairing" if wish is Wish.REPAIR else "Checking"):
        _examine(client, collection, repair=wish is Wish.REPAIR)
    st.rerun()


def _go(wish: Wish, collection: str) -> None:
    st.session_state["collection"] = collection
    st.switch_page(search_page() if wish is Wish.SEARCH else ingest_page(), query_params={"collection": collection})


def _check_unasked(client: Client, collections: Sequence[CollectionAnswer]) -> None:
    for collection in collections:
        _examine(client, collection, repair=False)
    if collections:
        st.rerun()


def _examine(client: Client, collection: CollectionAnswer, *, repair: bool) -> None:
    """Keeps what the doctor says; what is mended is looked at once more, so that the verdict is of what is there now."""
    try:
        if repair:
            client.doctor(DoctorRequest(collection=collection.name, repair=True))
        found = client.doctor(DoctorRequest(collection=collection.name))
    except UniirError as error:
        st.session_state[_REFUSED] = f"{collection.name} was not checked. {error}"
        return
    verdict = verdict_of(found.findings, documents_of(collection))
    st.session_state[_CHECKUPS][collection.name] = Checkup(verdict, found.checked_at)


@st.dialog("New collection")
def _new_collection(client: Client, encoders: Sequence[str]) -> None:
    name = st.text_input("Name", key="new-name", max_chars=100)
    usual = "The usual one"
    encoder = st.selectbox("Encoder", [usual, *encoders], key="new-encoder") if encoders else usual
    plain_html.muted("The encoder is chosen once; what it made can't be mixed with another's.")
    if st.button("Create", type="primary", key="create", disabled=not name.strip()):
        try:
            client.create_collection(NewCollection(name=name.strip(), encoder=None if encoder == usual else encoder))
        except UniirError as error:
            st.error(sentence_as_markdown(str(error)), icon=":material/error:")
            return
        forget_collections()
        st.rerun()
