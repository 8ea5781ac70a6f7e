"""The three screens, by name, so that each can send a person to another."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import Page


def search_page() -> Page:
    return st.Page(_search, title="Search", icon=":material/search:", url_path="search", default=True)


def ingest_page() -> Page:
    return st.Page(_ingest, title="Ingest", icon=":material/upload:", url_path="ingest")


def collections_page() -> Page:
    return st.Page(_collections, title="Collections", icon=":material/layers:", url_path="collections")


def _search() -> None:
    from app.web.search.screen import show
    from app.web.session import client

    show(client())


def _ingest() -> None:
    from app.web.ingest.page import show
    from app.web.session import client

    show(client())


def _collections() -> None:
    from app.web.collections.page import show
    from app.web.session import client

    show(client())
